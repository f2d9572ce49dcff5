"""Comparisons of the registries' clocks with the log's: asked through the outbox, answered in the reply, on record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, func, select, update

from itl.lifecycle.sending import Send
from itl.lifecycle.time_comparison import Verdict, drift, verdict
from itl.lifecycle.transaction import LogIdentity
from itl.messages import ProvideTimeRequest
from itl.store import tables as t
from itl.store.delivery import Attempt
from itl.store.posting import post

log = structlog.get_logger(__name__)

_TOPIC = "time "
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a clock may be off before it is worth a warning, and before it is an alarm."""

    warning: timedelta
    alarm: timedelta


@dataclass(frozen=True, slots=True)
class Comparison:
    """One question for the time, and what came of it. `outcome` None: not answered yet."""

    id: int
    registry: str
    asked_at: datetime
    asked_by: str
    attempts: int
    outcome: str | None
    """`answered`, `refused`, `fault` (an answer that is none), `unreachable`, `expired` (not sent in time)."""
    problem: str | None
    sent_at: datetime | None
    answered_at: datetime | None
    registry_time: datetime | None
    offset_ms: int | None
    round_trip_ms: int | None
    verdict: str | None
    ended_at: datetime | None

    @property
    def state(self) -> str:
        """In a word: the verdict; else why there is none."""
        if self.verdict is not None:
            return self.verdict
        return "asked" if self.outcome is None else f"no time: {self.outcome}"


def ask(
    connection: Connection,
    registry: str,
    identity: LogIdentity,
    tolerance: Tolerance,
    asked_by: str,
    now: datetime,
    expires_at: datetime,
) -> int:
    """Ask a registry for its time; returns the comparison's number. What is not answered by `expires_at` is given up.

    The time in the message is written anew when it goes out (`renewed`).
    """
    row = {
        "registry": registry,
        "asked_at": now,
        "asked_by": asked_by,
        "warning_ms": tolerance.warning // _MILLISECOND,
        "alarm_ms": tolerance.alarm // _MILLISECOND,
    }
    statement = t.time_comparisons.insert().returning(t.time_comparisons.c.id)
    number: int = connection.execute(statement, row).scalar_one()
    message = ProvideTimeRequest(
        sender=identity.code,
        addressee=registry,
        major_version=identity.major_version,
        minor_version=identity.minor_version,
        itl_system_time=now,
    )
    post(connection, [(None, Send(registry, message, f"{_TOPIC}{number}", expires_at=expires_at))], now)
    return number


def note(connection: Connection, topic: str | None, attempt: Attempt, now: datetime) -> None:
    """What an attempt to ask came to, of the comparison that `topic` names."""
    if topic is None or not topic.startswith(_TOPIC):
        return
    row = t.time_comparisons.c.id == int(topic.removeprefix(_TOPIC))
    values: dict[str, Any] = {"ended_at": now} if attempt.is_final else {}
    if attempt.outcome == "expired":
        # What an earlier attempt came to says more than that it was the last.
        values["outcome"] = func.coalesce(t.time_comparisons.c.outcome, "expired")
        values["problem"] = func.coalesce(t.time_comparisons.c.problem, attempt.problem)
    else:
        values |= {
            "attempts": t.time_comparisons.c.attempts + 1,
            "outcome": "answered" if attempt.outcome == "accepted" else attempt.outcome,
            "problem": _problem(attempt),
            "sent_at": attempt.sent_at,
            "answered_at": attempt.answered_at,
        }
    if attempt.outcome == "accepted" and attempt.answered_at is not None:
        asked = connection.execute(select(t.time_comparisons).where(row)).one()
        found = drift(attempt.sent_at, attempt.answered_at, attempt.answer.system_time)
        judged = verdict(found, asked.warning_ms * _MILLISECOND, asked.alarm_ms * _MILLISECOND)
        values |= {
            "registry_time": attempt.answer.system_time,
            "offset_ms": found.offset // _MILLISECOND,
            "round_trip_ms": found.round_trip // _MILLISECOND,
            "verdict": str(judged),
        }
        if judged is not Verdict.WITHIN:
            log.warning("a clock is off", registry=asked.registry, seconds=found.offset.total_seconds(), verdict=judged)
    connection.execute(update(t.time_comparisons).where(row).values(values))


def _problem(attempt: Attempt) -> str | None:
    if attempt.outcome == "refused":
        return f"refused with {', '.join(map(str, attempt.codes)) or 'no code'}"
    return attempt.problem


def latest(connection: Connection) -> list[Comparison]:
    """The latest comparison of each registry."""
    newest = select(func.max(t.time_comparisons.c.id)).group_by(t.time_comparisons.c.registry)
    statement = select(t.time_comparisons).where(t.time_comparisons.c.id.in_(newest))
    return [_comparison(row) for row in connection.execute(statement.order_by(t.time_comparisons.c.registry))]


def of_registry(connection: Connection, registry: str, most: int) -> list[Comparison]:
    """The latest comparisons of one registry, the newest first."""
    statement = select(t.time_comparisons).where(t.time_comparisons.c.registry == registry)
    rows = connection.execute(statement.order_by(t.time_comparisons.c.id.desc()).limit(most))
    return [_comparison(row) for row in rows]


def _comparison(row: t.Record) -> Comparison:
    return Comparison(**{name: getattr(row, name) for name in Comparison.__dataclass_fields__})
