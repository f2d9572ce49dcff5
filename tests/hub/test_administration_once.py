"""Timers of the administration that several processes ring at once, or that a process dies over: nothing lost, nothing
twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from itl.hub import Hub
from itl.store import notice_raising, standing, time_comparisons, timers
from itl.store import tables as t
from itl.store.database import Database
from itl.store.fact_kinds import FactName
from itl.wire.outgoing import HttpReply
from tests.databases import EngineName, FreshDatabase
from tests.hub.test_notices import tell, told
from tests.hub.test_reconciliation_crash import Death, Killed
from tests.hub.test_time import tells
from tests.hub.world import DAY, HOUR, START, World, accepts, sandbox


def listening(world: World) -> None:
    """Registries with right clocks that take every notice."""

    def answer(operation: str, message: Any) -> HttpReply:
        return (tells(world.clock) if operation == "provideTime" else accepts)(operation, message)

    for registry in world.registries.values():
        registry.answer = answer


def prepared(world: World) -> None:
    """Timers are set, and an hour later there is a notice to raise, a time to ask, and somebody to propose."""
    listening(world)
    world.hub.administration.once()
    tell(world, FactName.NON_COMPLIANCE, 70, "GB", period=1)
    with world.hub.database.write() as connection:
        lane = {"receiver": "FR", "failing_since": START - 2 * DAY, "problem": "refused"}
        connection.execute(sa.delete(t.lanes).where(t.lanes.c.receiver == "FR"))
        connection.execute(t.lanes.insert(), lane)
    world.clock.advance(HOUR)


def raised(world: World) -> tuple[int, int, dict[str, int]]:
    """How many notices and proposals there are, and time questions by registry."""
    asked = Counter(row.registry for row in world.rows(t.time_comparisons))
    return len(world.rows(t.notices)), len(world.rows(t.suspension_proposals)), dict(asked)


@pytest.fixture
def rivals(fresh_database: FreshDatabase) -> Iterator[tuple[World, Hub]]:
    """A world, and another process on its database."""
    with World.on(fresh_database("postgresql", sandbox)) as world:
        prepared(world)
        other = Hub(world.settings, world.clock)
        yield world, other
        other.close()


MOMENTS = [
    (notice_raising, "_earlier", "notices", "non-compliance"),
    (standing, "proposals", "standing", ""),
    (time_comparisons, "ask", "time", "GB"),
]
"""Where a task has read what there is and has not written yet, or is about to: module and function, kind and subject
of the timer."""


@pytest.mark.parametrize(("module", "name", "kind", "subject"), MOMENTS, ids=["notice", "proposal", "time"])
def test_a_timer_is_one_process_s_while_it_works(
    rivals: tuple[World, Hub], monkeypatch: pytest.MonkeyPatch, module: Any, name: str, kind: str, subject: str
) -> None:
    """In the middle of the one's task the other rings the same timer, and finishes: no more comes of it than of one."""
    world, other = rivals
    with world.hub.database.read() as connection:
        [timer] = [
            each for each in timers.due(connection, world.clock()) if (each.kind, each.subject) == (kind, subject)
        ]
    plain, entered = getattr(module, name), []

    def between(*arguments: Any, **named: Any) -> Any:
        found = plain(*arguments, **named)
        if not entered:
            entered.append(True)
            other.administration._ring(timer)
        return found

    monkeypatch.setattr(module, name, between)
    world.hub.administration._ring(timer)
    assert entered
    notices, proposals, asked = raised(world)
    assert {"notices": notices, "standing": proposals, "time": asked.get("GB")}[kind] == 1
    with world.hub.database.read() as connection:
        assert [(each.failures, each.problem) for each in timers.listed(connection, kind)] == [(0, None)] * len(
            timers.listed(connection, kind)
        )


def test_processes_that_ring_all_timers_at_once(rivals: tuple[World, Hub]) -> None:
    world, other = rivals
    hubs = (world.hub, other)
    start = Barrier(len(hubs))

    def ring(hub: Hub) -> None:
        start.wait(60)
        hub.administration.once()

    with ThreadPoolExecutor(len(hubs)) as pool:
        for hour in range(1, 5):
            for done in [pool.submit(ring, hub) for hub in hubs]:
                done.result(120)
            assert raised(world) == (1, 1, dict.fromkeys(world.registries, hour))
            world.settle()
            world.clock.advance(HOUR)
    assert told(world) == [(1, 2, 1, 70)]
    assert [row.problem for row in world.rows(t.timers) if row.failures] == []


def reserve_of(units: int) -> Callable[[World], None]:
    return lambda world: tell(world, FactName.RECORDED_RESERVE, units, "GB", period=1)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_death_at_any_commit_of_a_raise_and_of_an_end(
    fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch, engine: EngineName, before: bool
) -> None:
    """One world for all deaths: each raises a notice and ends it, as far as the death lets it, and then once more."""
    with World.on(fresh_database(engine, sandbox)) as world:
        listening(world)
        world.issue(1, 1000)
        world.hub.administration.once()
        heard, deaths = 0, 0
        for change, end in ((reserve_of(1200), False), (reserve_of(900), True)):
            at, died = 1, True
            while died:
                change(world)
                world.clock.advance(HOUR)
                died = dies(world, Death(at, before=before), monkeypatch)
                deaths += died
                world.restart()
                world.hub.relay.release_dead_leases()
                world.hub.administration.once()
                world.settle()
                heard += 1
                check(world, heard, end=end)
                at += 4
                if died:
                    reserve_of(1200 if end else 900)(world)
                    world.clock.advance(HOUR)
                    world.hub.administration.once()
                    world.settle()
                    heard += 1
                    check(world, heard, end=not end)
        assert deaths > 8, "an hour's timers take more commits than that"


def dies(world: World, death: Death, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the process died while it rang what is due."""
    write = Database.write

    @contextmanager
    def deadly(of: Database) -> Iterator[sa.Connection]:
        with write(of) as connection, death.around():
            yield connection
        death.after()

    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", deadly)
        try:
            world.hub.administration.once()
        except Killed:
            return True
    return False


def check(world: World, heard: int, *, end: bool) -> None:
    """Raised and ended in turn, each told once, and what is on record is what was told."""
    said = told(world)
    assert len(said) == heard
    assert [status for _, _, status, _ in said] == [1 if number % 2 == 0 else 3 for number in range(heard)]
    assert len({identifier for identifier, *_ in said}) == heard
    events = [(row.event, row.sent_as) for row in world.rows(t.notice_history)]
    words = {1: "raised", 3: "completed"}
    assert events == [(words[status], identifier) for identifier, _, status, _ in said]
    outstanding = [row for row in world.rows(t.notices) if row.status != 3]
    assert len(outstanding) == (0 if end else 1)
    assert not [row for row in world.rows(t.outbox) if row.delivered_at is None]
