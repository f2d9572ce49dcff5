"""What the log has to tell: order per transaction, a lane per registry, back-off, and what peers may answer."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from itl.store import tables as t
from itl.store.arrival import restored
from itl.store.reference_data import load_reference, put_registry
from itl.wire.outgoing import HttpReply
from tests.hub.world import (
    CANCELLATION,
    DAY,
    EXTERNAL,
    ISSUANCE,
    START,
    Answer,
    World,
    accepts,
    answers_another_operation,
    faults,
    is_down,
    replies,
    talks_nonsense,
    units,
)

FIRST = timedelta(seconds=2)

TROUBLES = {
    "down": (is_down, "unreachable"),
    "fault": (faults, "fault"),
    "nonsense": (talks_nonsense, "fault"),
    "another reply": (answers_another_operation, "fault"),
    "0 without a code": (replies(0), "fault"),
    "neither 0 nor 1": (replies(7), "fault"),
}
troubles = pytest.mark.parametrize(("answer", "outcome"), TROUBLES.values(), ids=TROUBLES)


def address(world: World, code: str, url: str | None) -> None:
    """Enrol another address, as another process would."""
    with world.hub.database.write() as connection:
        registry = load_reference(connection).registries[code]
        put_registry(connection, replace(registry, url=url), world.clock())


@troubles
def test_message_waits_until_the_peer_answers_it(world: World, answer: Answer, outcome: str) -> None:
    world["GB"].answer = answer
    world.propose("GB", "GB1", ISSUANCE, units(1, 100))
    world.settle()
    [letter] = world.rows(t.outbox)
    assert (letter.attempts, letter.outcome, letter.delivered_at) == (1, outcome, None)
    assert letter.problem
    assert START + FIRST / 2 <= letter.next_attempt_at <= START + FIRST
    world.settle()
    assert world.rows(t.outbox) == [letter]

    for attempts in range(2, 15):
        world.clock.set(max(world.clock(), letter.next_attempt_at, *_lanes_open(world)))
        world.settle()
        [letter] = world.rows(t.outbox)
        assert letter.attempts == attempts
        wait = min(timedelta(seconds=900), FIRST * 2 ** (attempts - 1))
        assert wait / 2 <= letter.next_attempt_at - world.clock() <= wait
    assert world.status("GB1") == 2

    world["GB"].answer = accepts
    world.later(timedelta(seconds=900))
    [letter] = world.rows(t.outbox)
    assert (letter.attempts, letter.outcome, letter.delivered_at) == (15, "accepted", world.clock())
    assert world["GB"].heard[-1] == ("GB1", 2)
    assert [row.outcome for row in world.rows(t.messages, t.messages.c.direction == "out")] == [outcome] * 14 + [
        "accepted"
    ]
    assert [(lane.holder, lane.failures, lane.not_before, lane.problem) for lane in world.rows(t.lanes)] == [
        (None, 0, None, None)
    ]


def _lanes_open(world: World) -> list[Any]:
    return [lane.not_before for lane in world.rows(t.lanes) if lane.not_before]


@troubles
def test_order_is_kept_per_transaction_and_others_overtake(world: World, answer: Answer, outcome: str) -> None:
    """FR does not take the relayed proposal GB2; what else GB2 has for it waits behind, GB3 does not."""
    world.issue(1, 100)

    def of_gb2_only(operation: str, message: Any) -> HttpReply:
        identifier = (
            getattr(message, "transaction_identifier", None) or message.proposed_transaction.transaction_identifier
        )
        return answer(operation, message) if identifier == "GB2" else accepts(operation, message)

    world["FR"].answer = of_gb2_only
    world.propose("GB", "GB2", EXTERNAL, units(1, 50), to="FR")
    world.settle()
    world.notify("GB", "GB2", 5)
    world.propose("GB", "GB3", EXTERNAL, units(1, 50), to="FR")
    world.later(timedelta(seconds=3))
    if outcome != "unreachable":
        assert world["FR"].heard.count(("GB3", 1)) == 1
    assert ("GB2", 7) not in world["FR"].heard
    world["FR"].answer = accepts
    world["FR"].calls.clear()
    world.later(timedelta(hours=1))
    assert [heard for heard in world["FR"].heard if heard[0] == "GB2"] == [("GB2", 1), ("GB2", 7)]
    assert all(row.delivered_at for row in world.rows(t.outbox))


def test_registry_that_is_down_is_tried_once_for_all_it_has_to_hear(world: World) -> None:
    """A lane waits for its peer as a whole: a hundred messages are not a hundred time-outs."""
    world["GB"].answer = is_down
    for number in range(1, 8):
        world.propose("GB", f"GB{number}", ISSUANCE, units(number, number))
    world.settle()
    assert len(world.rows(t.messages, t.messages.c.direction == "out")) == 1
    [lane] = world.rows(t.lanes)
    assert (lane.failures, lane.holder) == (1, None)
    assert "connection refused" in lane.problem
    world["GB"].answer = accepts
    world.later(timedelta(minutes=1))
    assert world["GB"].heard == [(f"GB{number}", 2) for number in range(1, 8)]


def test_dead_registry_delays_nobody_else(world: World) -> None:
    world.issue(1, 100)
    for code in ("FR", "JP"):
        assert world.propose(code, f"{code}1", ISSUANCE, units(1, 100, code)) == 1
    world["FR"].answer = is_down
    world.propose("GB", "GB2", EXTERNAL, units(1, 50), to="FR")
    world.propose("GB", "GB3", EXTERNAL, units(51, 100), to="JP")
    world.settle()
    assert world["JP"].heard == [("JP1", 2), ("GB3", 1)]
    assert world["FR"].heard == []
    world.notify("JP", "GB3", 8)
    world.settle()
    assert world["GB"].heard[-1] == ("GB3", 8)


def test_dead_registry_is_seen_for_as_long_as_it_takes_and_then_told_everything(world: World) -> None:
    world["GB"].answer = is_down
    world.propose("GB", "GB1", ISSUANCE, units(1, 50))
    world.settle()
    for _ in range(30):
        world.later(DAY)
    world["GB"].answer = accepts
    world.later(timedelta(minutes=15))
    assert world["GB"].heard == [("GB1", 2), ("GB1", 7)]


def test_answer_lost_on_the_way_makes_a_repeat_and_no_harm(world: World) -> None:
    """The peer took the message, its answer did not come: it hears it again, the log draws nothing from that."""
    world.issue(1, 100)

    def lost(operation: str, message: Any) -> HttpReply:
        world["FR"].answer = accepts
        return is_down(operation, message)

    world["FR"].answer = lost
    world.propose("GB", "GB2", EXTERNAL, units(1, 50), to="FR")
    world.settle()
    assert world.notify("FR", "GB2", 8) == 1  # it worked on what it took
    world.later(timedelta(minutes=1))
    assert world["FR"].heard == [("GB2", 1), ("GB2", 1)]
    assert world.history("GB2") == [(1, "GB"), (2, "ITL"), (8, "FR")]


def test_refusal_of_a_proposal_that_was_taken_before_rejects_nothing(world: World) -> None:
    """FR accepted the first delivery, whose answer was lost, and refuses the second as a used identifier."""
    world.issue(1, 100)
    world["FR"].answer = is_down
    world.propose("GB", "GB2", EXTERNAL, units(1, 50), to="FR")
    world.settle()
    assert world.notify("FR", "GB2", 8) == 1
    world["FR"].answer = replies(0, 3001)
    world.later(timedelta(minutes=1))
    assert world.status("GB2") == 8
    assert world["GB"].heard[-1] == ("GB2", 8)


@pytest.mark.parametrize("status", [2, 3])
def test_notification_that_a_registry_refuses_is_delivered_and_on_record(world: World, status: int) -> None:
    world["GB"].answer = replies(0, 3002, 9999)
    world.reach(status, ISSUANCE, "GB1")
    [letter] = world.rows(t.outbox)
    assert (letter.outcome, letter.response_codes, letter.attempts) == ("refused", "3002 9999", 1)
    assert letter.delivered_at == START
    world.later(timedelta(hours=1))
    assert world["GB"].heard == [("GB1", status)]
    assert world.status("GB1") == status


def test_registry_without_an_address_is_told_when_it_has_one(world: World) -> None:
    address(world, "GB", None)
    world.propose("GB", "GB1", ISSUANCE, units(1, 100))
    world.settle()
    [lane] = world.rows(t.lanes)
    assert "no address is enrolled" in lane.problem
    assert "itl enrol" in lane.problem
    address(world, "GB", "http://gb.test/elsewhere")
    world.later(timedelta(seconds=2))
    assert world["GB"].heard == [("GB1", 2)]


def test_new_address_is_taken_up_at_once(world: World) -> None:
    world.issue(1, 100)
    address(world, "GB", "http://jp.test/")
    world.reach(2, CANCELLATION, "GB2")
    assert (world["GB"].heard, world["JP"].heard) == ([("GB1", 2)], [("GB2", 2)])


def test_message_log_has_each_attempt_with_its_answer(world: World) -> None:
    world["GB"].answer = faults
    world.propose("GB", "GB1", ISSUANCE, units(1, 100))
    world.settle()
    world["GB"].answer = accepts
    world.later(timedelta(minutes=1))
    first, second = world.rows(t.messages, t.messages.c.direction == "out")
    (_, _, body), (_, _, again) = world["GB"].calls
    assert body == again
    for row in (first, second):
        assert (row.sender, row.addressee, row.operation) == ("ITL", "GB", "acceptNotification")
        assert row.transaction_identifier == "GB1"
        assert restored(row.body) == body
        assert (row.body_size, row.body_digest) == (len(body), hashlib.sha256(body).digest())
        assert row.request_out_at == row.response_in_at
    assert b"NullPointerException" in restored(first.reply)
    assert "NullPointerException" in first.detail
    assert (second.outcome, second.detail) == ("accepted", None)
    assert (first.request_out_at, second.request_out_at) == (START, START + timedelta(minutes=1))


def test_lane_stays_with_its_holder_while_a_slow_peer_takes_its_time(world: World) -> None:
    """Each answer takes 50 s, more than a lease after three; another process must not send the same meanwhile."""
    for number in range(1, 7):
        world.propose("GB", f"GB{number}", ISSUANCE, units(number, number))
    other = World(world.url)
    other.clock = world.clock
    other.restart()
    other.hub.relay._sender = replace(other.hub.relay._sender, holder="elsewhere/1/other")

    def slow(operation: str, message: Any) -> HttpReply:
        world.clock.advance(timedelta(seconds=50))
        world["GB"].answer = accepts  # in case the other gets through
        other.hub.relay.deliver_once()
        world["GB"].answer = slow
        return accepts(operation, message)

    world["GB"].answer = slow
    world.settle()
    other.close()
    assert world["GB"].heard == [(f"GB{number}", 2) for number in range(1, 7)]


def test_lease_of_a_process_that_died_runs_out(world: World) -> None:
    world.propose("GB", "GB1", ISSUANCE, units(1, 100))
    with world.hub.database.write() as connection:
        held = {"holder": "elsewhere/1/dead", "held_until": START + timedelta(seconds=120)}
        connection.execute(t.lanes.insert(), {"receiver": "GB"} | held)
    world.settle()
    world.hub.relay.release_dead_leases()
    world.later(timedelta(seconds=119))
    assert world["GB"].heard == []
    world.later(timedelta(seconds=1))
    assert world["GB"].heard == [("GB1", 2)]


def test_lease_of_a_process_that_died_on_this_machine_is_released_at_start(world: World) -> None:
    world.propose("GB", "GB1", ISSUANCE, units(1, 100))
    mine = world.hub.relay._sender.holder
    with world.hub.database.write() as connection:
        held = {"holder": mine[:-8] + "deadbeef", "held_until": START + timedelta(seconds=120)}
        connection.execute(t.lanes.insert(), {"receiver": "GB"} | held)
    world.hub.relay.release_dead_leases()
    world.settle()
    assert world["GB"].heard == [("GB1", 2)]


def test_nothing_of_a_delivery_is_lost_with_the_process(world: World) -> None:
    world.propose("GB", "GB1", ISSUANCE, units(1, 100))
    world.restart()
    world["GB"].answer = is_down
    world.settle()
    world.restart()
    world["GB"].answer = accepts
    world.later(timedelta(minutes=1))
    assert world["GB"].heard == [("GB1", 2)]
    with world.hub.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(t.outbox)).scalar_one() == 1
