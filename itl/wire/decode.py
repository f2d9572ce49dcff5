"""Section-5 messages to typed messages: any dialect in, validated on the way by the plans of the contract.

Every reference is resolved once and its value shared, so that equal references give the same object. What references
repeat is counted as if it had been written out, and bounded by the bytes received.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from itl.wire import runs
from itl.wire.contract import EVERY_OPERATION, NAMESPACES, OPERATIONS, SOAP_ENVELOPE, Operation, Port, Struct
from itl.wire.envelope import Envelope, judge_headers, parse, too_large
from itl.wire.explain import explained
from itl.wire.faults import MISSING, UNKNOWN, ClientFault, FaultEntry, PeerFault
from itl.wire.limits import LIMITS, Limits
from itl.wire.reader import Reader
from itl.wire.references import References
from itl.wire.runs import Run


@dataclass(frozen=True, slots=True)
class Decoded:
    """A request as its type: `message` is an instance of the operation's class in `itl.messages`.

    `header` is the envelope's Header element, for who checks signatures. `work` counts the values read, repeated ones
    each time.
    """

    operation: str
    message: Any
    header: etree._Element | None = field(default=None, compare=False)
    work: int = field(default=0, compare=False)


def decode_request(port: Port, body: bytes, limits: Limits = LIMITS) -> Decoded:
    """The request of an operation of `port` in the SOAP message `body`; ClientFault if it cannot be read as one."""
    return _decode(OPERATIONS[port], body, limits)


def decode_any(body: bytes, limits: Limits = LIMITS) -> Decoded:
    """The request of an operation of any port in `body`; ClientFault if it cannot be read as one."""
    return _decode(EVERY_OPERATION, body, limits)


def decode_reply(port: Port, operation: str, body: bytes, limits: Limits = LIMITS) -> Any:
    """The answer of an operation in `body`, typed; PeerFault if it is a SOAP fault, ClientFault if it is neither."""
    contract = OPERATIONS[port][operation]
    envelope = parse(body, limits.reply_bytes, limits)
    wrapper = _wrapper(envelope)
    if wrapper.tag == f"{{{SOAP_ENVELOPE}}}Fault":
        raise _peer_fault(wrapper)
    parts = list(wrapper)
    if len(parts) != 1:
        raise ClientFault(f"{wrapper.tag} must hold one part, {contract.response_part}; it holds {len(parts)}")
    message, _ = _read(envelope, contract.response_plan, contract.response_part, parts[0], len(body), limits)
    return message


def _decode(operations: Any, body: bytes, limits: Limits) -> Decoded:
    run = None if limits.validate else runs.find(body)
    if run is not None:
        try:
            decoded = _decode_tree(operations, body, limits, run)
        except (ClientFault, runs.UnlikeError):
            run.is_read = False  # what is wrong, and where, is told from the whole
        if run.is_read:
            return decoded
    return _decode_tree(operations, body, limits)


def _decode_tree(operations: Any, body: bytes, limits: Limits, run: Run | None = None) -> Decoded:
    envelope = parse(body, limits.largest_request(), limits, run)
    wrapper = _wrapper(envelope)
    judge_headers(envelope.header)
    operation = _operation(operations, wrapper)
    largest = limits.request_bytes_of(operation.name)
    if len(body) > largest:
        raise too_large(f"the message has {len(body)} bytes, at most {largest} are read for {operation.name}")
    limits = limits.of(operation.name)
    part = _part(operation, wrapper, limits)
    message, work = _read(envelope, operation.request_plan, operation.request_part, part, len(body), limits, run)
    return Decoded(operation.name, message, envelope.header, work)


def _wrapper(envelope: Envelope) -> etree._Element:
    if not envelope.body:
        raise ClientFault("the Body of the message is empty")
    return envelope.body[0]


def _operation(operations: Any, wrapper: etree._Element) -> Operation:
    name = etree.QName(wrapper)
    if name.namespace not in NAMESPACES:
        raise ClientFault(f"{wrapper.tag} is not an operation: its namespace must be {NAMESPACES[0]}")
    operation: Operation | None = operations.get(name.localname)
    if operation is None:
        raise ClientFault(f"{name.localname} is not an operation of this service; it has {', '.join(operations)}")
    return operation


def _part(operation: Operation, wrapper: etree._Element, limits: Limits) -> etree._Element:
    expected = operation.request_part
    parts = {etree.QName(child).localname: child for child in wrapper}
    part = parts.get(expected)
    if part is not None and len(wrapper) == 1:
        return part
    fields = {item.element for item in operation.request_plan.fields}
    if part is None and fields & parts.keys():
        reason = f"the elements must stand in one element {expected}, not directly in {operation.name}"
    elif part is None:
        reason = f"{operation.name} must hold one element {expected}"
    else:
        reason = f"{operation.name} must hold nothing but one element {expected}"
    entries = [] if part is not None else [FaultEntry(MISSING, f"/{expected}", reason)]
    entries += [FaultEntry(UNKNOWN, f"/{name}", reason) for name in parts if name != expected]
    raise ClientFault(reason, tuple(entries[: limits.errors]))


def _read(
    envelope: Envelope,
    plan: Struct,
    name: str,
    part: etree._Element,
    size: int,
    limits: Limits,
    run: Run | None = None,
) -> tuple[Any, int]:
    references = References(envelope.body, limits.expansion * size)
    reader = Reader(references, name, limits, run)
    message = reader.read(plan, part)
    if message is None:
        reader.errors.append(FaultEntry(MISSING, f"/{name}", f"{name} is nil"))
    if reader.errors or limits.validate:
        entries = explained(plan, name, part, references, reader.errors, size, limits)
        if entries:
            raise ClientFault(f"the message is not a valid {plan.name}", entries)
    return message, reader.work


def _peer_fault(fault: etree._Element) -> PeerFault:
    texts = {etree.QName(child).localname: child for child in fault}

    def text(name: str) -> str:
        node = texts.get(name)
        return "" if node is None else " ".join("".join(str(part) for part in node.itertext()).split())[:2000]

    return PeerFault(text("faultcode") or "unknown", text("faultstring") or "no reason given", text("detail"))
