"""What reconciliations found to differ: recorded, kept from transactions, and closed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from itl.ledger.block import Inconsistency, SerialRange
from itl.ledger.comparison import Difference
from itl.ledger.explanation import Finding
from itl.ledger.placement import Placement
from itl.store import access, inconsistencies, statements
from itl.store import tables as t
from itl.store.database import Database
from itl.store.inconsistencies import Closing
from tests.databases import FreshDatabase
from tests.hub.world import CANCELLATION, EXTERNAL, World, sandbox, units
from tests.store.reconciling import HELD, RETIRED, find, missing, put_reconciliation

NOW = datetime(2014, 6, 2, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
BY_HAND = Closing(LATER, "ada", "the registry mended it")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def gb(start: int, end: int) -> SerialRange:
    return SerialRange("GB", start, end)


def still_open(database: Database, registry: str = "GB") -> list[tuple[int, int]]:
    with database.read() as connection:
        found = list(inconsistencies.open_for(connection, registry))
    return [(each.difference.range.start, each.difference.range.end) for each in found]


def test_a_finding_is_read_again_as_it_was_recorded(database: Database) -> None:
    told = [
        missing(1, 9),
        Finding(Difference(gb(10, 19), None, (RETIRED,)), ()),
        Finding(Difference(gb(20, 29), Placement(100, 0, 1, 7), (Placement(121, 0, 1, 8),)), ()),
        Finding(Difference(gb(30, 39), HELD, (HELD, RETIRED), double=True), ()),
        Finding(Difference(gb(40, 49), HELD, (RETIRED,)), ("GB1", "GB2")),
    ]
    with database.write() as connection:
        key = find(connection, "GB1", told, NOW)
    with database.read() as connection:
        recorded = list(inconsistencies.of_reconciliation(connection, key))
    assert [(each.difference, each.explained_by) for each in recorded] == [
        (each.difference, each.explained_by) for each in told
    ]
    assert [each.is_open for each in recorded] == [True, True, True, True, False]
    assert still_open(database) == [(1, 9), (10, 19), (20, 29), (30, 39)]


def test_insert_counts_what_stays_open(database: Database) -> None:
    with database.write() as connection:
        key = put_reconciliation(connection, "GB1", NOW)
        findings = [missing(1, 9), replace(missing(10, 19), explained_by=("GB7",))]
        assert inconsistencies.insert(connection, key, "GB", "ITL", findings, NOW) == 1
        assert inconsistencies.insert(connection, key, "GB", "ITL", [], NOW) == 0


WANTED = {
    "before": ((1, 9), []),
    "reaching in": ((1, 10), [(10, 19)]),
    "inside": ((12, 13), [(10, 19)]),
    "between": ((20, 29), []),
    "both": ((15, 30), [(10, 19), (30, 39)]),
    "around": ((1, 99), [(10, 19), (30, 39)]),
    "behind": ((40, 99), []),
}


@pytest.mark.parametrize(("wanted", "found"), WANTED.values(), ids=WANTED)
def test_what_is_open_about_units(database: Database, wanted: tuple[int, int], found: list[tuple[int, int]]) -> None:
    with database.write() as connection:
        find(connection, "GB1", [missing(10, 19), missing(30, 39), missing(1, 99, "FR")], NOW)
        ranges = [gb(*wanted), gb(*wanted)]
        assert sorted(inconsistencies.touching(connection, ranges), key=lambda each: each.range) == [
            Inconsistency(gb(*each), "ITL") for each in found
        ]
        assert inconsistencies.touching(connection, []) == []


def test_two_registries_and_two_logs_may_differ_about_the_same_units(database: Database) -> None:
    with database.write() as connection:
        find(connection, "GB1", [missing(1, 50)], NOW)
        find(connection, "FR1", [missing(40, 60, log=RETIRED)], NOW, "FR")
        find(connection, "GB2", [missing(45, 99)], NOW, log="CITL")
        found = inconsistencies.touching(connection, [gb(47, 47)])
        assert sorted((each.range.start, each.log) for each in found) == [(1, "ITL"), (40, "ITL"), (45, "CITL")]


def test_a_later_reconciliation_takes_the_place_of_an_earlier_one(database: Database) -> None:
    with database.write() as connection:
        first = find(connection, "GB1", [missing(1, 99)], NOW)
        second = find(connection, "GB2", [missing(10, 19), replace(missing(30, 39), explained_by=("GB7",))], LATER)
    assert still_open(database) == [(1, 9), (10, 19), (20, 99)]
    with database.read() as connection:
        [whole, *rest] = inconsistencies.of_reconciliation(connection, first)
    assert (whole.closed_at, whole.closing_reconciliation_id) == (LATER, second)
    assert [each.found_at for each in rest] == [NOW, NOW]


def test_a_part_is_closed_and_the_rest_stays_open(database: Database) -> None:
    with database.write() as connection:
        find(connection, "GB1", [missing(1, 50), missing(60, 99)], NOW)
        find(connection, "FR1", [missing(1, 99)], NOW, "FR")
        assert (
            inconsistencies.close(connection, "GB", "ITL", BY_HAND, [gb(10, 19), gb(45, 70), gb(200, 300)])
            == 10 + 6 + 11
        )
        assert inconsistencies.close(connection, "GB", "CITL", BY_HAND, [gb(1, 9)]) == 0
    assert still_open(database) == [(1, 9), (20, 44), (71, 99)]
    assert still_open(database, "FR") == [(1, 99)]


def test_all_of_a_registry_is_closed_with_who_and_why(database: Database) -> None:
    with database.write() as connection:
        key = find(connection, "GB1", [missing(1, 50), missing(60, 99)], NOW)
        find(connection, "FR1", [missing(1, 99)], NOW, "FR")
        clean = put_reconciliation(connection, "GB2", LATER)
        closing = replace(BY_HAND, reconciliation_id=clean)
        assert inconsistencies.close(connection, "GB", "ITL", closing) == 90
        assert inconsistencies.close(connection, "GB", "ITL", closing) == 0
    with database.read() as connection:
        closed = list(inconsistencies.of_reconciliation(connection, key))
    told = {(each.closed_at, each.closed_by, each.close_reason, each.closing_reconciliation_id) for each in closed}
    assert told == {(LATER, "ada", "the registry mended it", clean)}
    assert (still_open(database), still_open(database, "FR")) == ([], [(1, 99)])


def test_the_database_refuses_what_would_be_open_twice(database: Database) -> None:
    with database.write() as connection:
        find(connection, "GB1", [missing(1, 50)], NOW)
        row = connection.execute(select(*t.inconsistencies.columns[1:])).one()._asdict()
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(t.inconsistencies.insert(), row)


starts = st.integers(1, 40)
some = st.lists(st.tuples(starts, st.integers(0, 9)), max_size=5)


def test_what_is_open_is_what_was_found_and_not_closed_since(fresh_database: FreshDatabase) -> None:
    """Steps of finding (True) and closing ranges, held against a set of serials."""
    database = Database(fresh_database("sqlite"))

    @settings(max_examples=25)
    @given(st.lists(st.tuples(st.booleans(), some), max_size=6))
    def follow(steps: list[tuple[bool, list[tuple[int, int]]]]) -> None:
        fenced: set[int] = set()
        with database.engine.connect() as connection, connection.begin() as transaction:
            for at, (finds, given_ranges) in enumerate(steps):
                ranges = [gb(start, start + length) for start, length in given_ranges]
                serials = {serial for each in ranges for serial in range(each.start, each.end + 1)}
                if finds:
                    find(connection, f"GB{at}", [missing(serial, serial) for serial in sorted(serials)], NOW)
                    fenced |= serials
                else:
                    freed = inconsistencies.close(connection, "GB", "ITL", BY_HAND, ranges)
                    assert freed == len(fenced & serials)
                    fenced -= serials
                told = [each.range for each in inconsistencies.touching(connection, [gb(1, 99)])]
                assert sorted(serial for each in told for serial in range(each.start, each.end + 1)) == sorted(fenced)
            transaction.rollback()

    follow()
    database.close()


# Judging -------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    """GB holds 1-100."""
    with patch.dict(access._COST, n=2), World.on(fresh_database(request.param, sandbox)) as made:
        made.issue(1, 100)
        yield made


@pytest.mark.parametrize(("log", "code"), [("ITL", 4008), ("CITL", 4009)])
def test_units_of_an_open_inconsistency_are_kept_from_transactions(world: World, log: str, code: int) -> None:
    with world.hub.database.write() as connection:
        find(connection, "GB1", [missing(41, 60)], world.clock(), log=log)
    answers = {}
    for number, (start, end) in enumerate([(1, 40), (61, 70), (1, 41), (60, 60)], 2):
        world.propose("GB", f"GB{number}", EXTERNAL, units(start, end), to="FR")
        world.settle()
        world.notify("FR", f"GB{number}", 6, 4003)  # so that the units are free again
        world.settle()
        failed = world.status(f"GB{number}") == 3
        answers[start, end] = world["GB"].codes(f"GB{number}", 3) if failed else []
    assert answers == {(1, 40): [], (61, 70): [], (1, 41): [code], (60, 60): [code]}
    [last] = [
        result
        for result in world["GB"].calls[-1][1].evaluation_result
        if world["GB"].calls[-1][1].transaction_status == 3
    ]
    assert [(block.unit_serial_block_start, block.unit_serial_block_end) for block in last.unit_block_identifiers] == [
        (60, 60)
    ]
    with world.hub.database.write() as connection:
        inconsistencies.close(connection, "GB", log, Closing(world.clock(), "ada", "settled"))
    world.propose("GB", "GB9", CANCELLATION, units(41, 60))
    world.settle()
    assert world.status("GB9") == 2


def test_one_query_per_batch_however_many_proposals(world: World) -> None:
    asked: list[str] = []

    def noted(connection: Any, steps: Any) -> Any:
        asked.extend(compiled.name for compiled, _ in steps)
        return execute(connection, steps)

    for number in range(2, 12):
        world.propose("GB", f"GB{number}", CANCELLATION, units(number, number))
    execute = statements._execute
    with patch.object(statements, "_execute", noted):
        world.hub.worker.once()
    assert world.status("GB11") == 2
    assert asked.count("inconsistencies_touching") == 1
