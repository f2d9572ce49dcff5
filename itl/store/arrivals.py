"""Units that come into the ledger from elsewhere are written down, so that the audit knows where they are from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from itl.ledger.arriving import arrived, cut
from itl.ledger.operations import Change
from itl.store import tables as t


def note(
    connection: Connection,
    changes: Iterable[Change],
    now: datetime,
    *,
    handover_id: int | None = None,
    transaction_id: int | None = None,
) -> int:
    """Record what `changes` bring in, with the handover or the transaction that did; returns how many units."""
    blocks = [block for change in changes for block in cut(change.opened, arrived(change))]
    rows = [
        {
            "handover_id": handover_id,
            "transaction_id": transaction_id,
            "originating_registry": block.range.originating_registry,
            "serial_start": block.range.start,
            "serial_end": block.range.end,
            "issued_unit_type": block.attributes.issued_unit_type,
            "original_commit_period": block.attributes.original_commit_period,
            "since": now,
        }
        for block in blocks
    ]
    if rows:
        connection.execute(t.arrivals.insert(), rows)
    return sum(block.range.quantity for block in blocks)
