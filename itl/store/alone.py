"""Statements that are commits of their own, on PostgreSQL: one round trip each.

psycopg2 is asked directly, for the connection too: taking one from SQLAlchemy's pool costs more than the statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg2
from sqlalchemy import make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from itl.store.statements import SCANS, Statement


class Alone:
    """Connections that commit every statement by itself. Threads may share it: each has a connection while it asks.

    Every statement looks its rows up by index (see `statements.search_by_index`).
    """

    def __init__(self, url: str) -> None:
        make_dialect: Any = postgresql.dialect
        self._dialect = make_dialect()
        _, self._parameters = self._dialect.create_connect_args(make_url(url))
        given = self._parameters.get("options", "")
        self._parameters["options"] = " ".join([given, *(f"-c {name}=off" for name in SCANS)])
        self._idle: list[_Connection] = []

    def count(self, statement: Statement, values: Mapping[str, Any]) -> int:
        """Run `statement`; how many rows it touched."""
        return self._run(statement, values, rows=False)  # type: ignore[no-any-return]

    def rows(self, statement: Statement, values: Mapping[str, Any]) -> list[Any]:
        """Run `statement`; its rows, their columns by name."""
        return self._run(statement, values, rows=True)  # type: ignore[no-any-return]

    def close(self) -> None:
        """Let go of the connections that are not in use."""
        while self._idle:
            self._idle.pop().raw.close()

    def _run(self, statement: Statement, values: Mapping[str, Any], *, rows: bool) -> Any:
        compiled = statement.compiled(self._dialect)
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = _Connection(self._parameters)
        try:
            cursor = connection.cursor
            if compiled.name not in connection.knows:
                cursor.execute(compiled.prepare)
                connection.knows.add(compiled.name)
            cursor.execute(compiled.sql, compiled.bound(values))
            answer = compiled.rows(cursor.fetchall()) if rows else cursor.rowcount
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
        self.cursor = self.raw.cursor()
        self.knows: set[str] = set()
