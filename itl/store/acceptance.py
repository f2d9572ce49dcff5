"""The door's writing: a message is on disk, and what follows from it at once, before it is acknowledged.

Whoever decided rested on reference data as of one stamp; the commit holds only if the stamp still stands, so that no
cache shows a decision something that is no longer true.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from sqlalchemy import Connection, exists, select
from sqlalchemy.exc import IntegrityError

from itl.checks.sequence import Refused, Repeat
from itl.codes import TransactionStatus
from itl.errors import ConflictError
from itl.lifecycle.sending import Send
from itl.lifecycle.supplementary_log import Inquiry
from itl.lifecycle.transaction import TransactionHead, Transition
from itl.messages import ProposalRequest
from itl.store import supplements
from itl.store import tables as t
from itl.store.arrival import Arrival, compressed, log_arrival
from itl.store.database import Database
from itl.store.door_statements import (
    ACCEPT_ANSWER,
    ACCEPT_NOTIFICATION,
    ACCEPT_PROPOSAL,
    FIND,
    STEPS,
    answer_row,
    is_plain,
    transition_row,
)
from itl.store.posting import post
from itl.store.rows import head_columns
from itl.store.transitions import apply, find, head_of


class Acceptance(Enum):
    """What became of a message at the door."""

    ACCEPTED = auto()
    REPEAT = auto()
    """The same message was accepted before: result 1, no second effect."""
    IDENTIFIER_USED = auto()
    """Another proposal has the identifier (check 3001)."""
    STALE = auto()
    """The reference data, or the transaction's status, moved on meanwhile: decide again. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says, whatever its spelling: its JSON and the digest by which a repeat is known."""

    json: bytes
    digest: bytes


def accept_proposal(
    database: Database,
    arrival: Arrival,
    request: ProposalRequest,
    content: Content,
    *,
    occupies: bool,
    deadline: datetime | None,
    now: datetime,
    stamp: int,
) -> Acceptance:
    """Log the proposal, open its transaction at status 1, and leave it to the worker.

    `occupies`: its identifier is well formed, so nobody may use it again. `deadline`: when the clean-up ends it; None:
    that is for another log to do.
    """
    row = _proposal_row(arrival, request, content, occupies, deadline, now) | {"stamp": stamp}
    try:
        if database.alone is None:
            with database.write() as connection:
                return _insert_in_steps(connection, row)
        return Acceptance.ACCEPTED if database.alone.count(ACCEPT_PROPOSAL, row) == 1 else Acceptance.STALE
    except IntegrityError:
        with database.read() as connection:
            repeat = is_repeat(connection, arrival.sender, content)
        return Acceptance.REPEAT if repeat else Acceptance.IDENTIFIER_USED


def accept_notification(
    database: Database,
    arrival: Arrival,
    content: Content,
    transaction_id: int,
    head: TransactionHead,
    transition: Transition,
    *,
    now: datetime,
    stamp: int,
) -> Acceptance:
    """Log the notification and carry its transition out; completing leaves the ledger's part to the worker."""
    work = "settle" if transition.settle else None
    try:
        if database.alone is not None and is_plain(transition):
            row = arrival.row("accepted", now) | inbox_row(arrival, content, now, None, transaction_id, work)
            row |= transition_row(transaction_id, head, transition, now, arrival.sender or "") | {"stamp": stamp}
            answer = transition.answer
            if answer is not None:
                row |= answer_row(answer)
            moved = database.alone.count(ACCEPT_NOTIFICATION if answer is None else ACCEPT_ANSWER, row)
            return Acceptance.ACCEPTED if moved == 1 else Acceptance.STALE
        with database.write() as connection:
            if not stands(connection, stamp):
                return Acceptance.STALE
            message = log_arrival(connection, arrival, "accepted", now)
            apply(connection, transaction_id, head, transition, now, arrival.sender or "", message)
            connection.execute(t.inbox.insert(), inbox_row(arrival, content, now, message, transaction_id, work))
    except ConflictError:
        return Acceptance.STALE
    except IntegrityError:
        return Acceptance.REPEAT
    return Acceptance.ACCEPTED


