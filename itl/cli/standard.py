"""`itl standard`: which versions of the data exchange standards the log accepts."""

from __future__ import annotations

from argparse import Namespace

import msgspec

from itl.cli.command import (
    Subparsers,
    actor_arguments,
    actor_of,
    add,
    database_argument,
    instant_of,
    json_argument,
    opened,
    reason_of,
    say,
    shown_time,
)
from itl.cli.figures import table
from itl.cli.registry import from_argument
from itl.clock import system_clock
from itl.store import versions
from itl.store.actions import record_action
from itl.store.fact_kinds import FactName, value_of
from itl.store.facts import Source, told


def register(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "standard",
        help="Show and change which versions of the standard the log accepts.",
        description="Versions stand beside each other: the log accepts any of them from any registry, and writes to "
        "each in the version that it speaks (`itl registry version`).",
    )
    ways = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listing = add(ways, "list", run_list, "Show the versions with all changes, past and to come.")
    accept = add(ways, "accept", run_accept, "Accept a version, beside those that are accepted.")
    end = add(ways, "end", run_end, "Accept a version no more. Refused as long as a registry speaks it.")
    for each in (accept, end):
        each.add_argument("version", help="such as 1.2")
        from_argument(each)
        actor_arguments(each)
    for each in (listing, accept, end):
        database_argument(each)
    json_argument(listing)


def run_list(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = told(connection, [FactName.VERSION_ACCEPTED], [""])
    rows = [
        {
            "version": versions.written((each.key.number, each.key.detail)),
            "accepted": bool(each.value),
            "from": each.valid_from,
            "by": each.recorded_by,
            "reason": each.reason,
        }
        for each in found
    ]
    if arguments.json:
        say(msgspec.json.encode(rows).decode())
        return 0
    heads: tuple[object, ...] = ("version", "accepted", "from", "by", "reason")
    cells = [
        (row["version"], "yes" if row["accepted"] else "no", shown_time(each.valid_from), row["by"], row["reason"])
        for row, each in zip(rows, found, strict=True)
    ]
    for line in table([heads, *cells]):
        say(line)
    return 0


def run_accept(arguments: Namespace) -> int:
    return _change(arguments, accepted=True)


def run_end(arguments: Namespace) -> int:
    return _change(arguments, accepted=False)


def _change(arguments: Namespace, *, accepted: bool) -> int:
    reason, actor, now = reason_of(arguments), actor_of(arguments), system_clock()
    version = value_of(FactName.VERSION_SPOKEN, arguments.version)
    valid_from = instant_of(arguments.since, "--from") or now
    change = versions.accept if accepted else versions.end
    with opened(arguments).write() as connection:
        change(connection, version, Source(actor, reason, now), valid_from)
        action = "standard accept" if accepted else "standard end"
        record_action(connection, actor, reason, action, arguments.version, {"from": valid_from.isoformat()}, now)
    say(f"version {arguments.version} is {'' if accepted else 'no longer '}accepted from {shown_time(valid_from)}")
    return 0
