"""What an operator sees of reconciliations: which there are, the whole story of one, and whether registries keep up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from itl.lifecycle.reconciliation_events import BeginsWith, Outcome
from itl.lifecycle.sending import topic_of_reconciliation
from itl.store import tables as t
from itl.store.schedules import Schedule, schedules

FAILED = (Outcome.DENIED, Outcome.REFUSED, Outcome.NOT_CONFIRMED, Outcome.NOT_ANSWERED)


@dataclass(frozen=True, slots=True)
class ListedPart:
    """A supplementary log's part in a reconciliation. `problem`: what the log itself failed at."""

    stl: str
    step: str
    status: int | None
    outcome: str | None
    due_at: datetime | None
    ended_at: datetime | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class ListedReconciliation:
    """A reconciliation in a line. `problem`: what the log itself failed at."""

    identifier: str
    registry: str
    begins_with: str
    snapshot_at: datetime
    status: int | None
    step: str
    outcome: str | None
    running: bool
    due_at: datetime | None
    attempt: int
    follows: str | None
    started_by: str
    reason: str
    created_at: datetime
    ended_at: datetime | None
    problem: str | None
    led_by: str | None
    """The log that leads it, where that is another one."""
    supplements: tuple[ListedPart, ...] = ()

    @property
    def failed(self) -> bool:
        return self.outcome in FAILED


@dataclass(frozen=True, slots=True)
class ReconciliationStory:
    """One reconciliation: its history, both sides' totals, and every message about it."""

    head: ListedReconciliation
    history: tuple[dict[str, Any], ...]
    totals: tuple[dict[str, Any], ...]
    messages: tuple[dict[str, Any], ...]
    waiting: tuple[dict[str, Any], ...]
    """What is not delivered, or never will be."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Whether a registry keeps up with its schedule. `overdue`: registry and log have not agreed for two intervals."""

    registry: str
    every: timedelta
    next_at: datetime | None
    by_account: bool
    running: str | None
    last: str | None
    last_outcome: str | None
    unsettled: int
    """Reconciliations that wait for an operator."""
    agreed_at: datetime | None
    """The latest snapshot of which both agreed."""
    overdue: bool


def listed(
    connection: Connection,
    registry: str | None = None,
    *,
    stl: str | None = None,
    unfinished: bool = False,
    most: int = 100,
) -> list[ListedReconciliation]:
    """The latest reconciliations, the newest first; of one registry, those in which a supplementary log takes part, and
    only those that it or the log has not ended, where asked for."""
    rows = t.reconciliations.c
    statement = _listing().order_by(rows.id.desc()).limit(most)
    if registry is not None:
        statement = statement.where(rows.registry == registry)
    parts = t.reconciliation_supplements.c
    if stl is not None:
        statement = statement.where(rows.id.in_(select(parts.reconciliation_id).where(parts.stl == stl)))
    if unfinished:
        open_part = select(parts.stl).where(parts.reconciliation_id == rows.id, parts.ended_at.is_(None)).exists()
        statement = statement.where(rows.ended_at.is_(None) | open_part)
    found = connection.execute(statement).all()
    taking_part = _parts(connection, [row.key for row in found])
    return [_listed(row, taking_part) for row in found]


def _parts(connection: Connection, keys: list[int]) -> dict[int, tuple[ListedPart, ...]]:
    """The parts of supplementary logs in reconciliations, by their ids."""
    parts = t.reconciliation_supplements
    rows = connection.execute(
        select(parts).where(parts.c.reconciliation_id.in_(keys)).order_by(parts.c.reconciliation_id, parts.c.stl)
    )
    names = ListedPart.__dataclass_fields__
    found: dict[int, tuple[ListedPart, ...]] = {}
    for row in rows:
        part = ListedPart(**{name: getattr(row, name) for name in names})
        found[row.reconciliation_id] = (*found.get(row.reconciliation_id, ()), part)
    return found


