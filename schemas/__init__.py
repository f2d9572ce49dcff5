"""The XML schemas of the data exchange standards, the one source of the contract (see `itl.wire.contract`)."""
