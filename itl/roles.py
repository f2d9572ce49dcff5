"""What makes a hub of another role out of the log: the one seam through which the supplement is found.

The log knows a role by this protocol alone. Where `itl.supplement` is not installed there is none, and all that it
would add is missing without a trace.
"""

from __future__ import annotations

from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from sqlalchemy import Connection

from itl.checks.view import View
from itl.errors import UsageError
from itl.lifecycle.transaction import LogIdentity
from itl.wire.endpoint import Wsgi
from itl.worker.judging import Sitting, Work

Subparsers: TypeAlias = "_SubParsersAction[ArgumentParser]"

PLAIN = "itl"
"""The role of the transaction log itself, which adds nothing."""

SUPPLEMENT = "itl.supplement"
"""The package that may bring roles, as `ROLES`, a sequence of `Role`."""


class Loop(Protocol):
    """A part that works by itself until it is closed."""

    def run(self) -> None: ...

    def close(self) -> None: ...


class Beside(Protocol):
    """A hub of another role that runs beside a sandbox."""

    def describe(self) -> Iterator[str]:
        """Its addresses and what it is for, a line each."""


class Role(Protocol):
    """What a hub of this role adds to the parts of the log. `hub` is the `itl.hub.Hub` that is put together."""

    name: str
    """As the setting `role` gives it."""

    migrations: Sequence[str]
    """Directories with a migration branch of its own, beside those of the log."""

    led: Mapping[tuple[Any, type], Any]
    """What becomes of reconciliations that another log leads (`itl.lifecycle.reconciliation.TABLE` is of one's own)."""

    def bench(self, connection: Connection, work: Work, view: View, log: LogIdentity) -> Sitting:
        """How a batch is judged, and how completions are carried out (`itl.worker.judging.Bench`)."""

    def applications(self, hub: Any) -> Mapping[str, Wsgi]:
        """Endpoints beside the log's own, by the last step of their path."""

    def loops(self, hub: Any) -> Mapping[str, Loop]:
        """What works by itself, beside the loops of the log."""

    def register(self, commands: Subparsers) -> None:
        """The commands of this role."""

    def beside(self, running: Any, folder: Path) -> AbstractContextManager[Beside]:
        """A hub of this role with its data in `folder`, beside a sandbox (`itl.cli.sandbox.Sandbox`) that is up."""

    def tell(self, running: Any, folder: Path) -> list[str]:
        """The part of the story (`itl.cli.story`) that such a hub has in it; returns what did not end as it should."""


@cache
def roles() -> Mapping[str, Role]:
    """The roles that are installed, by name."""
    found: Sequence[Role] = import_module(SUPPLEMENT).ROLES if find_spec(SUPPLEMENT) is not None else ()
    return {role.name: role for role in found}


def role_of(name: str) -> Role | None:
    """The role of the setting, None for the log itself; UsageError where it is not installed."""
    if name == PLAIN:
        return None
    if name not in roles():
        known = ", ".join((PLAIN, *sorted(roles())))
        raise UsageError(f"setting role: {name!r} is not installed here; known are {known}")
    return roles()[name]
