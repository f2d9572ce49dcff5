"""The outbox as lanes: which registries have mail, who delivers it, and what came of each attempt.

A lane is held by a lease in its row, not by a lock, since nothing may be locked while a peer is being waited for. If
its holder dies, the lease runs out and another process takes the lane; a message may then be sent twice, never lost.
Only one that may go out just once is not repeated: that it was being sent is written down before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, func, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from itl.lifecycle.sending import reconciliation_of
from itl.lifecycle.transaction import TransactionHead, Transition
from itl.store import tables as t
from itl.store import versions
from itl.store.arrival import code_list, compressed, search_term
from itl.store.transitions import HEAD_COLUMNS, apply, head_of


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


def waiting_receivers(connection: Connection, now: datetime) -> list[str]:
    """Registries that have a message due, on a lane that nobody holds and that is not waiting for its peer."""
    free = ~exists().where(
        t.lanes.c.receiver == t.outbox.c.receiver,
        or_(t.lanes.c.held_until > now, t.lanes.c.not_before > now),
    )
    statement = (
        select(t.outbox.c.receiver)
        .where(t.outbox.c.delivered_at.is_(None), t.outbox.c.next_attempt_at <= now, free)
        .distinct()
        .order_by(t.outbox.c.receiver)
    )
    return list(connection.execute(statement).scalars())


def take_lane(connection: Connection, receiver: str, holder: str, now: datetime, lease: timedelta) -> bool:
    """Take the lane to `receiver`, or keep it; False if another has it or its peer is being waited for."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    new = dialect.insert(t.lanes).values(receiver=receiver, holder=holder, held_until=now + lease)
    mine_or_free = or_(t.lanes.c.holder == holder, t.lanes.c.held_until.is_(None), t.lanes.c.held_until <= now)
    due = or_(t.lanes.c.not_before.is_(None), t.lanes.c.not_before <= now)
    statement = new.on_conflict_do_update(
        index_elements=["receiver"],
        set_={"holder": holder, "held_until": now + lease},
        where=mine_or_free & due,
    ).returning(t.lanes.c.receiver)
    return connection.execute(statement).scalar() is not None


def leave_lane(connection: Connection, receiver: str, holder: str) -> None:
    """Give the lane back, for any process to take."""
    mine = (t.lanes.c.receiver == receiver) & (t.lanes.c.holder == holder)
    connection.execute(update(t.lanes).where(mine).values(holder=None, held_until=None))


def due_letters(connection: Connection, receiver: str, now: datetime, limit: int = 50) -> list[Letter]:
    """The messages that may go to `receiver` now, oldest first: of a transaction or a topic only the first."""
    rows = connection.execute(_DUE, {"receiver": receiver, "now": now, "most": limit}).all()
    if not rows:
        return []
    spoken = versions.of_registry(connection, receiver)
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


def _due() -> Select[Any]:
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
            t.outbox.c.receiver == bindparam("receiver"),
            t.outbox.c.delivered_at.is_(None),
            t.outbox.c.next_attempt_at <= bindparam("now"),
            first_of("transaction_id"),
            or_(t.outbox.c.topic.is_(None), first_of("topic")),
        )
        .order_by(t.outbox.c.id)
        .limit(bindparam("most"))
    )


_DUE = _due()  # made once: building it costs more than running it


def note_sending(connection: Connection, letter: Letter, now: datetime) -> bool:
    """Write down that a message that goes out once is being sent; False where another process was first."""
    unsent = (t.outbox.c.id == letter.id) & t.outbox.c.delivered_at.is_(None) & t.outbox.c.sending_since.is_(None)
    return connection.execute(update(t.outbox).where(unsent).values(sending_since=now)).rowcount == 1


def note_attempt(connection: Connection, letter: Letter, attempt: Attempt, log_code: str, again_at: datetime) -> None:
    """Write down the attempt; the message is delivered, or due again at `again_at`."""
    if attempt.outcome != "expired":
        connection.execute(t.messages.insert(), _logged(letter, attempt, log_code))
    now = attempt.answered_at or attempt.sent_at
    values = {
        "attempts": t.outbox.c.attempts + int(attempt.outcome != "expired"),
        "outcome": "unknown" if attempt.last else attempt.outcome,
        "response_codes": code_list(attempt.codes),
        "problem": attempt.problem,
        **({"delivered_at": now} if attempt.is_final else {"next_attempt_at": again_at, "sending_since": None}),
    }
    connection.execute(update(t.outbox).where(t.outbox.c.id == letter.id).values(values))


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


def note_lane(
    connection: Connection, receiver: str, again_at: Callable[[int], datetime], problem: str | None, now: datetime
) -> None:
    """The peer was reached (`problem` None), or it was not: then its lane waits, by the number of failures so far."""
    lane = t.lanes.c.receiver == receiver
    if problem is None:
        troubled = lane & (t.lanes.c.failures > 0)
        connection.execute(update(t.lanes).where(troubled).values(failing_since=None, **_UNTROUBLED))
        return
    failures: int = connection.execute(
        update(t.lanes)
        .where(lane)
        .values(
            failures=t.lanes.c.failures + 1,
            failing_since=func.coalesce(t.lanes.c.failing_since, literal(now, t.Instant())),
            problem=problem,
        )
        .returning(t.lanes.c.failures)
    ).scalar_one()
    connection.execute(update(t.lanes).where(lane).values(not_before=again_at(failures)))


_UNTROUBLED: dict[str, Any] = {"failures": 0, "not_before": None, "problem": None}


def try_now(connection: Connection, receiver: str, now: datetime) -> None:
    """Let nothing wait any longer that goes to `receiver`: it can be reached again, or in another place."""
    lane = t.lanes.c.receiver == receiver
    connection.execute(update(t.lanes).where(lane).values(_UNTROUBLED))
    waiting = (t.outbox.c.receiver == receiver) & t.outbox.c.delivered_at.is_(None) & (t.outbox.c.next_attempt_at > now)
    connection.execute(update(t.outbox).where(waiting).values(next_attempt_at=now))


def react(
    connection: Connection,
    letter: Letter,
    decide: Callable[[TransactionHead], Transition | None],
    now: datetime,
    log_code: str,
) -> None:
    """Let the letter's transaction follow from how it was received, by `decide`."""
    row = connection.execute(
        select(*HEAD_COLUMNS).where(t.transactions.c.id == letter.transaction_id).with_for_update(key_share=True)
    ).one_or_none()
    if row is None:
        return
    head = head_of(row)
    transition = decide(head)
    if transition is not None:
        apply(connection, row.id, head, transition, now, log_code)


def held_lanes(connection: Connection) -> list[tuple[str, str]]:
    """The lanes that are held, each with its holder."""
    rows = connection.execute(select(t.lanes.c.receiver, t.lanes.c.holder).where(t.lanes.c.holder.is_not(None)))
    return [(row.receiver, row.holder) for row in rows]
