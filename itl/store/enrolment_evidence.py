"""What the log finds in its own records of the steps of an enrolment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from itl.errors import UsageError
from itl.lifecycle.enrolment import Evidence
from itl.lifecycle.reconciliation_events import Outcome
from itl.lifecycle.time_comparison import Verdict
from itl.reference import RegistryKind
from itl.store import tables as t
from itl.store.access import Certificate
from itl.store.fact_kinds import FactName
from itl.store.facts import in_force


@dataclass(frozen=True, slots=True)
class KnownCertificate:
    """A client certificate that is enrolled; `certificate` None: enrolled before more than its fingerprint was kept."""

    fingerprint: str
    certificate: Certificate | None
    revoked: bool

    def is_valid(self, now: datetime) -> bool:
        known = self.certificate
        return known is not None and not self.revoked and known.valid_from <= now <= known.valid_until


def certificates(connection: Connection, registry: str) -> list[KnownCertificate]:
    """The certificates of a registry, those that were revoked included; the one that is valid longest comes first."""
    statement = select(t.credentials).where(t.credentials.c.registry == registry, t.credentials.c.kind == "certificate")
    found = [
        KnownCertificate(
            row.name,
            None
            if row.valid_until is None
            else Certificate(row.name, row.subject, row.issuer, row.valid_from, row.valid_until),
            row.revoked_at is not None,
        )
        for row in connection.execute(statement.order_by(t.credentials.c.id))
    ]
    ends = [each.certificate.valid_until.timestamp() if each.certificate else 0.0 for each in found]
    return [each for _, each in sorted(zip(ends, found, strict=True), key=lambda pair: -pair[0])]


def look_up(connection: Connection, evidence: Evidence, registry: str, now: datetime) -> str:
    """What shows that a step has passed, in words; UsageError, with what is missing, where nothing does."""
    return _LOOK[evidence](connection, registry, now)


def _certificate(connection: Connection, registry: str, now: datetime) -> str:
    for each in certificates(connection, registry):
        if each.is_valid(now) and each.certificate is not None:
            known = each.certificate
            return (
                f"{known.subject}, issued by {known.issuer}, valid from {_at(known.valid_from)} "
                f"until {_at(known.valid_until)}, SHA-256 {known.fingerprint}"
            )
    raise UsageError(
        f"{registry} has no certificate that is valid now and whose dates are known; "
        f"`itl enrol {registry} --certificate FILE` enrols one"
    )


def _reference_data(connection: Connection, registry: str, now: datetime) -> str:
    kind = connection.execute(select(t.registries.c.kind).where(t.registries.c.code == registry)).scalar_one()
    if kind == RegistryKind.CDM:
        return "the registry of no Party: it has no assigned amount"
    amounts = in_force(connection, [FactName.ASSIGNED_AMOUNT], now, t.facts.c.subject == registry)
    if not amounts:
        raise UsageError(
            f"no assigned amount of {registry} is recorded, so it could issue nothing (5002); "
            "`itl reference load` or `itl reference set` records it"
        )
    told = sorted((key.period, value) for key, value in amounts.items())
    return "assigned amount of " + ", ".join(f"period {period}: {value:,}" for period, value in told)


def _messages(connection: Connection, registry: str, _now: datetime) -> str:
    """Both ways: what the registry sent was accepted, and it answered a question for its time."""
    message = t.messages.c
    came = select(message.id, message.operation, message.request_in_at).where(
        message.sender == registry, message.direction == "in", message.outcome == "accepted"
    )
    heard = connection.execute(came.order_by(message.id.desc()).limit(1)).one_or_none()
    if heard is None:
        raise UsageError(
            f"nothing that {registry} sent was accepted yet; ask its people to send a message (acceptMessage)"
        )
    asked = t.time_comparisons.c
    told = select(asked.answered_at, asked.offset_ms, asked.verdict).where(
        asked.registry == registry, asked.verdict.is_not(None)
    )
    answered = connection.execute(told.order_by(asked.id.desc()).limit(1)).one_or_none()
    if answered is None or answered.verdict != Verdict.WITHIN:
        found = "has not told its time yet" if answered is None else f"has a clock that is {answered.offset_ms} ms off"
        raise UsageError(f"{registry} {found}; `itl time check {registry}` asks, `itl time list` shows what it said")
    return (
        f"its {heard.operation} of {_at(heard.request_in_at)} was accepted; "
        f"asked for the time on {_at(answered.answered_at)}, its clock was {answered.offset_ms} ms off"
    )


def _reconciliation(connection: Connection, registry: str, _now: datetime) -> str:
    rows = t.reconciliations.c
    statement = select(rows.identifier, rows.outcome, rows.snapshot_at, rows.step).where(rows.registry == registry)
    last = connection.execute(statement.order_by(rows.id.desc()).limit(1)).one_or_none()
    if last is None:
        raise UsageError(f"nothing was reconciled with {registry} yet; `itl reconcile start {registry}` begins it")
    if last.outcome not in (Outcome.CONSISTENT, Outcome.REPAIRED):
        raise UsageError(
            f"the last reconciliation with {registry}, {last.identifier}, "
            f"{f'waits for {last.step}' if last.outcome is None else f'ended as {last.outcome}'}; "
            f"`itl reconcile show {last.identifier}` tells more"
        )
    return f"{last.identifier}, of {_at(last.snapshot_at)}: {last.outcome}"


_LOOK: Mapping[Evidence, Callable[[Connection, str, datetime], str]] = {
    Evidence.CERTIFICATE: _certificate,
    Evidence.REFERENCE_DATA: _reference_data,
    Evidence.MESSAGES: _messages,
    Evidence.RECONCILIATION: _reconciliation,
}
LOOKED_UP = frozenset(_LOOK)
"""The evidence that the log finds by itself."""


def _at(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")
