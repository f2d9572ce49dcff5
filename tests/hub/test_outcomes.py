"""What a registry answered is written down many at a time, and still none is lost, late, or spoilt by another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from itl.relay import reactions
from itl.relay.lane import run_lane
from itl.relay.outcomes import LATE, Outcomes
from itl.store import tables as t
from itl.store.delivery import Lane
from itl.wire.outgoing import HttpReply
from tests.hub.world import EXTERNAL, ISSUANCE, World, accepts, is_down, replies, units

LETTERS = 40


def proposed(world: World, count: int = LETTERS) -> None:
    """GB has the verdicts on `count` issuances to hear."""
    for number in range(1, count + 1):
        assert world.propose("GB", f"GB{number}", ISSUANCE, units(number, number)) == 1
    while world.hub.worker.once():
        pass


def delivered(world: World) -> list[bool]:
    return [row.delivered_at is not None for row in world.rows(t.outbox)]


@contextmanager
def commits(world: World) -> Iterator[list[None]]:
    seen: list[None] = []

    def note(_connection: object) -> None:
        seen.append(None)

    sa.event.listen(world.hub.database.engine, "commit", note)
    yield seen
    sa.event.remove(world.hub.database.engine, "commit", note)


def test_many_messages_are_two_commits(world: World) -> None:
    """One takes the lane and reads them, one writes down what was answered and leaves it."""
    proposed(world)
    with commits(world) as seen:
        run_lane(world.hub.relay._sender, Lane("GB"), world["GB"])  # type: ignore[arg-type]
    assert len(seen) == 2
    assert delivered(world) == [True] * LETTERS
    assert world["GB"].heard == [(f"GB{number}", 2) for number in range(1, LETTERS + 1)]
    assert len(world.rows(t.messages, t.messages.c.direction == "out", t.messages.c.outcome == "accepted")) == LETTERS
    [lane] = world.rows(t.lanes)
    assert (lane.holder, lane.held_until) == (None, None)


def test_more_messages_than_one_batch_are_all_sent(world: World) -> None:
    proposed(world, 120)
    with commits(world) as seen:
        world.hub.relay.deliver_once()
    assert len(seen) < 8
    assert world["GB"].heard == [(f"GB{number}", 2) for number in range(1, 121)]
    assert delivered(world) == [True] * 120


def test_answers_do_not_wait_for_a_peer_that_takes_its_time(world: World) -> None:
    """It hangs at the fourth message: by the time that its first answers are late, whoever minds the lane records."""
    proposed(world, 5)
    outcomes = Outcomes(world.hub.relay._sender, Lane("GB"))
    recorded: list[list[bool]] = []

    def hangs(operation: str, message: Any) -> HttpReply:
        if message.transaction_identifier == "GB4":
            assert not outcomes.are_late
            world.clock.advance(LATE)
            assert outcomes.are_late
            outcomes.record()
            recorded.append(delivered(world))
            assert not outcomes.are_late
        return accepts(operation, message)

    world["GB"].answer = hangs
    sent = run_lane(world.hub.relay._sender, Lane("GB"), world["GB"], outcomes=outcomes)  # type: ignore[arg-type]
    assert recorded == [[True, True, True, False, False]]
    assert sent == 5
    assert world["GB"].heard == [(f"GB{number}", 2) for number in range(1, 6)]


def test_a_slow_peer_s_answers_are_recorded_one_by_one(world: World) -> None:
    proposed(world, 4)
    before: list[int] = []

    def slow(operation: str, message: Any) -> HttpReply:
        before.append(sum(delivered(world)))
        world.clock.advance(LATE + timedelta(seconds=1))
        return accepts(operation, message)

    world["GB"].answer = slow
    world.hub.relay.deliver_once()
    assert before == [0, 1, 2, 3]
    assert delivered(world) == [True] * 4


def test_what_is_not_accepted_is_on_record_before_the_next_message(world: World) -> None:
    """So that its initiator hears of a refused relay though the acquirer has more to hear."""
    world.issue(1, 100)
    for number in range(2, 5):
        world.propose("GB", f"GB{number}", EXTERNAL, units(number * 10, number * 10 + 9), to="FR")
    while world.hub.worker.once():
        pass
    statuses: list[int] = []

    def refuses_the_first(operation: str, message: Any) -> HttpReply:
        statuses.append(world.status("GB2"))
        refused = message.proposed_transaction.transaction_identifier == "GB2"
        return (replies(0, 4003) if refused else accepts)(operation, message)

    world["FR"].answer = refuses_the_first
    run_lane(world.hub.relay._sender, Lane("FR"), world["FR"])  # type: ignore[arg-type]
    assert statuses == [2, 6, 6]


def test_one_answer_that_cannot_be_recorded_spoils_no_other(world: World) -> None:
    proposed(world, 5)

    def breaks(_connection: Any, letter: Any, *_: Any) -> None:
        if letter.transaction_identifier == "GB3":
            raise ZeroDivisionError("a defect of the log")

    sender = world.hub.relay._sender
    with patch.dict(reactions.REACTIONS, {"acceptNotification": breaks}):  # type: ignore[arg-type]
        with pytest.raises(ZeroDivisionError):
            run_lane(sender, Lane("GB"), world["GB"])  # type: ignore[arg-type]
        assert delivered(world) == [True, True, False, True, True]
        [lane] = world.rows(t.lanes)
        assert lane.holder is None
        with pytest.raises(ZeroDivisionError):
            run_lane(sender, Lane("GB"), world["GB"])  # type: ignore[arg-type]
    world.settle()
    assert delivered(world) == [True] * 5
    assert world["GB"].heard.count(("GB3", 2)) == 3
    assert world["GB"].heard.count(("GB2", 2)) == 1


def test_what_was_answered_before_the_peer_went_down_is_on_record(world: World) -> None:
    proposed(world, 4)

    def goes_down(operation: str, message: Any) -> HttpReply:
        return (is_down if message.transaction_identifier == "GB3" else accepts)(operation, message)

    world["GB"].answer = goes_down
    world.hub.relay.deliver_once()
    assert delivered(world) == [True, True, False, False]
    [lane] = world.rows(t.lanes)
    assert (lane.failures, lane.holder) == (1, None)
    assert lane.not_before > world.clock()
    world["GB"].answer = accepts
    world.later(timedelta(minutes=1))
    assert world["GB"].heard == [(f"GB{number}", 2) for number in (1, 2, 3, 3, 4)]
    assert world.rows(t.lanes)[0].failures == 0
