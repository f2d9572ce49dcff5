"""The same message twice has one effect and the same answer; the same identifier with other content is refused."""

from __future__ import annotations

import pytest

from itl.messages import MessageRequest
from itl.store import tables as t
from itl.wire.contract import Port
from itl.wire.encode import encode_request
from tests.hub.world import (
    CANCELLATION,
    EXTERNAL,
    HEAD,
    ISSUANCE,
    START,
    World,
    is_down,
    notification,
    proposal,
    units,
)

STATE = (t.transactions, t.status_history, t.evaluations, t.inbox, t.outbox, t.reservations, t.unit_blocks)

EXCHANGE = (
    proposal("GB", "GB2", EXTERNAL, units(11, 50), to="FR"),
    notification("FR", "GB2", 8),
    notification("GB", "GB2", 4),
    notification("FR", "GB2", 4),
)


@pytest.mark.parametrize("before_work", [True, False], ids=["before the log worked", "after the log worked"])
def test_each_message_of_an_exchange_may_come_again(world: World, before_work: bool) -> None:
    """At once, and again after every later step: result 1, no second effect, whatever the state is by now."""
    world.issue(1, 100)
    for step, message in enumerate(EXCHANGE, 1):
        assert world.say(message) == 1
        if not before_work:
            world.settle()
        before = [world.rows(table) for table in STATE]
        for earlier in EXCHANGE[:step]:
            assert world.say(earlier) == 1
        assert [world.rows(table) for table in STATE] == before
        world.settle()
    assert world["FR"].heard == [("GB2", 1), ("GB2", 4)]
    assert world["GB"].heard == [("GB1", 2), ("GB2", 8)]
    assert world.history("GB2") == [(1, "GB"), (2, "ITL"), (8, "FR"), (4, "GB")]
    assert world.places() == [("GB", 1, 10, "GB", 100), ("GB", 11, 50, "FR", 100), ("GB", 51, 100, "GB", 100)]


def test_repeat_after_the_end_by_rejection_termination_and_time_out(world: World) -> None:
    world.issue(1, 100)
    rejected = proposal("GB", "GB2", EXTERNAL, units(1, 50), to="FR")
    for message in (rejected, notification("FR", "GB2", 6, 5904), notification("GB", "GB2", 5)):
        assert world.say(message) == 1
        world.settle()
    failed = proposal("GB", "GB3", CANCELLATION, units(901, 950))
    timed_out = proposal("GB", "GB4", CANCELLATION, units(1, 50))
    assert (world.say(failed), world.say(timed_out)) == (1, 1)
    world.settle()
    world.clock.set(START.replace(day=2))
    world.settle()
    before = [world.rows(table) for table in STATE]
    for message in (rejected, notification("FR", "GB2", 6, 5904), notification("GB", "GB2", 5), failed, timed_out):
        assert world.say(message) == 1
    assert [world.rows(table) for table in STATE] == before


def test_repeat_in_another_spelling(world: World) -> None:
    """What counts is what a message says: here without the optional blanks, and compressed the other way round."""
    message = proposal("GB", "GB1", ISSUANCE, units(1, 50))
    body = encode_request(Port.TRANSACTION_LOG, "acceptProposal", message)
    respelled = body.replace(b">GB1<", b">\n GB1<").replace(
        b"<unitSerialBlockStart ", b"<!-- serials -->\n<unitSerialBlockStart "
    )
    assert world.say(message) == 1
    status, answer = world.post(respelled.replace(b">\n GB1<", b">GB1<"), "acceptProposal", "gb")
    assert (status, b">1</resultIdentifier>" in answer) == ("200 OK", True)
    assert len(world.rows(t.transactions)) == 1


