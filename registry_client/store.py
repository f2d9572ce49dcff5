"""The registry's database: an SQLite file, or `sqlite://` in memory. One writer at a time, every commit on disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from registry_client import schema, tables
from registry_client.errors import StoreError


class Store:
    """The database of the registry `code` at `url` (an SQLAlchemy URL), made if absent, brought up to date if older.

    A `durable` commit is on disk when it returns; else it survives the death of the process, not of the machine.
    StoreError if it belongs to another registry, has another version, or cannot be opened. Safe for threads, and for
    several processes on one file.
    """

    def __init__(self, url: str, code: str, *, durable: bool = True) -> None:
        address = sa.make_url(url)
        if address.get_backend_name() != "sqlite":
            raise StoreError(f"{url}: a registry keeps its data in SQLite; name a file, as in sqlite:///gb.db")
        in_memory = address.database in (None, "", ":memory:")
        self._writing = threading.RLock()
        self._reading: Any = self._writing if in_memory else nullcontext()
        arguments: dict[str, Any] = {"connect_args": {"timeout": 30, "check_same_thread": False}}
        self._engine = sa.create_engine(address, poolclass=StaticPool if in_memory else None, **arguments)
        sa.event.listen(self._engine, "connect", partial(_prepare, "FULL" if durable else "NORMAL"))
        sa.event.listen(self._engine, "begin", _begin)
        self._writer = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        self._watching: sa.Connection | None = None
        try:
            self._create(url, code)
        except sa.exc.DatabaseError as error:
            self.close()
            raise StoreError(f"{url} cannot be opened: {error.orig}") from error
        except StoreError:
            self.close()
            raise

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A unit of work: all of it is committed at the end, or nothing."""
        with self._writing, self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent view of the database."""
        with self._reading, self._engine.begin() as connection:
            yield connection

    def version(self) -> int:
        """A number that changes when another connection, also of another process, has committed."""
        with self._writing:
            if self._watching is None:
                self._watching = self._engine.execution_options(begin=None).connect()
            return int(self._watching.exec_driver_sql("PRAGMA data_version").scalar_one())

    def close(self) -> None:
        if self._watching is not None:
            self._watching.close()
            self._watching = None
        self._engine.dispose()

    def _create(self, url: str, code: str) -> None:
        with self.write() as connection:
            schema.bring_up(connection, url, code)
            stored = connection.execute(sa.select(tables.owner.c.code)).scalar_one()
            if stored != code:
                raise StoreError(f"{url} is the database of registry {stored}, not of {code}")


def _prepare(synchronous: str, connection: Any, record: Any) -> None:
    connection.isolation_level = None  # the driver would begin deferred, and lose against other writers
    for pragma in ("journal_mode = WAL", f"synchronous = {synchronous}", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    statement = connection.get_execution_options().get("begin", "BEGIN")
    if statement is not None:
        connection.exec_driver_sql(statement)
