"""Supplementary logs on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from itl.store import access
from tests.databases import FreshDatabase
from tests.supplement.world import SchemeWorld, alone, supplementary


@pytest.fixture(scope="package", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Passwords are hashed to be slow to guess; here nobody guesses."""
    with patch.dict(access._COST, n=2):
        yield


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[SchemeWorld]:
    """A supplementary log behind the transaction log."""
    with SchemeWorld.on(fresh_database(request.param, supplementary)) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def lone(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[SchemeWorld]:
    """A supplementary log that its members call directly."""
    with SchemeWorld.on(fresh_database(request.param, alone)) as made:
        yield made
