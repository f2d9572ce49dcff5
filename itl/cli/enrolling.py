"""`itl enrol show`, `steps`, `record`, `waive`: a registry's way to production, step by step."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from itl.cli import enrolment_report
from itl.cli.command import (
    Subparsers,
    actor_arguments,
    actor_of,
    add,
    content_of,
    database_argument,
    evidence_arguments,
    evidence_of,
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
from itl.lifecycle.enrolment import STEPS, Entry, Evidence, Place, Procedure, Result, Step, follow, places
from itl.reference import REGISTRY_KINDS, Registry, Stage
from itl.store import enrolling
from itl.store.correction_records import Evidence as Shown
from itl.store.enrolment_entries import entries
from itl.store.enrolment_evidence import KnownCertificate, certificates
from itl.store.reference_data import ReferenceData, load_reference
from registry_client.conformance.reports import machine

MEANING = {
    Stage.PREPARING: "nothing is taken from it (1501), nothing may go to it (1502)",
    Stage.CONNECTING: "it is called and heard; its proposals are refused (1503), and so are transfers to it (1504)",
    Stage.LIVE: "it takes part",
}
"""What a registry at a stage may do, with the codes that tell it."""


def register(ways: Subparsers) -> None:
    steps = add(ways, "steps", run_steps, "Show the steps of an enrolment: what each wants, and what it presupposes.")
    show = add(ways, "show", run_show, "Show how far registries have come, or all that is recorded of one.")
    record = add(ways, "record", run_record, "Record that a step, or an item of one, has passed or failed.")
    waive = add(
        ways,
        "waive",
        run_waive,
        "Do without a step, or an item of one. It takes two persons: one asks, another agrees by the same command.",
    )
    show.add_argument("code", nargs="?", help="registry code (default: all registries)")
    for each in (record, waive):
        each.add_argument("code", help="registry code")
        each.add_argument("step", choices=list(STEPS), metavar="STEP", help="the step; `itl enrol steps` has the list")
        each.add_argument("item", nargs="?", help="which contact, or which document")
    record.add_argument(
        "--result",
        choices=[str(each) for each in (Result.PASSED, Result.FAILED, Result.RECEIVED)],
        default=str(Result.PASSED),
        help="default: passed; a document is received before it is assessed",
    )
    record.add_argument(
        "--report", type=Path, metavar="FILE", help="report of the conformance suite, as it writes with --json-file"
    )
    evidence_arguments(record)
    record.add_argument("--by", metavar="NAME", help="who does it (default: the user of this machine)")
    actor_arguments(waive)
    for each in (show, record, waive):
        database_argument(each)
    for each in (steps, show):
        json_argument(each)


# Showing -------------------------------------------------------------------------------------------------------------


def run_steps(arguments: Namespace) -> int:
    if arguments.json:
        say(msgspec.json.encode(list(STEPS.values())).decode())
        return 0
    for step in STEPS.values():
        after = f"; after {', '.join(step.presupposes)}" if step.presupposes else ""
        say(f"{step.name}: {step.wants}{after}")
        for item, meaning in (step.items or {}).items():
            say(f"  {item}: {meaning}")
    return 0


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What is known of a registry's enrolment."""

    registry: Registry
    history: tuple[Entry, ...]
    certificates: tuple[KnownCertificate, ...]

    @property
    def procedure(self) -> Procedure:
        return follow(self.history)


def run_show(arguments: Namespace) -> int:
    now = system_clock()
    ahead = timedelta(days=settings_of(arguments).certificate_warning_days)
    with opened(arguments).read() as connection:
        found = [_enrolment(connection, each) for each in _registries(connection, arguments.code, now)]
    if arguments.json:
        say(msgspec.json.encode([_plain(each, now, ahead) for each in found]).decode())
    elif arguments.code:
        _print(found[0], now, ahead)
    else:
        heads: tuple[object, ...] = ("registry", "kind", "stage", "next", "certificate")
        for line in table([heads, *(_row(each, now, ahead) for each in found)]):
            say(line)
    return 0


def _registries(connection: Connection, code: str | None, now: datetime) -> list[Registry]:
    known = load_reference(connection, now).registries
    if code is None:
        return [known[each] for each in sorted(known) if known[each].kind in REGISTRY_KINDS]
    if code not in known:
        raise UsageError(f"{code}: not enrolled; `itl enrol show` lists who is")
    return [known[code]]


def _enrolment(connection: Connection, registry: Registry) -> Enrolment:
    history = entries(connection, registry.code).get(registry.code, [])
    return Enrolment(registry, tuple(history), tuple(certificates(connection, registry.code)))


def _row(found: Enrolment, now: datetime, ahead: timedelta) -> tuple[object, ...]:
    registry = found.registry
    following = "" if registry.is_live else ", ".join(step.name for step in found.procedure.next_steps)
    return registry.code, registry.kind, registry.stage, following, "; ".join(warnings(found.certificates, now, ahead))


def _print(found: Enrolment, now: datetime, ahead: timedelta) -> None:
    registry, procedure = found.registry, found.procedure
    say(f"{registry.code} ({registry.kind}) at {registry.url or 'no address'}")
    say(f"{registry.stage}: {MEANING[registry.stage]}")
    for each in found.certificates:
        say(f"certificate {_certificate(each)}")
    for line in warnings(found.certificates, now, ahead):
        say(f"warning: {line}")
    for step in STEPS.values():
        say(f"{'done' if procedure.is_done(step) else 'open':<6}{step.name}")
        for place in places(step):
            for line in _lines(procedure, place):
                say(f"      {line}")
    if not registry.is_live:
        for step in procedure.next_steps:
            missing = [item for _, item in procedure.missing(step) if item]
            say(f"next: {step.name}{': ' + ', '.join(missing) if missing else ''} ({step.wants})")


