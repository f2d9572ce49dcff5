"""Whether a database is the log itself or a rehearsal of it: said once, and never changed.

The test environment is a hub of its own beside production. Nothing in a message or an identifier tells the two apart,
since the standard has no element for it; so a database knows what it is, and whoever opens it may say what it must be.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from itl.errors import UsageError
from itl.reference import Environment
from itl.store import tables as t
from itl.store.database import Database

ENVIRONMENT = "environment"


def environment_of(connection: Connection) -> Environment:
    """What the database is; one of which nothing is recorded must be taken for the log itself."""
    return _recorded(connection) or Environment.PRODUCTION


def settle_environment(connection: Connection, wanted: Environment | None) -> Environment:
    """What the database is; recorded, where nothing is yet, as what is wanted. UsageError where it is the other."""
    if _recorded(connection) is None:
        connection.execute(t.settings.insert(), {"name": ENVIRONMENT, "value": str(wanted or Environment.PRODUCTION)})
    if wanted is not None:
        _require(connection, wanted, "this database")
    return environment_of(connection)


def require_environment(database: Database, wanted: Environment | None) -> None:
    """UsageError where the database is not what the setting `environment` says; None says nothing."""
    if wanted is not None:
        with database.read() as connection:
            _require(connection, wanted, f"database {database.engine.url!r}")


def require_same(connection: Connection, named: Environment, what: str) -> None:
    """UsageError where `what`, such as a file, names another environment than this database is of."""
    own = environment_of(connection)
    if named is not own:
        raise UsageError(f"{what} is of a {named} environment, this log is one of {own}: their units do not mix")


def _require(connection: Connection, wanted: Environment, what: str) -> None:
    if (found := environment_of(connection)) is not wanted:
        raise UsageError(
            f"{what} is of a {found} environment, and one of {wanted} is asked for; each has a database of its own"
        )


def _recorded(connection: Connection) -> Environment | None:
    value = connection.execute(select(t.settings.c.value).where(t.settings.c.name == ENVIRONMENT)).scalar()
    return None if value is None else Environment(value)
