"""The parts of supplementary logs in reconciliations, as rows: begun, moved on, ended; each with what it sends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, delete, func, select, update

from itl.checks.reconciliation import Answer
from itl.errors import ConflictError
from itl.lifecycle import reconciliation_messages as messages
from itl.lifecycle.reconciliation import Progress
from itl.lifecycle.reconciliation_events import ONWARD, Asked, BeginsWith, Outcome, ReconciliationHead, Step
from itl.lifecycle.sending import topic_of_reconciliation
from itl.lifecycle.supplementary_reconciliation import (
    TABLE,
    WANTED,
    LogAgreed,
    LogEnded,
    Part,
    PartEvent,
    PartProgress,
    PartStep,
    begin,
    decide,
)
from itl.lifecycle.transaction import LogIdentity
from itl.messages import (
    ReceiveAuditTrailRequest,
    ReceiveTotalsRequest,
    ReceiveUnitBlocksRequest,
    ReconciliationResultRequest,
    load,
)
from itl.store import inconsistencies
from itl.store import tables as t
from itl.store.arrival import code_list, compressed, restored
from itl.store.fact_kinds import FactKey, FactName
from itl.store.facts import in_force
from itl.store.inconsistencies import Closing
from itl.store.posting import OPERATIONS, post, withdraw
from itl.store.schemes import load_schemes

_PARTS = t.reconciliation_supplements
_MESSAGES: dict[Answer, type[Any]] = {
    Answer.TOTALS: ReceiveTotalsRequest,
    Answer.UNIT_BLOCKS: ReceiveUnitBlocksRequest,
    Answer.AUDIT_TRAIL: ReceiveAuditTrailRequest,
}


def parts_of(connection: Connection, key: int) -> list[Part]:
    """The parts in the reconciliation with the id `key`, in the order of the supplementary logs' codes."""
    rows = connection.execute(select(_PARTS).where(_PARTS.c.reconciliation_id == key).order_by(_PARTS.c.stl))
    return [_read(row) for row in rows]


def part_of(connection: Connection, key: int, stl: str) -> Part | None:
    """The part of `stl` in it, if it has one."""
    return next((each for each in parts_of(connection, key) if each.stl == stl), None)


def begin_parts(connection: Connection, key: int, head: ReconciliationHead, log: LogIdentity, now: datetime) -> None:
    """Let the supplementary logs of all schemes in which the registry is a member take part.

    Only where the registry is asked for everything, from the totals on.
    """
    if head.begins_with is not BeginsWith.TOTALS:
        return
    for scheme in load_schemes(connection):
        if head.registry in scheme.members:
            progress = begin(head, scheme.stl, log)
            row = {"reconciliation_id": key, "stl": scheme.stl, "step": progress.step, "due_at": progress.due}
            connection.execute(_PARTS.insert(), row)
            part = Part(scheme.stl, progress.step)
            _note(connection, key, part, progress, now, log.code, None)
            post(connection, [(None, send) for send in progress.sends], now)


def proceed_part(
    connection: Connection,
    key: int,
    head: ReconciliationHead,
    part: Part,
    event: PartEvent,
    log: LogIdentity,
    now: datetime,
    set_by: str,
    message: int | None = None,
) -> PartProgress:
    """Carry out what `event` makes of it; ConflictError where it has moved on, or cannot.

    The caller has the reconciliation locked.
    """
    progress = decide(head, part, event, log)
    values: dict[str, Any] = {
        "step": progress.step,
        "due_at": now + progress.due if isinstance(progress.due, timedelta) else progress.due,
        "failures": 0,
        "problem": None,
    }
    if progress.status is not None:
        values["status"] = int(progress.status)
    if progress.asked is not None:
        values["asked"] = msgspec.json.encode(progress.asked).decode()
    if progress.outcome is not None:
        values |= {"outcome": progress.outcome, "ended_at": now}
    unmoved = _of(key, part.stl) & (_PARTS.c.step == part.step)
    if connection.execute(update(_PARTS).where(unmoved).values(values)).rowcount != 1:
        raise ConflictError(f"{head.identifier}: {part.stl} does not stand at {part.step} any more; read it again")
    _note(connection, key, part, progress, now, set_by, message)
    if progress.step is PartStep.ENDED:
        withdraw(connection, part.stl, topic_of_reconciliation(head.identifier), now)
    if progress.passes_on is not None:
        asked = progress.asked or part.asked
        for content in answers(connection, key, progress.passes_on):
            told = messages.only(load(_MESSAGES[progress.passes_on], restored(content)), asked)
            post(connection, [(None, messages.pass_on(head, log, part.stl, told))], now)
    post(connection, [(None, send) for send in progress.sends], now)
    if progress.lifts:
        settled = Closing(now, part.stl, f"{part.stl} says that it agrees (status {progress.status})", key)
        inconsistencies.close(connection, head.registry, part.stl, settled, up_to=key)
    if progress.status is not None:
        _tell_registry(connection, head, part.stl, progress, log, now)
    if progress.step is PartStep.ENDED and not any_open(connection, key):
        connection.execute(delete(t.reconciliation_answers).where(t.reconciliation_answers.c.reconciliation_id == key))
    return progress


def after_own(
    connection: Connection, key: int, head: ReconciliationHead, progress: Progress, log: LogIdentity, now: datetime
) -> None:
    """What `progress` of the log's own, which stood at `head`, means for the parts."""
    if head.step in ONWARD:
        if progress.step is Step.ENDED:
            _wake(connection, key, now)
        return
    if progress.outcome is None and progress.step is not Step.INTERVENTION:
        return
    tells = progress.step is Step.INTERVENTION or progress.outcome is Outcome.DENIED
    agreed = progress.outcome is Outcome.CONSISTENT
    event = LogAgreed() if agreed else LogEnded(progress.status if tells else None)
    for part in parts_of(connection, key):
        if (part.step, type(event)) in TABLE:
            proceed_part(connection, key, head, part, event, log, now, log.code)


