"""What all commands share: arguments that many take, and how one is described."""

from __future__ import annotations

import getpass
import signal
import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Callable
from datetime import datetime
from types import FrameType
from typing import Any, TypeAlias

from itl.errors import UsageError
from itl.settings import DEFAULT_DATABASE, Settings, load_settings
from itl.store.database import Database
from itl.store.environment import require_environment
from itl.store.fact_kinds import instant
from itl.store.schema import require_current

Subparsers: TypeAlias = "_SubParsersAction[ArgumentParser]"


def add(
    commands: Subparsers, name: str, run: Callable[[Namespace], int], description: str, **more: Any
) -> ArgumentParser:
    """A command whose `run` returns the exit code; the first sentence of `description` is its line in the overview."""
    parser = commands.add_parser(name, help=description.partition(". ")[0], description=description, **more)
    parser.set_defaults(run=run)
    return parser


def database_argument(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--database", metavar="URL", help=f"SQLAlchemy URL (default: the setting, else {DEFAULT_DATABASE})"
    )


def settings_of(arguments: Namespace) -> Settings:
    """The settings, with those that the command line gives in front."""
    names = ("database", "host", "port", "public_url", "threads", "processes")
    given: dict[str, Any] = {name: getattr(arguments, name, None) for name in names}
    return load_settings(getattr(arguments, "settings", None), given=given)


def say(text: str = "") -> None:
    """A line for the user, at once even into a pipe, and whole even from several threads."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def end_on_signals() -> None:
    """SIGTERM ends the process as Ctrl-C does: what is in hand is done, nothing new is begun."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)


# Databases, operators and times --------------------------------------------------------------------------------------


def json_argument(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def opened(arguments: Namespace) -> Database:
    """The database of the settings; StoreError where it is not at the schema of this program, UsageError where it is
    of another environment than they say."""
    settings = settings_of(arguments)
    database = Database(settings.database)
    require_current(database)
    require_environment(database, settings.environment)
    return database


def actor_arguments(parser: ArgumentParser) -> None:
    """Who does it, and why: for every command that changes something."""
    parser.add_argument("--by", metavar="NAME", help="who does it (default: the user of this machine)")
    parser.add_argument("--reason", metavar="TEXT", help="why; must be given")


def actor_of(arguments: Namespace) -> str:
    """Who does it; UsageError where a name without a letter is given."""
    actor: str = getpass.getuser() if arguments.by is None else arguments.by
    if not actor.strip():
        raise UsageError("--by names nobody; leave it out to be named as the user of this machine")
    return actor


def reason_of(arguments: Namespace) -> str:
    """Why; UsageError where nothing is said."""
    reason: str | None = arguments.reason
    if not reason or not reason.strip():
        raise UsageError("why? give --reason")
    return reason


def instant_of(given: str | None, option: str) -> datetime | None:
    """The instant that an option gives, None where it gives none; UsageError where it is no instant."""
    try:
        return None if given is None else instant(given)
    except ValueError as error:
        raise UsageError(f"{option} {given}: {error}; give e.g. 2012-12-31T00:00:00Z") from error


def shown_time(at: datetime | None) -> str:
    """As people read it, to the second; nothing for no instant."""
    return "" if at is None else at.isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")
