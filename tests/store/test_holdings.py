"""Figures of the ledger."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from itl.store import tables as t
from itl.store.database import Database
from itl.store.holdings import COLUMNS, Holding, as_row, holdings

T0 = datetime(2012, 1, 1, tzinfo=UTC)
T1, T2 = T0 + timedelta(days=1), T0 + timedelta(days=2)


def row(
    start: int, end: int, account_type: int, unit_type: int = 1, issued: int | None = None, **more: object
) -> dict[str, object]:
    return {
        "originating_registry": "GB",
        "serial_start": start,
        "serial_end": end,
        "unit_type": unit_type,
        "original_commit_period": 1,
        "applicable_commit_period": 1,
        "issued_unit_type": unit_type if issued is None else issued,
        "registry": "GB",
        "account_type": account_type,
        "since": T0,
    } | more


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


def test_each_unit_counts_where_it_is_and_as_what_it_was_issued(database: Database) -> None:
    with database.write() as connection:
        connection.execute(
            insert(t.unit_blocks),
            [
                row(1, 100, 100),
                row(101, 110, 121),
                row(111, 130, 230),
                row(131, 160, 300),
                row(161, 200, 421),
                row(201, 250, 100, unit_type=3, issued=1),
                row(251, 257, 250, unit_type=4, issued=2),
            ],
        )
    with database.read() as connection:
        found = holdings(connection)
    assert found == [
        Holding("GB", "AAU", 1, 250, 0, 50, 110, 20, 30, 40),
        Holding("GB", "ERU", 1, 0, 57, 0, 50, 7, 0, 0),
        Holding("GB", "RMU", 1, 7, 0, 7, 0, 0, 0, 0),
    ]
    assert all(holding.is_balanced for holding in found)


def test_holdings_of_a_past_instant(database: Database) -> None:
    was = row(1, 100, 100, id=99, until=T2)
    with database.write() as connection:
        connection.execute(insert(t.past_unit_blocks), [was])
        connection.execute(insert(t.unit_blocks), [row(1, 40, 230, since=T2), row(41, 100, 100, since=T2)])
    with database.read() as connection:
        at = {when: [as_row(holding)[6:8] for holding in holdings(connection, when)] for when in (T0, T1, T2)}
        before = holdings(connection, T0 - timedelta(microseconds=1))
    assert at == {T0: [(100, 0)], T1: [(100, 0)], T2: [(60, 40)]}
    assert before == []


def test_sums_beyond_32_bits(database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(t.unit_blocks), [row(1, 999_999_999_999_998, 100)])
    with database.read() as connection:
        assert [holding.held for holding in holdings(connection)] == [999_999_999_999_998]


def test_the_columns_of_the_report() -> None:
    assert COLUMNS == (
        "party", "unit", "cp", "issued", "converted_in", "converted_out", "held", "cancelled", "retired", "replaced",
    )  # fmt: skip
