"""The outbox as lanes: who has mail, who delivers it, and what came of each attempt.

A receiver has a lane for each queue: what the log itself has to tell, and what it passes on for others. A lane is held
by a lease in its row, not by a lock, since nothing may be locked while a peer is being waited for. If its holder dies,
the lease runs out and another process takes the lane; a message may then be sent twice, never lost. Only one that may
go out just once is not repeated: that it was being sent is written down before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from itl.lifecycle.sending import reconciliation_of
from itl.lifecycle.transaction import Asked, TransactionHead, Transition
from itl.store import supplements, versions
from itl.store import tables as t
from itl.store.arrival import code_list, compressed, search_term
from itl.store.database import Database
from itl.store.looking import look
from itl.store.statements import Insertion, OfRows, Statement, run_all
from itl.store.transitions import HEAD_COLUMNS, apply, head_of


@dataclass(frozen=True, slots=True, order=True)
class Lane:
    """To whom, and from which queue of the outbox."""

    receiver: str
    queue: str = t.MAIN_QUEUE


@dataclass(frozen=True, slots=True)
class Letter:
    """A message of the outbox that is due."""

    id: int
    receiver: str
    transaction_id: int | None
    transaction_identifier: str | None
    operation: str
    content: bytes
    attempts: int
    topic: str | None = None
    once: bool = False
    sending_since: datetime | None = None
    """When an attempt of a message that goes out once began, of which nothing is known since."""
    expires_at: datetime | None = None
    version: tuple[int, int] | None = None
    """The version of the standard that its receiver spoke when it was written; None: as the message says."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver: what went out, what came back, when, and what that means.

    `outcome`: `accepted`, `refused` (a message that may be repeated only with codes) and `expired` end the delivery;
    `fault`, `unreachable` and `interrupted` do not, unless the attempt is the `last`: it may have arrived, and must not
    arrive twice.
    """

    body: bytes
    reply: bytes | None
    sent_at: datetime
    answered_at: datetime | None
    outcome: str
    codes: tuple[int, ...] = ()
    problem: str | None = None
    last: bool = False
    answer: Any = None
    """The typed reply, where there is a readable one."""

    @property
    def is_final(self) -> bool:
        return self.last or self.outcome in ("accepted", "refused", "expired")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a registry or supplementary log is called, and user and password where it asks for them."""

    url: str | None = None
    user: str | None = None
    password: str | None = None


def address_of(connection: Connection, code: str) -> Address:
    """Where a registry or supplementary log is called; an empty address for one that is not enrolled."""
    known = t.registries.c
    row = connection.execute(select(known.url, known.call_user, known.call_password).where(known.code == code)).first()
    return Address() if row is None else Address(*row)


def waiting_lanes(database: Database, now: datetime) -> dict[Lane, Address]:
    """Lanes that have a message due, that nobody holds and that are not waiting for their peer."""
    return {
        Lane(row.receiver, row.queue): Address(
            row.relay_url if row.queue == t.RELAY_QUEUE else row.url, row.call_user, row.call_password
        )
        for row in look(database, _WAITING, now=now)
    }


def _waiting(_dialect: str) -> Select[Any]:
    now: BindParameter[datetime] = bindparam("now", type_=t.Instant())
    free = ~exists().where(
        t.lanes.c.receiver == t.outbox.c.receiver,
        t.lanes.c.queue == t.outbox.c.queue,
        or_(t.lanes.c.held_until > now, t.lanes.c.not_before > now),
    )
    due = (
        select(t.outbox.c.receiver, t.outbox.c.queue)
        .where(t.outbox.c.delivered_at.is_(None), t.outbox.c.next_attempt_at <= now, free)
        .distinct()
        .subquery()
    )
    known = t.registries.c
    return (
        select(due.c.receiver, due.c.queue, known.url, known.relay_url, known.call_user, known.call_password)
        .outerjoin(t.registries, known.code == due.c.receiver)
        .order_by(due.c.receiver, due.c.queue)
    )


_WAITING = Statement("waiting_lanes", _waiting)


def take_lane(connection: Connection, lane: Lane, holder: str, now: datetime, lease: timedelta) -> bool:
    """Take the lane, or keep it; False if another has it or its peer is being waited for."""
    return bool(_TAKE.rows(connection, to=lane.receiver, queued=lane.queue, by=holder, until=now + lease, now=now))


