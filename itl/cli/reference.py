"""`itl reference`: what the log was told of Parties, periods, projects and accounts, with its history; and notices."""

from __future__ import annotations

import json
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from itl.cli.command import (
    Subparsers,
    actor_of,
    add,
    database_argument,
    instant_of,
    json_argument,
    opened,
    reason_of,
    say,
)
from itl.cli.figures import table
from itl.clock import system_clock
from itl.errors import UsageError
from itl.reference import NoticeStatus
from itl.store import notices
from itl.store.enrolment import put_basics
from itl.store.fact_kinds import KINDS, PART_OF, Fact, FactName, key_of, value_of
from itl.store.facts import Entry, Source, history
from itl.store.notices import RecordedNotice
from itl.store.reference_data import load_reference
from itl.store.reference_files import Defaults, Loaded, enter, read, told


def register(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "reference",
        help="Show and change what the checks rest on: Parties, periods, projects, accounts, notices.",
        description="What the log was told. Nothing is overwritten: a change is a new fact, with who, why, from when.",
        epilog="\n".join(["facts, what each is about, and its value:", *_kinds()]),
        formatter_class=RawDescriptionHelpFormatter,
    )
    ways = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    load = add(
        ways, "load", run_load, "Record the facts and notices of a file. CSV or TOML of our own form, or public."
    )
    load.add_argument("file", type=Path, help="the file, in UTF-8: .toml, else CSV")
    change = add(ways, "set", run_set, "Record one fact. The value none withdraws what was recorded.")
    change.add_argument("fact", help="its name, e.g. 'assigned amount'")
    change.add_argument("value", help="its value, as the list of facts says; none withdraws")
    about = change.add_argument_group("what the fact is about", "What the list of facts asks for, and no more.")
    for column, part in PART_OF.items():
        about.add_argument(
            f"--{column.replace('_', '-')}",
            dest=f"about_{column}",
            metavar=column.upper(),
            help=f"its {'code' if part == 'subject' else 'number'}",
        )
    for each in (load, change):
        database_argument(each)
        each.add_argument("--by", metavar="NAME", help="who records it (default: the user of this machine)")
        each.add_argument("--reason", metavar="TEXT", help="why")
        each.add_argument("--valid-from", metavar="TIME", help="from when it is so (ISO 8601; default: now)")
    show = add(ways, "show", run_show, "Show what is in force, of one Party or registry or of all.")
    show.add_argument("party", nargs="?", help="code of a Party or registry")
    show.add_argument("--at", metavar="TIME", help="as it is at this instant (ISO 8601; default: now)")
    show.add_argument("--history", action="store_true", help="all that was ever recorded, with who and why")
    database_argument(show)
    json_argument(show)


def _kinds() -> Iterable[str]:
    for name, kind in KINDS.items():
        about = ", ".join(f"[{column}]" if column in kind.optional else column for column in kind.about)
        yield f"  {name:<22}{about:<34}{kind.value.value}"


def run_load(arguments: Namespace) -> int:
    defaults = _defaults(arguments, f"loaded from {arguments.file.name}")
    with opened(arguments).write() as connection:
        periods = load_reference(connection).periods
        if not periods:
            put_basics(connection)
            periods = load_reference(connection).periods
        loaded = read(arguments.file, defaults, periods)
        facts, found = enter(connection, loaded)
    for line in told(loaded):
        say(line)
    say(f"recorded: {facts} facts, {found} notices; known already: {_known(loaded, facts, found)}")
    return 0


def _known(loaded: Loaded, facts: int, found: int) -> int:
    return len(loaded.facts) + len(loaded.notices) - facts - found


def run_set(arguments: Namespace) -> int:
    reason = reason_of(arguments)
    if arguments.fact not in frozenset(FactName):
        raise UsageError(f"{arguments.fact!r} is no fact that the log knows; known are {', '.join(FactName)}")
    name = FactName(arguments.fact)
    about = {column: getattr(arguments, f"about_{column}") for column in PART_OF}
    key = key_of(name, {column: part for column, part in about.items() if part is not None})
    value = None if arguments.value == "none" else value_of(name, arguments.value)
    defaults = _defaults(arguments, reason)
    fact = Fact(key, value, defaults.valid_from or defaults.source.at)
    with opened(arguments).write() as connection:
        recorded, _ = enter(connection, Loaded(facts=[(fact, defaults.source)]))
    say(f"{'recorded' if recorded else 'known already'}: {_line(fact)}")
    return 0


