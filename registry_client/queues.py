"""The durable inbox and outbox: what the hub sent, each content once; what the hub is to be told, in order."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, get_args

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as insert_or

from itl.messages import (
    InitiateReconciliationRequest,
    ITLNoticeRequest,
    MessageRequest,
    NotificationRequest,
    ProposalRequest,
    ProvideAuditTrailRequest,
    ProvideTotalsRequest,
    ProvideUnitBlocksRequest,
    ReceiveAuditTrailRequest,
    ReceiveTotalsRequest,
    ReceiveUnitBlocksRequest,
    ReconciliationResultRequest,
    TransactionStatusRequest,
    content_digest,
    dump,
    load,
)
from registry_client.tables import inbox, outbox

Incoming = (
    ProposalRequest
    | NotificationRequest
    | MessageRequest
    | ITLNoticeRequest
    | InitiateReconciliationRequest
    | ProvideTotalsRequest
    | ProvideUnitBlocksRequest
    | ProvideAuditTrailRequest
    | ReconciliationResultRequest
)
Outgoing = (
    ProposalRequest
    | NotificationRequest
    | MessageRequest
    | TransactionStatusRequest
    | ReceiveTotalsRequest
    | ReceiveUnitBlocksRequest
    | ReceiveAuditTrailRequest
)

_INCOMING: dict[str, type[Incoming]] = {cls.__name__: cls for cls in get_args(Incoming)}
_OUTGOING: dict[str, type[Outgoing]] = {cls.__name__: cls for cls in get_args(Outgoing)}

_ABOUT_A_TRANSACTION = (ProposalRequest, NotificationRequest, TransactionStatusRequest)
_LARGE = 16_384
"""Bytes from which on the content of a call is kept compressed: thousands of blocks say nearly the same."""

Content = TypeVar("Content", bound=Incoming)


@dataclass(frozen=True, slots=True)
class Received:
    """A message of the hub; `note` says why it had no effect, where it had none."""

    id: int
    message: Incoming
    received_at: datetime
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call to the hub that waits, with the number of attempts made so far."""

    id: int
    lane: str
    message: Outgoing
    attempts: int

    @property
    def transaction(self) -> str | None:
        """The transaction that it is about, if it is about one."""
        return self.lane if isinstance(self.message, _ABOUT_A_TRANSACTION) else None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a call to the hub went: `result` 1 or 0 with codes, or None and a note while there was no answer."""

    message: Outgoing
    queued_at: datetime
    attempts: int
    done_at: datetime | None
    result: int | None
    codes: tuple[int, ...]
    note: str | None


@dataclass(frozen=True, slots=True)
class Text:
    """What administrators wrote: those of the registry (`is_ours`; it may still wait for the hub), or of the log."""

    at: datetime
    text: str
    is_ours: bool
    is_waiting: bool


def receive(connection: sa.Connection, message: Incoming, now: datetime) -> bool:
    """Store what the hub sent; False if the same content is there already."""
    kind, content = type(message).__name__, dump(message)
    result = connection.execute(
        insert_or(inbox)
        .values(digest=content_digest(kind, content), kind=kind, content=content, received_at=now)
        .on_conflict_do_nothing(index_elements=["digest"])
    )
    return result.rowcount == 1


def untaken(connection: sa.Connection, limit: int) -> list[Received]:
    """The oldest messages that were not taken up yet."""
    query = sa.select(inbox).where(inbox.c.taken_at.is_(None)).order_by(inbox.c.id).limit(limit)
    return [
        Received(row.id, load(_INCOMING[row.kind], row.content), row.received_at) for row in connection.execute(query)
    ]


def take(connection: sa.Connection, received: Received, now: datetime, note: str | None) -> None:
    """A message was taken up, and had its effect, or none for the reason in `note`."""
    connection.execute(inbox.update().where(inbox.c.id == received.id).values(taken_at=now, note=note))


def received(connection: sa.Connection, kind: type[Content], limit: int) -> list[tuple[datetime, Content]]:
    """Messages of one class with the time of their arrival, the latest first."""
    query = (
        sa.select(inbox.c.received_at, inbox.c.content)
        .where(inbox.c.kind == kind.__name__)
        .order_by(inbox.c.id.desc())
        .limit(limit)
    )
    return [(row.received_at, load(kind, row.content)) for row in connection.execute(query)]


def correspondence(connection: sa.Connection, limit: int) -> list[Text]:
    """Texts from and to the log's administrators, the latest first."""
    kind = MessageRequest.__name__
    came = sa.select(inbox.c.received_at, inbox.c.content, sa.literal(False), sa.literal(False)).where(
        inbox.c.kind == kind
    )
    went = sa.select(outbox.c.queued_at, outbox.c.content, sa.literal(True), outbox.c.done_at.is_(None)).where(
        outbox.c.kind == kind
    )
    query = sa.union_all(came, went).order_by(sa.desc("received_at")).limit(limit)
    return [
        Text(at, load(MessageRequest, _unpacked(content)).message_content, is_ours, is_waiting)
        for at, content, is_ours, is_waiting in connection.execute(query)
    ]


