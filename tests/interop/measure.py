"""What works between the log and a stack: each operation, and what is beside them, by name.

An outcome is WORKS, or the first thing that one side meant and the other did not read.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable
from typing import Any

from itl.messages import MessageResponse, ProposalResponse
from itl.wire import endpoint
from itl.wire.canonical import from_canonical
from itl.wire.contract import OPERATIONS, Port
from itl.wire.decode import decode_reply
from itl.wire.encode import encode_request
from itl.wire.faults import ClientFault, PeerFault
from itl.wire.limits import LIMITS
from itl.wire.outgoing import HttpReply, Peer
from tests.interop.conversation import (
    ACCEPTED,
    ANSWERS,
    BEYOND,
    EXCHANGES,
    FAULT,
    REGISTRY_REQUESTS,
    many_blocks,
    proposal,
)
from tests.interop.foreign import Basic, Call, Outcome, Registry
from tests.interop.log import PASSWORD, USER, ScriptedPort, served
from tests.interop.stacks import BEYOND_ROW, Stack, Way

WORKS = "works"
LARGEST = f"a proposal of {LIMITS.unit_blocks:,} unit blocks"
FAULTS = "a fault"
UNAUTHORIZED = "a wrong password"
CLIENT_ROWS = (*OPERATIONS[Port.TRANSACTION_LOG], BEYOND_ROW, LARGEST, FAULTS, UNAUTHORIZED)
REGISTRY_ROWS = (*OPERATIONS[Port.REGISTRY], BEYOND_ROW, *ANSWERS, LARGEST, FAULTS)

Outcomes = dict[str, str]


def calling(stack: Stack, way: Way) -> tuple[Outcomes, list[endpoint.Call]]:
    """How it goes when a registry calls the log, by CLIENT_ROWS; and the calls of EXCHANGES, as the log got them."""
    largest = {"operation": "acceptProposal", "request": proposal("GB100001", *many_blocks(LIMITS.unit_blocks))}
    calls = [*(exchange.call for exchange in EXCHANGES), EXCHANGES[0].call, BEYOND, largest]
    accepted = (MessageResponse(result_identifier=1), ProposalResponse(result_identifier=1))
    answers = [*(exchange.answer for exchange in EXCHANGES), FAULT, *accepted]
    log = ScriptedPort((call["operation"], answer) for call, answer in zip(calls, answers, strict=True))
    with served(Port.TRANSACTION_LOG, log) as url:
        *replies, fault, beyond, last = stack.call(url, Basic(USER, PASSWORD), calls, **way.options)
        heard = len(log.calls)
        [refusal] = stack.call(url, Basic(USER, "wrong"), calls[:1], **way.options)
    went = {}
    for operation in OPERATIONS[Port.TRANSACTION_LOG]:
        meant = [exchange for exchange in EXCHANGES if exchange.operation == operation]
        requests = [request for request in log.requests if request["operation"] == operation][: len(meant)]
        read = [reply for exchange, reply in zip(EXCHANGES, replies, strict=True) if exchange in meant]
        went[operation] = _heard(
            [exchange.call for exchange in meant], requests, [exchange.read for exchange in meant], read
        )
    accepted = [{"reply": {"resultIdentifier": 1}}]
    messages = [request for request in log.requests if request["operation"] == "acceptMessage"]
    went[BEYOND_ROW] = _heard([BEYOND], messages[-1:], accepted, [beyond])
    went[LARGEST] = _heard([largest], log.requests[-1:], accepted, [last])
    went[FAULTS] = _fault(fault)
    told = re.search("Unauthorized|user and password", json.dumps(refusal))
    went[UNAUTHORIZED] = WORKS if told and len(log.calls) == heard else f"{refusal!r} was read"
    return went, log.calls[: len(EXCHANGES)]


def called(registry: Registry) -> Outcomes:
    """How it goes when the log calls a registry, by REGISTRY_ROWS."""
    went = {
        operation: _exchange(registry, operation, request, *ACCEPTED[operation])
        for operation, request in REGISTRY_REQUESTS.items()
    }
    went[BEYOND_ROW] = _exchange(registry, "acceptMessage", BEYOND["request"], *ACCEPTED["acceptMessage"])
    for name, (operation, *answer) in ANSWERS.items():
        went[name] = _exchange(registry, operation, REGISTRY_REQUESTS[operation], *answer)
    largest = proposal("JP100001", *many_blocks(LIMITS.unit_blocks))
    went[LARGEST] = _exchange(registry, "acceptProposal", largest, *ACCEPTED["acceptProposal"])
    registry.answer({"provideTime": {"fault": FAULT.reason}})
    fault = _read("provideTime", send(registry, "provideTime", REGISTRY_REQUESTS["provideTime"]))
    went[FAULTS] = difference(FAULT.reason, fault.reason if isinstance(fault, PeerFault) else fault)
    return went


def send(registry: Registry, operation: str, request: dict[str, Any]) -> HttpReply:
    """What the registry answers to a call of the log, on a connection of its own."""
    message = from_canonical(Port.REGISTRY, {"operation": operation, "request": request}).message
    with Peer(registry.url) as peer:
        return peer.post(operation, encode_request(Port.REGISTRY, operation, message))


def difference(meant: Any, read: Any, path: str = "") -> str:
    """WORKS, or where `read` first differs from `meant`."""
    if isinstance(meant, dict) and isinstance(read, dict):
        parts = [(name, meant.get(name), read.get(name)) for name in meant | read]
    elif isinstance(meant, list) and isinstance(read, list) and len(meant) == len(read):
        parts = [(place, *pair) for place, pair in enumerate(zip(meant, read, strict=True), 1)]
    else:
        return WORKS if meant == read else f"{path} {meant!r} was meant, {read!r} read".lstrip()
    return _first(difference(*pair, f"{path}/{name}") for name, *pair in parts)


def _heard(calls: list[Call], requests: list[Call], replies: list[Outcome], read: list[Outcome]) -> str:
    """Whether the log read `calls`, and the registry `replies`; a fault that nobody meant says why not."""
    faults = (reply["fault"]["string"].partition(", line ")[0] for reply in read if "fault" in reply)
    return _first((*faults, difference(calls, requests), difference(replies, read)))


def _first(outcomes: Iterable[str]) -> str:
    return next((outcome for outcome in outcomes if outcome != WORKS), WORKS)


def _fault(outcome: Outcome) -> str:
    """Whether FAULT was read with its errors; stacks differ in the code's prefix and in the form of the detail."""
    if "fault" not in outcome:
        return f"{outcome!r} was read"
    read = outcome["fault"]
    detail = json.dumps(read["detail"], ensure_ascii=False)
    errors = itertools.chain(*((str(entry.code), entry.path, entry.reason) for entry in FAULT.entries))
    return _first(
        (
            difference(FAULT.kind, read["code"].rpartition(":")[2], "/faultcode"),
            difference(FAULT.reason, read["string"], "/faultstring"),
            *(WORKS if text in detail else f"/detail lacks {text!r}" for text in errors),
        )
    )


def _exchange(registry: Registry, operation: str, request: dict[str, Any], answer: Any, meant: object) -> str:
    registry.answer({operation: answer})
    reply = _read(operation, send(registry, operation, request))
    received = difference({"operation": operation, "request": request}, registry.received()[-1])
    return _first((received, difference(meant, reply)))


def _read(operation: str, reply: HttpReply) -> object:
    try:
        return decode_reply(Port.REGISTRY, operation, reply.body)
    except (ClientFault, PeerFault) as error:
        return error