def accept_answer(
    database: Database,
    arrival: Arrival,
    content: Content,
    identifier: str,
    cleanup: timedelta,
    decide: Callable[[TransactionHead, Inquiry], Transition | Repeat | Refused],
    *,
    now: datetime,
    stamp: int,
) -> Acceptance | Refused:
    """Log the answer of a supplementary log and carry out what `decide` makes of it, if it is no refusal.

    Decided with the transaction locked: two that answer at the same time must each see the other's answer.
    """
    try:
        with database.write() as connection:
            if not stands(connection, stamp):
                return Acceptance.STALE
            row = find(connection, identifier, lock=True)
            if row is None:
                return Acceptance.STALE
            head = head_of(row)
            step = decide(head, supplements.inquiry(connection, row.id, head, row.proposed_at, cleanup))
            if isinstance(step, Repeat):
                return Acceptance.REPEAT
            if isinstance(step, Refused):
                return step
            message = log_arrival(connection, arrival, "accepted", now)
            apply(connection, row.id, head, step, now, arrival.sender or "", message)
            connection.execute(t.inbox.insert(), inbox_row(arrival, content, now, message, row.id, None))
    except IntegrityError:
        return Acceptance.REPEAT
    return Acceptance.ACCEPTED


def accept_message(database: Database, arrival: Arrival, content: Content, *, now: datetime, stamp: int) -> Acceptance:
    """Log a message that asks for nothing more than to be kept."""
    try:
        with database.write() as connection:
            if not stands(connection, stamp):
                return Acceptance.STALE
            message = log_arrival(connection, arrival, "accepted", now)
            row = inbox_row(arrival, content, now, message, None, None)
            connection.execute(t.inbox.insert(), row | {"content": compressed(content.json)})
    except IntegrityError:
        return Acceptance.REPEAT
    return Acceptance.ACCEPTED


def log_answer(
    database: Database,
    arrival: Arrival,
    outcome: str,
    now: datetime,
    codes: Sequence[int] = (),
    detail: str | None = None,
    send: Send | None = None,
    also: Callable[[Connection, int], None] = lambda _connection, _message: None,
) -> None:
    """Log a message that changes nothing: refused, repeated, unreadable, or a question. `send` goes out with it, and
    `also` writes what else is to be known of it."""
    with database.write() as connection:
        also(connection, log_arrival(connection, arrival, outcome, now, codes, detail))
        if send is not None:
            post(connection, [(None, send)], now)


def is_repeat(connection: Connection, sender: str | None, content: Content) -> bool:
    """Whether the sender's message of this content was accepted before."""
    known: bool = connection.execute(select(_known(sender, content))).scalar_one()
    return known


def find_for_notification(
    database: Database, identifier: str, sender: str, content: Content
) -> tuple[bool, t.Record | None]:
    """In one query: whether this very message was accepted before, and the transaction it speaks of."""
    values = {"identifier": identifier, "sender": sender, "content_digest": content.digest}
    if database.alone is not None:
        (row,) = database.alone.rows(FIND, values)
    else:
        with database.read() as connection:
            (row,) = FIND.rows(connection, **values)
    return row.known, (row if row.id is not None else None)


def _known(sender: str | None, content: Content) -> Any:
    return exists().where(t.inbox.c.sender == sender, t.inbox.c.content_digest == content.digest)


def stands(connection: Connection, stamp: int) -> bool:
    """Whether the reference data are still those of `stamp`."""
    found: int = connection.execute(select(t.reference_stamp.c.stamp)).scalar_one()
    return found == stamp


def inbox_row(
    arrival: Arrival, content: Content, now: datetime, message: int | None, transaction_id: int | None, work: str | None
) -> dict[str, Any]:
    """The row of `inbox` of an accepted message."""
    return {
        "message": message,
        "sender": arrival.sender,
        "operation": arrival.operation,
        "content_digest": content.digest,
        "transaction_id": transaction_id,
        "work": work,
        "received_at": now,
    }


def _proposal_row(
    arrival: Arrival,
    request: ProposalRequest,
    content: Content,
    occupies: bool,
    deadline: datetime | None,
    now: datetime,
) -> dict[str, Any]:
    proposed = request.proposed_transaction
    return (
        arrival.row("accepted", now)
        | head_columns(proposed)
        | {
            "occupies": occupies,
            "status": int(TransactionStatus.PROPOSED),
            "status_at": now,
            "proposed_at": now,
            "deadline_at": deadline,
            "at": now,
            "set_by": arrival.sender,
            "content_digest": content.digest,
            "work": "judge",
            "content": compressed(content.json),
            "received_at": now,
        }
    )


def _insert_in_steps(connection: Connection, row: dict[str, Any]) -> Acceptance:
    if not stands(connection, row["stamp"]):
        return Acceptance.STALE

    def put(table: str, **more: int) -> int:
        values = {name: row[name] for name in STEPS[table]} | more
        columns = t.metadata.tables[table]
        key: int = connection.execute(columns.insert().returning(columns.c.id), values).scalar_one()
        return key

    message = put("messages")
    transaction = put("transactions")
    put("status_history", transaction_id=transaction, message=message)
    put("inbox", transaction_id=transaction, message=message)
    return Acceptance.ACCEPTED
