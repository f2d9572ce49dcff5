"""Databases for tests: new ones, on SQLite and on PostgreSQL (`tests/postgresql.py`).

`database_url` runs a test once on each engine, on a migrated database. `fresh_database` makes as many as a test wants,
of either engine, migrated or empty. When the test is over they are gone, or made as new for the next. Without any
PostgreSQL the tests on it fail.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Literal, Protocol
from uuid import uuid4

import pytest
import sqlalchemy as sa

from tests.first_state import FirstState
from tests.postgresql import NoServerError, administer, server

__all__ = ["database_url", "fresh_database", "postgresql_databases", "postgresql_server", "sqlite_databases"]

EngineName = Literal["sqlite", "postgresql"]
Migrate = Callable[[str], object]


class FreshDatabase(Protocol):
    """URL of a new database: as `template` left its twin (called once per session with a URL), or empty if None."""

    def __call__(self, engine: EngineName, template: Migrate | None = ...) -> str: ...


class PostgreSQLDatabases:
    """New databases of one server, copied by it from templates that were migrated once.

    One that was given back serves again if it can be put into its first state, which is a tenth of the work.
    """

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url
        self._prefix = f"itl_test_{uuid4().hex[:12]}_"
        self._numbers = count(1)
        self._templates: dict[Migrate, str] = {}
        self._names: set[str] = set()
        self._first_states: dict[Migrate, FirstState] = {}
        self._made_by: dict[str, Migrate] = {}
        self._free: defaultdict[Migrate, list[str]] = defaultdict(list)

    def create(self, template: Migrate | None) -> str:
        if not template:
            return self._url(self._create("template0"))
        name = self._free[template].pop() if self._free[template] else self._create(self._template(template))
        self._made_by[name] = template
        return self._url(name)

    def give_back(self, url: str) -> None:
        """Keep it for the next who wants such a one, or drop it where it cannot be made as new."""
        name = sa.make_url(url).database
        template = self._made_by.get(name)
        if template and self._first_states[template].restore(url):
            self._free[template].append(name)
        else:
            self._drop(name)

    def drop(self, url: str) -> None:
        self._drop(sa.make_url(url).database)

    def close(self) -> None:
        for name in sorted(self._names):
            self._drop(name)

    def _template(self, migrate: Migrate) -> str:
        if migrate not in self._templates:
            name = self._create("template0")
            migrate(self._url(name))
            self._templates[migrate] = name
            self._first_states[migrate] = FirstState.of(self._url(name))
        return self._templates[migrate]

    def _create(self, template: str) -> str:
        name = f"{self._prefix}{next(self._numbers)}"
        administer(self._admin_url, f"CREATE DATABASE {name} TEMPLATE {template}")
        self._names.add(name)
        return name

    def _drop(self, name: str) -> None:
        administer(self._admin_url, f"DROP DATABASE {name} WITH (FORCE)")  # also if somebody is still connected
        self._names.remove(name)
        self._made_by.pop(name, None)

    def _url(self, name: str) -> str:
        return sa.make_url(self._admin_url).set(database=name).render_as_string(hide_password=False)


class SQLiteDatabases:
    """New database files of one directory, copied from templates that were migrated once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = count(1)
        self._templates: dict[Migrate, Path] = {}

    def create(self, template: Migrate | None) -> str:
        path = self._new()
        if template:
            # SQLite's own copy, for it also takes what still stands in the write-ahead log.
            with closing(sqlite3.connect(self._template(template))) as source, closing(sqlite3.connect(path)) as copy:
                source.backup(copy)
        return self._url(path)

    def give_back(self, url: str) -> None:
        """A copy of a file costs nothing, so it is dropped."""
        self.drop(url)

    def drop(self, url: str) -> None:
        path = Path(sa.make_url(url).database)
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()

    def _template(self, migrate: Migrate) -> Path:
        if migrate not in self._templates:
            path = self._new()
            migrate(self._url(path))
            self._templates[migrate] = path
        return self._templates[migrate]

    def _new(self) -> Path:
        return self._directory / f"{next(self._numbers)}.sqlite"

    @staticmethod
    def _url(path: Path) -> str:
        return f"sqlite:///{path}"


def _migrate(url: str) -> None:
    from itl.store import schema  # noqa: PLC0415 - tests that need no database do not load the store

    schema.migrate(url)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """URL of a database on the PostgreSQL server, from which others can be created."""
    try:
        with server() as url:
            yield url
    except NoServerError as error:
        pytest.fail(f"no PostgreSQL for the tests: {error}", pytrace=False)


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_server: str) -> Iterator[PostgreSQLDatabases]:
    databases = PostgreSQLDatabases(postgresql_server)
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SQLiteDatabases:
    return SQLiteDatabases(tmp_path_factory.mktemp("databases"))


@pytest.fixture
def fresh_database(request: pytest.FixtureRequest) -> Iterator[FreshDatabase]:
    """A maker of databases: `fresh_database("postgresql")`, `fresh_database("sqlite", None)`, dropped at the end."""
    made: list[tuple[PostgreSQLDatabases | SQLiteDatabases, str]] = []

    def fresh(engine: EngineName, template: Migrate | None = _migrate) -> str:
        databases = request.getfixturevalue(f"{engine}_databases")
        made.append((databases, databases.create(template)))
        return made[-1][1]

    yield fresh
    for databases, url in made:
        databases.give_back(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> str:
    """URL of a new, migrated database; the test runs on SQLite and on PostgreSQL."""
    return fresh_database(request.param)
