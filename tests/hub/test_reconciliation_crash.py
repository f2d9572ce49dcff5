"""A log that dies before or after any of its commits in a reconciliation: nothing is lost, nothing happens twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from itl.store import tables as t
from itl.store.database import Database
from tests.databases import EngineName, FreshDatabase
from tests.hub.reconciling import Reconciling, block, sums
from tests.hub.world import World, sandbox


class Killed(BaseException):
    """The process ends here; no `except Exception` may see it."""


class Death:
    """Kills whoever makes the commit number `at`, before or after it is made."""

    def __init__(self, at: int, *, before: bool) -> None:
        self.at, self.before, self.commits = at, before, 0

    @contextmanager
    def around(self) -> Iterator[None]:
        yield
        self.commits += 1
        if self.commits == self.at and self.before:
            raise Killed

    def after(self) -> None:
        if self.commits == self.at and not self.before:
            self.at = 0
            raise Killed


class Answering:
    """A registry that answers every question until it has the log's acknowledgement, and misses a hundred units."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.answered: set[tuple[str, str]] = set()

    def answer(self) -> bool:
        """Whether there was anything to answer."""
        answers = {
            "provideTotals": lambda one: one.totals(sums(900)),
            "provideUnitBlocks": lambda one: [one.blocks(block(1, 400)), one.blocks(block(401, 900))][-1],
            "provideAuditTrail": lambda one: one.trail(),
        }
        for operation, message, _ in list(self.world["GB"].calls):
            key = (operation, getattr(message, "reconciliation_identifier", ""))
            if operation not in answers or key in self.answered:
                continue
            one = Reconciling(self.world, "GB")
            one.identifier = key[1]
            answers[operation](one)
            self.answered.add(key)
            return True
        return False


def live(world: World, registry: Answering) -> None:
    """From where the log stands to where nothing happens any more."""
    if not world.rows(t.reconciliations):
        Reconciling(world, "GB").start()
    while True:
        world.settle()
        if registry.answer():
            continue
        rows = [row for row in world.rows(t.reconciliations) if row.due_at is not None]
        letters = [row for row in world.rows(t.outbox) if row.delivered_at is None]
        if not rows and not letters:
            return
        instants = [instant for row in rows for instant in (row.due_at, row.held_until)]
        instants += [row.next_attempt_at for row in letters]
        instants += [instant for row in world.rows(t.lanes) for instant in (row.held_until, row.not_before)]
        world.clock.set(min(instant for instant in instants if instant is not None and instant > world.clock()))


PLACES: list[tuple[EngineName, bool, int]] = [("sqlite", True, 3), ("sqlite", False, 5), ("postgresql", True, 11)]


@pytest.mark.parametrize(
    ("engine", "before", "step"), PLACES, ids=["sqlite before", "sqlite after", "postgresql before"]
)
def test_death_at_any_commit(
    fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch, engine: EngineName, before: bool, step: int
) -> None:
    """After one commit is before the next, but for the calls between: a sample of them is enough."""
    at, died = 1, True
    while died:
        with World.on(fresh_database(engine, sandbox)) as world:
            world.issue(1, 1000)
            world["GB"].calls.clear()
            with monkeypatch.context() as patch:
                died = lived_through(world, Death(at, before=before), patch)
            check(world, at)
        at += step
    assert at > 20, "a reconciliation takes more commits than that"


def lived_through(world: World, death: Death, patch: pytest.MonkeyPatch) -> bool:
    """Whether the log died once on its way to the end."""
    write = Database.write

    @contextmanager
    def deadly(of: Database) -> Iterator[sa.Connection]:
        with write(of) as connection, death.around():
            yield connection
        death.after()

    patch.setattr(Database, "write", deadly)
    registry = Answering(world)
    try:
        live(world, registry)
    except Killed:
        world.restart()
        world.hub.relay.release_dead_leases()
        live(world, registry)
        return True
    return False


def check(world: World, at: int) -> None:
    """One reconciliation came to its end; each question was asked, each result told, at most once by identifier."""
    rows = world.rows(t.reconciliations)
    assert (rows[-1].step, rows[-1].status, rows[-1].running) == ("intervention", 99, False), at
    assert all(row.outcome in ("not answered", "not confirmed") for row in rows[:-1]), at
    assert len(rows) <= 2, at
    asked = Counter(
        (operation, message.reconciliation_identifier)
        for operation, message, _ in world["GB"].calls
        if hasattr(message, "reconciliation_identifier")
    )
    assert set(asked.values()) == {1}, at
    assert asked["provideUnitBlocks", rows[-1].identifier] == 1, at
    found = [(row.serial_start, row.serial_end) for row in world.rows(t.inconsistencies) if row.closed_at is None]
    assert found == [(901, 1000)], at
    assert world.rows(t.received_unit_blocks) == []
    totals = Counter(row.side for row in world.rows(t.reconciliation_totals) if row.reconciliation_id == rows[-1].id)
    assert totals == {"registry": 1, "log": 1}, at
    assert not [row for row in world.rows(t.outbox) if row.delivered_at is None], at
