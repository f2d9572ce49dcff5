"""Registries that owe the result of a reconciliation for long are proposed for suspension."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from itl.lifecycle.reconciliation_events import Cancelled
from itl.store import reconciliations, standing
from itl.store import tables as t
from itl.wire.outgoing import HttpReply
from tests.databases import FreshDatabase
from tests.hub.reconciling import Reconciling, sums
from tests.hub.test_time import tells
from tests.hub.world import DAY, HOUR, Answer, World, accepts, is_silent, replies, sandbox

LONG = 3 * DAY
MINUTE = timedelta(minutes=1)


def answers(world: World, initiation: Answer) -> None:
    """Registries with right clocks that take all, and the start of a reconciliation as `initiation` does."""

    def answer(operation: str, message: Any) -> HttpReply:
        if operation == "provideTime":
            return tells(world.clock)(operation, message)
        return (initiation if operation == "initiateReconciliation" else accepts)(operation, message)

    for registry in world.registries.values():
        registry.answer = answer


def begun(world: World, initiation: Answer = accepts) -> Reconciling:
    answers(world, initiation)
    one = Reconciling(world, "GB")
    one.start()
    return one


def goes_on(world: World, hours: int) -> None:
    """Whatever the log does by itself in that time."""
    for _ in range(hours):
        world.later(HOUR)


def proposed(world: World) -> list[tuple[str, str, str]]:
    """What the rule proposes when it looks now."""
    world.hub.administration.once()
    world.clock.advance(timedelta(minutes=5))
    world.hub.administration.once()
    with world.hub.database.read() as connection:
        return [(each.registry, each.rule, each.why) for each in standing.proposals(connection, rule="unreconciled")]


@pytest.mark.parametrize(
    ("initiation", "number", "outcome"),
    [(replies(0, 6205), 1, "denied"), (is_silent, 3, "not confirmed"), (accepts, 3, "not answered")],
    ids=["denied", "not confirmed", "not answered"],
)
def test_who_owes_a_result_is_proposed_once_until_there_is_one(
    world: World, initiation: Answer, number: int, outcome: str
) -> None:
    world.issue(1, 1000)
    first = begun(world, initiation).row
    goes_on(world, 12)
    assert [row.outcome for row in world.rows(t.reconciliations)] == [outcome] * number
    world.clock.set(first.snapshot_at + LONG - timedelta(minutes=6))
    assert proposed(world) == []
    world.clock.advance(MINUTE)
    why = f"{number} reconciliations came to no result; the last: {outcome}"
    assert proposed(world) == [("GB", "unreconciled", why)]
    assert len(proposed(world)) == 1
    one = begun(world)
    one.reach("totals")
    one.totals(sums(1000))
    world.settle()
    assert one.row.outcome == "consistent"
    assert proposed(world) == []
    [row] = world.rows(t.suspension_proposals, t.suspension_proposals.c.rule == "unreconciled")
    assert (row.closed_as, row.since) == ("over", first.snapshot_at)


def cancelled(world: World) -> None:
    one = begun(world)
    with world.hub.database.write() as connection:
        found = reconciliations.find(connection, one.identifier)
        assert found is not None
        event = Cancelled("a mistake")
        reconciliations.proceed(connection, found, event, world.hub.identity, world.clock(), "ada")


def denied_by_the_log(world: World) -> None:
    answers(world, accepts)
    plan = reconciliations.Plan("GB", "ada", "daily")
    with world.hub.database.write() as connection:
        reconciliations.start(connection, plan, world.hub.identity, world.clock(), may=False)


def found_different(world: World) -> None:
    begun(world).reach("intervention")


def failed_before_a_result(world: World) -> None:
    begun(world, replies(0, 6205))
    world.clock.advance(HOUR)
    found_different(world)


@pytest.mark.parametrize("what", [cancelled, denied_by_the_log, found_different, failed_before_a_result])
def test_what_a_registry_does_not_owe(world: World, what: Any) -> None:
    world.issue(1, 1000)
    what(world)
    world.clock.advance(2 * LONG)
    assert proposed(world) == []


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_one_that_is_waited_for_is_overdue_but_not_by_the_logs_own_absence(
    fresh_database: FreshDatabase, engine: Any
) -> None:
    """An answer may be waited for as long as the settings say."""
    with World.on(fresh_database(engine, sandbox), reconciliation_totals_timeout=10 * 86400.0) as world:
        world.issue(1, 1000)
        one = begun(world)
        world.later(timedelta(minutes=16))
        assert one.row.step == "totals"
        world.clock.advance(LONG)
        why = "1 reconciliations came to no result; the last: overdue: waits for totals"
        assert proposed(world) == [("GB", "unreconciled", why)]
        world.clock.advance(7 * DAY + LONG)
        assert proposed(world) == [], "the log was down for as long, and has not looked yet"
