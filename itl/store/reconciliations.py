"""Reconciliations as rows: begun, moved on by one event at a time, ended; each in one commit with what it sends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import BindParameter, Connection, Select, bindparam, delete, func, or_, select, update

from itl.codes import ReconciliationStatus
from itl.errors import ConflictError, UsageError
from itl.lifecycle.reconciliation import TABLE, Progress, begin, decide
from itl.lifecycle.reconciliation_events import (
    COMPARING,
    RUNNING,
    Asked,
    BeginsWith,
    Cancelled,
    Event,
    Outcome,
    Proven,
    ReconciliationHead,
    Step,
)
from itl.lifecycle.sending import topic_of_reconciliation
from itl.lifecycle.transaction import LogIdentity
from itl.store import inconsistencies
from itl.store import supplementary_reconciliations as supplements
from itl.store import tables as t
from itl.store.arrival import code_list
from itl.store.database import Database
from itl.store.inconsistencies import Closing
from itl.store.looking import look
from itl.store.posting import post, withdraw
from itl.store.reference_data import load_reference
from itl.store.statements import Statement

MOST_AHEAD = timedelta(days=30)
"""How far ahead a snapshot may be (check 6205)."""
QUESTIONS = ("provideUnitBlocks", "provideAuditTrail")
"""What is asked of the registry after the end, for others: of no use when the time for it is over."""
STAGING = (t.received_unit_blocks, t.received_sums, t.received_transaction_blocks, t.received_transactions)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A row of `reconciliations`, and what it stands for."""

    id: int
    head: ReconciliationHead
    follows: int | None
    scheduled: bool
    started_by: str
    reason: str
    created_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A reconciliation that is to begin."""

    registry: str
    started_by: str
    reason: str
    begins_with: BeginsWith = BeginsWith.TOTALS
    by_account: bool = False
    asked: Asked = Asked()  # noqa: RUF009 - immutable
    snapshot_at: datetime | None = None
    """None: as far ahead as the practice has it."""
    follows: int | None = None
    attempt: int = 1
    scheduled: bool = False


def start(connection: Connection, plan: Plan, log: LogIdentity, now: datetime, *, may: bool) -> Reconciliation:
    """Begin a reconciliation. `may`: the registry's status lets it reconcile (1510); if not, that is put on record.

    UsageError where one of the registry is running, or the snapshot's time cannot be.
    """
    snapshot_at = plan.snapshot_at or _whole_second(now + log.reconciliation.lead)
    if not now < snapshot_at <= now + MOST_AHEAD:
        raise UsageError(f"a snapshot at {snapshot_at.isoformat()}: give a time ahead, at most {MOST_AHEAD.days} days")
    running = running_of(connection, plan.registry)
    if running is not None:
        raise UsageError(
            f"reconciliation {running} with {plan.registry} is running; wait for its end, or cancel it: "
            f"`itl reconcile cancel {running}`"
        )
    head = ReconciliationHead(
        identifier=_identifier(connection, plan.registry, now),
        registry=plan.registry,
        begins_with=plan.begins_with,
        snapshot_at=snapshot_at,
        step=Step.CONFIRMATION,
        by_account=plan.by_account,
        attempt=plan.attempt,
        asked=plan.asked,
    )
    progress = begin(head, log, now, may=may)
    key: int = connection.execute(
        t.reconciliations.insert().returning(t.reconciliations.c.id),
        {
            "identifier": head.identifier,
            "registry": head.registry,
            "begins_with": head.begins_with,
            "by_account": head.by_account,
            "snapshot_at": head.snapshot_at,
            "attempt": head.attempt,
            "asked": _told(plan.asked),
            "follows": plan.follows,
            "scheduled": plan.scheduled,
            "started_by": plan.started_by,
            "reason": plan.reason,
            "created_at": now,
            **_columns(progress, now),
        },
    ).scalar_one()
    _note(connection, key, head, progress, now, plan.started_by)
    post(connection, [(None, send) for send in progress.sends], now)
    if may:
        supplements.begin_parts(connection, key, head, log, now)
    return _read(connection, connection.execute(select(t.reconciliations).where(t.reconciliations.c.id == key)).one())


def proceed(
    connection: Connection,
    found: Reconciliation,
    event: Event,
    log: LogIdentity,
    now: datetime,
    set_by: str,
    message: int | None = None,
) -> Progress:
    """Carry out what `event` makes of it, with all that follows; ConflictError where it has moved on, or cannot."""
    head = found.head
    progress = decide(head, event, log)
    unmoved = (t.reconciliations.c.id == found.id) & (t.reconciliations.c.step == head.step)
    values = _columns(progress, now)
    if progress.asked is not None:
        values["asked"] = _told(progress.asked)
    if connection.execute(update(t.reconciliations).where(unmoved).values(values)).rowcount != 1:
        raise ConflictError(f"{head.identifier} does not wait for {head.step} any more; read it again")
    _note(connection, found.id, head, progress, now, set_by, message)
    if progress.step is Step.ENDED:
        questions = () if progress.outcome is not None else QUESTIONS
        withdraw(connection, head.peer, topic_of_reconciliation(head.identifier), now, questions)
    if progress.step in (Step.ENDED, Step.INTERVENTION):
        _clear(connection, found.id)
    post(connection, [(None, send) for send in progress.sends], now)
    if progress.begin_anew:
        _begin_anew(connection, found, progress, log, now)
    if progress.proves:
        _prove(connection, found, log, now)
    supplements.after_own(connection, found.id, head, progress, log, now)
    return progress


def follow(
    connection: Connection,
    identifier: str,
    registry: str,
    snapshot_at: datetime,
    led_by: str,
    log: LogIdentity,
    due: datetime,
    now: datetime,
    message: int,
) -> None:
    """Take part in a reconciliation that another log leads: what it tells of the registry is waited for until `due`.

    What that log led with the registry before is over: it leads one at a time. ConflictError where this log leads one
    with it just now.
    """
    running = running_of(connection, registry)
    former = None if running is None else find(connection, running, lock=True)
    if former is not None and former.head.led_by is None:
        raise ConflictError(f"{running}, which this log leads, is running with {registry}; wait for its end")
    if former is not None:
        proceed(connection, former, Cancelled(f"{led_by} began {identifier}"), log, now, led_by)
    row = {
        "identifier": identifier,
        "registry": registry,
        "begins_with": BeginsWith.TOTALS,
        "by_account": False,
        "snapshot_at": snapshot_at,
        "started_by": led_by,
        "reason": f"{led_by} compares with {registry}",
        "created_at": now,
        "led_by": led_by,
        "status": int(ReconciliationStatus.CONFIRMED),
        "step": Step.TOTALS,
        "running": True,
        "due_at": due,
    }
    key: int = connection.execute(t.reconciliations.insert().returning(t.reconciliations.c.id), row).scalar_one()
    head = ReconciliationHead(identifier, registry, BeginsWith.TOTALS, snapshot_at, Step.TOTALS, led_by=led_by)
    progress = Progress(Step.TOTALS, (ReconciliationStatus.CONFIRMED,))
    _note(connection, key, head, progress, now, led_by, message)


def with_id(connection: Connection, key: int, *, lock: bool = False) -> Reconciliation:
    """The reconciliation in the row `key`; `lock` as in `find`."""
    statement = select(t.reconciliations).where(t.reconciliations.c.id == key)
    return _read(connection, connection.execute(statement.with_for_update() if lock else statement).one())


def cancel(
    connection: Connection, found: Reconciliation, reason: str, log: LogIdentity, now: datetime, by: str
) -> tuple[str, ...]:
    """An operator ends it; of one that has its result what is left of it, the parts of supplementary logs, whose codes
    are returned. ConflictError where there is nothing to end."""
    event = Cancelled(reason)
    if (found.head.step, Cancelled) in TABLE:
        proceed(connection, found, event, log, now, by)
        return ()
    left = [part for part in supplements.parts_of(connection, found.id) if part.is_open]
    if not left:
        raise ConflictError(f"{found.head.identifier} has ended: there is nothing to cancel")
    for part in left:
        supplements.proceed_part(connection, found.id, found.head, part, event, log, now, by)
    return tuple(part.stl for part in left)


def find(connection: Connection, identifier: str, *, lock: bool = False) -> Reconciliation | None:
    """The reconciliation `identifier`; `lock`: until the end of this unit of work nobody else changes it."""
    statement = select(t.reconciliations).where(t.reconciliations.c.identifier == identifier)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    return None if row is None else _read(connection, row)


def running_of(connection: Connection, registry: str) -> str | None:
    """Identifier of the registry's reconciliation that is running."""
    found: str | None = connection.execute(
        select(t.reconciliations.c.identifier).where(
            t.reconciliations.c.registry == registry, t.reconciliations.c.running
        )
    ).scalar()
    return found


