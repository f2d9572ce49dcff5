"""Statements that are commits of their own, on PostgreSQL: one round trip each, prepared once per connection.

psycopg2 is asked directly, since here what SQLAlchemy does around a statement costs more than the statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2.extras import NamedTupleCursor
from sqlalchemy import ClauseElement, make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement that PostgreSQL parses and plans once per connection."""

    name: str
    prepare: str
    execute: str


def prepared(name: str, statement: ClauseElement) -> Prepared:
    """`statement`, its parameters by their names."""
    compiled: Any = statement.compile(dialect=postgresql.dialect(paramstyle="numeric_dollar"))  # type: ignore[no-untyped-call]
    values = ", ".join(f"%({parameter})s" for parameter in compiled.positiontup)
    return Prepared(name, f"PREPARE {name} AS {compiled}", f"EXECUTE {name} ({values})")


class Alone:
    """Connections that commit every statement by itself. Threads may share it: each has a connection while it asks."""

    def __init__(self, url: str) -> None:
        dialect: Any = postgresql.dialect()  # type: ignore[no-untyped-call]
        _, self._parameters = dialect.create_connect_args(make_url(url))
        self._idle: list[_Connection] = []

    def count(self, statement: Prepared, values: Mapping[str, Any]) -> int:
        """Run `statement`; how many rows it touched."""
        return self._run(statement, values, rows=False)  # type: ignore[no-any-return]

    def rows(self, statement: Prepared, values: Mapping[str, Any]) -> list[Any]:
        """Run `statement`; its rows, their columns by name."""
        return self._run(statement, values, rows=True)  # type: ignore[no-any-return]

    def close(self) -> None:
        """Let go of the connections that are not in use."""
        while self._idle:
            self._idle.pop().raw.close()

    def _run(self, statement: Prepared, values: Mapping[str, Any], *, rows: bool) -> Any:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = _Connection(self._parameters)
        try:
            cursor = connection.cursor
            if statement.name not in connection.knows:
                cursor.execute(statement.prepare)
                connection.knows.add(statement.name)
            cursor.execute(statement.execute, values)
            answer = cursor.fetchall() if rows else cursor.rowcount
        except psycopg2.IntegrityError as error:
            self._idle.append(connection)
            raise IntegrityError(statement.name, None, error) from error
        except BaseException as error:
            connection.raw.close()
            if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
                self.close()  # the server went away: none of them is any good
            raise
        self._idle.append(connection)
        return answer


class _Connection:
    __slots__ = ("cursor", "knows", "raw")

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.raw = psycopg2.connect(**parameters)
        self.raw.autocommit = True
        self.cursor = self.raw.cursor(cursor_factory=NamedTupleCursor)
        self.knows: set[str] = set()
