"""`itl reconcile`: comparing registries with the log, and what comes of it."""

from __future__ import annotations

from itl.cli import differing, intervene, reconciliations
from itl.cli.command import Subparsers


def register(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "reconcile",
        help="Compare what registries hold with the log; propose and confirm corrections.",
        description="Reconciliations with registries, begun by schedule or by hand; what they found; and corrections, "
        "which one person proposes and another confirms.",
    )
    ways = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    reconciliations.register(ways)
    differing.register(ways)
    intervene.register(ways)
