"""`itl reconcile`: comparing registries with the log, and what comes of it."""

from __future__ import annotations

from itl.cli import differing, intervene
from itl.cli.command import Subparsers


def register(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "reconcile",
        help="Show what registries and log differ about; propose and confirm corrections.",
        description="What registries and log differ about, and corrections, which one person proposes and another "
        "confirms.",
    )
    ways = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    differing.register(ways)
    intervene.register(ways)
