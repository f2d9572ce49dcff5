"""The clean-up by time-out: 24 h after the proposal what is open is cancelled; an accepted transfer is only flagged."""

from __future__ import annotations

from datetime import timedelta

import pytest

from itl.store import tables as t
from tests.hub.world import CANCELLATION, DAY, EXTERNAL, HOUR, ISSUANCE, START, World, is_down, units

MOMENT = timedelta(seconds=1)


@pytest.mark.parametrize("state", [1, 2, 9])
@pytest.mark.parametrize("transaction_type", [CANCELLATION, EXTERNAL])
def test_open_transaction_is_cancelled_after_a_day(world: World, transaction_type: int, state: int) -> None:
    world.issue(1, 100)
    world.reach(state, transaction_type, "GB2")
    world["GB"].calls.clear()
    world.clock.advance(DAY - MOMENT)
    if state != 1:
        world.settle()
        assert world.status("GB2") == state
    world.clock.advance(MOMENT)
    world.settle()
    assert world.history("GB2")[-1] == (7, "ITL")
    assert world["GB"].heard == [("GB2", 7)]
    # The acquirer is told where it was asked before.
    assert world["FR"].heard == ([("GB2", 1), ("GB2", 7)] if transaction_type == EXTERNAL and state != 1 else [])
    transaction = world.transaction("GB2")
    assert (transaction.deadline_at, transaction.ended_at) == (None, START + DAY)
    assert world.reserved() == []
    assert world.propose("GB", "GB3", CANCELLATION, units(1, 50)) == 1
    world.settle()
    assert world.status("GB3") == 2
    assert world.notify("GB", "GB2", 4) == (3008,)


def test_day_counts_from_the_proposal_however_late_it_is_judged(world: World) -> None:
    world.issue(1, 100)
    world.propose("GB", "GB2", CANCELLATION, units(1, 50))
    world.later(23 * HOUR)
    assert world.status("GB2") == 2
    world.later(HOUR)
    assert world.status("GB2") == 7


def test_proposal_that_was_cancelled_unjudged_is_not_judged_later(world: World) -> None:
    world.propose("GB", "GB1", ISSUANCE, units(1, 100))
    world.later(DAY)
    assert world.history("GB1") == [(1, "GB"), (7, "ITL")]
    assert world["GB"].heard == [("GB1", 7)]
    [row] = world.rows(t.inbox)
    assert (row.work, row.content) == (None, None)


@pytest.mark.parametrize("accepted_after", [timedelta(0), HOUR, 23 * HOUR])
def test_accepted_transfer_is_flagged_after_two_days_and_never_cancelled(
    world: World, accepted_after: timedelta
) -> None:
    world.issue(1, 100)
    world.reach(2, EXTERNAL, "GB2")
    world.later(accepted_after)
    world.notify("FR", "GB2", 8)
    for _ in range(47):
        world.later(HOUR)
        if world.clock() < START + 2 * DAY:
            assert world.transaction("GB2").flagged_at is None
    world.later(accepted_after + HOUR)
    transaction = world.transaction("GB2")
    assert (transaction.status, transaction.ended_at, transaction.deadline_at) == (8, None, None)
    assert START + 2 * DAY <= transaction.flagged_at <= START + 2 * DAY + HOUR
    world.later(1000 * DAY)
    assert world.status("GB2") == 8
    assert world.reserved() == [("GB", 1, 50)]
    assert world["FR"].heard == [("GB2", 1)]
    # And it can still be completed.
    assert world.notify("GB", "GB2", 4) == 1
    world.settle()
    assert world.places()[0] == ("GB", 1, 50, "FR", 100)


@pytest.mark.parametrize("state", [3, 6, 10])
def test_transaction_that_failed_and_was_not_terminated_is_ended_silently(world: World, state: int) -> None:
    """Some registries send nothing after a discrepancy; the transaction keeps its status, and nobody hears more."""
    world.issue(1, 100)
    world.reach(state, EXTERNAL, "GB2")
    heard = [list(world[code].heard) for code in ("GB", "FR")]
    world.later(2 * DAY)
    transaction = world.transaction("GB2")
    assert (transaction.status, transaction.deadline_at) == (state, None)
    assert transaction.ended_at is not None
    assert [world[code].heard for code in ("GB", "FR")] == heard
    assert world.notify("GB", "GB2", 5) == 1


@pytest.mark.parametrize("state", [4, 5, 7])
def test_final_transaction_has_no_timer(world: World, state: int) -> None:
    world.issue(1, 100)
    world.reach(state, EXTERNAL, "GB2")
    before = world.transaction("GB2"), world.history("GB2")
    assert world.transaction("GB2").deadline_at is None
    world.later(100 * DAY)
    assert (world.transaction("GB2"), world.history("GB2")) == before


def test_time_outs_are_settings(sandbox_url: str) -> None:
    with World.on(sandbox_url, cleanup_after=60.0, flag_accepted_after=120.0) as world:
        world.issue(1, 100)
        world.reach(2, CANCELLATION, "GB2", 1, 10)
        world.reach(8, EXTERNAL, "GB3", 11, 20)
        world.later(timedelta(seconds=60))
        assert (world.status("GB2"), world.transaction("GB3").flagged_at) == (7, None)
        world.later(timedelta(seconds=60))
        assert world.transaction("GB3").flagged_at == START + timedelta(seconds=120)


def test_timers_outlive_the_process(world: World) -> None:
    world.issue(1, 100)
    world.reach(2, CANCELLATION, "GB2")
    world.restart()
    world.later(DAY)
    assert world.status("GB2") == 7


def test_more_timers_than_one_commit_takes(world: World) -> None:
    for number in range(1, 131):
        world.propose("GB", f"GB{number}", ISSUANCE, units(number, number))
    world.settle()
    world.later(DAY)
    assert {row.status for row in world.rows(t.transactions)} == {7}
    assert len([heard for heard in world["GB"].heard if heard[1] == 7]) == 130


def test_completion_that_the_ledger_has_still_to_carry_out_is_not_timed_out(world: World) -> None:
    world.propose("GB", "GB1", ISSUANCE, units(1, 100))
    world.settle()
    world.notify("GB", "GB1", 4)
    world.later(10 * DAY)
    assert world.status("GB1") == 4
    assert world.places() == [("GB", 1, 100, "GB", 100)]


def test_cancellation_waits_for_a_registry_that_is_down(world: World) -> None:
    world.issue(1, 100)
    world["FR"].answer = is_down
    world.propose("GB", "GB2", EXTERNAL, units(1, 50), to="FR")
    world.settle()
    world.later(DAY)
    assert world["GB"].heard[-1] == ("GB2", 7)
    assert world.reserved() == []
    assert [row.receiver for row in world.rows(t.outbox, t.outbox.c.delivered_at.is_(None))] == ["FR", "FR"]
