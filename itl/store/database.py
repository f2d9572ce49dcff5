"""One database behind the log: SQLite (default, needs nothing) or PostgreSQL (production), by one URL.

A writing unit of work on SQLite takes the write lock at its start (one that reads first and writes later fails at once
when another writes), and the threads of one process queue for it before SQLite would let them spin.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from itl.errors import ConflictError, UsageError
from itl.store.alone import Alone

SERIALIZATION_FAILURE = "40001"
"""What PostgreSQL says where a unit of work cannot see one state and change it."""


def normal_url(url: str) -> str:
    """`url` with the driver that is pinned: a bare `postgresql://` would be read as another by SQLAlchemy 2.1."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UsageError(f"database {url!r}: {error}; give e.g. sqlite:///itl.db or postgresql://host/name") from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg2")
    if parsed.drivername not in ("postgresql+psycopg2", "sqlite", "sqlite+pysqlite"):
        raise UsageError(f"database {url!r}: only sqlite and postgresql are supported")
    if parsed.drivername.startswith("sqlite") and parsed.database in (None, "", ":memory:"):
        raise UsageError(f"database {url!r}: give a file, a log in memory would lose what it acknowledged")
    return parsed.render_as_string(hide_password=False)


class Database:
    """Connections to one database. Every unit of work is `write()`, or `read()` where nothing changes."""

    def __init__(self, url: str, *, connections: int = 16) -> None:
        self.url = normal_url(url)
        self.is_sqlite = self.url.startswith("sqlite")
        self.engine = _sqlite(self.url) if self.is_sqlite else _postgresql(self.url, connections)
        self._writing = self.engine.execution_options(itl_begin="BEGIN IMMEDIATE")
        self.alone = None if self.is_sqlite else Alone(self.url)
        """Statements that are commits of their own; PostgreSQL only."""
        isolation = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._snapshots = self.engine.execution_options(**isolation)
        self._writer: AbstractContextManager[Any] = threading.Lock() if self.is_sqlite else nullcontext()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A unit of work that commits at its end, or leaves no trace when it raises."""
        with self._writer, self._writing.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write_steadily(self) -> Iterator[Connection]:
        """As `write`, and every statement sees the same state, but for its own changes, however long the work takes.

        ConflictError where another changed meanwhile what is changed here: do it again.
        """
        if self.is_sqlite:
            with self.write() as connection:
                yield connection
            return
        try:
            with self._snapshots.connect() as connection, connection.begin():
                yield connection
        except DBAPIError as error:
            if getattr(error.orig, "pgcode", None) != SERIALIZATION_FAILURE:
                raise
            raise ConflictError(
                "somebody changed meanwhile what this changes; nothing was done, run it again"
            ) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A unit of work that sees one state of the database and changes nothing."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """As `read`, and every statement sees the same state, however long the work takes."""
        with self._snapshots.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self.engine.dispose()
        if self.alone is not None:
            self.alone.close()


def _postgresql(url: str, connections: int) -> Engine:
    return create_engine(url, pool_size=connections, max_overflow=connections, executemany_mode="values_plus_batch")


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": 60.0, "check_same_thread": False}, pool_size=16)

    @event.listens_for(engine, "connect")
    def prepare(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # pysqlite must not begin transactions by itself
        cursor = raw.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("itl_begin", "BEGIN"))

    return engine
