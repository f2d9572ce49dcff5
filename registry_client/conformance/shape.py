"""Whether a message has a shape that the SOAP stacks of registries read, by the WSDL and by what they are seen to do.

Reading is lenient, writing must not be: each rule here stands for stacks that fail at it, or silently misread. What the
stacks take either way (prefixes, item names, absent types, references) is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lxml import etree

from itl.wire.contract import (
    OPERATION_NAMESPACE,
    OPERATIONS,
    SOAP_ENCODING,
    SOAP_ENVELOPE,
    XSD,
    XSI,
    Array,
    Plan,
    Port,
    Struct,
)
from itl.wire.envelope import parse
from itl.wire.faults import WireFault
from itl.wire.limits import LIMITS
from itl.wire.scalars import Scalar

_NIL, _TYPE, _ARRAY_TYPE = f"{{{XSI}}}nil", f"{{{XSI}}}type", f"{{{SOAP_ENCODING}}}arrayType"
_SIZED = re.compile(r"\[(\d+)\]$")
_DEEPEST = 12
"""No type of the contract is deeper; more is a reference that leads back to itself."""


def is_envelope(body: bytes) -> bool:
    """Whether it is SOAP 1.1 at all, with something in its Body."""
    try:
        return bool(parse(body, LIMITS.reply_bytes, LIMITS).body)
    except WireFault:
        return False


def faults_of_request(port: Port, operation: str, body: bytes) -> list[str]:
    """What is wrong with the shape of a call of `operation`; nothing is good."""
    contract = OPERATIONS[port][operation]
    return _faults(operation, contract.request_part, contract.request_plan, body)


def faults_of_reply(port: Port, operation: str, body: bytes) -> list[str]:
    """What is wrong with the shape of an answer of `operation`; a SOAP fault is none."""
    contract = OPERATIONS[port][operation]
    return _faults(f"{operation}Response", contract.response_part, contract.response_plan, body)


def _faults(wrapper: str, part: str, plan: Struct, body: bytes) -> list[str]:
    try:
        envelope = parse(body, LIMITS.reply_bytes, LIMITS)
    except WireFault as fault:
        return [f"{wrapper} is no SOAP 1.1 envelope: {fault}"]
    if not envelope.body:
        return [f"{wrapper}: the Body is empty"]
    found = envelope.body[0]
    if found.tag == f"{{{SOAP_ENVELOPE}}}Fault":
        return [f"{wrapper} is a SOAP fault: {found.findtext('faultstring')}"]
    if found.tag != f"{{{OPERATION_NAMESPACE}}}{wrapper}":
        return [f"the element of the Body is {found.tag}, it must be {wrapper} in {OPERATION_NAMESPACE}"]
    if [child.tag for child in found] != [part]:
        names = ", ".join(str(child.tag) for child in found) or "nothing"
        return [f"{wrapper} must hold the one element {part} without a namespace; it holds {names}"]
    identified = {str(node.get("id")): node for node in envelope.root.iter() if node.get("id")}
    return [f"{wrapper}/{fault}" for fault in _Walk(identified).faults(plan, found[0], part)]


class _Walk:
    def __init__(self, identified: Mapping[str, etree._Element]) -> None:
        self._identified = identified

    def faults(self, plan: Plan, node: etree._Element, path: str, depth: int = 0) -> Iterator[str]:
        if depth > _DEEPEST:
            return
        target = self._identified.get(str(node.get("href", "")).removeprefix("#"), node)
        if target.get(_NIL) in ("1", "true"):
            return
        if isinstance(plan, Scalar):
            yield from _scalar(plan, target, path)
        elif isinstance(plan, Array):
            yield from self._array(plan, target, path, depth)
        else:
            yield from self._struct(plan, target, path, depth)

    def _struct(self, plan: Struct, node: etree._Element, path: str, depth: int) -> Iterator[str]:
        order = [item.element for item in plan.fields]
        names = [str(child.tag) for child in node]
        unknown = [name for name in names if name not in order]
        if unknown:
            yield f"{path} holds {', '.join(unknown)}, which {plan.name} does not have (elements have no namespace)"
            return
        if names != [name for name in order if name in names]:
            yield f"{path}: the elements stand as {', '.join(names)}, not once each in the order of the WSDL"
            return
        missing = [item.element for item in plan.fields if item.required and item.element not in names]
        if missing:
            yield f"{path} lacks {', '.join(missing)}"
        plans = {item.element: item.plan for item in plan.fields}
        for child in node:
            yield from self.faults(plans[str(child.tag)], child, f"{path}/{child.tag}", depth + 1)

    def _array(self, plan: Array, node: etree._Element, path: str, depth: int) -> Iterator[str]:
        items = len(node)
        size = _SIZED.search(str(node.get(_ARRAY_TYPE, "")))
        if items and size is None:
            yield f"{path}: the array has no soapenc:arrayType with its size"
        elif size is not None and int(size[1]) != items:
            yield f"{path}: soapenc:arrayType says {size[1]} items, there are {items}"
        for number, item in enumerate(node, 1):
            yield from self.faults(plan.item, item, f"{path}[{number}]", depth + 1)


def _scalar(plan: Scalar, node: etree._Element, path: str) -> Iterator[str]:
    if len(node):
        yield f"{path} holds elements, it is a {plan.name}"
        return
    text = node.text or ""
    try:
        plan.parse(text)
    except ValueError as error:
        yield f"{path}: {error}"
    if plan.name == "dateTime" and not re.search(r"(Z|[+-]\d\d:\d\d)$", text.strip()):
        yield f"{path}: {text.strip()} has no time zone; stacks read it as their local time"
    told = str(node.get(_TYPE, ""))
    if told:
        prefix, _, name = told.rpartition(":")
        if (node.nsmap.get(prefix or None), name) != (XSD, plan.name):
            yield f"{path}: its xsi:type is {told}, it must be {plan.name} of XML Schema"
