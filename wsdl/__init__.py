"""The interface as published: one WSDL per port and the types that both import (see `itl.wire.contract`)."""
