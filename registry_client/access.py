"""How the commands reach a registry: its database, the log, and the wait for what becomes of a transaction."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from registry_client import plans
from registry_client.client import RegistryClient
from registry_client.errors import RegistryError
from registry_client.plans import Plan
from registry_client.registry import Registry
from registry_client.settings import Settings
from registry_client.transactions import Transaction

FOLLOW = timedelta(seconds=0.2)
"""How often a command looks for what became of what it put into the database."""


@contextmanager
def opened(chosen: argparse.Namespace) -> Iterator[Registry]:
    """The registry of a command, which only queues; RegistryError if its database is not there."""
    file = _file(chosen)
    if not file.exists():
        raise RegistryError(f"{file}: no such database; `registry serve` makes it, --database names another")
    registry = Registry(Settings(code=chosen.code), None, database=database_of(chosen))
    try:
        yield registry
    finally:
        registry.close()


def waited(registry: Registry, identifier: str, seconds: float) -> Transaction:
    """The transaction, settled if `seconds` are not 0."""
    if seconds > 0:
        registry.follow(FOLLOW)
        return registry.wait(identifier, seconds)
    return registry.transaction(identifier)


def plans_of(chosen: argparse.Namespace) -> list[Plan]:
    """The registries that `registry serve` is to run; RegistryError if it is not said which, or towards which hub."""
    if chosen.registries is not None:
        if chosen.code or chosen.hub:
            raise RegistryError("--registries names a file that says all; give no --code and no --hub beside it")
        return plans.read(chosen.registries)
    if not chosen.code or not chosen.hub:
        raise RegistryError("which registries, and which hub? Give --code and --hub, or --registries FILE")
    if chosen.database and len(chosen.code) > 1 and "{code}" not in chosen.database:
        raise RegistryError("several registries need a database each: write {code} into its name")
    return plans.made(
        chosen.code,
        hub=chosen.hub,
        database=chosen.database,
        user=chosen.user,
        password=chosen.password or os.environ.get("REGISTRY_PASSWORD"),
        certificate=chosen.certificate,
        authority=chosen.authority,
        hub_user=chosen.hub_user,
        hub_password=chosen.hub_password,
        enquire_after=timedelta(seconds=chosen.enquire_after),
        misbehave=tuple(chosen.misbehave or ()),
    )


def client_of(chosen: argparse.Namespace) -> RegistryClient:
    """The client to the log that the arguments name."""
    return RegistryClient(
        chosen.hub,
        code=chosen.code,
        user=chosen.user,
        password=chosen.password or os.environ.get("REGISTRY_PASSWORD"),
        certificate=chosen.certificate,
        authority=chosen.authority,
    )


def database_of(chosen: argparse.Namespace) -> str:
    """The URL of the registry's database."""
    return f"sqlite:///{_file(chosen)}"


def _file(chosen: argparse.Namespace) -> Path:
    return Path(chosen.database or f"{chosen.code.lower()}.db")