def _take(dialect: str) -> Any:
    now: BindParameter[datetime] = bindparam("now", type_=t.Instant())
    held = {"holder": bindparam("by"), "held_until": bindparam("until", type_=t.Instant())}
    new = (sqlite if dialect == "sqlite" else postgresql).insert(t.lanes)
    new = new.values(receiver=bindparam("to"), queue=bindparam("queued"), **held)
    mine_or_free = or_(t.lanes.c.holder == held["holder"], t.lanes.c.held_until.is_(None), t.lanes.c.held_until <= now)
    due = or_(t.lanes.c.not_before.is_(None), t.lanes.c.not_before <= now)
    return new.on_conflict_do_update(
        index_elements=["receiver", "queue"], set_=held, where=mine_or_free & due
    ).returning(t.lanes.c.receiver)


_TAKE = Statement("take_lane", _take)


def _this_lane() -> ColumnElement[bool]:
    return (t.lanes.c.receiver == bindparam("to")) & (t.lanes.c.queue == bindparam("queued"))


def leave_lane(connection: Connection, lane: Lane, holder: str) -> None:
    """Give the lane back, for any process to take."""
    _LEAVE.run(connection, to=lane.receiver, queued=lane.queue, by=holder)


_LEAVE = Statement(
    "leave_lane",
    lambda _dialect: (
        update(t.lanes)
        .where(_this_lane(), t.lanes.c.holder == bindparam("by"))
        .values(holder=null(), held_until=null())
    ),
)


def due_letters(connection: Connection, lane: Lane, now: datetime, limit: int = 50) -> list[Letter]:
    """The messages that may go out on the lane now, oldest first: of a transaction or a topic only the first."""
    rows = _DUE.rows(connection, to=lane.receiver, queued=lane.queue, now=now, most=limit)
    if not rows:
        return []
    spoken = versions.of_registry(connection, lane.receiver)
    return [
        Letter(
            row.id,
            row.receiver,
            row.transaction_id,
            row.identifier,
            row.operation,
            row.content,
            row.attempts,
            row.topic,
            row.once,
            row.sending_since,
            row.expires_at,
            spoken.at(row.created_at),
        )
        for row in rows
    ]


def _due(_dialect: str) -> Select[Any]:
    def first_of(column: str) -> ColumnElement[bool]:
        earlier = t.outbox.alias()
        return ~exists().where(
            earlier.c.receiver == t.outbox.c.receiver,
            earlier.c[column] == t.outbox.c[column],
            earlier.c.id < t.outbox.c.id,
            earlier.c.delivered_at.is_(None),
        )

    return (
        select(t.outbox, t.transactions.c.identifier)
        .outerjoin(t.transactions, t.transactions.c.id == t.outbox.c.transaction_id)
        .where(
            t.outbox.c.receiver == bindparam("to"),
            t.outbox.c.queue == bindparam("queued"),
            t.outbox.c.delivered_at.is_(None),
            t.outbox.c.next_attempt_at <= bindparam("now", type_=t.Instant()),
            first_of("transaction_id"),
            or_(t.outbox.c.topic.is_(None), first_of("topic")),
        )
        .order_by(t.outbox.c.id)
        .limit(bindparam("most"))
    )


_DUE = Statement("due_letters", _due)


def note_sending(connection: Connection, letter: Letter, now: datetime) -> bool:
    """Write down that a message that goes out once is being sent; False where another process was first."""
    unsent = (t.outbox.c.id == letter.id) & t.outbox.c.delivered_at.is_(None) & t.outbox.c.sending_since.is_(None)
    return connection.execute(update(t.outbox).where(unsent).values(sending_since=now)).rowcount == 1


def note_attempts(
    connection: Connection,
    attempts: Sequence[tuple[Letter, Attempt]],
    log_code: str,
    again_at: Callable[[int], datetime],
) -> None:
    """Write attempts down; each message is delivered, or due again at `again_at`, by the number of its attempts."""
    logged = (_logged(letter, attempt, log_code) for letter, attempt in attempts if attempt.outcome != "expired")
    noted = (
        {
            "letter": letter.id,
            "counted": int(attempt.outcome != "expired"),
            "outcome": "unknown" if attempt.last else attempt.outcome,
            "response_codes": code_list(attempt.codes),
            "problem": attempt.problem,
            "delivered_at": (attempt.answered_at or attempt.sent_at) if attempt.is_final else None,
            "next_attempt_at": None if attempt.is_final else again_at(letter.attempts + 1),
        }
        for letter, attempt in attempts
    )
    run_all(connection, [*_LOG.steps(connection, logged), *_NOTE.steps(connection, noted)])


