"""`itl audit`: whether the log is consistent in itself."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import asdict

from itl.cli.command import Subparsers, add, database_argument, opened, say
from itl.store.audit import audit


def register(commands: Subparsers) -> None:
    parser = add(
        commands,
        "audit",
        run,
        "Count everything anew and show what differs. Running totals, conservation of units, reservations, notices; "
        "the exit code is 1 where anything differs.",
    )
    database_argument(parser)
    parser.add_argument("--json", action="store_true", help="the differences as a list of objects")


def run(arguments: Namespace) -> int:
    with opened(arguments).snapshot() as connection:
        found = list(audit(connection))
    if arguments.json:
        say(json.dumps([asdict(each) for each in found], indent=2))
    else:
        for each in found:
            say(f"{each.rule}: {each.about} must be {each.must_be}, is {each.found}")
        say(f"{len(found)} differences" if found else "consistent: totals, units, reservations and notices agree")
    return 1 if found else 0
