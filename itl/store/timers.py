"""Timers that belong to no transaction: rows, by what is to be done (`kind`) and for whom or what (`subject`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from itl.errors import UsageError
from itl.store import tables as t

PUT_OFF_MOST = timedelta(hours=1)
PUT_OFF_FIRST = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Timer:
    """When something is due next; `due_at` None: switched off. `every` None: as the settings say."""

    kind: str
    subject: str
    due_at: datetime | None
    every: timedelta | None
    failures: int = 0
    problem: str | None = None


def ensure(connection: Connection, kind: str, subjects: Iterable[str], due_at: datetime) -> None:
    """Timers for all of `subjects` and for no others; those that are there stay as they are."""
    wanted = set(subjects)
    of_kind = t.timers.c.kind == kind
    known = set(connection.execute(select(t.timers.c.subject).where(of_kind)).scalars())
    if known - wanted:
        connection.execute(delete(t.timers).where(of_kind, t.timers.c.subject.in_(sorted(known - wanted))))
    if wanted - known:
        rows = [{"kind": kind, "subject": subject, "due_at": due_at} for subject in sorted(wanted - known)]
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(t.timers).on_conflict_do_nothing(), rows)


def due(connection: Connection, now: datetime) -> list[Timer]:
    """What is due, the longest due first."""
    return _timers(connection, t.timers.c.due_at <= now)


def listed(connection: Connection, kind: str) -> list[Timer]:
    """All timers of a kind, by subject."""
    return sorted(_timers(connection, t.timers.c.kind == kind), key=lambda timer: timer.subject)


def claim(connection: Connection, timer: Timer) -> bool:
    """Lock a timer that is still due as it was seen; False where another process has it, or has done it."""
    statement = (
        select(t.timers.c.subject)
        .where(_row(timer), t.timers.c.due_at == timer.due_at)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return connection.execute(statement).scalar() is not None


def done(connection: Connection, timer: Timer, now: datetime, every: timedelta) -> None:
    """Due again one interval from now: intervals that passed while nothing ran are not made up for."""
    again = now + (timer.every or every)
    connection.execute(update(t.timers).where(_row(timer)).values(due_at=again, failures=0, problem=None))


def put_off(connection: Connection, timer: Timer, now: datetime, problem: str) -> None:
    """It failed: tried again soon, then ever later."""
    wait = min(PUT_OFF_MOST, PUT_OFF_FIRST * 2 ** min(timer.failures, 20))
    values = {"due_at": now + wait, "failures": t.timers.c.failures + 1, "problem": problem[:2000]}
    connection.execute(update(t.timers).where(_row(timer), t.timers.c.due_at == timer.due_at).values(values))


def reschedule(
    connection: Connection, kind: str, subject: str, every: timedelta | None, due_at: datetime | None
) -> Timer:
    """Set interval and next time of a timer; returns what it was. UsageError where there is none."""
    found = _timers(connection, (t.timers.c.kind == kind) & (t.timers.c.subject == subject))
    if not found:
        raise UsageError(f"nothing is scheduled for {subject}; is it enrolled, in force, and has it an address?")
    seconds = None if every is None else int(every.total_seconds())
    connection.execute(update(t.timers).where(_row(found[0])).values(every_seconds=seconds, due_at=due_at))
    return found[0]


def _row(timer: Timer) -> ColumnElement[bool]:
    return (t.timers.c.kind == timer.kind) & (t.timers.c.subject == timer.subject)


def _timers(connection: Connection, where: ColumnElement[bool]) -> list[Timer]:
    statement = select(t.timers).where(where).order_by(t.timers.c.due_at, t.timers.c.kind, t.timers.c.subject)
    return [
        Timer(
            row.kind,
            row.subject,
            row.due_at,
            None if row.every_seconds is None else timedelta(seconds=row.every_seconds),
            row.failures,
            row.problem,
        )
        for row in connection.execute(statement)
    ]