def _note(place: str, source: str) -> str:
    source = f"FROM {source}" if source else ""
    return f"""
        UPDATE outbox
        SET attempts = outbox.attempts + {place}counted, outcome = {place}outcome,
            response_codes = {place}response_codes, problem = {place}problem,
            delivered_at = COALESCE({place}delivered_at, outbox.delivered_at),
            sending_since = CASE WHEN {place}delivered_at IS NULL THEN NULL ELSE outbox.sending_since END,
            next_attempt_at = COALESCE({place}next_attempt_at, outbox.next_attempt_at)
        {source} WHERE outbox.id = {place}letter
    """  # noqa: S608 - names are ours, values are bound


_NOTE = OfRows(
    "note_attempts",
    {"letter": BigInteger(), "counted": Integer()}
    | {
        name: t.outbox.c[name].type
        for name in ("outcome", "response_codes", "problem", "delivered_at", "next_attempt_at")
    },
    _note,
)


def _logged(letter: Letter, attempt: Attempt, log_code: str) -> dict[str, Any]:
    return {
        "direction": "out",
        "sender": log_code,
        "addressee": letter.receiver,
        "operation": letter.operation,
        "transaction_identifier": search_term(letter.transaction_identifier),
        "reconciliation_identifier": reconciliation_of(letter.topic),
        "body": compressed(attempt.body),
        "body_size": len(attempt.body),
        "body_digest": sha256(attempt.body).digest(),
        "reply": None if attempt.reply is None else compressed(attempt.reply),
        "request_out_at": attempt.sent_at,
        "response_in_at": attempt.answered_at,
        "outcome": "unreachable" if attempt.outcome == "interrupted" else attempt.outcome,
        "response_codes": code_list(attempt.codes),
        "detail": attempt.problem,
    }


_LOG = Insertion(
    t.messages,
    (
        "direction",
        "sender",
        "addressee",
        "operation",
        "transaction_identifier",
        "reconciliation_identifier",
        "body",
        "body_size",
        "body_digest",
        "reply",
        "request_out_at",
        "response_in_at",
        "outcome",
        "response_codes",
        "detail",
    ),
)


def note_lane(
    connection: Connection, lane: Lane, again_at: Callable[[int], datetime], problem: str | None, now: datetime
) -> None:
    """The peer was reached (`problem` None), or it was not: then its lane waits, by the number of failures so far."""
    if problem is None:
        _REACHED.run(connection, to=lane.receiver, queued=lane.queue)
        return
    this = (t.lanes.c.receiver == lane.receiver) & (t.lanes.c.queue == lane.queue)
    failures: int = connection.execute(
        update(t.lanes)
        .where(this)
        .values(
            failures=t.lanes.c.failures + 1,
            failing_since=func.coalesce(t.lanes.c.failing_since, literal(now, t.Instant())),
            problem=problem,
        )
        .returning(t.lanes.c.failures)
    ).scalar_one()
    connection.execute(update(t.lanes).where(this).values(not_before=again_at(failures)))


_UNTROUBLED: dict[str, Any] = {"failures": 0, "not_before": None, "problem": None}

_REACHED = Statement(
    "lane_reached",
    lambda _dialect: (
        update(t.lanes)
        .where(_this_lane(), t.lanes.c.failures > 0)
        .values(failures=0, failing_since=null(), not_before=null(), problem=null())
    ),
)


def try_now(connection: Connection, receiver: str, now: datetime) -> None:
    """Let nothing wait any longer that goes to `receiver`: it can be reached again, or in another place."""
    lane = t.lanes.c.receiver == receiver
    connection.execute(update(t.lanes).where(lane).values(_UNTROUBLED))
    waiting = (t.outbox.c.receiver == receiver) & t.outbox.c.delivered_at.is_(None) & (t.outbox.c.next_attempt_at > now)
    connection.execute(update(t.outbox).where(waiting).values(next_attempt_at=now))


def react(
    connection: Connection,
    letter: Letter,
    decide: Callable[[TransactionHead, Sequence[Asked]], Transition | None],
    now: datetime,
    log_code: str,
) -> None:
    """Let the letter's transaction follow from how it was received, by `decide`.

    It is given who was asked where the receiver is one of those supplementary logs, else nobody.
    """
    row = connection.execute(
        select(*HEAD_COLUMNS).where(t.transactions.c.id == letter.transaction_id).with_for_update(key_share=True)
    ).one_or_none()
    if row is None:
        return
    head = head_of(row)
    transition = decide(head, supplements.asked(connection, row.id) if letter.receiver in head.asked else ())
    if transition is not None:
        apply(connection, row.id, head, transition, now, log_code)


def held_lanes(connection: Connection) -> list[tuple[Lane, str]]:
    """The lanes that are held, each with its holder."""
    lane = t.lanes.c
    rows = connection.execute(select(lane.receiver, lane.queue, lane.holder).where(lane.holder.is_not(None)))
    return [(Lane(row.receiver, row.queue), row.holder) for row in rows]