def any_open(connection: Connection, key: int) -> bool:
    """Whether a supplementary log's part in the reconciliation is not ended."""
    found = select(_PARTS.c.stl).where(_PARTS.c.reconciliation_id == key, _PARTS.c.step != PartStep.ENDED).limit(1)
    return connection.execute(found).first() is not None


def keep_answer(connection: Connection, key: int, message: int, operation: str, content: bytes) -> None:
    """Keep what the registry answered as long as a supplementary log may want to see it."""
    if any_open(connection, key):
        row = {"reconciliation_id": key, "message": message, "operation": operation, "content": compressed(content)}
        connection.execute(t.reconciliation_answers.insert(), row)


def answers(connection: Connection, key: int, kind: Answer) -> Iterator[bytes]:
    """What the registry answered of that kind, message by message as it sent them, without holding them all."""
    kept = t.reconciliation_answers.c
    of_kind = (kept.reconciliation_id == key) & (kept.operation == OPERATIONS[_MESSAGES[kind]])
    for number in connection.execute(select(kept.message).where(of_kind).order_by(kept.message)).scalars().all():
        yield connection.execute(select(kept.content).where(of_kind, kept.message == number)).scalar_one()


def has_answer(connection: Connection, key: int, kind: Answer) -> bool:
    """Whether the registry answered with that kind at all."""
    kept = t.reconciliation_answers.c
    of_kind = (kept.reconciliation_id == key) & (kept.operation == OPERATIONS[_MESSAGES[kind]])
    return bool(connection.execute(select(func.count()).where(of_kind)).scalar_one())


def due_parts(now: Any) -> Select[Any]:
    """Which parts somebody must look at by `now`."""
    return select(_PARTS.c.reconciliation_id, _PARTS.c.stl).where(_PARTS.c.due_at <= now).order_by(_PARTS.c.due_at)


def next_due(connection: Connection, now: datetime) -> tuple[int, str] | None:
    """Reconciliation and supplementary log of a part whose timer has rung, the longest due first."""
    row = connection.execute(due_parts(now).limit(1).with_for_update(skip_locked=True)).first()
    return None if row is None else (row.reconciliation_id, row.stl)


def is_due(connection: Connection, key: int, stl: str, now: datetime) -> bool:
    """Whether that is still so."""
    return connection.execute(select(_PARTS.c.stl).where(_of(key, stl), _PARTS.c.due_at <= now)).first() is not None


def set_due(connection: Connection, key: int, stl: str, due: datetime | None) -> None:
    """When somebody must look at the part again; None: what it waits for will say so."""
    connection.execute(update(_PARTS).where(_of(key, stl)).values(due_at=due))


def put_off_part(connection: Connection, key: int, stl: str, until: datetime, problem: str) -> None:
    """Something of it failed on the log's side: it is tried again, and can be seen."""
    values = {"due_at": until, "problem": problem[:2000], "failures": _PARTS.c.failures + 1}
    connection.execute(update(_PARTS).where(_of(key, stl)).values(values))


def failures_of_part(connection: Connection, key: int, stl: str) -> int:
    """How often in a row the log itself failed at it."""
    failures: int = connection.execute(select(_PARTS.c.failures).where(_of(key, stl))).scalar_one()
    return failures


def results_are_told(connection: Connection, stl: str, now: datetime) -> bool:
    """Whether registries are told what `stl` found (8 to 11). Unless recorded otherwise they are not."""
    key = FactKey(FactName.RESULTS_TOLD, stl)
    return bool(in_force(connection, [FactName.RESULTS_TOLD], now, t.facts.c.subject == stl).get(key))


def _tell_registry(
    connection: Connection, head: ReconciliationHead, stl: str, progress: PartProgress, log: LogIdentity, now: datetime
) -> None:
    """Each status once, whoever said it first: a registry refuses one that it has already."""
    status = progress.status
    if status is None or not results_are_told(connection, stl, now):
        return
    letters = t.outbox.c
    send = messages.result(head, log, status, progress.codes)
    sent = select(letters.content).where(
        letters.topic == send.topic,
        letters.receiver == send.receiver,
        letters.operation == OPERATIONS[ReconciliationResultRequest],
    )
    told = (load(ReconciliationResultRequest, content) for content in connection.execute(sent).scalars())
    if all(each.reconciliation_status != status for each in told):
        post(connection, [(None, send)], now)


def _wake(connection: Connection, key: int, now: datetime) -> None:
    """What the registry was asked for is there, or does not come."""
    waiting = (_PARTS.c.reconciliation_id == key) & _PARTS.c.step.in_(sorted(WANTED))
    connection.execute(update(_PARTS).where(waiting).values(due_at=now))


def _note(
    connection: Connection,
    key: int,
    part: Part,
    progress: PartProgress,
    now: datetime,
    set_by: str,
    message: int | None,
) -> None:
    status = part.status if progress.status is None else int(progress.status)
    row = {
        "reconciliation_id": key,
        "status": status,
        "step": progress.step,
        "at": now,
        "set_by": set_by,
        "message": message,
        "response_codes": code_list(progress.codes),
        "detail": progress.detail,
        "stl": part.stl,
    }
    connection.execute(t.reconciliation_history.insert(), row)


def _of(key: int, stl: str) -> Any:
    return (_PARTS.c.reconciliation_id == key) & (_PARTS.c.stl == stl)


def _read(row: t.Record) -> Part:
    asked = Asked() if row.asked is None else msgspec.json.decode(row.asked, type=Asked)
    return Part(row.stl, PartStep(row.step), row.status, asked)