def test_identifier_with_other_content_is_refused_and_the_first_is_untouched(world: World) -> None:
    world.issue(1, 100)
    first = proposal("GB", "GB2", CANCELLATION, units(1, 50))
    assert world.say(first) == 1
    for later in (
        proposal("GB", "GB2", CANCELLATION, units(1, 51)),
        proposal("GB", "GB2", CANCELLATION, units(1, 50), to="FR"),
        proposal("GB", "GB2", EXTERNAL, units(1, 50), to="FR"),
    ):
        assert world.say(later) == (3001,)
    world.settle()
    for later in (proposal("GB", "GB2", CANCELLATION, units(60, 70)), proposal("GB", "GB1", ISSUANCE, units(1, 9))):
        assert world.say(later) == (3001,)
    assert world.say(first) == 1
    world.settle()
    assert world.history("GB2") == [(1, "GB"), (2, "ITL")]
    assert world["GB"].heard == [("GB1", 2), ("GB2", 2)]
    assert world.reserved() == [("GB", 1, 50)]


def test_verdict_not_yet_delivered_stays_queued_when_the_proposal_comes_again(world: World) -> None:
    world["GB"].answer = is_down
    message = proposal("GB", "GB1", ISSUANCE, units(1, 50))
    world.say(message)
    world.settle()
    before = world.rows(t.outbox)
    assert world.say(message) == 1
    world.settle()
    assert world.rows(t.outbox) == before
    assert len(before) == 1


def test_refused_message_is_judged_afresh(world: World) -> None:
    """What the door refused was not accepted, so it is no repeat when it comes at a better time."""
    world.issue(1, 100)
    world.propose("GB", "GB2", CANCELLATION, units(1, 50))
    completion = notification("GB", "GB2", 4)
    assert world.say(completion) == (3013,)
    assert world.say(completion) == (3013,)
    world.settle()
    assert world.say(completion) == 1
    assert world.status("GB2") == 4


def test_completion_of_another_spelling_is_no_second_completion(world: World) -> None:
    """Another party type, or results nobody asked for, make another message, which the state answers."""
    world.issue(1, 100)
    world.reach(4, EXTERNAL, "GB2")
    for again in (notification("GB", "GB2", 4, party_type=0), notification("GB", "GB2", 4, 4003)):
        assert world.say(again) == 1
    world.settle()
    assert world.history("GB2")[-1] == (4, "GB")
    assert [status for _, status in world["FR"].heard] == [1, 4]
    assert world.notify("FR", "GB2", 4) == 1
    confirmed = world.transaction("GB2")
    world.later(START - START)
    assert world.notify("FR", "GB2", 4, party_type=2) == 1
    assert world.transaction("GB2") == confirmed


@pytest.mark.parametrize(
    "identifier", ["GB0", "GB01", "FR1", "GB", "", "GB1234567890123456", "gb1", "GB 1", "GB1\u0661"], ids=repr
)
def test_malformed_identifier_is_not_occupied(world: World, identifier: str) -> None:
    """2001: each other proposal with it is judged by itself, the same one is a repeat."""
    first, second = (proposal("GB", identifier, ISSUANCE, units(start, start + 9)) for start in (1, 101))
    assert [world.say(message) for message in (first, first, second)] == [1, 1, 1]
    world.settle()
    assert [row.status for row in world.rows(t.transactions)] == [3, 3]
    assert world["GB"].codes(identifier, 3) == [2001]
    assert len(world["GB"].calls) == 2
    if identifier == "FR1":
        assert world.propose("FR", "FR1", ISSUANCE, units(1, 10, "FR")) == 1


def test_proposal_refused_at_the_door_does_not_occupy_its_identifier(world: World) -> None:
    refused = proposal("GB", "GB1", EXTERNAL, units(1, 50), to="ZZ")
    assert world.say(refused) == (1502,)
    assert world.say(refused) == (1502,)
    assert world.rows(t.transactions) == []
    assert world.propose("GB", "GB1", ISSUANCE, units(1, 50)) == 1
    assert world.say(refused) == (1502,)


def test_two_registries_may_say_the_same(world: World) -> None:
    """A repeat is known by its sender too."""
    texts = [
        MessageRequest(sender=code, **HEAD, message_content="good morning", message_date_time=START)
        for code in ("GB", "FR")
    ]
    assert [world.say(text) for text in [*texts, *texts]] == [1, 1, 1, 1]
    assert [(row.sender, row.operation) for row in world.rows(t.inbox)] == [
        ("GB", "acceptMessage"),
        ("FR", "acceptMessage"),
    ]
