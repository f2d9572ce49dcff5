"""The timers of reconciliation: a snapshot whose time has come is frozen, an answer that is owed is made.

A long answer leaves in parts. Each part is a unit of work of its own, which also writes how far the answer has come: a
registry that dies in between goes on with the next part, and nothing holds up transactions for long.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from itl.messages import (
    ProvideAuditTrailRequest,
    ProvideTotalsRequest,
    ProvideUnitBlocksRequest,
    ReceiveAuditTrailRequest,
    ReceiveTotalsRequest,
    ReceiveUnitBlocksRequest,
    UnitBlock,
    load,
)
from registry_client import queues
from registry_client.faults import Fault
from registry_client.reconciliation import planting, snapshot, trail
from registry_client.reconciliation.records import Reconciliation, find, lane
from registry_client.reconciliation.tables import reconciliations, replies
from registry_client.work import Work

_REQUESTS = {cls.__name__: cls for cls in (ProvideTotalsRequest, ProvideUnitBlocksRequest, ProvideAuditTrailRequest)}
_OF_THE_SNAPSHOT = (ProvideTotalsRequest.__name__, ProvideUnitBlocksRequest.__name__)

Answer = ReceiveTotalsRequest | ReceiveUnitBlocksRequest | ReceiveAuditTrailRequest


def next_due(connection: sa.Connection) -> datetime | None:
    """When a snapshot or an answer is due."""
    owed = replies.c
    first = (
        sa.select(sa.func.min(reconciliations.c.freeze_at)).scalar_subquery(),
        sa.select(sa.func.min(owed.due_at)).where(owed.done_at.is_(None)).scalar_subquery(),
    )
    times = [at for at in connection.execute(sa.select(*first)).one() if at is not None]
    return min(times, default=None)


def act(work: Work) -> bool:
    """Freeze the first snapshot that is due, else make the next part of the first answer; False if nothing is due."""
    due = (
        sa.select(reconciliations.c.identifier)
        .where(reconciliations.c.freeze_at <= work.now)
        .order_by(reconciliations.c.freeze_at)
        .limit(1)
    )
    identifier = work.connection.execute(due).scalar()
    if identifier is not None:
        _freeze(work, _known(work, identifier))
        return True
    query = (
        sa.select(replies, reconciliations.c.identifier)
        .join(reconciliations, reconciliations.c.id == replies.c.reconciliation)
        .where(replies.c.due_at <= work.now, replies.c.done_at.is_(None))
        .order_by(replies.c.id)
        .limit(1)
    )
    row = work.connection.execute(query).first()
    if row is None:
        return False
    asked = _known(work, row.identifier)

    def make() -> None:
        _make(work, asked, row)

    note = work.guarded(make, f"the answer to {row.kind} of {row.identifier}", None)
    if note is not None:
        _advance(work, row.id, note=note, done_at=work.now)
    let_go(work, asked)
    return True


def let_go(work: Work, of: Reconciliation) -> None:
    """Drop the copy of a reconciliation that is over, once no answer is owed; it can be made again from the history."""
    if not of.is_final:
        return
    owed = sa.select(replies.c.id).where(
        replies.c.reconciliation == of.id, replies.c.done_at.is_(None), replies.c.due_at.is_not(None)
    )
    if work.connection.execute(owed.limit(1)).first() is None:
        snapshot.thaw(work.connection, of.id)


def send_totals(work: Work, of: Reconciliation, request: ProvideTotalsRequest) -> None:
    """Let the log be told the totals of the copy as it is."""
    found = snapshot.totals(work.connection, of.id, request)
    if Fault.WRONG_TOTALS in work.settings.faults and found:
        found = (msgspec.structs.replace(found[0], unit_count=found[0].unit_count + 1), *found[1:])
    _queue(work, ReceiveTotalsRequest(**_head(work, of), totals=found), of)


def _freeze(work: Work, of: Reconciliation) -> None:
    count = snapshot.freeze(work.connection, of, of.snapshot_at, work.now)
    for told in planting.apply(work.connection, of.id, work.settings.misbehave):
        work.tell("misbehaved", told)
    work.tell("reconciliation", f"{of.identifier} snapshot taken: {count} blocks")


def _make(work: Work, of: Reconciliation, row: sa.Row[Any]) -> None:
    request = load(_REQUESTS[row.kind], row.request)
    match request:
        case ProvideTotalsRequest():
            send_totals(work, of, request)
            _advance(work, row.id, parts=1, done_at=work.now)
        case ProvideUnitBlocksRequest():
            _make_part(work, of, row, request)
        case ProvideAuditTrailRequest():
            parts = 0
            for transactions in trail.parts(work.connection, request, work.settings.blocks_per_message):
                _queue(work, ReceiveAuditTrailRequest(**_head(work, of), transactions=transactions), of)
                parts += 1
            _advance(work, row.id, parts=parts, done_at=work.now)


def _make_part(work: Work, of: Reconciliation, row: sa.Row[Any], request: ProvideUnitBlocksRequest) -> None:
    """The next part of the blocks that were asked for; the last one says at most as much as it may."""
    limit = work.settings.blocks_per_message
    asked, wanted = request.unit_block_requests, work.connection
    blocks, position = snapshot.blocks(wanted, of.id, asked, row.position, limit)
    is_last = len(blocks) < limit or not snapshot.blocks(wanted, of.id, asked, position, 1)[0]
    _queue(work, _blocks(work, of, blocks), of)
    parts = row.parts + 1
    if is_last and Fault.CONTRADICTORY_PARTS in work.settings.faults and blocks:
        _queue(work, _blocks(work, of, (planting.contradiction(blocks[0]),)), of)
        parts += 1
    _advance(work, row.id, position=position, parts=parts, done_at=work.now if is_last else None)


def _blocks(work: Work, of: Reconciliation, blocks: tuple[UnitBlock, ...]) -> ReceiveUnitBlocksRequest:
    return ReceiveUnitBlocksRequest(**_head(work, of), unit_blocks=blocks)


def _queue(work: Work, answer: Answer, of: Reconciliation) -> None:
    queues.queue(work.connection, lane(of.identifier), answer, work.now)
    if Fault.ANSWERS_TWICE in work.settings.faults:
        queues.queue(work.connection, lane(of.identifier), answer, work.now)


def _advance(work: Work, reply: int, **values: Any) -> None:
    work.connection.execute(replies.update().where(replies.c.id == reply).values(values))


def _known(work: Work, identifier: str) -> Reconciliation:
    found = find(work.connection, identifier)
    if found is None:
        raise LookupError(f"reconciliation {identifier} is gone")
    return found


def _head(work: Work, of: Reconciliation) -> dict[str, Any]:
    settings = work.settings
    return {
        "sender": settings.code,
        "addressee": settings.hub_code,
        "major_version": settings.versions[0],
        "minor_version": settings.versions[1],
        "reconciliation_identifier": of.identifier,
    }
