"""Inconsistencies: what reconciliations found to differ, kept from transactions until it is resolved.

The open ones of one registry with one log do not overlap: what a later reconciliation finds about units takes the place
of what an earlier one found. Different registries may differ about the same units, as when one has what another lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, TextualSelect, func, select, text, update

from itl.ledger.block import Inconsistency, SerialRange
from itl.ledger.comparison import Difference, DifferenceKind
from itl.ledger.explanation import Finding
from itl.ledger.placement import Placement
from itl.ledger.ranges import parts_in, quantity, subtraction, union
from itl.store import tables as t
from itl.store.overlaps import RANGE, wanted_rows, with_rows
from itl.store.recount import stream
from itl.store.sets import rows_of
from itl.store.statements import Statement

PAGE = 1000
"""Differences that are written, or closed, by one statement."""
MAX_TOLD = 10_000
"""Most inconsistencies that are loaded around one batch of work; any of them is enough to refuse a proposal."""


@dataclass(frozen=True, slots=True)
class RecordedInconsistency:
    """An inconsistency as it was recorded. `log`: the code of the log that the registry differs with."""

    id: int
    reconciliation_id: int
    registry: str
    log: str
    difference: Difference
    found_at: datetime
    explained_by: tuple[str, ...]
    closed_at: datetime | None
    closed_by: str | None
    close_reason: str | None
    closing_reconciliation_id: int | None
    closing_correction_id: int | None

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


@dataclass(frozen=True, slots=True)
class Closing:
    """Why inconsistencies are closed: who says so, and by what reconciliation or correction."""

    at: datetime
    by: str
    reason: str
    reconciliation_id: int | None = None
    correction_id: int | None = None


def insert(
    connection: Connection,
    reconciliation_id: int,
    registry: str,
    log: str,
    findings: Iterable[Finding],
    now: datetime,
) -> int:
    """Record what a reconciliation of `registry` with `log` found; returns how many of the findings are open.

    A finding that transactions explain is recorded closed. One that is not takes the place of what earlier
    reconciliations had open about the same units. In pages, however many there are; the caller commits.
    """
    again = Closing(now, log, "found again, or found to differ otherwise", reconciliation_id)
    explained = Closing(now, log, "explained by transactions on their way", reconciliation_id)
    opened = 0
    waiting = iter(findings)
    while page := list(islice(waiting, PAGE)):
        unexplained = [each.difference.range for each in page if not each.explained_by]
        opened += len(unexplained)
        close(connection, registry, log, again, unexplained)
        rows = (
            _row(reconciliation_id, registry, log, each, now) | (_closed(explained) if each.explained_by else _OPEN)
            for each in page
        )
        connection.execute(t.inconsistencies.insert(), list(rows))
    return opened


_OPEN = dict.fromkeys(
    ("closed_at", "closed_by", "close_reason", "closing_reconciliation_id", "closing_correction_id"), None
)


def _row(reconciliation_id: int, registry: str, log: str, finding: Finding, now: datetime) -> dict[str, Any]:
    difference = finding.difference
    return {
        "reconciliation_id": reconciliation_id,
        "registry": registry,
        "log": log,
        "originating_registry": difference.range.originating_registry,
        "serial_start": difference.range.start,
        "serial_end": difference.range.end,
        "kind": str(difference.kind),
        "log_view": None if difference.log is None else _json(difference.log),
        "registry_view": _json(difference.registry),
        "found_at": now,
        "explained_by": " ".join(finding.explained_by) or None,
    }


def _closed(closing: Closing) -> dict[str, Any]:
    return {
        "closed_at": closing.at,
        "closed_by": closing.by,
        "close_reason": closing.reason,
        "closing_reconciliation_id": closing.reconciliation_id,
        "closing_correction_id": closing.correction_id,
    }


def close(
    connection: Connection,
    registry: str,
    log: str,
    closing: Closing,
    ranges: Iterable[SerialRange] | None = None,
    up_to: int | None = None,
) -> int:
    """Close what is open between `registry` and `log`; returns how many units were set free by it.

    `ranges`: just these units, as when a part was corrected; what is left of an inconsistency stays open, in rows of
    its own. None: all, as after a reconciliation that found nothing to differ; or all that was found `up_to` a
    reconciliation, by its id, where later ones may have found more.
    """
    of_both = (
        (t.inconsistencies.c.registry == registry)
        & (t.inconsistencies.c.log == log)
        & t.inconsistencies.c.closed_at.is_(None)
    )
    if up_to is not None:
        of_both &= t.inconsistencies.c.reconciliation_id <= up_to
    if ranges is None:
        count = func.sum(t.inconsistencies.c.serial_end - t.inconsistencies.c.serial_start + 1)
        units = connection.execute(select(count).where(of_both)).scalar_one()
        connection.execute(update(t.inconsistencies).where(of_both).values(_closed(closing)))
        return int(units or 0)
    wanted = union(ranges)
    freed = 0
    for at in range(0, len(wanted), PAGE):
        page = wanted[at : at + PAGE]
        touched = [each for each in _open_around(connection, page) if (each.registry, each.log) == (registry, log)]
        if not touched:
            continue
        ids = [each.id for each in touched]
        connection.execute(update(t.inconsistencies).where(t.inconsistencies.c.id.in_(ids)).values(_closed(closing)))
        rest = [row for each in touched for row in _rest(each, page)]
        if rest:
            connection.execute(t.inconsistencies.insert(), rest)
        freed += sum(quantity(parts_in(each.difference.range, page)) for each in touched)
    return freed


def close_all_of(connection: Connection, log: str, closing: Closing) -> int:
    """Close what is open with `log`, of whatever registry; returns how many rows were."""
    open_ = (t.inconsistencies.c.log == log) & t.inconsistencies.c.closed_at.is_(None)
    return connection.execute(update(t.inconsistencies).where(open_).values(_closed(closing))).rowcount


def _rest(closed: RecordedInconsistency, ranges: Sequence[SerialRange]) -> list[dict[str, Any]]:
    """What of an inconsistency lies outside of the `ranges` that were closed."""
    difference = closed.difference
    return [
        _row(
            closed.reconciliation_id,
            closed.registry,
            closed.log,
            Finding(replace(difference, range=units), ()),
            closed.found_at,
        )
        for units in subtraction([difference.range], ranges)
    ]


def touching(connection: Connection, ranges: Iterable[SerialRange]) -> list[Inconsistency]:
    """What is open about units of `ranges`, with whatever registry; one query, which looks up an index per range."""
    wanted = wanted_rows(ranges)
    if wanted == "[]":
        return []
    return [
        Inconsistency(SerialRange(row.originating_registry, row.serial_start, row.serial_end), row.log)
        for row in _TOUCHING.rows(connection, wanted=wanted, most=MAX_TOLD)
    ]


def open_around(connection: Connection, ranges: Iterable[SerialRange]) -> list[RecordedInconsistency]:
    """What is open about units of `ranges`, with whatever registry and log, as it was recorded."""
    return list(_open_around(connection, union(ranges)))


def _open_around(connection: Connection, ranges: Sequence[SerialRange]) -> Iterator[RecordedInconsistency]:
    """The same for disjoint ranges; whole."""
    found = {row.id for row in connection.execute(_touching(connection.dialect.name), {"wanted": wanted_rows(ranges)})}
    statement = select(t.inconsistencies).where(t.inconsistencies.c.id.in_(sorted(found)))
    return (_recorded(row) for row in connection.execute(statement.order_by(t.inconsistencies.c.id)).all())


def _touching(dialect: str, tail: str = "") -> TextualSelect:
    """As `overlaps.touching`, within each pair of registry and log that has anything open: there rows are disjoint."""
    names = ("id", "log", "originating_registry", "serial_start", "serial_end")
    columns = [t.inconsistencies.c[name] for name in names]
    pair = "p.closed_at IS NULL AND p.registry = o.registry AND p.log = o.log"
    statement = f"""
        SELECT DISTINCT {", ".join(f"b.{name}" for name in names)}
        FROM (SELECT DISTINCT registry, log FROM inconsistencies WHERE closed_at IS NULL) AS o
        CROSS JOIN {rows_of(dialect, "wanted", RANGE)} AS w {with_rows(dialect, "inconsistencies", pair)}
        {tail}
    """  # noqa: S608 - names are ours, values are bound
    return text(statement).columns(*columns)


_TOUCHING = Statement("inconsistencies_touching", lambda dialect: _touching(dialect, "LIMIT :most"))


def open_for(connection: Connection, registry: str, log: str | None = None) -> Iterator[RecordedInconsistency]:
    """What is open with `registry`, and just with `log` where given, by serial; without holding them all."""
    of = [t.inconsistencies.c.registry == registry, t.inconsistencies.c.closed_at.is_(None)]
    if log is not None:
        of.append(t.inconsistencies.c.log == log)
    columns = (t.inconsistencies.c.log, t.inconsistencies.c.originating_registry, t.inconsistencies.c.serial_start)
    return map(_recorded, stream(connection, select(t.inconsistencies).where(*of).order_by(*columns)))


def of_reconciliation(connection: Connection, reconciliation_id: int) -> Iterator[RecordedInconsistency]:
    """All that a reconciliation found, explained and closed ones too; without holding them all."""
    statement = select(t.inconsistencies).where(t.inconsistencies.c.reconciliation_id == reconciliation_id)
    return map(_recorded, stream(connection, statement.order_by(t.inconsistencies.c.id)))


def _recorded(row: t.Record) -> RecordedInconsistency:
    told: tuple[Placement, ...] = msgspec.json.decode(row.registry_view, type=tuple[Placement, ...])
    difference = Difference(
        SerialRange(row.originating_registry, row.serial_start, row.serial_end),
        None if row.log_view is None else msgspec.json.decode(row.log_view, type=Placement),
        told,
        row.kind == DifferenceKind.DOUBLE,
    )
    return RecordedInconsistency(
        row.id,
        row.reconciliation_id,
        row.registry,
        row.log,
        difference,
        row.found_at,
        tuple((row.explained_by or "").split()),
        row.closed_at,
        row.closed_by,
        row.close_reason,
        row.closing_reconciliation_id,
        row.closing_correction_id,
    )


def _json(value: Placement | Sequence[Placement]) -> str:
    plain = asdict(value) if isinstance(value, Placement) else [asdict(each) for each in value]
    return msgspec.json.encode(plain).decode()
