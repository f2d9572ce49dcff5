"""The ledger around wanted serials: what is found, and by which way, whatever the planner believes of the table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text

from itl.ledger.block import SerialRange
from itl.store import tables as t
from itl.store.database import Database
from itl.store.gather import units
from itl.store.overlaps import touching, wanted_rows
from itl.store.statements import search_by_index

NOW = datetime(2014, 6, 1, tzinfo=UTC)
RESERVED = (("GB", 10, 19), ("GB", 20, 20), ("GB", 30, 39), ("JP", 15, 34))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def reserve(connection: Connection, rows: Iterable[tuple[str, int, int]]) -> None:
    """Reservations of one transaction, GB1."""
    transaction = connection.execute(
        t.transactions.insert().returning(t.transactions.c.id),
        {
            "identifier": "GB1",
            "occupies": True,
            "transaction_type": 3,
            "transferring_registry": "GB",
            "acquiring_registry": "JP",
            "status": 2,
            "status_at": NOW,
            "proposed_at": NOW,
        },
    ).scalar_one()
    connection.execute(
        t.reservations.insert(),
        [
            {"transaction_id": transaction, "originating_registry": code, "serial_start": first, "serial_end": last}
            for code, first, last in rows
        ],
    )


FOUND: tuple[tuple[list[tuple[str, int, int]], set[int]], ...] = (
    ([("GB", 1, 9)], set()),
    ([("GB", 1, 10)], {10}),
    ([("GB", 10, 10)], {10}),
    ([("GB", 12, 13)], {10}),
    ([("GB", 19, 20)], {10, 20}),
    ([("GB", 20, 29)], {20}),
    ([("GB", 21, 29)], set()),
    ([("GB", 1, 100)], {10, 20, 30}),
    ([("GB", 39, 100)], {30}),
    ([("GB", 40, 100)], set()),
    ([("JP", 1, 15)], {15}),
    ([("GB", 1, 10), ("GB", 35, 35), ("JP", 20, 21)], {10, 30, 15}),
    ([("FR", 1, 100)], set()),
)
"""Wanted ranges, and the first serials of the reservations that have a serial in them."""


def test_what_has_a_serial_in_them_is_found(database: Database) -> None:
    with database.write() as connection:
        reserve(connection, RESERVED)
        for wanted, found in FOUND:
            stored = units(connection, [SerialRange(*each) for each in wanted])
            assert {each.range.start for each in stored.reserved} == found, wanted
            assert {each.transaction for each in stored.reserved} == ({"GB1"} if found else set())


def test_each_is_looked_up_by_its_serial_though_the_table_was_empty_when_it_was_analysed(database: Database) -> None:
    """Else PostgreSQL may keep a plan that goes through all rows for each wanted range."""
    with database.write() as connection:
        dialect = connection.dialect.name
        connection.execute(text("ANALYZE"))
        search_by_index(connection)
        for table in (t.reservations, t.unit_blocks):
            statement = touching(dialect, table, of_transaction=(t.transactions.c.identifier,))
            explain = text(f"EXPLAIN {'QUERY PLAN' if dialect == 'sqlite' else ''} {statement.element.text}")
            plan = connection.execute(explain, {"wanted": wanted_rows([SerialRange("GB", 1, 9)])})
            lines = [str(row[-1]).strip() for row in plan]
            index = f"uq_{table.name}_serials"
            if dialect == "sqlite":
                ways = ["(originating_registry=? AND serial_start>? AND serial_start<?)"]
                ways += ["(originating_registry=? AND serial_start<?)"]
                assert [line.partition(index)[2].strip() for line in lines if index in line] == ways, lines
                assert not any(line.startswith("SCAN") and not line.startswith("SCAN w") for line in lines), lines
            else:
                assert sum(f" on {table.name}" in line for line in lines) == 2, lines
                assert sum(f"{index} on {table.name}" in line for line in lines) == 2, lines
                assert sum("Index Cond" in line and "serial_start" in line for line in lines) == 2, lines
                assert not any("Join Filter" in line for line in lines), lines
