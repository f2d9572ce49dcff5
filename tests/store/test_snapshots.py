"""The log's own snapshot of a registry as of an instant."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from sqlalchemy import insert

from itl.ledger.block import SerialRange
from itl.ledger.comparison import differences
from itl.ledger.explanation import explain
from itl.ledger.placement import Filter, PlacedUnits, Placement, taken
from itl.store import access
from itl.store import tables as t
from itl.store.database import Database
from itl.store.snapshots import blocks_at, in_flight, totals_at
from tests.databases import FreshDatabase
from tests.hub.world import CANCELLATION, EXTERNAL, HOUR, INTERNAL, ISSUANCE, World, sandbox, units

T0 = datetime(2012, 1, 1, tzinfo=UTC)
T1, T2, T3 = (T0 + timedelta(days=days) for days in (1, 2, 3))
INSTANT = timedelta(microseconds=1)


def row(origin: str, start: int, end: int, registry: str = "GB", **more: object) -> dict[str, object]:
    return {
        "originating_registry": origin,
        "serial_start": start,
        "serial_end": end,
        "unit_type": 1,
        "supp_unit_type": None,
        "original_commit_period": 1,
        "applicable_commit_period": 1,
        "issued_unit_type": 1,
        "registry": registry,
        "account_type": 100,
        "account_identifier": None,
        "since": T0,
    } | more


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A ledger of three days: GB cancels 41-60 of its 1-100 at T1, France gets 81-100 at T2."""
    database = Database(database_url)
    with database.write() as connection:
        connection.execute(
            insert(t.past_unit_blocks),
            [
                row("GB", 1, 100, id=901, until=T1),
                row("GB", 61, 100, id=902, since=T1, until=T2),
            ],
        )
        connection.execute(
            insert(t.unit_blocks),
            [
                row("GB", 1, 40, since=T1, account_identifier=7),
                row("GB", 41, 60, since=T1, account_type=230),
                row("GB", 61, 80, since=T2, account_identifier=8),
                row("GB", 81, 100, since=T2, registry="FR"),
                row("FR", 1, 10, supp_unit_type=1, account_type=121, applicable_commit_period=2),
                row("FR", 11, 15, unit_type=5, account_type=300, applicable_commit_period=2, since=T3),
            ],
        )
    yield database
    database.close()


AT = {
    T0 - INSTANT: {},
    T0: {(100, 0, 1): 100, (121, 0, 1): 10},
    T1 - INSTANT: {(100, 0, 1): 100, (121, 0, 1): 10},
    T1: {(100, 0, 1): 80, (230, 1, 1): 20, (121, 0, 1): 10},
    T2 - INSTANT: {(100, 0, 1): 80, (230, 1, 1): 20, (121, 0, 1): 10},
    T2: {(100, 0, 1): 60, (230, 1, 1): 20, (121, 0, 1): 10},
    T3: {(100, 0, 1): 60, (230, 1, 1): 20, (121, 0, 1): 10, (300, 2, 5): 5},
}


@pytest.mark.parametrize(("at", "sums"), AT.items())
def test_totals_as_of_an_instant(database: Database, at: datetime, sums: dict[tuple[int, int, int], int]) -> None:
    with database.read() as connection:
        assert totals_at(connection, "GB", at) == {Placement(*placed): units for placed, units in sums.items()}


def test_totals_by_account(database: Database) -> None:
    with database.read() as connection:
        found = totals_at(connection, "GB", T2, by_account=True)
    assert found == {
        Placement(100, 0, 1, 7): 40,
        Placement(100, 0, 1, 8): 20,
        Placement(230, 1, 1): 20,
        Placement(121, 0, 1): 10,
    }


def test_the_blocks_come_in_order_and_sum_up_to_the_totals(database: Database) -> None:
    for at in AT:
        with database.read() as connection:
            blocks = list(blocks_at(connection, "GB", at))
            totals = totals_at(connection, "GB", at)
        sums: Counter[Placement] = Counter()
        for each in blocks:
            sums[each.placement.bare] += each.range.quantity
        assert sums == totals
        assert [each.range for each in blocks] == sorted(each.range for each in blocks)


