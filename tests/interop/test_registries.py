"""The log calls registries on foreign SOAP stacks: each side reads exactly what the other meant.

Axis answers in both of its ways: as it comes, every value a multiRef element; and inline, as the United Kingdom's
registry was set.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from itl.messages import NotificationResponse, ProposalResponse, ProvideTimeResponse
from itl.wire.canonical import from_canonical
from itl.wire.contract import OPERATIONS, Port
from itl.wire.decode import decode_reply
from itl.wire.encode import encode_request
from itl.wire.faults import PeerFault
from itl.wire.limits import LIMITS
from itl.wire.outgoing import HttpReply, Peer
from tests.interop.conversation import REGISTRY_REQUESTS, many_blocks, proposal
from tests.interop.foreign import Call, Registry

pytestmark = pytest.mark.interop


STACKS: dict[str, tuple[str, dict[str, Any]]] = {
    "Axis": ("axis", {"multirefs": True}),
    "Axis, inline": ("axis", {"multirefs": False}),
    "PHP": ("php", {}),
    "gSOAP": ("gsoap", {}),
    "SOAP::Lite": ("perl", {}),
    "node soap": ("node", {}),
}


@pytest.fixture(scope="module", params=STACKS)
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    stack, options = STACKS[request.param]
    with request.getfixturevalue(stack).registry(tmp_path_factory.mktemp("registry"), **options) as running:
        yield running


def send(registry: Registry, call: Call) -> HttpReply:
    request = from_canonical(Port.REGISTRY, call)
    peer = Peer(registry.url)
    try:
        return peer.post(request.operation, encode_request(Port.REGISTRY, request.operation, request.message))
    finally:
        peer.close()


def post(registry: Registry, operation: str) -> HttpReply:
    return send(registry, {"operation": operation, "request": REGISTRY_REQUESTS[operation]})


def answered(registry: Registry, operation: str, answer: dict[str, Any]) -> object:
    """What the log reads when the registry answers `operation` with `answer`."""
    registry.answer({operation: answer})
    return decode_reply(Port.REGISTRY, operation, post(registry, operation).body)


def test_there_is_a_request_for_each_operation() -> None:
    assert REGISTRY_REQUESTS.keys() == OPERATIONS[Port.REGISTRY].keys()


@pytest.mark.parametrize("operation", REGISTRY_REQUESTS)
def test_the_registry_reads_what_the_log_means(registry: Registry, operation: str) -> None:
    post(registry, operation)
    assert registry.received()[-1] == {"operation": operation, "request": REGISTRY_REQUESTS[operation]}


def test_the_registry_reads_the_largest_proposal(registry: Registry) -> None:
    call = {"operation": "acceptProposal", "request": proposal("JP100001", *many_blocks(LIMITS.unit_blocks))}
    assert send(registry, call).status == 200
    assert registry.received()[-1] == call


@pytest.mark.parametrize(
    ("operation", "answer", "read"),
    [
        pytest.param(
            "acceptProposal",
            {"resultIdentifier": 1},
            ProposalResponse(result_identifier=1),
            id="no codes: nil as an int",
        ),
        pytest.param(
            "acceptNotification",
            {"resultIdentifier": 0, "responseCodes": [1503, 4003]},
            NotificationResponse(result_identifier=0, response_codes=(1503, 4003)),
            id="codes",
        ),
        pytest.param(
            "acceptProposal",
            {"resultIdentifier": 1, "responseCodes": []},
            ProposalResponse(result_identifier=1, response_codes=()),
            id="an empty array of codes",
        ),
        pytest.param(
            "provideTime",
            {"systemTime": "2012-02-29T23:59:59.250Z", "resultIdentifier": 1},
            ProvideTimeResponse(
                system_time=datetime(2012, 2, 29, 23, 59, 59, 250_000, tzinfo=UTC), result_identifier=1
            ),
            id="a time",
        ),
    ],
)
def test_the_log_reads_what_the_registry_answers(
    registry: Registry, operation: str, answer: dict[str, Any], read: object
) -> None:
    assert answered(registry, operation, answer) == read


def test_the_log_reads_a_fault(registry: Registry) -> None:
    with pytest.raises(PeerFault) as caught:
        answered(registry, "acceptProposal", {"fault": "Unexpected error while processing the request."})
    assert caught.value.kind.rpartition(":")[2].startswith("Server")
    assert caught.value.reason == "Unexpected error while processing the request."


@pytest.mark.parametrize(("registry", "multirefs"), [("Axis", True), ("Axis, inline", False)], indirect=["registry"])
def test_axis_answers_as_is_said_of_it(registry: Registry, multirefs: bool) -> None:
    registry.answer({})
    reply = post(registry, "acceptProposal")
    assert (b'href="#' in reply.body) is multirefs
    assert b'<responseCodes xsi:type="xsd:int" xsi:nil="true"/>' in reply.body
    assert "content-length" not in reply.headers  # its end is the end of the connection
