"""Worlds on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from itl.store import access
from tests.databases import FreshDatabase
from tests.hub.world import World, sandbox


@pytest.fixture(scope="package", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Passwords are hashed to be slow to guess; here nobody guesses."""
    with patch.dict(access._COST, n=2):
        yield


@pytest.fixture(params=["sqlite", "postgresql"])
def sandbox_url(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> str:
    """URL of a new database with the sandbox's registries; the test runs on SQLite and on PostgreSQL."""
    return fresh_database(request.param, sandbox)


@pytest.fixture
def world(sandbox_url: str) -> Iterator[World]:
    with World.on(sandbox_url) as made:
        yield made
