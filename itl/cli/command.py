"""What all commands share: arguments that many take, and how one is described."""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeAlias

from itl.settings import DEFAULT_DATABASE, Settings, load_settings

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
