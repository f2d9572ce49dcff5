"""The database of a supplementary log, for its commands."""

from __future__ import annotations

from argparse import Namespace

from itl.cli.command import settings_of
from itl.roles import role_of
from itl.store.database import Database
from itl.store.environment import require_environment
from itl.store.schema import require_current

ROLE = "stl"


def opened(arguments: Namespace) -> Database:
    """The database of the settings; StoreError where it has not the schema of a supplementary log, UsageError where it
    is of another environment than they say."""
    settings = settings_of(arguments)
    database = Database(settings.database)
    role = role_of(ROLE)
    require_current(database, () if role is None else role.migrations)
    require_environment(database, settings.environment)
    return database
