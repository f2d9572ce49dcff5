"""Reconciliations in the registry's store: where each stands, and what happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

import sqlalchemy as sa

from registry_client.reconciliation.tables import reconciliation_history, reconciliations, replies, snapshot_blocks
from registry_client.tables import outbox

_own = reconciliations.c


class Phase(IntEnum):
    """What the log compares."""

    TOTALS = 1
    UNIT_BLOCKS = 2
    AUDIT_TRAIL = 3


class Status(IntEnum):
    """Where a reconciliation stands, as the standard's code list has it; 98 and 99 were seen live."""

    CONFIRMED = 0
    INITIATED = 1
    VALIDATED = 2
    TOTALS_INCONSISTENT = 3
    UNIT_BLOCKS_INCONSISTENT = 4
    COMPLETED = 5
    COMPLETED_WITH_INTERVENTION = 6
    DENIED = 7
    STL_TOTALS_INCONSISTENT = 8
    STL_UNIT_BLOCKS_INCONSISTENT = 9
    STL_COMPLETED = 10
    STL_COMPLETED_WITH_INTERVENTION = 11
    TOTALS_BY_ACCOUNT_TYPE_INCONSISTENT = 98
    INTERVENTION_REQUIRED = 99


FINAL = frozenset({Status.VALIDATED, Status.COMPLETED, Status.COMPLETED_WITH_INTERVENTION, Status.DENIED})
"""Statuses after which the log's own part asks for nothing more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a reconciliation's history; `codes` are response codes of a result."""

    at: datetime
    status: int
    phase: int | None
    cause: str
    codes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """A reconciliation as the registry knows it. `blocks` counts its frozen copy, None while there is none."""

    id: int
    identifier: str
    snapshot_at: datetime
    opened_at: datetime
    status: int
    phase: int | None
    frozen_at: datetime | None
    blocks: int | None = None
    unanswered: int = 0
    """Answers that are owed, or on their way to the log."""
    history: tuple[Entry, ...] = ()

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


def lane(identifier: str) -> str:
    """The outbox lane of a reconciliation's answers; a transaction may have the same identifier."""
    return f"reconciliation {identifier}"


def add(connection: sa.Connection, identifier: str, snapshot_at: datetime, now: datetime) -> None:
    """Enter a reconciliation with the timer of its snapshot; sqlalchemy.exc.IntegrityError if it is there."""
    connection.execute(
        reconciliations.insert().values(
            identifier=identifier,
            snapshot_at=snapshot_at,
            opened_at=now,
            status=Status.CONFIRMED,
            freeze_at=snapshot_at,
        )
    )


def find(connection: sa.Connection, identifier: str) -> Reconciliation | None:
    """The reconciliation as it stands, without history."""
    row = connection.execute(sa.select(reconciliations).where(_own.identifier == identifier)).first()
    return None if row is None else _reconciliation(row)


def change(
    connection: sa.Connection,
    of: Reconciliation,
    now: datetime,
    cause: str,
    *,
    status: int | None = None,
    phase: Phase | None = None,
    codes: Sequence[int] = (),
) -> None:
    """Write what happened to a reconciliation, and where it stands now where that is other than before."""
    stands = {"status": of.status if status is None else status, "phase": of.phase if phase is None else phase}
    connection.execute(reconciliations.update().where(_own.id == of.id).values(stands))
    connection.execute(
        reconciliation_history.insert().values(reconciliation=of.id, at=now, cause=cause, codes=list(codes), **stands)
    )


def page(connection: sa.Connection, limit: int) -> list[Reconciliation]:
    """Reconciliations with their history, the latest first."""
    counted = sa.select(sa.func.count()).where(snapshot_blocks.c.reconciliation == _own.id).scalar_subquery()
    owed = (
        sa.select(sa.func.count())
        .where(replies.c.reconciliation == _own.id, replies.c.done_at.is_(None), replies.c.due_at.is_not(None))
        .scalar_subquery()
    )
    under_way = (
        sa.select(sa.func.count())
        .where(outbox.c.lane == "reconciliation " + _own.identifier, outbox.c.done_at.is_(None))
        .scalar_subquery()
    )
    query = sa.select(reconciliations, counted.label("blocks"), (owed + under_way).label("unanswered"))
    rows = connection.execute(query.order_by(_own.id.desc()).limit(limit)).all()
    told = _histories(connection, [row.id for row in rows])
    return [
        _reconciliation(
            row,
            blocks=None if row.frozen_at is None else row.blocks,
            unanswered=row.unanswered,
            history=told.get(row.id, ()),
        )
        for row in rows
    ]


def _histories(connection: sa.Connection, ids: Sequence[int]) -> dict[int, tuple[Entry, ...]]:
    entries = reconciliation_history.c
    told: dict[int, tuple[Entry, ...]] = {}
    query = sa.select(reconciliation_history).where(entries.reconciliation.in_(ids)).order_by(entries.id)
    for row in connection.execute(query):
        entry = Entry(row.at, row.status, row.phase, row.cause, tuple(row.codes))
        told[row.reconciliation] = (*told.get(row.reconciliation, ()), entry)
    return told


def _reconciliation(row: sa.Row[Any], **more: Any) -> Reconciliation:
    return Reconciliation(
        id=row.id,
        identifier=row.identifier,
        snapshot_at=row.snapshot_at,
        opened_at=row.opened_at,
        status=row.status,
        phase=row.phase,
        frozen_at=row.frozen_at,
        **more,
    )
