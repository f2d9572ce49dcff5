"""Writing what became of one transaction: status, history, messages to send, units set free; the caller commits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from itl.codes import OPEN_STATUSES, TransactionStatus
from itl.errors import ConflictError
from itl.lifecycle.transaction import TransactionHead, Transition
from itl.store import tables as t
from itl.store import totals
from itl.store.posting import post

HEAD_COLUMNS = (
    t.transactions.c.id,
    t.transactions.c.identifier,
    t.transactions.c.transaction_type,
    t.transactions.c.transferring_registry,
    t.transactions.c.acquiring_registry,
    t.transactions.c.status,
    t.transactions.c.status_at,
    t.transactions.c.proposed_at,
    t.transactions.c.confirmed_at,
)


def head_of(row: t.Record) -> TransactionHead:
    """The head from a row of `HEAD_COLUMNS`."""
    return TransactionHead(
        row.identifier,
        row.transaction_type,
        row.transferring_registry,
        row.acquiring_registry,
        row.status,
        row.confirmed_at is not None,
    )


def find(connection: Connection, identifier: str) -> t.Record | None:
    """The row (`HEAD_COLUMNS`) of the transaction that occupies `identifier`."""
    return connection.execute(
        select(*HEAD_COLUMNS).where(t.transactions.c.identifier == identifier, t.transactions.c.occupies)
    ).one_or_none()


def apply(
    connection: Connection,
    transaction_id: int,
    head: TransactionHead,
    transition: Transition,
    now: datetime,
    set_by: str,
    message: int | None = None,
) -> None:
    """Carry `transition` out, which was decided for `head`; raises ConflictError when the status has moved on since."""
    changed = connection.execute(
        update(t.transactions)
        .where(t.transactions.c.id == transaction_id, t.transactions.c.status == head.status)
        .values(changes(transition, now))
    )
    if changed.rowcount != 1:
        raise ConflictError(f"{head.identifier} is no longer at status {head.status}; read it again and decide again")
    if transition.status is not None:
        connection.execute(
            t.status_history.insert(),
            {
                "transaction_id": transaction_id,
                "status": int(transition.status),
                "at": now,
                "set_by": set_by,
                "message": message,
            },
        )
        if frees_units(transition.status):
            connection.execute(delete(t.reservations).where(t.reservations.c.transaction_id == transaction_id))
            totals.release(connection, [transaction_id])
    post(connection, [(transaction_id, send) for send in transition.sends], now)


def changes(transition: Transition, now: datetime) -> dict[str, Any]:
    """The columns of `transactions` that `transition` sets."""
    values: dict[str, Any] = {}
    if not transition.keeps_timer:
        values["deadline_at"] = None if transition.timer is None else now + transition.timer
    if transition.status is not None:
        values |= {"status": int(transition.status), "status_at": now}
    if transition.confirmed:
        values["confirmed_at"] = now
    if transition.ended:
        values["ended_at"] = now
    if transition.flagged:
        values["flagged_at"] = now
    return values


def frees_units(status: int) -> bool:
    """Completed units are freed by the ledger when it has moved them, all others at once."""
    return status not in OPEN_STATUSES and status != TransactionStatus.COMPLETED