def _listed(row: t.Record, parts: dict[int, tuple[ListedPart, ...]]) -> ListedReconciliation:
    told = {name: value for name, value in row._mapping.items() if name != "key"}
    return ListedReconciliation(**told, supplements=parts.get(row.key, ()))


def story(connection: Connection, identifier: str, most: int = 1000) -> ReconciliationStory | None:
    """All that is recorded of a reconciliation, at most `most` messages; None where there is none."""
    row = connection.execute(_listing().where(t.reconciliations.c.identifier == identifier)).one_or_none()
    if row is None:
        return None
    key = row.key
    history, totals, messages, letters = (
        t.reconciliation_history.c,
        t.reconciliation_totals.c,
        t.messages.c,
        t.outbox.c,
    )
    told = (
        select(
            history.at,
            history.status,
            history.step,
            history.set_by,
            history.response_codes,
            history.detail,
            history.stl,
        )
        .where(history.reconciliation_id == key)
        .order_by(history.id)
    )
    place = (totals.account_type, totals.account_identifier, totals.account_period, totals.unit_type)
    sums = (
        select(*place, totals.side, func.sum(totals.units).label("units"))
        .where(totals.reconciliation_id == key)
        .group_by(*place, totals.side)
        .order_by(*place, totals.side)
    )
    sent = (
        select(
            messages.direction,
            messages.sender,
            messages.addressee,
            messages.operation,
            messages.outcome,
            messages.response_codes,
            func.coalesce(messages.request_in_at, messages.request_out_at).label("at"),
            messages.body_size,
            messages.detail,
        )
        .where(messages.reconciliation_identifier == identifier)
        .order_by(messages.id)
        .limit(most)
    )
    waiting = (
        select(
            letters.receiver,
            letters.operation,
            letters.attempts,
            letters.outcome,
            letters.next_attempt_at,
            letters.problem,
        )
        .where(letters.topic == topic_of_reconciliation(identifier))
        .where(letters.delivered_at.is_(None) | letters.outcome.not_in(["accepted", "refused"]))
        .order_by(letters.id)
    )
    return ReconciliationStory(
        _listed(row, _parts(connection, [key])),
        *(tuple(dict(each._mapping) for each in connection.execute(what)) for what in (told, sums, sent, waiting)),
    )


def keeping(connection: Connection, now: datetime) -> list[Keeping]:
    """Every schedule, by registry, with how it is kept."""
    return [_keeping(connection, each, now) for each in schedules(connection)]


def _keeping(connection: Connection, schedule: Schedule, now: datetime) -> Keeping:
    rows = t.reconciliations.c
    of_registry = rows.registry == schedule.registry
    running = connection.execute(select(rows.identifier).where(of_registry, rows.running)).scalar()
    last = connection.execute(
        select(rows.identifier, rows.outcome).where(of_registry, ~rows.running).order_by(rows.id.desc()).limit(1)
    ).one_or_none()
    unsettled = connection.execute(
        select(func.count()).where(of_registry, ~rows.running, rows.ended_at.is_(None))
    ).scalar_one()
    agreed = connection.execute(
        select(func.max(rows.snapshot_at)).where(
            of_registry,
            rows.outcome.in_([Outcome.CONSISTENT, Outcome.REPAIRED]),
            rows.begins_with == BeginsWith.TOTALS,
        )
    ).scalar()
    since = max(filter(None, (agreed, schedule.changed_at)))
    return Keeping(
        schedule.registry,
        schedule.every,
        schedule.next_at,
        schedule.by_account,
        running,
        last.identifier if last else None,
        last.outcome if last else None,
        unsettled,
        agreed,
        schedule.next_at is not None and now - since > 2 * schedule.every,
    )


def _listing() -> Any:
    rows, former = t.reconciliations.c, t.reconciliations.alias("former")
    names = [name for name in ListedReconciliation.__dataclass_fields__ if name not in ("follows", "supplements")]
    return select(
        rows.id.label("key"), *(rows[name] for name in names), former.c.identifier.label("follows")
    ).outerjoin(former, former.c.id == rows.follows)