def _lines(procedure: Procedure, place: Place) -> Iterable[str]:
    step, item = place
    if (entry := procedure.standing.get(place)) is not None:
        yield f"{_told(entry)}"
    elif item:
        yield f"{item}: missing"
    if (asked := procedure.waivers.get(place)) is not None:
        yield f"{asked.by} asks to do without {item or step}, on {shown_time(asked.at)}: {asked.evidence}"


def _told(entry: Entry) -> str:
    item = f"{entry.item}: " if entry.item else ""
    digest = f" (SHA-256 {entry.digest.hex()})" if entry.digest else ""
    return f"{item}{entry.result} on {shown_time(entry.at)} by {entry.by}: {entry.evidence}{digest}"


def _certificate(known: KnownCertificate) -> str:
    about = known.certificate
    dates = (
        "enrolled before its dates were kept"
        if about is None
        else f"{about.subject}, issued by {about.issuer}, valid {shown_time(about.valid_from)} to "
        f"{shown_time(about.valid_until)}"
    )
    return f"{known.fingerprint}: {dates}{', revoked' if known.revoked else ''}"


def warnings(known: Iterable[KnownCertificate], now: datetime, ahead: timedelta) -> list[str]:
    """What is to be said of the certificates of a registry: the one that is valid longest ends soon, or has ended."""
    ends = [each.certificate.valid_until for each in known if each.certificate is not None and not each.revoked]
    if not ends or max(ends) > now + ahead:
        return []
    end = max(ends)
    return [f"certificate {'has ended on' if end < now else 'ends on'} {shown_time(end)}"]


def _plain(found: Enrolment, now: datetime, ahead: timedelta) -> dict[str, Any]:
    procedure = found.procedure
    return {
        "code": found.registry.code,
        "kind": found.registry.kind,
        "url": found.registry.url,
        "stage": found.registry.stage,
        "steps": {
            name: {
                "done": procedure.is_done(step),
                "missing": [item or name for name, item in procedure.missing(step)],
            }
            for name, step in STEPS.items()
        },
        "next": [step.name for step in procedure.next_steps],
        "certificates": msgspec.to_builtins(found.certificates),
        "warnings": warnings(found.certificates, now, ahead),
        "history": [
            msgspec.to_builtins(each) | {"digest": each.digest.hex() if each.digest else None} for each in found.history
        ],
    }


# Recording -----------------------------------------------------------------------------------------------------------


def run_record(arguments: Namespace) -> int:
    step, result, by, now = STEPS[arguments.step], Result(arguments.result), actor_of(arguments), system_clock()
    settings = settings_of(arguments)
    if arguments.report and (step.evidence is not Evidence.REPORT or result is not Result.PASSED):
        raise UsageError(f"--report shows that functional tests have passed; for {step.name} give --evidence")
    shown = evidence_of(arguments)
    if result is Result.PASSED and step.evidence is Evidence.REPORT:
        shown = _of_report(arguments, now, settings.enrolment_report_days)
    return _record(arguments, step, Entry(step.name, arguments.item, result, by, now, shown.text, shown.digest))


def run_waive(arguments: Namespace) -> int:
    reason, by, now = reason_of(arguments), actor_of(arguments), system_clock()
    place = arguments.step, arguments.item
    with opened(arguments).read() as connection:
        asked = follow(entries(connection, arguments.code).get(arguments.code, [])).waivers.get(place)
    result = Result.WAIVER if asked is None else Result.WAIVED
    return _record(arguments, STEPS[arguments.step], Entry(*place, result, by, now, reason))


def _record(arguments: Namespace, step: Step, entry: Entry) -> int:
    database = opened(arguments)
    identity = identity_of(ReferenceData(database), settings_of(arguments))
    with database.write() as connection:
        procedure = enrolling.record(connection, identity, arguments.code, entry)
    what = f"{step.name}{f' ({entry.item})' if entry.item else ''}"
    if entry.result is Result.WAIVER:
        say(f"{arguments.code} {what}: another person has to agree, by the same command")
        return 0
    say(f"{arguments.code} {what}: {entry.result}")
    say(f"{procedure.stage}: {MEANING[procedure.stage]}")
    return 0


def _of_report(arguments: Namespace, now: datetime, most_days: int) -> Shown:
    """What a report of the conformance suite shows; UsageError where it does not show that the registry has passed."""
    file: Path | None = arguments.report
    if file is None:
        raise UsageError(f"{arguments.code}: give --report, which the conformance suite wrote in the test environment")
    content = content_of(file)
    try:
        report = machine.read(content)
    except ValueError as error:
        raise UsageError(
            f"{file}: no report of the conformance suite ({error}); it writes one with --json-file"
        ) from error
    reason = enrolment_report.against(report, arguments.code, now, most_days)
    if reason is not None:
        raise UsageError(f"{file} does not show that {arguments.code} has passed: {reason}")
    return Shown(f"{file.name}: {enrolment_report.summary(report)}", sha256(content).digest())
