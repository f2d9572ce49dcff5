"""When each registry is to be reconciled with: rows, so that a timer outlives the process that set it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from itl.store import tables as t


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often a registry is reconciled with; `next_at` None: not any more."""

    registry: str
    every: timedelta
    next_at: datetime | None
    by_account: bool
    changed_at: datetime
    changed_by: str
    reason: str


def put_schedule(connection: Connection, schedule: Schedule) -> None:
    """Set the registry's schedule, in place of the one that it has."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    values = {
        "every_seconds": int(schedule.every.total_seconds()),
        "next_at": schedule.next_at,
        "by_account": schedule.by_account,
        "changed_at": schedule.changed_at,
        "changed_by": schedule.changed_by,
        "reason": schedule.reason,
    }
    insert = dialect.insert(t.reconciliation_schedules).values(registry=schedule.registry, **values)
    connection.execute(insert.on_conflict_do_update(index_elements=["registry"], set_=values))


def schedules(connection: Connection) -> list[Schedule]:
    """All schedules, by registry."""
    rows = connection.execute(select(t.reconciliation_schedules).order_by(t.reconciliation_schedules.c.registry))
    return [_read(row) for row in rows]


def due_schedules(connection: Connection, now: datetime, limit: int) -> list[Schedule]:
    """Those whose time has come; nobody else has them until this unit of work ends."""
    waiting = (
        select(t.reconciliation_schedules)
        .where(t.reconciliation_schedules.c.next_at <= now)
        .order_by(t.reconciliation_schedules.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_read(row) for row in connection.execute(waiting).all()]


def advance(connection: Connection, schedule: Schedule, now: datetime) -> datetime:
    """The next time of a schedule that is due: in its rhythm, and ahead; what was missed is not made up for."""
    due = schedule.next_at or now
    missed = max(0, (now - due) // schedule.every)
    next_at: datetime = due + (missed + 1) * schedule.every
    this = t.reconciliation_schedules.c.registry == schedule.registry
    connection.execute(update(t.reconciliation_schedules).where(this).values(next_at=next_at))
    return next_at


def _read(row: t.Record) -> Schedule:
    return Schedule(
        row.registry,
        timedelta(seconds=row.every_seconds),
        row.next_at,
        row.by_account,
        row.changed_at,
        row.changed_by,
        row.reason,
    )