def unsettled(connection: Connection, registry: str, before: datetime) -> list[Reconciliation]:
    """Those that wait for an operator, with a snapshot before `before`; the oldest first."""
    waiting = select(t.reconciliations).where(
        t.reconciliations.c.registry == registry,
        t.reconciliations.c.step == Step.INTERVENTION,
        t.reconciliations.c.snapshot_at < before,
    )
    rows = connection.execute(waiting.order_by(t.reconciliations.c.id).with_for_update()).all()
    return [_read(connection, row) for row in rows]


def last_agreed(connection: Connection, registry: str, before: datetime) -> datetime | None:
    """The latest snapshot before `before` of which registry and log agreed, at the end."""
    rows = t.reconciliations.c
    agreed = (
        select(func.max(rows.snapshot_at))
        .where(rows.registry == registry, rows.snapshot_at < before, rows.begins_with == BeginsWith.TOTALS)
        .where(rows.outcome.in_([Outcome.CONSISTENT, Outcome.REPAIRED]))
    )
    found: datetime | None = connection.execute(agreed).scalar()
    return found


def anything_due(database: Database, now: datetime) -> bool:
    """Whether a timer rang, a comparison waits, or a schedule is due: one look, since the loop mostly finds nothing."""
    [row] = look(database, _ANYTHING_DUE, now=now)
    return bool(row.found)