FILTERS = [
    [],
    [Filter(100)],
    [Filter(100, 0, 1)],
    [Filter(unit_type=5), Filter(230)],
    [Filter(account_period=0)],
    [Filter(account_identifier=7)],
    [Filter(411)],
    [Filter(), Filter(411)],
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_filters_take_what_they_ask_for(database: Database, filters: list[Filter]) -> None:
    with database.read() as connection:
        everything = list(blocks_at(connection, "GB", T3))
        found = list(blocks_at(connection, "GB", T3, filters))
    assert found == [each for each in everything if taken(each.placement, filters)]


def test_originating_registries_come_in_the_order_of_their_letters(database_url: str) -> None:
    """Whatever the order of the database, for both sides must come in one."""
    database = Database(database_url)
    codes = ["AB", "ab", "A", "ZZ", "CDM"]
    with database.write() as connection:
        connection.execute(insert(t.unit_blocks), [row(code, 1, 9) for code in codes])
    with database.read() as connection:
        found = [each.range.originating_registry for each in blocks_at(connection, "GB", T0)]
    assert found == sorted(codes)
    database.close()


# Transactions in flight ----------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    """GB holds 1-100 for a day."""
    with patch.dict(access._COST, n=2), World.on(fresh_database(request.param, sandbox)) as made:
        made.issue(1, 100)
        made.later(24 * HOUR)
        yield made


TOLERANCE = HOUR / 2
ALL = [SerialRange("GB", 1, 200)]


def moving(world: World, at: datetime, registry: str = "GB") -> list[tuple[str, int, int, int | None, int | None]]:
    """Of each movement: transaction, first and last serial, account types before and after."""
    with world.hub.database.snapshot() as connection:
        found = in_flight(connection, registry, at, TOLERANCE, ALL)
    types = [(side and side.account_type for side in (each.before, each.after)) for each in found]
    return [(each.transaction, each.range.start, each.range.end, *two) for each, two in zip(found, types, strict=True)]


def test_an_open_transaction_will_move_its_units(world: World) -> None:
    world.reach(8, EXTERNAL, "GB2", 1, 50)
    world.reach(2, ISSUANCE, "GB3", 101, 150)
    at = world.clock()
    assert sorted(moving(world, at)) == [("GB2", 1, 50, 100, None), ("GB3", 101, 150, None, 100)]
    assert moving(world, at, "FR") == [("GB2", 1, 50, None, 100)]
    assert moving(world, at, "JP") == []
    assert moving(world, at - 2 * HOUR) == [], "proposed later"


def test_a_transaction_completed_after_the_instant_was_open_at_it(world: World) -> None:
    world.reach(2, CANCELLATION, "GB2", 1, 50)
    at = world.clock()
    world.later(5 * HOUR)
    world.notify("GB", "GB2", 4)
    world.settle()
    assert moving(world, at) == [("GB2", 1, 50, 100, 230)]


def test_a_transaction_that_was_completed_just_before_is_still_in_flight(world: World) -> None:
    world.reach(4, CANCELLATION, "GB2", 1, 50)
    world.reach(4, ISSUANCE, "GB3", 101, 150)
    at = world.clock()
    both = [("GB2", 1, 50, 100, 230), ("GB3", 101, 150, None, 100)]
    assert sorted(moving(world, at)) == both
    assert sorted(moving(world, at + TOLERANCE - INSTANT)) == both
    assert moving(world, at + TOLERANCE) == []


@pytest.mark.parametrize("status", [3, 5, 7])
def test_a_transaction_that_ended_otherwise_explains_nothing(world: World, status: int) -> None:
    at = world.clock()
    world.reach(status, CANCELLATION, "GB2")
    assert moving(world, at) == []


def test_units_that_moved_twice(world: World) -> None:
    world.reach(4, INTERNAL, "GB2", 1, 50)
    world.later(HOUR / 4)
    world.propose("GB", "GB3", CANCELLATION, units(41, 50), accounts=(121, 230))
    world.settle()
    world.notify("GB", "GB3", 4)
    world.settle()
    world.propose("GB", "GB4", INTERNAL, units(61, 70))
    world.settle()
    assert sorted(moving(world, world.clock())) == [
        ("GB2", 1, 50, 100, 121),
        ("GB3", 41, 50, 121, 230),
        ("GB4", 61, 70, 100, 121),
    ]


def test_only_units_asked_for_are_looked_at(world: World) -> None:
    world.reach(2, CANCELLATION, "GB2", 1, 50)
    world.reach(4, CANCELLATION, "GB3", 51, 80)
    with world.hub.database.read() as connection:
        wanted = [SerialRange("GB", 40, 60), SerialRange("FR", 1, 9)]
        found = in_flight(connection, "GB", world.clock(), TOLERANCE, wanted)
        assert sorted((each.range.start, each.range.end) for each in found) == [(40, 50), (51, 60)]
        assert in_flight(connection, "GB", world.clock(), TOLERANCE, []) == []


def test_a_registry_ahead_of_the_log_or_behind_it_is_explained_by_what_is_in_flight(world: World) -> None:
    """The registry is told a verdict and carries the transaction out before it says so."""
    with world.hub.database.snapshot() as connection:
        before = list(blocks_at(connection, "GB", world.clock()))
    world.reach(2, CANCELLATION, "GB2", 1, 50)
    at = world.clock()
    cancelled = PlacedUnits(SerialRange("GB", 1, 50), Placement(230, 1, 1))
    after = [cancelled, PlacedUnits(SerialRange("GB", 51, 100), Placement(100, 0, 1))]

    def explained(view: list[PlacedUnits]) -> list[tuple[int, int, tuple[str, ...]]]:
        with world.hub.database.snapshot() as connection:
            found = list(differences(blocks_at(connection, "GB", world.clock()), view))
            moved = in_flight(connection, "GB", at, TOLERANCE, [each.range for each in found])
            parts = [(each.difference.range, each.explained_by) for each in explain(found, moved)]
        return [(units.start, units.end, explained_by) for units, explained_by in parts]

    assert (explained(before), explained(after)) == ([], [(1, 50, ("GB2",))])
    world.notify("GB", "GB2", 4)
    world.settle()
    assert (explained(before), explained(after)) == ([(1, 50, ("GB2",))], [])
