"""Messages that may go out just once, that expire, that keep their order by topic; and what follows from a reply."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from itl.lifecycle.sending import Send, topic_of_reconciliation
from itl.messages import InitiateReconciliationRequest, MessageRequest
from itl.relay import reactions
from itl.relay.lane import Sender, attempt_of
from itl.store import delivery
from itl.store import tables as t
from itl.store.delivery import Lane
from itl.store.posting import post, withdraw
from itl.wire.outgoing import HttpReply
from tests.hub.world import (
    START,
    Answer,
    World,
    accepts,
    answers_another_operation,
    faults,
    is_down,
    is_silent,
    replies,
    talks_nonsense,
)

TOPIC = topic_of_reconciliation("GB1")
LONG = timedelta(hours=1)


def is_busy(_operation: str, _message: Any) -> HttpReply:
    return HttpReply(503, b"try later", {})


def initiation(number: int = 1, **how: Any) -> Send:
    message = InitiateReconciliationRequest(
        sender="ITL",
        addressee="GB",
        major_version=1,
        minor_version=1,
        reconciliation_identifier=f"GB{number}",
        snapshot_datetime=START + LONG,
    )
    return Send("GB", message, **({"topic": TOPIC, "once": True} | how))


def text(content: str, topic: str | None) -> Send:
    message = MessageRequest(
        sender="ITL",
        addressee="GB",
        major_version=1,
        minor_version=1,
        message_content=content,
        message_date_time=START,
    )
    return Send("GB", message, topic=topic)


def put(world: World, *sends: Send) -> None:
    with world.hub.database.write() as connection:
        post(connection, [(None, send) for send in sends], world.clock())


# What is known of an attempt, and what becomes of the message: outbox, message log, whether it goes out again.
ATTEMPTS: dict[str, tuple[Answer, str, str, bool]] = {
    "accepted": (accepts, "accepted", "accepted", False),
    "refused with a code": (replies(0, 1510), "refused", "refused", False),
    "refused without a code": (replies(0), "refused", "refused", False),
    "nobody listens": (is_down, "unreachable", "unreachable", True),
    "too busy to take it": (is_busy, "fault", "fault", True),
    "no answer in time": (is_silent, "unknown", "unreachable", False),
    "a fault": (faults, "unknown", "fault", False),
    "nonsense": (talks_nonsense, "unknown", "fault", False),
    "another reply": (answers_another_operation, "unknown", "fault", False),
    "neither 0 nor 1": (replies(7), "unknown", "fault", False),
}


@pytest.mark.parametrize(("answer", "outcome", "logged", "again"), ATTEMPTS.values(), ids=ATTEMPTS)
def test_what_may_have_arrived_is_not_sent_again(
    world: World, answer: Answer, outcome: str, logged: str, again: bool
) -> None:
    world["GB"].answer = answer
    put(world, initiation())
    world.settle()
    [letter] = world.rows(t.outbox)
    assert (letter.outcome, letter.attempts, letter.delivered_at is None) == (outcome, 1, again)
    [logged_row] = world.rows(t.messages)
    assert (logged_row.outcome, logged_row.reconciliation_identifier) == (logged, "GB1")
    before = len(world["GB"].calls)
    world["GB"].answer = accepts
    world.later(LONG)
    assert len(world["GB"].calls) - before == again
    assert world.rows(t.outbox)[0].delivered_at is not None


def test_an_attempt_stands_written_before_it_goes_out(world: World) -> None:
    seen = []

    def look(operation: str, message: Any) -> HttpReply:
        seen.append(world.rows(t.outbox)[0].sending_since)
        return accepts(operation, message)

    world["GB"].answer = look
    put(world, initiation())
    world.settle()
    assert seen == [START]


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("arrived", [True, False])
def test_a_process_that_dies_while_it_sends_is_no_reason_to_send_again(world: World, arrived: bool) -> None:
    def die(_operation: str, _message: Any) -> HttpReply:
        if not arrived:
            world["GB"].calls.clear()
        raise Killed

    world["GB"].answer = die
    put(world, initiation(), text("after", TOPIC))
    with pytest.raises(Killed):
        world.settle()
    world.restart()
    world["GB"].answer = accepts
    world.later(LONG)
    first, after = world.rows(t.outbox)
    assert (first.outcome, first.attempts) == ("unknown", 1)
    assert "not sent again" in first.problem
    assert after.outcome == "accepted"
    assert [operation for operation, _, _ in world["GB"].calls] == ["initiateReconciliation"] * arrived + [
        "acceptMessage"
    ]
    interrupted = world.rows(t.messages, t.messages.c.operation == "initiateReconciliation")
    assert [(row.outcome, row.request_out_at) for row in interrupted] == [("unreachable", START)]


def test_two_processes_do_not_both_send_it(world: World) -> None:
    put(world, initiation())
    with world.hub.database.read() as connection:
        [letter] = delivery.due_letters(connection, Lane("GB"), START)
    sender = Sender(world.hub.database, world.clock, world.settings, world.hub.identity, "one")
    assert attempt_of(sender, letter, world["GB"]).outcome == "accepted"
    assert attempt_of(sender, letter, world["GB"]) is None
    assert len(world["GB"].calls) == 1


@pytest.mark.parametrize("once", [True, False])
def test_what_nobody_needs_any_more_is_not_sent(world: World, once: bool) -> None:
    world["GB"].answer = is_down
    put(world, initiation(once=once, expires_at=START + LONG))
    world.settle()
    world["GB"].answer = accepts
    world.later(LONG)
    [letter] = world.rows(t.outbox)
    assert (letter.outcome, letter.delivered_at, letter.attempts) == ("expired", START + LONG, 1)
    assert world["GB"].calls == []
    assert len(world.rows(t.messages)) == 1


def test_what_is_taken_back_is_not_sent(world: World) -> None:
    put(world, initiation(), text("another", "elsewhere"))
    with world.hub.database.write() as connection:
        withdraw(connection, "FR", TOPIC, world.clock())
        withdraw(connection, "GB", TOPIC, world.clock())
    world.settle()
    assert [row.outcome for row in world.rows(t.outbox)] == ["withdrawn", "accepted"]
    assert [operation for operation, _, _ in world["GB"].calls] == ["acceptMessage"]


def test_messages_of_a_topic_keep_their_order(world: World) -> None:
    """The first fails for a while; only what belongs to another topic, or to none, goes by."""
    held_back = {"first"}

    def answer(operation: str, message: Any) -> HttpReply:
        return faults(operation, message) if message.message_content in held_back else accepts(operation, message)

    world["GB"].answer = answer
    put(world, text("first", "a"), text("second", "a"), text("of b", "b"), text("of none", None))
    world.settle()
    said = [message.message_content for _, message, _ in world["GB"].calls]
    assert said == ["first", "of b", "of none"]
    held_back.clear()
    world.later(LONG)
    assert [message.message_content for _, message, _ in world["GB"].calls[3:]] == ["first", "second"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (accepts, [("accepted", True, ())]),
        (replies(0, 1510), [("refused", True, (1510,))]),
        (is_down, [("unreachable", False, ())]),
        (is_silent, [("unreachable", True, ())]),
    ],
    ids=["accepted", "refused", "not reached", "no answer"],
)
def test_every_attempt_is_followed_by_its_reaction(
    world: World, answer: Answer, told: list[tuple[str, bool, tuple[int, ...]]]
) -> None:
    heard = []

    def react(connection: Any, letter: Any, attempt: Any, identity: Any, now: Any) -> None:
        assert connection.in_transaction()
        assert (identity.code, now) == ("ITL", START)
        heard.append((attempt.outcome, attempt.is_final, attempt.codes))
        if attempt.answer is not None:
            assert attempt.answer.result_identifier == (attempt.outcome == "accepted")

    world["GB"].answer = answer
    put(world, initiation())
    with patch.dict(reactions.REACTIONS, {"initiateReconciliation": react}):
        world.settle()
    assert heard == told


def test_a_reaction_that_fails_leaves_no_trace_of_the_answer(world: World) -> None:
    """Attempt and what follows from it are one commit: of the answer nothing is known, so nothing is repeated."""

    def fail(*_: Any) -> None:
        raise Killed

    put(world, initiation())
    with patch.dict(reactions.REACTIONS, {"initiateReconciliation": fail}), pytest.raises(Killed):
        world.settle()
    assert world.rows(t.messages) == []
    world.restart()
    world.later(LONG)
    assert [row.outcome for row in world.rows(t.outbox)] == ["unknown"]
    assert len(world["GB"].calls) == 1


def test_a_message_can_be_renewed_each_time_it_goes_out(world: World) -> None:
    def renew(message: Any, now: Any) -> Any:
        return replace(message, message_date_time=now)

    world["GB"].answer = is_down
    put(world, text("now", None))
    with patch.dict(reactions.RENEWALS, {"acceptMessage": renew}):
        world.settle()
        world["GB"].answer = accepts
        world.later(LONG)
    [(_, message, _)] = world["GB"].calls
    assert message.message_date_time == START + LONG
