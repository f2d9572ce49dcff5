"""Bringing a database to the schema that the program needs, by Alembic."""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from itl.errors import StoreError
from itl.store.database import Database
from itl.store.recount import count_anew


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database at `url` to the newest schema (or up to `revision`), from an empty one or an earlier version.

    What a newer program counts differently is counted anew.
    """
    database = Database(url)
    try:
        if database.is_sqlite:
            with database.write() as connection:
                _upgrade(connection, revision)
        else:
            with database.engine.begin() as connection:
                _upgrade(connection, revision)
    finally:
        database.close()


def require_current(database: Database) -> None:
    """Raises StoreError unless the database has just the schema that this program was written for."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    with database.read() as connection:
        found = _revision(connection)
    if found != newest:
        raise StoreError(
            f"database {database.engine.url!r} is at schema {found or 'none'}, the program needs {newest}; "
            "run `itl migrate`, or a newer program if the database is ahead"
        )


def _upgrade(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    before = _revision(connection)
    command.upgrade(config, revision)
    if before not in (None, _revision(connection)):
        count_anew(connection)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("itl.store.migrations")))
    return config