def without_effect(connection: sa.Connection, limit: int) -> list[Received]:
    """Messages that had no effect, the latest first."""
    query = sa.select(inbox).where(inbox.c.note.is_not(None)).order_by(inbox.c.id.desc()).limit(limit)
    return [
        Received(row.id, load(_INCOMING[row.kind], row.content), row.received_at, row.note)
        for row in connection.execute(query)
    ]


def queue(
    connection: sa.Connection, lane: str, message: Outgoing, now: datetime, due_at: datetime | None = None
) -> None:
    """Let the hub be told `message`, after all that waits in `lane`, and not before `due_at` where that is given."""
    connection.execute(
        outbox.insert().values(
            lane=lane,
            kind=type(message).__name__,
            content=_packed(dump(message)),
            queued_at=now,
            due_at=due_at or now,
            attempts=0,
            faulted=due_at is not None,
        )
    )


def is_another(connection: sa.Connection, call: Call) -> bool:
    """Whether the first call of this kind in the lane said something else: repeats say the same."""
    of_kind = sa.select(outbox.c.content).where(
        outbox.c.lane == call.lane, outbox.c.kind == type(call.message).__name__
    )
    first = connection.execute(of_kind.order_by(outbox.c.id).limit(1)).scalar_one()
    return _unpacked(first) != dump(call.message)


def due(connection: sa.Connection, now: datetime, limit: int) -> list[Call]:
    """The first waiting call of each lane, where it is due."""
    query = (
        sa.select(outbox).where(outbox.c.id.in_(_heads()), outbox.c.due_at <= now).order_by(outbox.c.id).limit(limit)
    )
    return [
        Call(row.id, row.lane, load(_OUTGOING[row.kind], _unpacked(row.content)), row.attempts)
        for row in connection.execute(query)
    ]


def waiting(connection: sa.Connection) -> int:
    """How many calls wait."""
    return int(connection.execute(sa.select(sa.func.count()).where(outbox.c.done_at.is_(None))).scalar_one())


def next_due(connection: sa.Connection) -> datetime | None:
    """When the next call is due."""
    return connection.execute(
        sa.select(outbox.c.due_at).where(outbox.c.id.in_(_heads())).order_by(outbox.c.due_at).limit(1)
    ).scalar()


def done(
    connection: sa.Connection, call: Call, now: datetime, result: int | None, codes: Sequence[int], note: str | None
) -> None:
    """A call was answered, or will never be."""
    connection.execute(
        outbox.update()
        .where(outbox.c.id == call.id)
        .values(done_at=now, result=result, codes=list(codes), note=note, attempts=outbox.c.attempts + 1)
    )


def retry(connection: sa.Connection, call: Call, due_at: datetime, note: str, *, faulted: bool) -> None:
    """A call brought no answer: it is due again at `due_at`."""
    connection.execute(
        outbox.update()
        .where(outbox.c.id == call.id)
        .values(attempts=outbox.c.attempts + 1, due_at=due_at, note=note, faulted=faulted)
    )


def postpone(connection: sa.Connection, due_at: datetime) -> None:
    """The hub cannot be reached: nothing is tried before `due_at`."""
    connection.execute(
        outbox.update().where(outbox.c.done_at.is_(None), outbox.c.due_at < due_at).values(due_at=due_at)
    )


def resume(connection: sa.Connection, now: datetime) -> None:
    """The hub can be reached: what waited for it is due now."""
    connection.execute(
        outbox.update().where(outbox.c.done_at.is_(None), ~outbox.c.faulted, outbox.c.due_at > now).values(due_at=now)
    )


def deliveries(connection: sa.Connection, lane: str | None, limit: int) -> list[Delivery]:
    """Calls to the hub, of one lane or all, the latest first."""
    query = sa.select(outbox).order_by(outbox.c.id.desc()).limit(limit)
    if lane is not None:
        query = query.where(outbox.c.lane == lane)
    return [
        Delivery(
            message=load(_OUTGOING[row.kind], _unpacked(row.content)),
            queued_at=row.queued_at,
            attempts=row.attempts,
            done_at=row.done_at,
            result=row.result,
            codes=tuple(row.codes or ()),
            note=row.note,
        )
        for row in connection.execute(query)
    ]


def _packed(content: bytes) -> bytes:
    return zlib.compress(content, 1) if len(content) >= _LARGE else content


def _unpacked(content: bytes) -> bytes:
    return content if content.startswith(b"{") else zlib.decompress(content)


def _heads() -> sa.Select[tuple[int]]:
    return sa.select(sa.func.min(outbox.c.id)).where(outbox.c.done_at.is_(None)).group_by(outbox.c.lane)