def _anything_due(_dialect: str) -> Select[Any]:
    rows, schedules = t.reconciliations.c, t.reconciliation_schedules.c
    now: BindParameter[datetime] = bindparam("now", type_=t.Instant())
    free = or_(rows.held_until.is_(None), rows.held_until <= now)
    due_row = select(rows.id).where(rows.due_at <= now, free).exists()
    due_part = supplements.due_parts(now).exists()
    due_schedule = select(schedules.registry).where(schedules.next_at <= now).exists()
    return select(or_(due_row, due_schedule, due_part).label("found"))


_ANYTHING_DUE = Statement("anything_due", _anything_due)


def due(connection: Connection, now: datetime, limit: int) -> list[Reconciliation]:
    """Whose timer has rung, and who are not being compared: nobody else has them until this unit of work ends."""
    statement = (
        select(t.reconciliations)
        .where(t.reconciliations.c.due_at <= now, t.reconciliations.c.step.not_in(sorted(COMPARING)))
        .order_by(t.reconciliations.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_read(connection, row) for row in connection.execute(statement).all()]


def failures_of(connection: Connection, found: Reconciliation) -> int:
    """How often in a row the log itself failed at it."""
    statement = select(t.reconciliations.c.failures).where(t.reconciliations.c.id == found.id)
    failures: int = connection.execute(statement).scalar_one()
    return failures


def put_off(connection: Connection, found: Reconciliation, until: datetime, problem: str) -> None:
    """Something of it failed on the log's side: it is tried again, and can be seen."""
    connection.execute(
        update(t.reconciliations)
        .where(t.reconciliations.c.id == found.id)
        .values(
            due_at=until,
            problem=problem[:2000],
            failures=t.reconciliations.c.failures + 1,
            holder=None,
            held_until=None,
        )
    )


def lease(connection: Connection, holder: str, now: datetime, until: datetime) -> Reconciliation | None:
    """One that is to be compared and that nobody has in hand, now in the hands of `holder`."""
    waiting = (
        select(t.reconciliations)
        .where(
            t.reconciliations.c.step.in_(sorted(COMPARING)),
            t.reconciliations.c.due_at <= now,
            or_(t.reconciliations.c.held_until.is_(None), t.reconciliations.c.held_until <= now),
        )
        .order_by(t.reconciliations.c.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(waiting).one_or_none()
    if row is None:
        return None
    held = update(t.reconciliations).where(t.reconciliations.c.id == row.id)
    connection.execute(held.values(holder=holder, held_until=until))
    return _read(connection, row)


def holds(connection: Connection, found: Reconciliation, holder: str, until: datetime | None) -> bool:
    """Whether `holder` still has it; then it has it until `until`."""
    mine = (t.reconciliations.c.id == found.id) & (t.reconciliations.c.holder == holder)
    return connection.execute(update(t.reconciliations).where(mine).values(held_until=until)).rowcount == 1


def leases(connection: Connection) -> list[tuple[int, str]]:
    """What is in somebody's hands, and in whose."""
    held = select(t.reconciliations.c.id, t.reconciliations.c.holder).where(t.reconciliations.c.holder.is_not(None))
    return [(row.id, row.holder) for row in connection.execute(held)]


def release(connection: Connection, key: int, holder: str) -> None:
    """Let it go, for any process to take."""
    mine = (t.reconciliations.c.id == key) & (t.reconciliations.c.holder == holder)
    connection.execute(update(t.reconciliations).where(mine).values(holder=None, held_until=None))


def note(
    connection: Connection,
    found: Reconciliation,
    detail: str,
    now: datetime,
    set_by: str,
    message: int | None = None,
    codes: Sequence[int] = (),
    stl: str | None = None,
) -> None:
    """Put on record what changes nothing: an answer that comes too early, too late, or says another thing."""
    connection.execute(
        t.reconciliation_history.insert(),
        {
            "reconciliation_id": found.id,
            "status": None if stl else found.head.status,
            "step": found.head.step,
            "at": now,
            "set_by": set_by,
            "message": message,
            "response_codes": code_list(codes),
            "detail": detail,
            "stl": stl,
        },
    )


def _begin_anew(
    connection: Connection, found: Reconciliation, progress: Progress, log: LogIdentity, now: datetime
) -> None:
    """The same once more. Its schedule, or whoever asked for it, is still waiting for the answer."""
    registry = load_reference(connection, now).registry_in_force(found.head.registry)
    plan = Plan(
        registry=found.head.registry,
        started_by=found.started_by,
        reason=f"{found.reason} (again: {found.head.identifier}, {progress.detail})",
        begins_with=found.head.begins_with,
        by_account=found.head.by_account,
        asked=_first_asked(found),
        follows=found.follows,
        attempt=found.head.attempt + 1,
        scheduled=found.scheduled,
    )
    start(connection, plan, log, now, may=registry is not None and registry.may_reconcile)


def _first_asked(found: Reconciliation) -> Asked:
    """What it was begun for; what it came to ask on its way is not asked again."""
    return Asked() if found.head.begins_with is BeginsWith.TOTALS else found.head.asked


def _prove(connection: Connection, found: Reconciliation, log: LogIdentity, now: datetime) -> None:
    """What was inconsistent is so no more: units are set free, and who waited for an operator has an end."""
    agreed = Closing(now, log.code, "registry and log agree", found.id)
    inconsistencies.close(connection, found.head.registry, log.code, agreed)
    proof = Proven(found.head.identifier)
    for earlier in unsettled(connection, found.head.registry, before=found.head.snapshot_at):
        proceed(connection, earlier, proof, log, now, log.code)


def _columns(progress: Progress, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {
        "step": progress.step,
        "running": progress.step in RUNNING,
        "due_at": _instant(progress.due, now),
        "holder": None,
        "held_until": None,
        "failures": 0,
        "problem": None,
    }
    if progress.status is not None:
        values["status"] = int(progress.status)
    if progress.outcome is not None:
        values |= {"outcome": progress.outcome, "ended_at": now}
    return values


def _instant(due: timedelta | datetime | None, now: datetime) -> datetime | None:
    return now + due if isinstance(due, timedelta) else due


def _note(
    connection: Connection,
    key: int,
    head: ReconciliationHead,
    progress: Progress,
    now: datetime,
    set_by: str,
    message: int | None = None,
) -> None:
    """A row per status that it takes, or one where it takes none; codes and detail stand with the last."""
    passed = progress.passed or (head.status,)
    rows: list[dict[str, Any]] = [
        {
            "reconciliation_id": key,
            "status": None if status is None else int(status),
            "step": progress.step,
            "at": now,
            "set_by": set_by,
            "message": message,
            "response_codes": None,
            "detail": None,
        }
        for status in passed
    ]
    rows[-1] |= {"response_codes": code_list(progress.codes), "detail": progress.detail}
    connection.execute(t.reconciliation_history.insert(), rows)


def _clear(connection: Connection, key: int) -> None:
    """What the registry sent is no longer needed as rows; the messages stay as they came."""
    for table in STAGING:
        connection.execute(delete(table).where(table.c.reconciliation_id == key))


def _read(connection: Connection, row: t.Record) -> Reconciliation:
    history = t.reconciliation_history.c
    rows = connection.execute(
        select(history.status, history.step)
        .where(history.reconciliation_id == row.id, history.stl.is_(None))
        .distinct()
    ).all()
    head = ReconciliationHead(
        identifier=row.identifier,
        registry=row.registry,
        begins_with=BeginsWith(row.begins_with),
        snapshot_at=row.snapshot_at,
        step=Step(row.step),
        status=row.status,
        by_account=row.by_account,
        attempt=row.attempt,
        asked=_asked(row.asked),
        passed=frozenset(each.status for each in rows if each.status is not None),
        steps=frozenset(Step(each.step) for each in rows),
        led_by=row.led_by,
    )
    return Reconciliation(
        row.id, head, row.follows, row.scheduled, row.started_by, row.reason, row.created_at, row.due_at
    )


def _told(asked: Asked) -> str | None:
    return None if asked == Asked() else msgspec.json.encode(asked).decode()


def _asked(told: str | None) -> Asked:
    return Asked() if told is None else msgspec.json.decode(told, type=Asked)


def _identifier(connection: Connection, registry: str, now: datetime) -> str:
    """The registry's code and the time in digits: none that a registry knows from another time, also of a log anew."""
    number = int(now.strftime("%Y%m%d%H%M%S"))
    known = set(
        connection.execute(
            select(t.reconciliations.c.identifier).where(
                t.reconciliations.c.registry == registry, t.reconciliations.c.identifier >= f"{registry}{number}"
            )
        ).scalars()
    )
    while f"{registry}{number}" in known:
        number += 1
    return f"{registry}{number}"


def _whole_second(at: datetime) -> datetime:
    return at.replace(microsecond=0) + timedelta(seconds=bool(at.microsecond))
