"""`itl notice`: notices to registries, raised by rules or by an operator, followed until they are done."""

from __future__ import annotations

import re
from argparse import Namespace
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import msgspec

from itl.cli.command import (
    Subparsers,
    actor_arguments,
    actor_of,
    add,
    database_argument,
    json_argument,
    opened,
    reason_of,
    say,
    settings_of,
    shown_time,
)
from itl.cli.figures import table
from itl.clock import system_clock
from itl.errors import UsageError
from itl.ledger.block import SerialRange
from itl.lifecycle.notice import Event
from itl.reference import Notice, NoticeStatus
from itl.store import notice_book
from itl.store.actions import record_action
from itl.store.facts import Source
from itl.store.notice_book import Raising, Standing


def register(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "notice",
        help="Raise, follow and end notices to registries.",
        description="Notices of the log. Most are raised by rules, which the worker runs; an operator can raise any. "
        "Each is followed until transactions that name it have done what it asks for.",
    )
    ways = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listing = add(ways, "list", run_list, "Show the notices that are not completed.")
    listing.add_argument("code", nargs="?", help="only those to this registry")
    listing.add_argument("--all", action="store_true", help="those that are completed, too")
    show = add(ways, "show", run_show, "Show one notice with all that befell it.")
    rising = add(ways, "raise", run_raise, "Raise a notice. What it must say follows from its type.")
    rising.add_argument("code", help="code of the registry that it goes to")
    rising.add_argument("--type", type=int, required=True, metavar="NUMBER", help="its type, 1 to 13 (not 10), or 51")
    rising.add_argument("--text", required=True, help="what the registry reads, up to 2000 characters")
    rising.add_argument("--units", type=int, metavar="NUMBER", help="how many units it asks for")
    rising.add_argument("--project", metavar="CODE", help="project, such as IN7")
    rising.add_argument("--unit-type", type=int, metavar="NUMBER", help="type of its units")
    rising.add_argument("--date", metavar="DATE", help="target date, such as 2020-12-31")
    rising.add_argument("--activity", type=int, metavar="NUMBER", help="LULUCF activity")
    rising.add_argument("--period", type=int, metavar="NUMBER", help="commitment period")
    rising.add_argument("--block", action="append", metavar="UNITS", help="units that it lists, such as 'IN 1-100'")
    change = add(ways, "update", run_update, "Change what a notice asks for. The registry is told by type 10.")
    change.add_argument("--units", type=int, metavar="NUMBER", help="how many units it asks for")
    change.add_argument("--text", help="what the registry reads")
    change.add_argument("--date", metavar="DATE", help="target date")
    complete = add(ways, "complete", run_complete, "Say that what a notice asks for is done otherwise.")
    withdraw = add(ways, "withdraw", run_withdraw, "Withdraw a notice. No transaction can answer it any more.")
    for each in (show, change, complete, withdraw):
        each.add_argument("identifier", type=int, help="the notice's identifier")
    for each in (rising, change):
        each.add_argument("--due", metavar="DATE", help="until when it is to be done (default: as the settings say)")
    for each in (listing, show, rising, change, complete, withdraw):
        database_argument(each)
    for each in (listing, show):
        json_argument(each)
    for each in (rising, change, complete, withdraw):
        actor_arguments(each)


