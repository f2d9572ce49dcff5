"""Audit trails of a reconciliation: the log's own completed transactions of a registry, and what the registry sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, or_, select

from itl.codes import TransactionStatus
from itl.ledger.block import SerialRange
from itl.ledger.ranges import parts_in, union
from itl.ledger.trail_comparison import TrailTransaction
from itl.store import tables as t
from itl.store.recount import stream


def own_trail(
    connection: Connection, registry: str, begin: datetime, end: datetime, asked: tuple[SerialRange, ...]
) -> Iterator[TrailTransaction]:
    """Transactions with `registry` that were completed from `begin` to `end` and touch units of `asked` (none: any)."""
    heads, blocks = t.transactions.c, t.transaction_blocks.c
    rows = (
        select(
            heads.identifier,
            heads.transaction_type,
            heads.transferring_registry,
            heads.acquiring_registry,
            heads.status_at.label("at"),
            heads.id.label("key"),
            blocks.originating_registry,
            blocks.serial_start,
            blocks.serial_end,
        )
        .join(t.transaction_blocks, blocks.transaction_id == heads.id)
        .where(
            heads.status == TransactionStatus.COMPLETED,
            heads.status_at.between(begin, end),
            or_(heads.transferring_registry == registry, heads.acquiring_registry == registry),
        )
        .order_by(heads.id, blocks.position)
    )
    wanted = union(asked)
    for each in _transactions(stream(connection, rows)):
        if not wanted or any(parts_in(units, wanted) for units in each.blocks):
            yield each


def received_trail(connection: Connection, key: int) -> Iterator[TrailTransaction]:
    """What the registry sent, a transaction as often as it named it."""
    heads, blocks = t.received_transactions.c, t.received_transaction_blocks.c
    same = (
        (blocks.reconciliation_id == heads.reconciliation_id)
        & (blocks.message == heads.message)
        & (blocks.position == heads.position)
    )
    rows = (
        select(
            heads.identifier,
            heads.transaction_type,
            heads.transferring_registry,
            heads.acquiring_registry,
            heads.status_at.label("at"),
            heads.message.label("key"),
            heads.position,
            blocks.originating_registry,
            blocks.serial_start,
            blocks.serial_end,
        )
        .outerjoin(t.received_transaction_blocks, same)
        .where(heads.reconciliation_id == key)
        .order_by(heads.message, heads.position, blocks.block)
    )
    return _transactions(stream(connection, rows))


def _transactions(rows: Iterator[t.Record]) -> Iterator[TrailTransaction]:
    def same(row: Any) -> tuple[Any, ...]:
        return row.key, getattr(row, "position", None)

    for _, alike in groupby(rows, key=same):
        of_one = list(alike)
        head = of_one[0]
        units = tuple(
            SerialRange(row.originating_registry, row.serial_start, row.serial_end)
            for row in of_one
            if row.originating_registry is not None
        )
        yield TrailTransaction(
            head.identifier,
            head.transaction_type,
            head.transferring_registry,
            head.acquiring_registry,
            head.at,
            units,
        )
