"""Corrections as they are recorded: who proposed what on what evidence, and what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from itl.errors import UsageError
from itl.ledger.block import HeldBlock, SerialRange
from itl.ledger.corrections import Piece
from itl.store import tables as t


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a correction rests on: a text, or the name of a file with its SHA-256."""

    text: str
    digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Author:
    """Who proposes, when and why, about the units of which registry, on what evidence."""

    registry: str
    by: str
    at: datetime
    reason: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction as it is recorded. `message`: what a request says."""

    id: int
    kind: str
    status: str
    author: Author
    units: tuple[SerialRange, ...]
    pieces: tuple[Piece, ...]
    """What changes in the log's record; nothing for the other kinds."""
    message: str | None
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None


def recorded(connection: Connection, status: str | None = None, most: int = 100) -> list[Correction]:
    """The latest corrections, at most `most`, the newest first; only those of one status, where given."""
    statement = select(t.corrections).order_by(t.corrections.c.id.desc()).limit(most)
    if status is not None:
        statement = statement.where(t.corrections.c.status == status)
    return read(connection, connection.execute(statement).all())


def correction(connection: Connection, number: int) -> Correction:
    """The correction of that number; UsageError where there is none."""
    row = connection.execute(select(t.corrections).where(t.corrections.c.id == number)).one_or_none()
    if row is None:
        raise UsageError(f"there is no correction {number}; `itl reconcile corrections` shows them")
    return read(connection, [row])[0]


def read(connection: Connection, rows: Sequence[t.Record]) -> list[Correction]:
    """Corrections from their rows, with their units."""
    of = t.correction_blocks.c.correction_id
    blocks: defaultdict[int, list[t.Record]] = defaultdict(list)
    statement = select(t.correction_blocks).where(of.in_([row.id for row in rows]))
    for block in connection.execute(statement.order_by(of, t.correction_blocks.c.position)):
        blocks[block.correction_id].append(block)
    return [
        Correction(
            row.id,
            row.kind,
            row.status,
            Author(
                row.registry,
                row.proposed_by,
                row.proposed_at,
                row.reason,
                Evidence(row.evidence, row.evidence_digest),
            ),
            tuple(map(_units, blocks[row.id])),
            tuple(map(_piece, blocks[row.id])) if row.kind == "record" else (),
            row.message,
            row.ended_at,
            row.ended_by,
            row.end_reason,
        )
        for row in rows
    ]


def _units(row: t.Record) -> SerialRange:
    return SerialRange(row.originating_registry, row.serial_start, row.serial_end)


def _piece(row: t.Record) -> Piece:
    return Piece(_units(row), *(None if told is None else _held(told) for told in (row.before, row.after)))


def _held(told: str) -> HeldBlock:
    return msgspec.json.decode(told, type=HeldBlock)
