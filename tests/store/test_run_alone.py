"""Statements that are commits of their own, on PostgreSQL."""

from __future__ import annotations

import psycopg2
import pytest
from sqlalchemy import bindparam, cast, insert, select, text
from sqlalchemy.exc import IntegrityError

from itl.store import tables as t
from itl.store.database import Database, prepared
from tests.databases import FreshDatabase

ADD = prepared(
    "add_party",
    insert(t.parties).from_select(
        ["code", "name"],
        select(cast(bindparam("code"), t.parties.c.code.type), cast(bindparam("name"), t.parties.c.name.type)),
    ),
)


@pytest.fixture
def database(fresh_database: FreshDatabase) -> Database:
    return Database(fresh_database("postgresql"))


def parties(database: Database) -> dict[str, str | None]:
    with database.read() as connection:
        return {row.code: row.name for row in connection.execute(select(t.parties))}


def test_each_is_committed_by_itself(database: Database) -> None:
    assert [database.run_alone(ADD, {"code": code, "name": "it's %s \\ 100 %"}) for code in ("GB", "FR")] == [1, 1]
    database.close()
    assert parties(database) == dict.fromkeys(("GB", "FR"), "it's %s \\ 100 %")
    database.close()


def test_one_that_fails_leaves_no_trace_and_the_next_works(database: Database) -> None:
    database.run_alone(ADD, {"code": "GB", "name": None})
    with pytest.raises(IntegrityError, match="add_party"):
        database.run_alone(ADD, {"code": "GB", "name": "again"})
    assert database.run_alone(ADD, {"code": "FR", "name": None}) == 1
    assert parties(database) == {"GB": None, "FR": None}
    database.close()


def test_a_connection_that_was_cut_fails_once_and_is_replaced(database: Database) -> None:
    database.run_alone(ADD, {"code": "GB", "name": None})
    with database.write() as connection:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        connection.execute(text(f"{cut} AND pid <> pg_backend_pid()"))
    with pytest.raises(psycopg2.OperationalError):
        database.run_alone(ADD, {"code": "FR", "name": None})
    assert database.run_alone(ADD, {"code": "FR", "name": None}) == 1
    assert parties(database) == {"GB": None, "FR": None}
    database.close()
