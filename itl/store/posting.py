"""The outbox: what has to be told is put into it in the commit of what causes it, and may be taken back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from itl.lifecycle.sending import Send
from itl.messages import (
    InitiateReconciliationRequest,
    ITLNoticeRequest,
    MessageRequest,
    NotificationRequest,
    ProposalRequest,
    ProvideAuditTrailRequest,
    ProvideTimeRequest,
    ProvideTotalsRequest,
    ProvideUnitBlocksRequest,
    ReceiveAuditTrailRequest,
    ReceiveTotalsRequest,
    ReceiveUnitBlocksRequest,
    ReconciliationResultRequest,
    RelayRequest,
    dump,
)
from itl.store import tables as t
from itl.store.statements import Insertion, Step, run_all

OPERATIONS: Mapping[type, str] = {
    ProposalRequest: "acceptProposal",
    NotificationRequest: "acceptNotification",
    MessageRequest: "acceptMessage",
    ITLNoticeRequest: "acceptITLNotice",
    ProvideTimeRequest: "provideTime",
    InitiateReconciliationRequest: "initiateReconciliation",
    ProvideTotalsRequest: "provideTotals",
    ProvideUnitBlocksRequest: "provideUnitBlocks",
    ProvideAuditTrailRequest: "provideAuditTrail",
    ReconciliationResultRequest: "receiveReconciliationResult",
    ReceiveTotalsRequest: "receiveTotals",
    ReceiveUnitBlocksRequest: "receiveUnitBlocks",
    ReceiveAuditTrailRequest: "receiveAuditTrail",
    RelayRequest: "relayMessage",
}
"""The operation of a registry, or of a supplementary log, that takes each message."""


def post(connection: Connection, sends: Iterable[tuple[int | None, Send]], now: datetime) -> None:
    """Put messages into the outbox, each with the transaction that it belongs to, where it belongs to one."""
    run_all(connection, posting(connection, sends, now))


def posting(connection: Connection, sends: Iterable[tuple[int | None, Send]], now: datetime) -> list[Step]:
    """The step of `post`, none where there is nothing to send."""
    rows = (outbox_row(transaction_id, send, now) for transaction_id, send in sends)
    return _POST.steps(connection, rows)


_POST = Insertion(
    t.outbox,
    (
        "receiver",
        "transaction_id",
        "operation",
        "content",
        "created_at",
        "next_attempt_at",
        "topic",
        "queue",
        "once",
        "expires_at",
    ),
)


def outbox_row(transaction_id: int | None, send: Send, now: datetime) -> dict[str, Any]:
    """The row of the outbox for a message."""
    return {
        "receiver": send.receiver,
        "transaction_id": transaction_id,
        "operation": OPERATIONS[type(send.message)],
        "content": dump(send.message),
        "created_at": now,
        "next_attempt_at": now,
        "topic": send.topic,
        "queue": t.RELAY_QUEUE if isinstance(send.message, RelayRequest) else t.MAIN_QUEUE,
        "once": send.once,
        "expires_at": send.expires_at,
    }


def withdraw(
    connection: Connection, receiver: str, topic: str, now: datetime, operations: Collection[str] = ()
) -> None:
    """Send nothing more of `topic` to `receiver`, or nothing of these `operations`: what waits is ended.

    One that is on its way just now may arrive.
    """
    waiting = (t.outbox.c.topic == topic) & (t.outbox.c.receiver == receiver) & t.outbox.c.delivered_at.is_(None)
    if operations:
        waiting &= t.outbox.c.operation.in_(sorted(operations))
    connection.execute(update(t.outbox).where(waiting).values(delivered_at=now, outcome="withdrawn"))
