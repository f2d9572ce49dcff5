"""`itl reconcile start`, `restart`, `cancel`, `schedule`, `schedules`, `list`, `show`: comparing with registries."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from itl.cli.command import (
    Subparsers,
    actor_arguments,
    actor_of,
    add,
    complain,
    database_argument,
    instant_of,
    json_argument,
    opened,
    reason_of,
    say,
    settings_of,
    shown_time,
)
from itl.cli.figures import table
from itl.clock import system_clock
from itl.codes import SYMBOLS, ReconciliationStatus
from itl.errors import UsageError
from itl.hub import identity_of
from itl.ledger.block import SerialRange
from itl.ledger.placement import Filter
from itl.lifecycle.reconciliation_events import Asked, BeginsWith
from itl.reference import Registry
from itl.store import reconciliations as store
from itl.store.actions import record_action
from itl.store.reconciliations import Plan, Reconciliation
from itl.store.reference_data import ReferenceData
from itl.store.schedules import Schedule, put_schedule
from itl.store.visible_reconciliations import (
    Keeping,
    ListedPart,
    ListedReconciliation,
    ReconciliationStory,
    keeping,
    listed,
    story,
)

DAY = 24 * 3600


def register(ways: Subparsers) -> None:
    start = add(ways, "start", run_start, "Begin a reconciliation with a registry now, beside its schedule.")
    start.add_argument("code", help="registry code")
    start.add_argument(
        "--ask",
        choices=[each.value for each in BeginsWith],
        default=BeginsWith.TOTALS.value,
        help="what is asked for first (default: totals)",
    )
    start.add_argument("--snapshot", metavar="INSTANT", help="instant of the snapshot (default: as the settings say)")
    start.add_argument("--by-account", action="store_true", help="totals and unit blocks by account, not by type only")
    start.add_argument(
        "--only",
        action="append",
        metavar="TYPE,PERIOD,UNITS",
        help="unit blocks of an account type, account period and unit type, - for any: 100,0,1 (may be repeated)",
    )
    start.add_argument("--from", dest="begin", metavar="INSTANT", help="begin of the period of an audit trail")
    start.add_argument("--to", dest="end", metavar="INSTANT", help="end of the period of an audit trail")
    start.add_argument(
        "--units", action="append", metavar="CODE:FIRST-LAST", help="units an audit trail is about (may be repeated)"
    )
    restart = add(ways, "restart", run_restart, "Begin one again, after the repair of what it found.")
    cancel = add(ways, "cancel", run_cancel, "End one that is not ended: nothing more is asked of the registry.")
    show = add(ways, "show", run_show, "Show all that is recorded of a reconciliation.")
    for each in (restart, cancel, show):
        each.add_argument("identifier", help="identifier of the reconciliation")
    schedule = add(ways, "schedule", run_schedule, "Set how often a registry is reconciled with.")
    schedule.add_argument("code", help="registry code")
    schedule.add_argument("--every", metavar="SECONDS", default=str(DAY), help="seconds (default: a day); off: never")
    schedule.add_argument("--first", metavar="INSTANT", help="when first (default: one interval from now)")
    schedule.add_argument("--by-account", action="store_true", help="totals and unit blocks by account")
    kept = add(ways, "schedules", run_schedules, "Show the schedules: what is due, running, failed and overdue.")
    kept.add_argument("--overdue", action="store_true", help="only registries that are overdue")
    listing = add(ways, "list", run_list, "Show the latest reconciliations, the newest first.")
    listing.add_argument("code", nargs="?", help="only those with this registry")
    listing.add_argument("--stl", metavar="CODE", help="only those in which this supplementary log takes part")
    listing.add_argument("--unfinished", action="store_true", help="only those that are not ended")
    listing.add_argument("--most", type=int, default=50, metavar="NUMBER", help="at most so many (default 50)")
    for each in (start, restart, cancel, schedule):
        _changing(each)
    for each in (show, kept, listing):
        database_argument(each)
        json_argument(each)


def _changing(parser: ArgumentParser) -> None:
    database_argument(parser)
    actor_arguments(parser)


def run_start(arguments: Namespace) -> int:
    plan = Plan(
        registry=arguments.code,
        started_by=actor_of(arguments),
        reason=reason_of(arguments),
        begins_with=BeginsWith(arguments.ask),
        by_account=arguments.by_account,
        asked=_asked(arguments),
        snapshot_at=instant_of(arguments.snapshot, "--snapshot"),
    )
    return _start(arguments, "reconcile start", lambda _connection: plan)


def run_restart(arguments: Namespace) -> int:
    actor, reason = actor_of(arguments), reason_of(arguments)

    def again(connection: Connection) -> Plan:
        former = _found(connection, arguments.identifier)
        head = former.head
        asked = Asked() if head.begins_with is BeginsWith.TOTALS else head.asked
        return Plan(head.registry, actor, reason, head.begins_with, head.by_account, asked, follows=former.id)

    return _start(arguments, "reconcile restart", again)


def run_cancel(arguments: Namespace) -> int:
    database, now = opened(arguments), system_clock()
    actor, reason = actor_of(arguments), reason_of(arguments)
    identity = identity_of(ReferenceData(database), settings_of(arguments))
    with database.write() as connection:
        found = _found(connection, arguments.identifier)
        record_action(connection, actor, reason, "reconcile cancel", arguments.identifier, None, now)
        left = store.cancel(connection, found, reason, identity, now, actor)
    say(f"{arguments.identifier} is cancelled" + (f" for {', '.join(left)}; its own result stands" if left else ""))
    return 0


def run_schedule(arguments: Namespace) -> int:
    database, now = opened(arguments), system_clock()
    actor, reason = actor_of(arguments), reason_of(arguments)
    every = _seconds(arguments.every)
    first = instant_of(arguments.first, "--first")
    with database.write() as connection:
        _registry(ReferenceData(database), connection, arguments.code)
        next_at = None if every is None else first or now + every
        interval = every or timedelta(seconds=DAY)
        put_schedule(connection, Schedule(arguments.code, interval, next_at, arguments.by_account, now, actor, reason))
        detail = {"every": arguments.every, "by_account": arguments.by_account}
        record_action(connection, actor, reason, "reconcile schedule", arguments.code, detail, now)
    say(f"{arguments.code} is reconciled with {'no more' if next_at is None else f'next at {shown_time(next_at)}'}")
    return 0


def run_schedules(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = [each for each in keeping(connection, system_clock()) if each.overdue or not arguments.overdue]
    if arguments.json:
        say(msgspec.json.encode(found).decode())
        return 0
    for line in table(
        [("registry", "state", "next", "last", "ended", "waiting for operator", "agreed"), *map(_kept, found)]
    ):
        say(line)
    return 0


def run_list(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = listed(
            connection, arguments.code, stl=arguments.stl, unfinished=arguments.unfinished, most=arguments.most
        )
    if arguments.json:
        say(msgspec.json.encode(found).decode())
        return 0
    heads = (
        "identifier",
        "registry",
        "snapshot",
        "status",
        "step",
        "outcome",
        "next",
        "attempt",
        "begun by",
        "schemes",
    )
    for line in table([heads, *map(_row, found)]):
        say(line)
    return 0


def run_show(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = story(connection, arguments.identifier)
    if found is None:
        complain(f"no reconciliation {arguments.identifier} is known to this log")
        return 1
    if arguments.json:
        say(msgspec.json.encode(found).decode())
    else:
        _print_story(found)
    return 0


def _start(arguments: Namespace, action: str, plan_of: Any) -> int:
    database, now = opened(arguments), system_clock()
    reference = ReferenceData(database)
    identity = identity_of(reference, settings_of(arguments))
    with database.write() as connection:
        plan: Plan = plan_of(connection)
        registry = _registry(reference, connection, plan.registry)
        made = store.start(connection, plan, identity, now, may=registry.may_reconcile)
        detail = {"ask": plan.begins_with.value, "snapshot": made.head.snapshot_at.isoformat()}
        record_action(connection, plan.started_by, plan.reason, action, made.head.identifier, detail, now)
    if not registry.may_reconcile:
        complain(f"{plan.registry} may not reconcile by its status (1510): {made.head.identifier} is denied")
        return 1
    say(f"{made.head.identifier}: snapshot at {shown_time(made.head.snapshot_at)}; `itl reconcile show` follows it")
    return 0


def _found(connection: Connection, identifier: str) -> Reconciliation:
    found = store.find(connection, identifier, lock=True)
    if found is None:
        raise UsageError(f"no reconciliation {identifier} is known to this log; `itl reconcile list` shows them")
    return found


def _registry(reference: ReferenceData, connection: Connection, code: str) -> Registry:
    found = reference.fresh(connection).registry_in_force(code)
    if found is None:
        raise UsageError(f"{code} is no registry in force; enrol it first: `itl enrol {code} --url ...`")
    return found


def _asked(arguments: Namespace) -> Asked:
    ask = BeginsWith(arguments.ask)
    filters = tuple(_filter(each) for each in arguments.only or ())
    units = tuple(_units(each) for each in arguments.units or ())
    begin, end = instant_of(arguments.begin, "--from"), instant_of(arguments.end, "--to")
    if filters and ask is not BeginsWith.UNIT_BLOCKS:
        raise UsageError("--only names unit blocks: give --ask 'unit blocks' with it")
    if (units or begin or end) and ask is not BeginsWith.AUDIT_TRAIL:
        raise UsageError("--from, --to and --units are about an audit trail: give --ask 'audit trail' with them")
    if ask is BeginsWith.AUDIT_TRAIL and (begin is None or end is None or begin >= end):
        raise UsageError("an audit trail has a period: give --from and --to, the earlier first")
    return Asked(filters, begin, end, units)


def _filter(given: str) -> Filter:
    words = given.split(",")
    try:
        if len(words) != 3:
            raise ValueError
        return Filter(*(None if word.strip() == "-" else int(word) for word in words))
    except ValueError:
        raise UsageError(f"--only {given}: give account type, account period and unit type, such as 100,0,1") from None


def _units(given: str) -> SerialRange:
    code, _, serials = given.partition(":")
    first, _, last = serials.partition("-")
    if not (code and first.isdecimal() and (last or first).isdecimal() and 0 < int(first) <= int(last or first)):
        raise UsageError(f"--units {given}: give originating registry and serials, such as GB:1-100")
    return SerialRange(code, int(first), int(last or first))


def _seconds(given: str) -> timedelta | None:
    if given == "off":
        return None
    if not given.isdecimal() or int(given) < 1:
        raise UsageError(f"--every {given}: give whole seconds, or off")
    return timedelta(seconds=int(given))


def _row(each: ListedReconciliation) -> tuple[object, ...]:
    return (
        each.identifier,
        each.registry,
        shown_time(each.snapshot_at),
        _status(each.status),
        each.step,
        each.outcome or ("running" if each.running else "open"),
        shown_time(each.due_at),
        each.attempt,
        each.started_by,
        ", ".join(map(_part, each.supplements)),
    )


def _part(part: ListedPart) -> str:
    """Where a supplementary log stands, in a few words."""
    status = "" if part.status is None else f" {part.status}"
    return f"{part.stl}{status} {part.outcome or f'at: {part.step}'}"


def _kept(each: Keeping) -> tuple[object, ...]:
    states = [
        "off" if each.next_at is None else "",
        f"running ({each.running})" if each.running else "",
        "overdue" if each.overdue else "",
    ]
    return (
        each.registry,
        ", ".join(filter(None, states)) or "due",
        shown_time(each.next_at),
        each.last or "",
        each.last_outcome or "",
        each.unsettled,
        shown_time(each.agreed_at),
    )


def _print_story(found: ReconciliationStory) -> None:
    head = found.head
    say(f"{head.identifier} with {head.registry}: {_status(head.status)}, {head.outcome or f'at: {head.step}'}")
    say(f"  snapshot {shown_time(head.snapshot_at)}, begins with {head.begins_with}, attempt {head.attempt}")
    say(f"  begun by {head.started_by}: {head.reason}" + (f" (repeats {head.follows})" if head.follows else ""))
    if head.problem:
        say(f"  the log failed at it, and tries again at {shown_time(head.due_at)}: {head.problem}")
    if head.led_by:
        say(f"  led by {head.led_by}")
    for part in head.supplements:
        due = f", until {shown_time(part.due_at)}" if part.due_at else ""
        problem = f"; the log failed at it: {part.problem}" if part.problem else ""
        say(f"  supplementary log {_part(part)}{due}{problem}")
    for each in found.history:
        codes = f" {each['response_codes']}" if each["response_codes"] else ""
        detail = f": {each['detail']}" if each["detail"] else ""
        of = f"{each['stl']}: " if each["stl"] else ""
        status = "" if each["stl"] and each["status"] is None else f"{_status(each['status'])}, "
        say(f"  {shown_time(each['at'])}  {of}{status}{each['step']}, by {each['set_by']}{codes}{detail}")
    for each in found.totals:
        account = f" account {each['account_identifier']}" if each["account_identifier"] is not None else ""
        place = (
            f"{SYMBOLS.get(each['unit_type'], '?')} in {each['account_type']}{account}, period {each['account_period']}"
        )
        say(f"  total of the {each['side']}: {each['units']} {place}")
    for each in found.messages:
        codes = f" {each['response_codes']}" if each["response_codes"] else ""
        peer = f"to {each['addressee']}" if each["direction"] == "out" else f"from {each['sender'] or 'nobody known'}"
        say(f"  {shown_time(each['at'])}  {peer}: {each['operation']}, {each['outcome']}{codes}")
    for each in found.waiting:
        say(
            f"  not delivered to {each['receiver']}: {each['operation']}, "
            f"{each['outcome'] or 'waiting'}: {each['problem'] or ''}".rstrip(": ")
        )


def _status(status: int | None) -> str:
    if status is None:
        return "not confirmed"
    name = next((each.name for each in ReconciliationStatus if each == status), "unknown")
    return f"{status} {name.replace('_', ' ').lower()}"