def run_list(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = notice_book.standings(connection, arguments.code, outstanding=not arguments.all)
    if arguments.json:
        say(msgspec.json.encode([_plain(each) for each in found]).decode())
        return 0
    heads: tuple[object, ...] = ("notice", "type", "to", "is", "due", "units", "answered", "open", "by", "about")
    for line in table([heads, *map(_row, found)]):
        say(line)
    return 0


def run_show(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = notice_book.standing(connection, arguments.identifier)
        befell = notice_book.history(connection, arguments.identifier)
    if arguments.json:
        say(msgspec.json.encode(_plain(found) | {"history": befell}).decode())
        return 0
    say(f"notice {found.identifier} of type {found.notice_type} to {found.registry}: {found.state}, due {found.due}")
    asked = "" if found.target_value is None else f" of {found.target_value}"
    say(f"answered: {found.answered}{asked} units; in open transactions: {found.open}")
    say(f"raised by {found.raised_by}: {found.content or ''}")
    for each in befell:
        told = "" if each["sent_as"] is None else f", told as notice {each['sent_as']} of type {each['sent_type']}"
        say(f"  {shown_time(each['at'])}  {each['event']} by {each['by']}{told}: {each['reason']}")
    return 0


def run_raise(arguments: Namespace) -> int:
    notice = Notice(
        0,
        arguments.type,
        int(NoticeStatus.OPEN),
        arguments.code,
        _project(arguments.project),
        arguments.unit_type,
        arguments.units,
        _date(arguments.date, "--date"),
        arguments.activity,
        arguments.period,
        tuple(map(_units, arguments.block or ())),
    )
    source = _source(arguments)
    usual = source.at.date() + timedelta(days=settings_of(arguments).notice_due_days)
    with opened(arguments).write() as connection:
        raising = Raising(notice, arguments.text, _date(arguments.due, "--due") or usual)
        identifier = notice_book.raise_notice(connection, raising, source)
        _act(connection, "notice raise", identifier, source, {"type": arguments.type, "registry": arguments.code})
    say(f"raised: notice {identifier} to {arguments.code}")
    return 0


def run_update(arguments: Namespace) -> int:
    source = _source(arguments)
    to: dict[str, Any] = {}
    if arguments.units is not None:
        to["target_value"] = arguments.units
    if arguments.date is not None:
        to["target_date"] = _date(arguments.date, "--date")
    due = _date(arguments.due, "--due")
    if not to and arguments.text is None and due is None:
        raise UsageError("change what? give --units, --text, --date or --due")
    with opened(arguments).write() as connection:
        notice_book.update_notice(connection, arguments.identifier, source, arguments.text, due, **to)
        detail = {name: str(value) for name, value in (*to.items(), ("text", arguments.text), ("due", due)) if value}
        _act(connection, "notice update", arguments.identifier, source, detail)
    say(f"changed: notice {arguments.identifier}")
    return 0


def run_complete(arguments: Namespace) -> int:
    return _end(arguments, Event.COMPLETED, "notice complete")


def run_withdraw(arguments: Namespace) -> int:
    return _end(arguments, Event.WITHDRAWN, "notice withdraw")


def _end(arguments: Namespace, event: Event, action: str) -> int:
    source = _source(arguments)
    with opened(arguments).write() as connection:
        notice_book.end_notice(connection, arguments.identifier, event, source)
        _act(connection, action, arguments.identifier, source, {})
    say(f"{event}: notice {arguments.identifier}")
    return 0


def _act(connection: Any, action: str, identifier: int, source: Source, detail: dict[str, Any]) -> None:
    record_action(connection, source.by, source.reason, action, f"notice {identifier}", detail, source.at)


def _source(arguments: Namespace) -> Source:
    return Source(actor_of(arguments), reason_of(arguments), system_clock())


def _project(given: str | None) -> tuple[str, int] | None:
    if given is None:
        return None
    match = re.fullmatch(r"([A-Z]{2,3})(\d{1,7})", given)
    if match is None:
        raise UsageError(f"--project {given}: give host Party and number, such as IN7")
    return match[1], int(match[2])


def _units(given: str) -> SerialRange:
    match = re.fullmatch(r"(\w+) (\d+)-(\d+)", given)
    if match is None or not 1 <= int(match[2]) <= int(match[3]):
        raise UsageError(f"--block {given}: give a range of serials such as 'IN 1-100'")
    return SerialRange(match[1], int(match[2]), int(match[3]))


def _date(given: str | None, option: str) -> date | None:
    try:
        return None if given is None else date.fromisoformat(given)
    except ValueError as error:
        raise UsageError(f"{option} {given}: {error}; give a date such as 2020-12-31") from error


def _plain(found: Standing) -> dict[str, Any]:
    return asdict(found) | {"state": found.state}


def _row(found: Standing) -> tuple[object, ...]:
    return (
        found.identifier,
        found.notice_type,
        found.registry,
        found.state,
        found.due or "",
        "" if found.target_value is None else found.target_value,
        found.answered,
        found.open,
        found.raised_by,
        found.rule_key or found.project or "",
    )
