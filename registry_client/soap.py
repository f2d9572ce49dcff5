"""What zeep needs to speak section-5 encoding as Axis registries do, and to do it without the network.

zeep reads our WSDL and writes the elements, but leaves out the types, array types and encoding style that Axis demands:
`SectionFive` adds them on the way out. The contract's files come from the packages beside this one; no other is loaded.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import requests
import zeep
from lxml import etree
from requests.adapters import HTTPAdapter
from zeep.transports import Transport

from itl.wire.contract import (
    OPERATION_NAMESPACE,
    SOAP_ENCODING,
    SOAP_ENVELOPE,
    TYPE_NAMESPACE,
    WSDL_FILES,
    XSD,
    XSI,
    Port,
    python_name,
)

CONTRACT = "https://contract.invalid/"
"""Where zeep is told that the contract lies; nothing is fetched from it."""

_PACKAGES = ("itl_wsdl", "itl_schemas")
_PREFIXES = {XSD: "xsd", TYPE_NAMESPACE: "typens", SOAP_ENCODING: "soapenc"}
_TYPE, _ARRAY_TYPE = f"{{{XSI}}}type", f"{{{SOAP_ENCODING}}}arrayType"
_ENCODING_STYLE = f"{{{SOAP_ENVELOPE}}}encodingStyle"


class ContractTransport(Transport):
    """Loads the contract from its packages, and posts with time-outs over a session of its own."""

    def __init__(self, session: requests.Session, timeout: float | tuple[float, float]) -> None:
        super().__init__(session=session, operation_timeout=timeout)  # type: ignore[no-untyped-call]

    def load(self, url: str) -> bytes:
        """A file of the contract; LookupError for any other address."""
        name = "soap-encoding.xsd" if url == SOAP_ENCODING else url.removeprefix(CONTRACT)
        for package in _PACKAGES:
            file = files(package).joinpath(name)
            if "/" not in name and file.is_file():
                return file.read_bytes()
        raise LookupError(f"{url} is no part of the contract, and nothing is fetched from the network")


class SectionFive(zeep.Plugin):
    """Adds to a request of zeep what section-5 encoding wants, by the types that zeep read from the WSDL."""

    def egress(self, envelope: Any, http_headers: Any, operation: Any, binding_options: Any) -> tuple[Any, Any]:
        encoded = etree.Element(
            envelope.tag,
            nsmap={"soapenv": SOAP_ENVELOPE, "xsi": XSI} | {prefix: uri for uri, prefix in _PREFIXES.items()},
        )
        encoded.extend(envelope)
        wrapper = encoded[-1][0]
        wrapper.set(_ENCODING_STYLE, SOAP_ENCODING)
        parts = operation.input.body.type.elements
        for node, (_, part) in zip(wrapper, parts, strict=True):
            _annotate(node, part.type)
        etree.cleanup_namespaces(encoded, keep_ns_prefixes=[*_PREFIXES.values(), "xsi"])
        return encoded, http_headers


def client(session: requests.Session, timeout: float | tuple[float, float], port: Port) -> zeep.Client:
    """A zeep client of `port` that returns the raw HTTP answers."""
    return zeep.Client(  # type: ignore[no-untyped-call]
        CONTRACT + WSDL_FILES[port],
        transport=ContractTransport(session, timeout),
        plugins=[SectionFive()],
        settings=zeep.Settings(raw_response=True, forbid_dtd=True, force_https=False),
    )


def service(zeep_client: zeep.Client, port: Port, url: str) -> Any:
    """The operations of `port` at `url`, whatever address the WSDL gives."""
    binding = f"{{{OPERATION_NAMESPACE}}}{port.value.removesuffix('Port')}Binding"
    return zeep_client.create_service(binding, url)  # type: ignore[no-untyped-call]


def session(*, certificate: str | tuple[str, str] | None, authority: str | bool) -> requests.Session:
    """An HTTP session that follows no redirection and takes nothing from the environment."""
    made = requests.Session()
    made.trust_env = False
    made.max_redirects = 0
    made.cert = certificate
    made.verify = authority
    for scheme in ("http://", "https://"):
        made.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=1))
    return made


def value_of(message: Any, zeep_type: Any) -> Any:
    """A typed message, or a part of one, as a value of zeep's type."""
    if message is None or isinstance(message, (str, int)) or not hasattr(zeep_type, "elements"):
        return message
    if zeep_type._array_type is not None:
        items = [value_of(item, _item_type(zeep_type)) for item in message]
        # zeep may demand at least one item of an array: an empty one is left without content
        return zeep_type(items) if items else zeep_type._value_class(_value_1=zeep.xsd.SkipValue)
    return zeep_type(
        **{name: value_of(getattr(message, python_name(field.name)), field.type) for name, field in zeep_type.elements}
    )


def _item_type(array_type: Any) -> Any:
    return array_type._array_type.array_type


def _annotate(node: Any, zeep_type: Any) -> None:
    if not hasattr(zeep_type, "elements"):
        node.set(_TYPE, _name(zeep_type.qname))
    elif zeep_type._array_type is not None:
        item = _item_type(zeep_type)
        node.set(_TYPE, "soapenc:Array")
        node.set(_ARRAY_TYPE, f"{_name(item.qname)}[{len(node)}]")
        for child in node:
            _annotate(child, item)
    else:
        node.set(_TYPE, _name(zeep_type.qname))
        types = {element.name: element.type for _, element in zeep_type.elements}
        for child in node:
            _annotate(child, types[child.tag])


def _name(qualified: etree.QName) -> str:
    return f"{_PREFIXES[str(qualified.namespace)]}:{qualified.localname}"
