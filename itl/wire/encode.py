"""Typed messages to the one shape that every known SOAP stack reads: inline, typed, arrays with their size.

A message that lacks a required value, or holds one out of its type's range, is EncodeError: it would be our own fault.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, TypeAlias

from msgspec.structs import replace

from itl.errors import LogError
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
from itl.wire.faults import WireFault
from itl.wire.scalars import Scalar, escape

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<soapenv:Envelope xmlns:soapenv="{SOAP_ENVELOPE}" xmlns:soapenc="{SOAP_ENCODING}"'
    f' xmlns:xsd="{XSD}" xmlns:xsi="{XSI}" xmlns:typens="{TYPE_NAMESPACE}"><soapenv:Body>'
)
_TAIL = "</soapenv:Body></soapenv:Envelope>"

Writer: TypeAlias = Callable[[Any, list[str]], None]


class EncodeError(LogError):
    """A message of ours that its type does not allow: it was made wrong, and is not sent."""


def encode_request(port: Port, operation: str, message: Any) -> bytes:
    """`message` as the request of an operation of `port`: absent optionals left out, empty arrays written."""
    contract = OPERATIONS[port][operation]
    return _envelope(operation, contract.request_part, contract.request_plan, message)


def encode_reply(port: Port, operation: str, message: Any) -> bytes:
    """`message` as the answer of an operation of `port`; without codes there is no array of codes."""
    contract = OPERATIONS[port][operation]
    if message.response_codes == ():
        message = replace(message, response_codes=None)
    return _envelope(f"{operation}Response", contract.response_part, contract.response_plan, message)


def encode_fault(fault: WireFault) -> bytes:
    """`fault` as a SOAP fault, to be sent with HTTP 500: its detail has one element per error, and no text."""
    out = [_HEAD, f"<soapenv:Fault><faultcode>soapenv:{fault.kind}</faultcode><faultstring>"]
    out += [escape(fault.reason), "</faultstring>"]
    if fault.entries:
        out.append(f'<detail><itl:errors xmlns:itl="{OPERATION_NAMESPACE}">')
        for entry in fault.entries:
            code = "" if entry.code is None else f"<code>{entry.code}</code>"
            out.append(f"<error>{code}<path>{escape(entry.path)}</path><reason>{escape(entry.reason)}</reason></error>")
        out.append("</itl:errors></detail>")
    out += ["</soapenv:Fault>", _TAIL]
    return "".join(out).encode()


def _envelope(wrapper: str, part: str, plan: Struct, message: Any) -> bytes:
    out = [
        _HEAD,
        f'<itl:{wrapper} xmlns:itl="{OPERATION_NAMESPACE}" soapenv:encodingStyle="{SOAP_ENCODING}">',
        f'<{part} xsi:type="typens:{plan.name}">',
    ]
    try:
        _content(plan)(message, out)
    except (TypeError, ValueError, AttributeError) as error:
        raise EncodeError(f"{wrapper} cannot be written: {error}") from error
    out += [f"</{part}></itl:{wrapper}>", _TAIL]
    return "".join(out).encode()


@cache
def _content(plan: Struct) -> Writer:
    """What writes the elements of a struct."""
    names = [item.name for item in plan.fields]
    values = attrgetter(*names) if len(names) > 1 else _single(names[0])
    writers = tuple(_element(item.element, item.plan) for item in plan.fields)

    def write(message: Any, out: list[str]) -> None:
        for item, value, writer in zip(plan.fields, values(message), writers, strict=True):
            if value is not None:
                writer(value, out)
            elif item.required:
                raise ValueError(f"{item.element} of {plan.name} is required")

    return write


def _single(name: str) -> Callable[[Any], tuple[Any]]:
    get = attrgetter(name)
    return lambda message: (get(message),)


def _element(name: str, plan: Plan) -> Writer:
    """What writes a value as the element `name` with its type."""
    close = f"</{name}>"
    if isinstance(plan, Scalar):
        return _scalar_element(f'<{name} xsi:type="xsd:{plan.name}">', plan, close)
    if isinstance(plan, Struct):
        return _struct_element(f'<{name} xsi:type="typens:{plan.name}">', plan, close)
    return _array_element(name, plan, close)


def _scalar_element(start: str, plan: Scalar, close: str) -> Writer:
    render = plan.render

    def write(value: Any, out: list[str]) -> None:
        out.append(f"{start}{render(value)}{close}")

    return write


def _struct_element(start: str, plan: Struct, close: str) -> Writer:
    content = _content(plan)

    def write(value: Any, out: list[str]) -> None:
        out.append(start)
        content(value, out)
        out.append(close)

    return write


def _array_element(name: str, plan: Array, close: str) -> Writer:
    item = _element("item", plan.item)
    prefix = "xsd" if isinstance(plan.item, Scalar) else "typens"
    start = f'<{name} xsi:type="soapenc:Array" soapenc:arrayType="{prefix}:{plan.item.name}['

    def write(value: Any, out: list[str]) -> None:
        out.append(f'{start}{len(value)}]">')
        for entry in value:
            item(entry, out)
        out.append(close)

    return write
