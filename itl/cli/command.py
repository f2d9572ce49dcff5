"""What all commands share: arguments that many take, and how one is described."""

from __future__ import annotations

import getpass
import signal
import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

from itl.errors import UsageError
from itl.settings import DEFAULT_DATABASE, Settings, load_settings
from itl.store.correction_records import Evidence
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


def with_usual_way(parser: ArgumentParser, usual: str, others: Iterable[str]) -> None:
    """Let the command `usual` of `parser` go without saying: `itl enrol GB` is `itl enrol details GB`."""
    ways, plain = {usual, "-h", "--help", *others}, parser.parse_known_args

    def parse(args: Any = None, namespace: Any = None) -> Any:
        return plain(args if args and args[0] in ways else [usual, *args], namespace)

    parser.parse_known_args = parse  # type: ignore[method-assign]


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


def evidence_arguments(parser: ArgumentParser) -> None:
    """What shows that something is so."""
    parser.add_argument("--evidence", metavar="TEXT", help="what shows it, in words")
    parser.add_argument(
        "--evidence-file", type=Path, metavar="FILE", help="what shows it: its name and SHA-256 are recorded"
    )


def evidence_of(arguments: Namespace) -> Evidence:
    """What shows it; no text where nothing is given."""
    file: Path | None = arguments.evidence_file
    if file is None:
        return Evidence(arguments.evidence or "")
    content = content_of(file)
    told = f"{arguments.evidence}; " if arguments.evidence else ""
    return Evidence(f"{told}{file.name}, {len(content)} bytes", sha256(content).digest())


def content_of(file: Path) -> bytes:
    """What is in a file that the user names; UsageError where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; give a file that can be read") from error


def instant_of(given: str | None, option: str) -> datetime | None:
    """The instant that an option gives, None where it gives none; UsageError where it is no instant."""
    try:
        return None if given is None else instant(given)
    except ValueError as error:
        raise UsageError(f"{option} {given}: {error}; give e.g. 2012-12-31T00:00:00Z") from error


def shown_time(at: datetime | None) -> str:
    """As people read it, to the second; nothing for no instant."""
    return "" if at is None else at.isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")
