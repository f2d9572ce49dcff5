"""The WSDL of a port as it is published by an endpoint: our files, with the endpoint's real address in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from xml.sax.saxutils import escape, quoteattr

from itl.wire.contract import WSDL_FILES, Port, schema_file, wsdl_file

_ADDRESS = re.compile(rb'(?<=<soap:address )location="[^"]*"')
_SERVICE = re.compile(rb"<service [^>]*>")

# By the relative names under which the WSDL files and their imports know each other.
IMPORTED: Mapping[str, bytes] = MappingProxyType(
    {"common.wsdl": wsdl_file("common.wsdl")}
    | {name: schema_file(name) for name in ("soap-encoding.xsd", "soap-encoding-items.xsd")}
)


def wsdl(port: Port, address: str, notice: str = "") -> bytes:
    """The WSDL of `port`, offered at the URL `address`, with a `notice` as the documentation of the service."""
    location = f"location={quoteattr(address)}".encode()
    published = _ADDRESS.sub(lambda _: location, wsdl_file(WSDL_FILES[port]))
    if not notice:
        return published
    documentation = f"\n    <documentation>{escape(notice)}</documentation>".encode()
    return _SERVICE.sub(lambda found: found[0] + documentation, published)
