"""Messages that the log passes on without reading them: once, in their order, on a lane of their own."""

from __future__ import annotations

from typing import Any

import pytest

from itl.messages import RelayRequest
from itl.store import tables as t
from tests.hub.schemes import enrol_scheme, enrol_stl, take_relays
from tests.hub.world import (
    EXTERNAL,
    HOUR,
    ISSUANCE,
    Answer,
    World,
    accepts,
    faults,
    is_down,
    is_silent,
    replies,
    talks_nonsense,
    units,
)

DOCUMENT = '<?xml version="1.0"?>\n<account identifier="1"><holder>Zoë &amp; Søn</holder></account>  '


def relayed(
    number: int = 1, sender: str = "GB", to: str = "CITL", content: str = DOCUMENT, **more: Any
) -> RelayRequest:
    plain = {
        "sender": sender,
        "addressee": to,
        "major_version": 1,
        "minor_version": 1,
        "operation_name": "createAccount",
    }
    return RelayRequest(**(plain | {"relay_identifier": str(number), "message_content": content} | more))


def contents(world: World, code: str) -> list[tuple[str, str]]:
    """Sender and identifier of what was relayed to `code`, in its order."""
    return [
        (message.sender, message.relay_identifier)
        for operation, message, _ in world[code].calls
        if operation == "relayMessage"
    ]


@pytest.fixture
def both(world: World) -> World:
    """A supplementary log and a member that both take relayed messages."""
    enrol_scheme(world)
    take_relays(world, "GB")
    return world


def test_a_message_is_passed_on_as_it_is(both: World) -> None:
    message = relayed()
    assert both.say(message) == 1
    both.settle()
    [(operation, received, _)] = both["CITL"].calls
    assert (operation, received) == ("relayMessage", message)
    log = both.rows(t.messages, t.messages.c.operation == "relayMessage")
    assert [(row.direction, row.sender, row.addressee, row.outcome) for row in log] == [
        ("in", "GB", "CITL", "accepted"),
        ("out", "ITL", "CITL", "accepted"),
    ]
    [row] = both.rows(t.relays)
    assert (row.sender, row.relay_identifier, row.addressee, row.operation_name) == ("GB", "1", "CITL", "createAccount")


def test_the_answer_goes_the_other_way(both: World) -> None:
    assert both.say(relayed(sender="CITL", to="GB", operation_name="receiveAccountOperationOutcome")) == 1
    both.settle()
    assert contents(both, "GB") == [("CITL", "1")]


def test_a_repeat_is_passed_on_once(both: World) -> None:
    for _ in range(2):
        assert both.say(relayed()) == 1
        both.settle()
    both.restart()
    assert both.say(relayed()) == 1
    both.settle()
    assert contents(both, "CITL") == [("GB", "1")]
    assert [row.outcome for row in both.rows(t.messages, t.messages.c.direction == "in")] == [
        "accepted",
        "repeat",
        "repeat",
    ]


def test_an_identifier_is_its_senders_own(both: World) -> None:
    assert both.say(relayed()) == 1
    assert both.say(relayed(content="<another/>")) == (1107,)
    assert both.say(relayed(operation_name="closeAccount")) == (1107,)
    assert both.say(relayed(sender="FR")) == 1
    both.settle()
    assert contents(both, "CITL") == [("GB", "1"), ("FR", "1")]


@pytest.mark.parametrize(
    ("message", "codes"),
    [
        (relayed(to="XYZ"), (1005,)),
        (relayed(to="FR"), (1005,)),
        (relayed(to="ITL"), (1005,)),
        (relayed(sender="CITL", to="CITL"), (1005,)),
        (relayed(sender="CITL", to="FR"), (1505,)),
        (relayed(minor_version=9), (1032,)),
    ],
)
def test_what_cannot_be_passed_on_is_refused(both: World, message: RelayRequest, codes: tuple[int, ...]) -> None:
    assert both.say(message) == codes
    assert both.rows(t.outbox) == []


def test_nobody_speaks_for_another(both: World) -> None:
    assert both.say(relayed(), user="fr") == (1002,)


@pytest.mark.parametrize("trouble", [is_down, is_silent, faults, talks_nonsense, replies(0)])
def test_the_senders_order_is_kept_through_trouble(both: World, trouble: Answer) -> None:
    both["CITL"].answer = trouble
    for number in (1, 2, 3):
        assert both.say(relayed(number)) == 1
        both.settle()
    assert {identifier for _, identifier in contents(both, "CITL")} <= {"1"}
    both["CITL"].answer = accepts
    both.later(HOUR)
    delivered = contents(both, "CITL")
    assert delivered[-3:] == [("GB", "1"), ("GB", "2"), ("GB", "3")]
    assert all(row.outcome == "accepted" for row in both.rows(t.outbox))


def test_what_the_addressee_refuses_holds_up_nothing(both: World) -> None:
    both["CITL"].answer = replies(0, 7999)
    for number in (1, 2):
        both.say(relayed(number))
    both.settle()
    assert contents(both, "CITL") == [("GB", "1"), ("GB", "2")]
    assert [(row.outcome, row.response_codes) for row in both.rows(t.outbox)] == [("refused", "7999")] * 2


def test_neither_queue_holds_up_the_other(both: World) -> None:
    """Relayed messages that cannot be delivered, and transactions that cannot, each wait for themselves."""

    def takes_transactions_only(operation: str, message: Any) -> Any:
        return is_down(operation, message) if operation == "relayMessage" else accepts(operation, message)

    def takes_relays_only(operation: str, message: Any) -> Any:
        return accepts(operation, message) if operation == "relayMessage" else is_down(operation, message)

    both.issue(1, 100, "JP")
    both["CITL"].answer = takes_transactions_only
    both.say(relayed(1))
    both.settle()
    assert both.propose("JP", "JP2", EXTERNAL, units(1, 10, "JP"), to="GB") == 1
    both.settle()
    [waiting] = [row for row in both.rows(t.outbox) if row.delivered_at is None]
    assert waiting.operation == "relayMessage"
    assert {
        (lane.receiver, lane.queue, lane.failures > 0) for lane in both.rows(t.lanes) if lane.receiver == "CITL"
    } == {
        ("CITL", "main", False),
        ("CITL", "relay", True),
    }
    both["CITL"].answer = takes_relays_only
    both.later(HOUR)
    assert both.propose("GB", "GB3", ISSUANCE, units(1, 10)) == 1
    both.say(relayed(2))
    both.settle()
    [waiting] = [row for row in both.rows(t.outbox) if row.delivered_at is None]
    assert (waiting.operation, waiting.receiver) == ("acceptProposal", "CITL")


def test_a_registry_that_takes_none_leaves_the_sender_no_doubt(world: World) -> None:
    enrol_stl(world)
    assert world.say(relayed(sender="CITL", to="GB")) == (1505,)
    take_relays(world, "GB")
    assert world.say(relayed(sender="CITL", to="GB")) == 1
