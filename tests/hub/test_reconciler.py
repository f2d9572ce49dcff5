"""The loop that carries reconciliations on: what fails is put off, what is in other hands is left there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from itl.errors import ConflictError
from itl.lifecycle.reconciliation_events import Cancelled
from itl.store import reconciliations as store
from itl.store import tables as t
from itl.worker import reconciling
from itl.worker.comparing import compared
from tests.hub.reconciling import Reconciling, block, sums
from tests.hub.world import DAY, EXTERNAL, HOUR, START, World, units

SOON = timedelta(seconds=30)


@pytest.fixture
def gb(world: World) -> Reconciling:
    world.issue(1, 1000)
    return Reconciling(world, "GB")


def test_a_comparison_that_fails_is_put_off_and_holds_up_no_other(
    world: World, gb: Reconciling, monkeypatch: pytest.MonkeyPatch
) -> None:
    fr = Reconciling(world, "FR")
    fr.start()
    gb.reach("totals")

    @contextmanager
    def failing(database: Any, found: Any, tolerance: Any) -> Iterator[Any]:
        if found.head.registry == "GB":
            raise OSError("no space left on device")
        with compared(database, found, tolerance) as record:
            yield record

    monkeypatch.setattr(reconciling, "compared", failing)
    gb.totals(sums(1000))
    fr.totals()
    world.settle()
    assert fr.at == ("ended", 5)
    assert gb.at == ("comparing totals", 1)
    assert (gb.row.failures, gb.row.problem, gb.row.holder) == (1, "no space left on device", None)
    assert gb.row.due_at == world.clock() + SOON
    world.later(SOON)
    assert (gb.row.failures, gb.row.due_at) == (2, world.clock() + 2 * SOON)
    monkeypatch.undo()
    world.later(2 * SOON)
    assert gb.at == ("ended", 5)
    assert (gb.row.failures, gb.row.problem) == (0, None)


def test_what_another_process_compares_is_left_to_it_until_its_lease_is_over(world: World, gb: Reconciling) -> None:
    gb.reach("totals")
    gb.totals(sums(1000))
    now = world.clock()
    with world.hub.database.write() as connection:
        assert store.lease(connection, "elsewhere/1/x", now, now + HOUR) is not None
        assert store.lease(connection, "elsewhere/2/y", now, now + HOUR) is None
    world.settle()
    assert gb.at == ("comparing totals", 1)
    world.later(HOUR)
    assert gb.at == ("ended", 5)


def test_what_was_found_by_one_who_lost_the_lease_is_dropped(
    world: World, gb: Reconciling, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def slow(database: Any, found: Any, tolerance: Any) -> Iterator[Any]:
        with compared(database, found, tolerance) as record:
            with database.write() as connection:
                store.release(connection, found.id, found_holder(world))
                store.lease(connection, "elsewhere/1/x", world.clock(), world.clock() + HOUR)
            yield record

    monkeypatch.setattr(reconciling, "compared", slow)
    gb.reach("totals")
    gb.totals(sums(900))
    world.settle()
    assert gb.at == ("comparing totals", 1)
    assert [row for row in world.rows(t.reconciliation_totals) if row.side == "log"] == []
    assert gb.row.holder == "elsewhere/1/x"


def found_holder(world: World) -> str:
    [row] = [row for row in world.rows(t.reconciliations) if row.holder]
    holder: str = row.holder
    return holder


def test_leases_of_a_process_that_died_are_released_by_the_next(world: World, gb: Reconciling) -> None:
    gb.reach("totals")
    gb.totals(sums(1000))
    mine = reconciling.new_holder()
    dead = mine.rpartition("/")[0] + "/ffffffff"
    with world.hub.database.write() as connection:
        store.lease(connection, dead, world.clock(), world.clock() + HOUR)
    world.hub.reconciler.release_dead_leases()
    world.settle()
    assert gb.at == ("ended", 5)


def test_an_operators_end_of_a_comparison_stands(
    world: World, gb: Reconciling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cancelled while the log compares: what is found then changes nothing."""

    @contextmanager
    def cancelled_meanwhile(database: Any, found: Any, tolerance: Any) -> Iterator[Any]:
        with compared(database, found, tolerance) as record:
            with database.write() as connection:
                again = store.find(connection, found.head.identifier)
                assert again is not None
                store.proceed(connection, again, Cancelled("why"), world.hub.identity, world.clock(), "anna")
            yield record

    monkeypatch.setattr(reconciling, "compared", cancelled_meanwhile)
    gb.reach("totals")
    gb.totals(sums(900))
    world.settle()
    assert gb.row.outcome == "cancelled"
    assert gb.operations == ["initiateReconciliation", "provideTotals"]


def test_two_who_decide_at_one_time_do_not_both_win(world: World, gb: Reconciling) -> None:
    gb.reach("totals")
    with world.hub.database.read() as connection:
        seen = store.find(connection, gb.identifier)
    assert seen is not None
    gb.totals(sums(900))
    with pytest.raises(ConflictError, match="does not wait for totals"), world.hub.database.write() as connection:
        store.proceed(connection, seen, Cancelled("why"), world.hub.identity, world.clock(), "anna")
    assert gb.row.outcome is None


def test_units_that_differ_are_kept_until_a_reconciliation_finds_them_equal(world: World, gb: Reconciling) -> None:
    gb.found_inconsistent()
    assert world.propose("GB", "GB2", EXTERNAL, units(900, 901), to="FR") == 1
    assert world.propose("GB", "GB3", EXTERNAL, units(800, 900), to="FR") == 1
    world.settle()
    assert (world.status("GB2"), world["GB"].codes("GB2", 3)) == (3, [4008])
    assert world.status("GB3") == 2
    world.notify("FR", "GB3", 6, 5904)
    world.later(DAY)
    gb.start()
    gb.reach("totals")
    gb.totals(sums(1000))
    world.settle()
    gb.blocks(block(1, 1000))
    world.settle()
    assert gb.at == ("ended", 5)
    assert world.propose("GB", "GB4", EXTERNAL, units(900, 901), to="FR") == 1
    world.settle()
    assert world.status("GB4") == 2
    assert gb.row.snapshot_at > START


def test_what_was_repaired_meanwhile_is_free_though_something_else_differs_still(world: World, gb: Reconciling) -> None:
    first = gb.found_inconsistent()
    world.later(DAY)
    gb.start()
    gb.reach("totals")
    gb.totals(sums(950))
    world.settle()
    gb.blocks(block(1, 950))
    world.settle()
    gb.trail()
    world.later(timedelta(minutes=1))
    assert gb.at == ("intervention", 99)
    found = world.rows(t.inconsistencies)
    assert [(row.serial_start, row.serial_end) for row in found if row.closed_at is None] == [(951, 1000)]
    [former] = world.rows(t.reconciliations, t.reconciliations.c.identifier == first)
    assert (former.status, former.step) == (99, "intervention")