def run_show(arguments: Namespace) -> int:
    at = instant_of(arguments.at, "--at") or system_clock()
    with opened(arguments).read() as connection:
        entries = history(connection, arguments.party)
        found = notices.recorded(connection, arguments.party)
    if not arguments.history:
        entries = _in_force(entries, at)
    if arguments.json:
        plain = {"facts": [_plain(each) for each in entries], "notices": [_plain_notice(each) for each in found]}
        say(json.dumps(plain, ensure_ascii=False, indent=2))
        return 0
    _print(entries, found, with_history=arguments.history)
    return 0


def _in_force(entries: Iterable[Entry], at: datetime) -> list[Entry]:
    """Of the history the last of each key that is valid at `at`; one that withdraws is left out."""
    last = {each.key: each for each in entries if each.valid_from <= at}
    return [each for each in last.values() if each.value is not None]


def _print(entries: list[Entry], found: list[RecordedNotice], *, with_history: bool) -> None:
    heads: tuple[object, ...] = ("fact", "about", "value", "valid from")
    more: tuple[object, ...] = ("recorded", "by", "reason") if with_history else ()
    rows: list[tuple[object, ...]] = [
        (
            str(each.key.name),
            _about(each.key.about()),
            _written(each.value),
            _time(each.valid_from),
            *((_time(each.recorded_at), each.recorded_by, each.reason) if with_history else ()),
        )
        for each in entries
    ]
    for line in table([heads + more, *rows]):
        say(line)
    for notice in (each.notice for each in found):
        project = "" if notice.project is None else f", project {notice.project[0]} {notice.project[1]}"
        quantity = "" if notice.target_value is None else f", {notice.target_value} units"
        status = NoticeStatus(notice.status).name.lower()
        say(
            f"notice {notice.identifier} of type {notice.notice_type} to {notice.registry}{project}{quantity}: {status}"
        )


def _line(fact: Fact) -> str:
    return f"{fact.key.name} of {_about(fact.key.about())}: {_written(fact.value)} from {_time(fact.valid_from)}"


def _about(parts: dict[str, str | int]) -> str:
    return " ".join(
        str(part) if column in ("party", "registry") else f"{column} {part}" for column, part in parts.items()
    )


def _plain(entry: Entry) -> dict[str, Any]:
    return {
        "fact": str(entry.key.name),
        "about": entry.key.about(),
        "value": sorted(entry.value) if isinstance(entry.value, frozenset) else _jsonable(entry.value),
        "valid_from": entry.valid_from.isoformat(),
        "recorded_at": entry.recorded_at.isoformat(),
        "recorded_by": entry.recorded_by,
        "reason": entry.reason,
    }


def _plain_notice(found: RecordedNotice) -> dict[str, Any]:
    notice = found.notice
    host, number = notice.project or (None, None)
    return {
        "identifier": notice.identifier,
        "type": notice.notice_type,
        "status": NoticeStatus(notice.status).name.lower(),
        "registry": notice.registry,
        "party": host,
        "project": number,
        "unit_type": notice.unit_type,
        "quantity": notice.target_value,
        "date": _jsonable(notice.target_date),
        "activity": notice.lulucf_activity,
        "period": notice.commit_period,
        "due": _jsonable(found.action_due_date),
        "blocks": [f"{each.originating_registry} {each.start}-{each.end}" for each in notice.blocks],
        "recorded_at": found.source.at.isoformat(),
        "recorded_by": found.source.by,
        "reason": found.source.reason,
    }


def _jsonable(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else value


def _written(value: Any) -> str:
    """A value as `set` and files take it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, frozenset):
        return " ".join(map(str, sorted(value)))
    return _time(value) if isinstance(value, datetime) else str(value)


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _defaults(arguments: Namespace, reason: str) -> Defaults:
    source = Source(actor_of(arguments), arguments.reason or reason, system_clock())
    return Defaults(source, instant_of(arguments.valid_from, "--valid-from"))
