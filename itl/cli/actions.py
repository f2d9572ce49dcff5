"""`itl actions`: what operators did."""

from __future__ import annotations

from argparse import Namespace

import msgspec

from itl.cli.command import Subparsers, add, database_argument, instant_of, json_argument, opened, say, shown_time
from itl.cli.figures import table
from itl.store.actions import Action, actions


def register(commands: Subparsers) -> None:
    parser = add(commands, "actions", run, "Show what operators did: when, who, what, why. The newest first.")
    parser.add_argument("subject", nargs="?", help="what it was done to, such as GB or 'notice 17' (default: anything)")
    parser.add_argument("--since", metavar="TIME", help="not before this instant (ISO 8601)")
    parser.add_argument("--most", type=int, default=100, metavar="NUMBER", help="at most so many (default 100)")
    database_argument(parser)
    json_argument(parser)


def run(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = actions(connection, arguments.subject, instant_of(arguments.since, "--since"), arguments.most)
    if arguments.json:
        say(msgspec.json.encode(found).decode())
        return 0
    heads: tuple[object, ...] = ("at", "by", "action", "subject", "detail", "reason")
    for line in table([heads, *map(_row, found)]):
        say(line)
    return 0


def _row(action: Action) -> tuple[object, ...]:
    detail = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in action.detail.items())
    return shown_time(action.at), action.actor, action.action, action.subject, detail, action.reason or ""
