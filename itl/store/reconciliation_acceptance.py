"""What a registry answers in a reconciliation: on disk, and its next step due, before it is acknowledged."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from itl.codes import SYMBOLS
from itl.errors import ConflictError
from itl.ledger.placement import Placement
from itl.lifecycle.reconciliation_events import Cancelled, Received, ReconciliationHead
from itl.lifecycle.supplementary_reconciliation import Part, PartEvent
from itl.lifecycle.transaction import LogIdentity
from itl.messages import (
    ReceiveAuditTrailRequest,
    ReceiveTotalsRequest,
    ReceiveUnitBlocksRequest,
    ReconciliationResultRequest,
)
from itl.store import reconciliation_answers as answers
from itl.store import tables as t
from itl.store.acceptance import Acceptance, Content, inbox_row, stands
from itl.store.arrival import Arrival, log_arrival
from itl.store.database import Database
from itl.store.reconciliations import Reconciliation, find, proceed
from itl.store.supplementary_reconciliations import keep_answer, part_of, proceed_part

Request: TypeAlias = (
    ReceiveTotalsRequest | ReceiveUnitBlocksRequest | ReceiveAuditTrailRequest | ReconciliationResultRequest
)


def accept_answer(
    database: Database,
    arrival: Arrival,
    content: Content,
    request: Request,
    head: ReconciliationHead,
    log: LogIdentity,
    *,
    now: datetime,
    stamp: int,
) -> Acceptance:
    """Log the answer, keep what it says, and move the reconciliation on; STALE where that is not as `head` any more."""
    try:
        with database.write() as connection:
            found = find(connection, request.reconciliation_identifier, lock=True)
            if not stands(connection, stamp) or found is None or found.head != head:
                return Acceptance.STALE
            message = log_arrival(connection, arrival, "accepted", now)
            connection.execute(t.inbox.insert(), inbox_row(arrival, content, now, message, None, None))
            event = _keep(connection, found, message, request)
            keep_answer(connection, found.id, message, arrival.operation or "", content.json)
            proceed(connection, found, event, log, now, arrival.sender or "", message)
    except ConflictError:
        return Acceptance.STALE
    except IntegrityError:
        return Acceptance.REPEAT
    return Acceptance.ACCEPTED


def accept_of_supplementary_log(
    database: Database,
    arrival: Arrival,
    content: Content,
    identifier: str,
    stands_at: Part,
    event: PartEvent,
    log: LogIdentity,
    *,
    now: datetime,
    stamp: int,
) -> Acceptance:
    """Log what a supplementary log says or asks, and move its part on; STALE where that moved on from `stands_at`."""
    try:
        with database.write() as connection:
            found = find(connection, identifier, lock=True)
            part = None if found is None else part_of(connection, found.id, stands_at.stl)
            if not stands(connection, stamp) or found is None or part != stands_at:
                return Acceptance.STALE
            message = log_arrival(connection, arrival, "accepted", now)
            connection.execute(t.inbox.insert(), inbox_row(arrival, content, now, message, None, None))
            proceed_part(connection, found.id, found.head, part, event, log, now, part.stl, message)
    except ConflictError:
        return Acceptance.STALE
    except IntegrityError:
        return Acceptance.REPEAT
    return Acceptance.ACCEPTED


def _keep(connection: Connection, found: Reconciliation, message: int, request: Request) -> Received | Cancelled:
    match request:
        case ReconciliationResultRequest():
            return Cancelled(f"the log came to status {request.reconciliation_status}: there is nothing to compare")
        case ReceiveTotalsRequest():
            answers.keep_totals(connection, found.id, request.totals)
            return Received(whole=True)
        case ReceiveUnitBlocksRequest():
            answers.keep_blocks(connection, found.id, message, request.unit_blocks)
            return completeness(connection, found)
        case ReceiveAuditTrailRequest():
            answers.keep_trail(connection, found.id, message, request.transactions)
            return Received()


def completeness(connection: Connection, found: Reconciliation) -> Received:
    """Whether the unit blocks that came are all, by the registry's own totals of what it was asked for."""
    totals = answers.registry_totals(connection, found.id)
    if not totals:
        return Received()
    expected = answers.asked_placements(totals, found.head.asked.filters)
    came = answers.received_sums(connection, found.id)
    wanting = {placed: units - came.get(placed, 0) for placed, units in expected.items()}
    wanting |= {placed: -units for placed, units in came.items() if placed not in expected}
    over = [_said(placed, -units) for placed, units in sorted(wanting.items()) if units < 0]
    whole = all(units <= 0 for units in wanting.values())
    return Received(whole, f"the registry contradicts its totals: too many are {', '.join(over)}" if over else None)


def shortfall(connection: Connection, found: Reconciliation) -> str | None:
    """What is wanting of an answer whose time is over, in words."""
    expected = answers.asked_placements(answers.registry_totals(connection, found.id), found.head.asked.filters)
    came = answers.received_sums(connection, found.id)
    short = [
        _said(placed, units - came.get(placed, 0))
        for placed, units in sorted(expected.items())
        if units > came.get(placed, 0)
    ]
    return f"the registry contradicts its totals: missing are {', '.join(short)}" if short else None


def _said(placed: Placement, units: int) -> str:
    return f"{units} {SYMBOLS[placed.unit_type]} in {placed.account_type}, period {placed.account_period}"
