"""Bringing a database to the schema that the program needs, by Alembic."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from itl.errors import StoreError
from itl.store.database import Database
from itl.store.recount import count_anew


def migrate(url: str, revision: str = "head", beside: Sequence[str] = ()) -> None:
    """Bring the database at `url` to the newest schema (or up to `revision`), from an empty one or an earlier version.

    What a newer program counts differently is counted anew. `beside` are directories of migrations for what stands
    beside the log's own tables; each keeps its revision in a table of its own, and is brought to its newest.
    """
    database = Database(url)
    try:
        if database.is_sqlite:
            with database.write() as connection:
                _upgrade(connection, revision, beside)
        else:
            with database.engine.begin() as connection:
                _upgrade(connection, revision, beside)
    finally:
        database.close()


def require_current(database: Database, beside: Sequence[str] = ()) -> None:
    """Raises StoreError unless the database has just the schema that this program was written for."""
    for directory in (LOG_MIGRATIONS, *beside):
        newest = ScriptDirectory.from_config(_config(directory)).get_current_head()
        with database.read() as connection:
            found = _revision(connection, directory)
        if found != newest:
            raise StoreError(
                f"database {database.engine.url!r} is at schema {found or 'none'}, the program needs {newest}; "
                "run `itl migrate`, or a newer program if the database is ahead"
            )


def _upgrade(connection: Connection, revision: str, beside: Sequence[str]) -> None:
    before = _revision(connection, LOG_MIGRATIONS)
    _run(connection, LOG_MIGRATIONS, revision)
    if before not in (None, _revision(connection, LOG_MIGRATIONS)):
        count_anew(connection)
    for directory in beside:
        _run(connection, directory, "head")


def _run(connection: Connection, directory: str, revision: str) -> None:
    config = _config(directory)
    config.attributes["connection"] = connection
    config.attributes["version_table"] = _version_table(directory)
    command.upgrade(config, revision)


def _revision(connection: Connection, directory: str) -> str | None:
    options = {"version_table": _version_table(directory)}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def _version_table(directory: str) -> str:
    """Where the revision of these migrations is kept: of the log's own, under the name that Alembic gives it."""
    return "alembic_version" if directory == LOG_MIGRATIONS else f"{Path(directory).parent.name}_version"


def _config(directory: str) -> Config:
    config = Config()
    config.set_main_option("script_location", directory)
    return config


LOG_MIGRATIONS = str(files("itl.store.migrations"))
