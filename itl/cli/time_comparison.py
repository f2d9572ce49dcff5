"""`itl time`: how far the registries' clocks are from the log's."""

from __future__ import annotations

from argparse import Namespace
from datetime import timedelta
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
from itl.hub import identity_of
from itl.store import time_comparisons, timers
from itl.store.actions import record_action
from itl.store.reference_data import ReferenceData
from itl.store.texts import receivers_of
from itl.store.time_comparisons import Comparison
from itl.worker.administration import TIME, tolerance_of


def register(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "time",
        help="Compare the registries' clocks with the log's.",
        description="The log tells each registry its time, is told the registry's, and keeps how far they are apart.",
    )
    ways = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    check = add(ways, "check", run_check, "Ask registries for their time now, beside the schedule.")
    check.add_argument("codes", nargs="+", metavar="CODE", help="registry codes; all asks every registry in force")
    listing = add(ways, "list", run_list, "Show the last comparison with each registry, and when the next is due.")
    listing.add_argument(
        "--off", action="store_true", help="only clocks that are off, and registries that gave no time"
    )
    history = add(ways, "history", run_history, "Show all comparisons with one registry, the newest first.")
    history.add_argument("code", help="registry code")
    history.add_argument("--most", type=int, default=50, metavar="NUMBER", help="at most so many (default 50)")
    schedule = add(ways, "schedule", run_schedule, "Set how often one registry is asked, or that it is not.")
    schedule.add_argument("code", help="registry code")
    schedule.add_argument("--every", metavar="SECONDS", help="seconds; default: as the settings say; off: never")
    for each in (check, listing, history, schedule):
        database_argument(each)
    for each in (listing, history):
        json_argument(each)
    for each in (check, schedule):
        actor_arguments(each)


def run_check(arguments: Namespace) -> int:
    settings, database, now = settings_of(arguments), opened(arguments), system_clock()
    reference = ReferenceData(database)
    identity, actor = identity_of(reference, settings), actor_of(arguments)
    with database.write() as connection:
        asked = receivers_of(reference.fresh(connection), arguments.codes)
        for code in asked:
            record_action(connection, actor, arguments.reason, "time check", code, None, now)
            expires_at = now + timedelta(seconds=settings.time_every)
            time_comparisons.ask(connection, code, identity, tolerance_of(settings), actor, now, expires_at)
    say(f"asked: {', '.join(asked)}; `itl time list` shows what they answer")
    return 0


def run_list(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = {each.registry: each for each in time_comparisons.latest(connection)}
        due = {timer.subject: timer for timer in timers.listed(connection, TIME)}
    codes = sorted(found.keys() | due.keys())
    if arguments.off:
        codes = [code for code in codes if code in found and found[code].state not in ("within", "asked")]
    if arguments.json:
        plain = [
            {
                "registry": code,
                "next_at": due[code].due_at if code in due else None,
                "last": _plain(found[code]) if code in found else None,
            }
            for code in codes
        ]
        say(msgspec.json.encode(plain).decode())
        return 0
    rows = [
        (code, *_cells(found.get(code)), shown_time(due[code].due_at) if code in due else "not scheduled")
        for code in codes
    ]
    _print(("registry", *HEADS, "next"), rows)
    return 0


def run_history(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = time_comparisons.of_registry(connection, arguments.code, arguments.most)
    if arguments.json:
        say(msgspec.json.encode([_plain(each) for each in found]).decode())
        return 0
    _print((*HEADS, "asked by"), [(*_cells(each), each.asked_by) for each in found])
    return 0


def run_schedule(arguments: Namespace) -> int:
    reason, actor, now = reason_of(arguments), actor_of(arguments), system_clock()
    every = _interval(arguments.every)
    off = arguments.every == "off"
    settings = settings_of(arguments)
    again = now + (every or timedelta(seconds=settings.time_every))
    with opened(arguments).write() as connection:
        before = timers.reschedule(connection, TIME, arguments.code, every, None if off else again)
        detail = {"every": arguments.every or "default", "before": _said(before)}
        record_action(connection, actor, reason, "time schedule", arguments.code, detail, now)
    say(f"{arguments.code} is asked for its time {'no more' if off else f'next at {shown_time(again)}'}")
    return 0


def _interval(given: str | None) -> timedelta | None:
    if given in (None, "off", "default"):
        return None
    if not given.isdecimal() or int(given) < 1:
        raise UsageError(f"--every {given}: give a whole number of seconds, default or off")
    return timedelta(seconds=int(given))


def _said(timer: timers.Timer) -> str:
    if timer.due_at is None:
        return "off"
    return "default" if timer.every is None else f"{timer.every.total_seconds():.0f}"


HEADS = ("asked", "is", "seconds off", "round trip", "attempts", "problem")


def _cells(found: Comparison | None) -> tuple[object, ...]:
    if found is None:
        return ("never", "", "", "", "", "")
    return (
        shown_time(found.asked_at),
        found.state,
        "" if found.offset_ms is None else f"{found.offset_ms / 1000:+.3f}",
        "" if found.round_trip_ms is None else f"{found.round_trip_ms / 1000:.3f}",
        found.attempts,
        found.problem or "",
    )


def _plain(found: Comparison) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return {**plain, "state": found.state}


def _print(heads: tuple[object, ...], rows: list[tuple[object, ...]]) -> None:
    for line in table([heads, *rows]):
        say(line)
