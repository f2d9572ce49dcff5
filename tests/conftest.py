"""Fixtures of the whole suite."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from itl.store import gather
from itl.store.statements import Statement
from tests.databases import (
    database_url,
    fresh_database,
    postgresql_databases,
    postgresql_server,
    sqlite_databases,
)

__all__ = ["database_url", "fresh_database", "postgresql_databases", "postgresql_server", "sqlite_databases"]


@pytest.fixture
def claims_of_any() -> Iterator[None]:
    """Workers claim whatever is oldest, of the same registry as well: nothing may rest on who claims what."""
    with patch.object(gather, "_CLAIM", Statement("claim_of_any", gather._oldest)):
        yield
