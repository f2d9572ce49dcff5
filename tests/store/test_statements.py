"""Statements that are compiled once: values come and go as SQLAlchemy would bring them, errors are its errors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.exc import IntegrityError, OperationalError

from itl.store import tables as t
from itl.store.database import Database
from itl.store.sets import one_of
from itl.store.statements import Insertion, Statement, run_all, search_by_index
from tests.databases import FreshDatabase

NOW = datetime(2014, 6, 1, 12, 30, 15, 123456, UTC)
OUTBOX = ("receiver", "operation", "content", "created_at", "next_attempt_at", "problem", "once")

POST = Insertion(t.outbox, OUTBOX)
ALL = Statement("all_letters", lambda _dialect: select(t.outbox).order_by(t.outbox.c.id))
SOME = Statement(
    "some_letters",
    lambda dialect: select(t.outbox.c.id).where(one_of(dialect, t.outbox.c.receiver, "wanted")).order_by(t.outbox.c.id),
)
DROP = Statement("drop_letters", lambda dialect: delete(t.outbox).where(one_of(dialect, t.outbox.c.id, "wanted")))
EARLY = Statement(
    "early_letters",
    lambda _dialect: select(t.outbox.c.id).where(t.outbox.c.created_at <= bindparam("at", type_=t.Instant())),
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def letter(receiver: str, **more: Any) -> dict[str, Any]:
    plain = {"operation": "acceptMessage", "content": b"{}", "created_at": NOW, "next_attempt_at": NOW}
    return {"receiver": receiver, **plain, "problem": None, "once": False, **more}


def post(connection: Connection, *rows: dict[str, Any]) -> None:
    run_all(connection, POST.steps(connection, rows))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("receiver", "GB"),
        ("receiver", ""),
        ("receiver", "NULL"),
        ("receiver", "a \"quoted\", {braced} \\ and 'single' %(word)s :word"),
        ("receiver", "Ελλάδα\n\t"),
        ("content", b""),
        ("content", bytes(range(256))),
        ("created_at", NOW),
        ("created_at", NOW.astimezone(timezone(timedelta(hours=9)))),
        ("created_at", datetime(1, 1, 1, tzinfo=UTC)),
        ("problem", None),
        ("problem", "null"),
        ("once", True),
        ("once", False),
    ],
)
def test_values_come_back_as_they_went_in(database: Database, column: str, value: Any) -> None:
    rows = [letter("FR"), letter("GB") | {column: value}, letter("JP")]
    with database.write() as connection:
        post(connection, *rows)
    with database.read() as connection:
        by_core = connection.execute(select(t.outbox).order_by(t.outbox.c.id)).all()
        once = ALL.rows(connection)
    assert [getattr(row, column) for row in once] == [row[column] for row in rows]
    assert [tuple(row) for row in once] == [tuple(row) for row in by_core]
    assert [type(cell) for cell in once[1]] == [type(cell) for cell in by_core[1]]


def test_dates_and_numbers_of_an_insertion_come_back(database: Database) -> None:
    columns = [column.name for column in t.unit_blocks.columns if column.name != "id"]
    plain = dict.fromkeys(columns) | {
        "originating_registry": "GB",
        "serial_start": 10**15 - 2,
        "serial_end": 10**15 - 1,
        "unit_type": 6,
        "original_commit_period": 1,
        "applicable_commit_period": 2,
        "expiry_date": date(2034, 1, 31),
        "issued_unit_type": 6,
        "replaced": True,
        "registry": "GB",
        "account_type": 100,
        "since": NOW,
    }
    with database.write() as connection:
        run_all(connection, Insertion(t.unit_blocks, columns).steps(connection, [plain]))
        [row] = connection.execute(select(t.unit_blocks)).mappings()
    assert {name: row[name] for name in columns} == plain


def test_rows_get_their_keys_in_their_order(database: Database) -> None:
    with database.write() as connection:
        post(connection, *(letter(f"{number:05}") for number in range(3000)))
        rows = ALL.rows(connection)
    assert [row.receiver for row in rows] == [f"{number:05}" for number in range(3000)]
    assert [row.id for row in rows] == sorted(row.id for row in rows)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [((), 0), (("GB",), 1), (("GB", "FR", "GB"), 2), (('"', "\\"), 0), (("XX",), 0)],
)
def test_one_of_a_set_of_keys(database: Database, wanted: tuple[str, ...], found: int) -> None:
    with database.write() as connection:
        post(connection, letter("GB"), letter("FR"), letter("JP"))
        ids = [row.id for row in SOME.rows(connection, wanted=wanted)]
        assert len(ids) == found
        assert DROP.run(connection, wanted=ids) == found
        assert len(ALL.rows(connection)) == 3 - found


def test_instants_of_a_condition_are_compared_as_instants(database: Database) -> None:
    zone = timezone(timedelta(hours=-5))
    with database.write() as connection:
        post(connection, letter("GB"))
        assert len(EARLY.rows(connection, at=NOW.astimezone(zone))) == 1
        assert EARLY.rows(connection, at=(NOW - timedelta(microseconds=1)).astimezone(zone)) == []


def test_no_rows_are_no_step(database: Database) -> None:
    with database.write() as connection:
        assert POST.steps(connection, []) == []
        run_all(connection, [])


def test_all_steps_are_of_the_caller_s_transaction(database: Database) -> None:
    """What breaks among them takes all with it, and is the error that SQLAlchemy would raise."""
    history = Insertion(t.status_history, ("transaction_id", "status", "at", "set_by", "message"))
    unknown = {"transaction_id": 10**9, "status": 1, "at": NOW, "set_by": "GB", "message": None}

    def broken() -> None:
        with database.write() as connection:
            post(connection, letter("FR"))
            run_all(connection, [*POST.steps(connection, [letter("GB")]), *history.steps(connection, [unknown])])

    with pytest.raises(IntegrityError):
        broken()
    with database.write() as connection:
        assert ALL.rows(connection) == []
        post(connection, letter("JP"))
    with database.read() as connection:
        assert [row.receiver for row in ALL.rows(connection)] == ["JP"]


@pytest.fixture
def postgresql(fresh_database: FreshDatabase) -> Iterator[Database]:
    database = Database(fresh_database("postgresql"))
    yield database
    database.close()


def test_a_statement_is_prepared_once_per_connection(postgresql: Database) -> None:
    with postgresql.write() as connection:
        for _ in range(3):
            ALL.rows(connection)
        known = connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements WHERE name = 'all_letters'")
        assert known.scalar_one() == 1


def test_looking_up_by_index_ends_with_the_transaction(postgresql: Database) -> None:
    with postgresql.write() as connection:
        search_by_index(connection)
        assert connection.exec_driver_sql("SHOW enable_seqscan").scalar_one() == "off"
    with postgresql.write() as connection:
        assert connection.exec_driver_sql("SHOW enable_seqscan").scalar_one() == "on"


def test_connections_that_the_server_ended_are_replaced(postgresql: Database) -> None:
    def asked_when_it_is_gone() -> None:
        with postgresql.read() as connection:
            ALL.rows(connection)
            process = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with postgresql.write() as other:
                assert other.exec_driver_sql(f"SELECT pg_terminate_backend({process}, 5000)").scalar_one()
            ALL.rows(connection)

    with pytest.raises(OperationalError):
        asked_when_it_is_gone()
    with postgresql.write() as connection:
        post(connection, letter("GB"))
        assert [row.receiver for row in ALL.rows(connection)] == ["GB"]
