"""Messages as Apache Axis 1.4 writes them: structs and numbers by reference, each an element of its own."""

from __future__ import annotations

from typing import Any

from itl.wire.contract import (
    OPERATION_NAMESPACE,
    OPERATIONS,
    SOAP_ENCODING,
    SOAP_ENVELOPE,
    TYPE_NAMESPACE,
    XSD,
    XSI,
    Array,
    Plan,
    Port,
    Struct,
)
from itl.wire.scalars import Scalar


def encode(port: Port, operation: str, message: Any) -> bytes:
    """`message` as the request of an operation of `port`."""
    contract = OPERATIONS[port][operation]
    references = _References()
    part = references.element(contract.request_part, contract.request_plan, message)
    return "".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f'<soapenv:Envelope xmlns:soapenv="{SOAP_ENVELOPE}" xmlns:xsd="{XSD}" xmlns:xsi="{XSI}"><soapenv:Body>'
            f'<ns1:{operation} soapenv:encodingStyle="{SOAP_ENCODING}" xmlns:ns1="{OPERATION_NAMESPACE}">'
            f"{part}</ns1:{operation}>",
            *references.written,
            "</soapenv:Body></soapenv:Envelope>",
        )
    ).encode()


class _References:
    """The multiRef elements of one message: one for each struct and number, but equal small numbers share one.

    Axis refers to objects, and Java keeps one object for every number from -128 to 127.
    """

    def __init__(self) -> None:
        self.written: list[str] = []
        self._numbers: dict[tuple[str, int], str] = {}

    def element(self, name: str, plan: Plan, value: Any) -> str:
        if isinstance(plan, Array):
            items = "".join(self.element(name, plan.item, entry) for entry in value)
            kind = f'soapenc:arrayType="typens:{plan.item.name}[{len(value)}]" xsi:type="soapenc:Array"'
            return f"<{name} {kind}>{items}</{name}>"
        if value is None:
            return f'<{name} xsi:type="xsd:{plan.name}" xsi:nil="true"/>'
        if isinstance(plan, Struct):
            content = "".join(self.element(item.element, item.plan, getattr(value, item.name)) for item in plan.fields)
            return f'<{name} href="#{self._write(f"typens:{plan.name}", content)}"/>'
        if isinstance(value, int):
            return f'<{name} href="#{self._number(plan, value)}"/>'
        return f'<{name} xsi:type="xsd:{plan.name}">{plan.render(value)}</{name}>'

    def _number(self, plan: Scalar, value: int) -> str:
        key = plan.name, value
        identifier = self._numbers.get(key) or self._write(f"xsd:{plan.name}", plan.render(value))
        if -128 <= value <= 127:
            self._numbers[key] = identifier
        return identifier

    def _write(self, kind: str, content: str) -> str:
        identifier = f"id{len(self.written)}"
        self.written.append(
            f'<multiRef id="{identifier}" soapenc:root="0" soapenv:encodingStyle="{SOAP_ENCODING}" xsi:type="{kind}"'
            f' xmlns:soapenc="{SOAP_ENCODING}" xmlns:typens="{TYPE_NAMESPACE}">{content}</multiRef>'
        )
        return identifier
