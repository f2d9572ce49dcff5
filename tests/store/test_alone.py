"""Statements that are commits of their own, on PostgreSQL."""

from __future__ import annotations

import psycopg2
import pytest
from sqlalchemy import bindparam, cast, insert, select, text
from sqlalchemy.exc import IntegrityError

from itl.store import tables as t
from itl.store.alone import Alone
from itl.store.database import Database
from itl.store.statements import Statement
from tests.databases import FreshDatabase

ADD = Statement(
    "add_party",
    lambda _dialect: insert(t.parties).from_select(
        ["code", "name"],
        select(cast(bindparam("code"), t.parties.c.code.type), cast(bindparam("name"), t.parties.c.name.type)),
    ),
)


@pytest.fixture
def database(fresh_database: FreshDatabase) -> Database:
    return Database(fresh_database("postgresql"))


def alone(database: Database) -> Alone:
    assert database.alone is not None
    return database.alone


def parties(database: Database) -> dict[str, str | None]:
    with database.read() as connection:
        return {row.code: row.name for row in connection.execute(select(t.parties))}


def test_each_is_committed_by_itself(database: Database) -> None:
    assert [alone(database).count(ADD, {"code": code, "name": "it's %s \\ 100 %"}) for code in ("GB", "FR")] == [1, 1]
    database.close()
    assert parties(database) == dict.fromkeys(("GB", "FR"), "it's %s \\ 100 %")
    database.close()


def test_one_that_fails_leaves_no_trace_and_the_next_works(database: Database) -> None:
    alone(database).count(ADD, {"code": "GB", "name": None})
    with pytest.raises(IntegrityError, match="add_party"):
        alone(database).count(ADD, {"code": "GB", "name": "again"})
    assert alone(database).count(ADD, {"code": "FR", "name": None}) == 1
    assert parties(database) == {"GB": None, "FR": None}
    database.close()


def test_a_connection_that_was_cut_fails_once_and_is_replaced(database: Database) -> None:
    alone(database).count(ADD, {"code": "GB", "name": None})
    with database.write() as connection:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        connection.execute(text(f"{cut} AND pid <> pg_backend_pid()"))
    with pytest.raises(psycopg2.OperationalError):
        alone(database).count(ADD, {"code": "FR", "name": None})
    assert alone(database).count(ADD, {"code": "FR", "name": None}) == 1
    assert parties(database) == {"GB": None, "FR": None}
    database.close()
