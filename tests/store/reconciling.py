"""Rows that a reconciliation leaves, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from itl.ledger.block import SerialRange
from itl.ledger.comparison import Difference
from itl.ledger.explanation import Finding
from itl.ledger.placement import Placement
from itl.store import inconsistencies
from itl.store import tables as t

HELD, RETIRED = Placement(100, 0, 1), Placement(300, 1, 1)


def put_reconciliation(connection: Connection, identifier: str, at: datetime, registry: str = "GB") -> int:
    """A reconciliation that has ended, as nobody cares here how."""
    row = {
        "identifier": identifier,
        "registry": registry,
        "begins_with": "totals",
        "snapshot_at": at,
        "step": "ended",
        "running": False,
        "started_by": "test",
        "reason": "test",
        "created_at": at,
    }
    key: int = connection.execute(t.reconciliations.insert().returning(t.reconciliations.c.id), row).scalar_one()
    return key


def missing(start: int, end: int, origin: str = "GB", log: Placement | None = HELD) -> Finding:
    """Units that the registry does not name."""
    return Finding(Difference(SerialRange(origin, start, end), log, ()), ())


def find(
    connection: Connection,
    identifier: str,
    findings: Iterable[Finding],
    at: datetime,
    registry: str = "GB",
    log: str = "ITL",
) -> int:
    """A reconciliation that found `findings`; its key."""
    key = put_reconciliation(connection, identifier, at, registry)
    inconsistencies.insert(connection, key, registry, log, findings, at)
    return key
