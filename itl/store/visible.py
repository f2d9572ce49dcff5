"""What an operator looks at: what waits and why, and the whole story of one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from itl.codes import TransactionStatus
from itl.reference import Environment
from itl.store import tables as t
from itl.store.environment import environment_of
from itl.store.transitions import HEAD_COLUMNS


@dataclass(frozen=True, slots=True)
class WaitingLane:
    """Messages to one receiver, of one queue, that are not delivered yet."""

    receiver: str
    queue: str
    messages: int
    oldest: datetime
    most_attempts: int
    failures: int
    """How often in a row the registry could not be reached."""
    not_before: datetime | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class PutOff:
    """An accepted message that the worker could not deal with."""

    transaction: str
    received_at: datetime
    failures: int
    not_before: datetime | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """All that waits. `flagged`: transfers accepted long ago and not completed. `unconfirmed`: completed, but the
    acquirer has not confirmed it."""

    environment: Environment
    inbox: int
    lanes: tuple[WaitingLane, ...]
    put_off: tuple[PutOff, ...]
    flagged: tuple[str, ...]
    unconfirmed: tuple[str, ...]


def waiting(connection: Connection, most: int = 100) -> Waiting:
    """What waits now; of transactions at most `most` of each kind, the oldest first."""
    undelivered = t.outbox.c.delivered_at.is_(None)
    lanes = connection.execute(
        select(
            t.outbox.c.receiver,
            t.outbox.c.queue,
            func.count().label("messages"),
            func.min(t.outbox.c.created_at).label("oldest"),
            func.max(t.outbox.c.attempts).label("most_attempts"),
            func.coalesce(func.max(t.lanes.c.failures), 0).label("failures"),
            func.max(t.lanes.c.not_before).label("not_before"),
            func.max(func.coalesce(t.lanes.c.problem, t.outbox.c.problem)).label("problem"),
        )
        .outerjoin(t.lanes, (t.lanes.c.receiver == t.outbox.c.receiver) & (t.lanes.c.queue == t.outbox.c.queue))
        .where(undelivered)
        .group_by(t.outbox.c.receiver, t.outbox.c.queue)
        .order_by(t.outbox.c.receiver, t.outbox.c.queue)
    )
    put_off = connection.execute(
        select(
            t.transactions.c.identifier.label("transaction"),
            t.inbox.c.received_at,
            t.inbox.c.failures,
            t.inbox.c.not_before,
            t.inbox.c.problem,
        )
        .join(t.transactions, t.transactions.c.id == t.inbox.c.transaction_id)
        .where(t.inbox.c.work.is_not(None), t.inbox.c.failures > 0)
        .order_by(t.inbox.c.id)
        .limit(most)
    )
    identifier = t.transactions.c.identifier
    accepted = (t.transactions.c.status == TransactionStatus.ACCEPTED) & t.transactions.c.flagged_at.is_not(None)
    unconfirmed = (
        (t.transactions.c.status == TransactionStatus.COMPLETED)
        & (t.transactions.c.transferring_registry != t.transactions.c.acquiring_registry)
        & t.transactions.c.confirmed_at.is_(None)
    )
    return Waiting(
        environment_of(connection),
        connection.execute(select(func.count()).where(t.inbox.c.work.is_not(None))).scalar_one(),
        tuple(WaitingLane(**row._mapping) for row in lanes),
        tuple(PutOff(**row._mapping) for row in put_off),
        tuple(
            connection.execute(select(identifier).where(accepted).order_by(t.transactions.c.id).limit(most)).scalars()
        ),
        tuple(
            connection.execute(
                select(identifier).where(unconfirmed).order_by(t.transactions.c.id).limit(most)
            ).scalars()
        ),
    )


@dataclass(frozen=True, slots=True)
class TransactionStory:
    """One transaction: its head, its statuses, what each judge found, and every message about it."""

    identifier: str
    transaction_type: int
    transferring_registry: str
    acquiring_registry: str
    status: int
    proposed_at: datetime
    statuses: tuple[dict[str, Any], ...]
    supplements: tuple[dict[str, Any], ...]
    """The supplementary logs that were asked, with their answers."""
    evaluations: tuple[dict[str, Any], ...]
    messages: tuple[dict[str, Any], ...]


def story(connection: Connection, identifier: str, most: int = 1000) -> list[TransactionStory]:
    """The transactions of this identifier: one, but for proposals that failed check 2001 and did not occupy it."""
    heads = connection.execute(
        select(*HEAD_COLUMNS).where(t.transactions.c.identifier == identifier).order_by(t.transactions.c.id).limit(most)
    ).all()
    log = connection.execute(
        select(
            t.messages.c.direction,
            t.messages.c.sender,
            t.messages.c.addressee,
            t.messages.c.operation,
            t.messages.c.outcome,
            t.messages.c.response_codes,
            t.messages.c.request_in_at,
            t.messages.c.request_out_at,
            t.messages.c.response_in_at,
            t.messages.c.response_out_at,
            t.messages.c.detail,
        )
        .where(t.messages.c.transaction_identifier == identifier)
        .order_by(func.coalesce(t.messages.c.request_in_at, t.messages.c.request_out_at), t.messages.c.id)
        .limit(most)
    )
    messages = tuple(dict(row._mapping) for row in log)
    return [_story(connection, head, messages) for head in heads]


def _story(connection: Connection, head: t.Record, messages: tuple[dict[str, Any], ...]) -> TransactionStory:
    history = t.status_history.c
    statuses = connection.execute(
        select(history.status, history.at, history.set_by).where(history.transaction_id == head.id).order_by(history.id)
    )
    asked = t.transaction_supplements.c
    supplements = connection.execute(
        select(asked.stl, asked.answer, asked.answered_at, asked.response_codes, asked.answer_by)
        .where(asked.transaction_id == head.id)
        .order_by(asked.stl)
    )
    found = t.evaluations.c
    evaluations = connection.execute(
        select(found.at, found.evaluated_by, found.results).where(found.transaction_id == head.id).order_by(found.id)
    )
    return TransactionStory(
        head.identifier,
        head.transaction_type,
        head.transferring_registry,
        head.acquiring_registry,
        head.status,
        head.proposed_at,
        tuple(dict(row._mapping) for row in statuses),
        tuple(dict(row._mapping) for row in supplements),
        tuple(dict(row._mapping) | {"results": msgspec.json.decode(row.results)} for row in evaluations),
        messages,
    )
