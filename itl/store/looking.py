"""A look at the database: one statement that changes and locks nothing, in one round trip."""

from __future__ import annotations

from typing import Any

from itl.store.database import Database
from itl.store.statements import Statement


def look(database: Database, statement: Statement, **values: Any) -> list[Any]:
    """The rows of `statement` as they are now."""
    if database.alone is not None:
        return database.alone.rows(statement, values)
    with database.read() as connection:
        return statement.rows(connection, **values)
