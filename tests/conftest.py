"""Fixtures of the whole suite."""

from tests.databases import (
    database_url,
    fresh_database,
    postgresql_databases,
    postgresql_server,
    sqlite_databases,
)

__all__ = ["database_url", "fresh_database", "postgresql_databases", "postgresql_server", "sqlite_databases"]
