"""`itl registry`: how registries stand, and what changes that."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

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
    settings_of,
    shown_time,
)
from itl.cli.enrolling import MEANING, warnings
from itl.cli.figures import table
from itl.clock import system_clock
from itl.errors import UsageError
from itl.hub import identity_of
from itl.reference import Registry
from itl.store import standing, versions
from itl.store.actions import record_action
from itl.store.enrolment_entries import contacts
from itl.store.enrolment_evidence import certificates
from itl.store.fact_kinds import FactName, value_of
from itl.store.facts import Source, told
from itl.store.reference_data import STATUS_FACTS, ReferenceData, load_reference
from itl.store.standing import RIGHTS
from itl.store.visible import waiting


def register(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "registry",
        help="Show how registries stand; suspend one, let it resume, record the version that it speaks.",
        description="The status of registries, with its history. A change takes effect in a running log at once, or "
        "from the instant that --from gives, and the registry is told.",
    )
    ways = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listing = add(ways, "list", run_list, "Show every registry: what it may do, its version, what is proposed.")
    show = add(ways, "show", run_show, "Show one registry with all changes of its status, past and to come.")
    suspend = add(ways, "suspend", run_suspend, "Suspend a registry. What is open goes on; it is told why.")
    resume = add(ways, "resume", run_resume, "Let a suspended registry do again what it could not.")
    version = add(ways, "version", run_version, "Record which version of the standard a registry speaks.")
    version.add_argument("code", help="registry code")
    version.add_argument("version", help="such as 1.1; `itl standard list` shows those that the log accepts")
    proposals = add(ways, "proposals", run_proposals, "Show which registries rules propose to suspend, and why.")
    proposals.add_argument("--all", action="store_true", help="those that are closed, too")
    dismiss = add(ways, "dismiss", run_dismiss, "Do not follow a proposal. The same trouble is not proposed again.")
    dismiss.add_argument("number", type=int, help="the proposal's number")
    show.add_argument("code", help="registry code")
    for each in (suspend, resume):
        each.add_argument("code", help="registry code")
        each.add_argument(
            "--what",
            action="append",
            choices=sorted(RIGHTS),
            help="only this, or several (default: all)",
        )
    for each in (listing, show, suspend, resume, version, proposals, dismiss):
        database_argument(each)
    for each in (listing, show, proposals):
        json_argument(each)
    for each in (suspend, resume, version):
        from_argument(each)
    for each in (suspend, resume, version, dismiss):
        actor_arguments(each)


def from_argument(parser: ArgumentParser) -> None:
    parser.add_argument("--from", dest="since", metavar="TIME", help="from this instant on (ISO 8601; default: now)")


def run_list(arguments: Namespace) -> int:
    now = system_clock()
    with opened(arguments).read() as connection:
        found = [
            _plain(arguments, connection, each, now) for each in load_reference(connection, now).registries.values()
        ]
    if arguments.json:
        say(msgspec.json.encode(found).decode())
        return 0
    heads: tuple[object, ...] = ("registry", "kind", "stage", "in force", *RIGHTS, "version", "proposed")
    rows = [
        (
            each["code"],
            each["kind"],
            each["stage"],
            *(_yes_no(each[field]) for field in ("in_force", *RIGHTS.values())),
            each["version"],
            ", ".join(proposal["rule"] for proposal in each["proposals"]),
        )
        for each in sorted(found, key=lambda each: str(each["code"]))
    ]
    for line in table([heads, *rows]):
        say(line)
    for each in found:
        for warning in each["warnings"]:
            say(f"warning: {each['code']}: {warning}")
    return 0


def run_show(arguments: Namespace) -> int:
    now = system_clock()
    with opened(arguments).read() as connection:
        registry = load_reference(connection, now).registries.get(arguments.code)
        if registry is None:
            raise UsageError(f"{arguments.code}: not enrolled; `itl registry list` shows who is")
        found = _plain(arguments, connection, registry, now)
        names = (*STATUS_FACTS, FactName.VERSION_SPOKEN)
        found["history"] = [
            {
                "what": str(each.key.name),
                "value": versions.written(each.value) if isinstance(each.value, tuple) else each.value,
                "from": each.valid_from,
                "recorded_at": each.recorded_at,
                "by": each.recorded_by,
                "reason": each.reason,
            }
            for each in told(connection, names, [arguments.code])
        ]
        found["undelivered"] = sum(
            lane.messages for lane in waiting(connection).lanes if lane.receiver == arguments.code
        )
    if arguments.json:
        say(msgspec.json.encode(found).decode())
        return 0
    say(f"{registry.code} ({registry.kind}) at {registry.url or 'no address'}, speaks version {found['version']}")
    say(f"in force: {_yes_no(registry.in_force)}; may " + ", ".join(_right(registry, each) for each in RIGHTS))
    if not registry.is_live:
        say(f"{registry.stage}: {MEANING[registry.stage]}; `itl enrol show {registry.code}` tells what is missing")
    for role, who in found["contacts"].items():
        say(f"{role}: {who}")
    for warning in found["warnings"]:
        say(f"warning: {warning}")
    say(f"messages that it has not taken yet: {found['undelivered']}")
    for each in found["proposals"]:
        say(f"proposed for suspension ({each['id']}), {each['rule']} since {shown_time(each['since'])}: {each['why']}")
    for each in found["history"]:
        value = each["value"] if isinstance(each["value"], str) else _yes_no(each["value"])
        say(f"  from {shown_time(each['from'])}  {each['what']}: {value}, by {each['by']}: {each['reason']}")
    return 0


def run_suspend(arguments: Namespace) -> int:
    return _change(arguments, allowed=False)


def run_resume(arguments: Namespace) -> int:
    return _change(arguments, allowed=True)


def _change(arguments: Namespace, *, allowed: bool) -> int:
    reason, actor, now = reason_of(arguments), actor_of(arguments), system_clock()
    valid_from = instant_of(arguments.since, "--from") or now
    if valid_from < now:
        raise UsageError(f"--from {arguments.since} is past; what was decided then stays as it was decided")
    database = opened(arguments)
    identity = identity_of(ReferenceData(database), settings_of(arguments))
    given = {RIGHTS[what]: allowed for what in arguments.what or RIGHTS}
    with database.write() as connection:
        changed = standing.change_status(connection, identity, arguments.code, given, actor, reason, valid_from, now)
    what = ", ".join(right for right, field in RIGHTS.items() if field in changed)
    say(f"{arguments.code} may {'again' if allowed else 'no longer'} {what}, from {shown_time(valid_from)}; it is told")
    return 0


def run_version(arguments: Namespace) -> int:
    reason, actor, now = reason_of(arguments), actor_of(arguments), system_clock()
    version = value_of(FactName.VERSION_SPOKEN, arguments.version)
    valid_from = instant_of(arguments.since, "--from") or now
    with opened(arguments).write() as connection:
        if load_reference(connection, now).registry_in_force(arguments.code) is None:
            raise UsageError(f"{arguments.code}: no registry in force; `itl registry list` shows those that are")
        versions.speak(connection, arguments.code, version, Source(actor, reason, now), valid_from)
        detail = {"version": arguments.version, "from": valid_from.isoformat()}
        record_action(connection, actor, reason, "registry version", arguments.code, detail, now)
    say(f"{arguments.code} speaks version {arguments.version} from {shown_time(valid_from)}")
    return 0


def run_proposals(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = standing.proposals(connection, every=arguments.all)
    if arguments.json:
        say(msgspec.json.encode(found).decode())
        return 0
    heads: tuple[object, ...] = ("number", "registry", "rule", "since", "proposed", "is", "why")
    rows = [
        (
            each.id,
            each.registry,
            each.rule,
            shown_time(each.since),
            shown_time(each.proposed_at),
            each.closed_as or "open",
            each.why,
        )
        for each in found
    ]
    for line in table([heads, *rows]):
        say(line)
    return 0


def run_dismiss(arguments: Namespace) -> int:
    with opened(arguments).write() as connection:
        found = standing.dismiss(
            connection, arguments.number, actor_of(arguments), reason_of(arguments), system_clock()
        )
    say(f"{found.registry} is not suspended for: {found.why}")
    return 0


def _plain(arguments: Namespace, connection: Connection, registry: Registry, now: datetime) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(registry)
    spoken = versions.of_registry(connection, registry.code).at(now)
    open_ones = standing.proposals(connection, registry.code)
    ahead = timedelta(days=settings_of(arguments).certificate_warning_days)
    return plain | {
        "contacts": contacts(connection, registry.code),
        "warnings": warnings(certificates(connection, registry.code), now, ahead),
        "version": "none" if spoken is None else versions.written(spoken),
        "proposals": [asdict(each) for each in open_ones],
    }


def _right(registry: Registry, right: str) -> str:
    return right if getattr(registry, RIGHTS[right]) else f"not {right}"


def _yes_no(value: object) -> str:
    return "yes" if value else "no"
