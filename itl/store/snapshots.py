"""What the log holds for one registry as of an instant: sums, blocks in order, and transactions on their way.

As of an instant are the rows with `since` at or before it and, of the past ones, `until` after it. A row changes when
the ledger carries a completion out, shortly after that came: what came just before the instant may still be missing,
and is among the transactions on their way (`in_flight`). Units in open transactions are where they were: with the
transferring side. A commit that is on its way while the instant passes may still add to it, so ask some time
afterwards, and with `Database.snapshot` where several answers must be of one state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    case,
    collate,
    func,
    or_,
    select,
    true,
    union_all,
)

from itl.codes import ACCOUNTS_WITHOUT_PERIOD, TransactionType
from itl.ledger.block import HeldBlock, SerialRange
from itl.ledger.carrying_out import change
from itl.ledger.explanation import Movement, movements
from itl.ledger.following import follow
from itl.ledger.operations import Change
from itl.ledger.placement import Filter, PlacedUnits, Placement, placement
from itl.ledger.ranges import parts_in, union
from itl.store import gather
from itl.store import tables as t
from itl.store.overlaps import touching, wanted_rows
from itl.store.recount import stream
from itl.store.rows import held_block, settled_part

_HEAD = (
    t.transactions.c.id,
    t.transactions.c.identifier,
    t.transactions.c.transaction_type,
    t.transactions.c.supp_transaction_type,
)
_PLACEMENT = ("account_type", "account_period", "unit_type", "account_identifier")


def totals_at(connection: Connection, registry: str, at: datetime, *, by_account: bool = False) -> dict[Placement, int]:
    """Units that `registry` held at the instant `at`, by placement; one aggregate query."""
    held = _held_at(registry, at, (), "serial_start", "serial_end").subquery()
    alike = [held.c[name] for name in (_PLACEMENT if by_account else _PLACEMENT[:3])]
    quantity = func.sum(held.c.serial_end - held.c.serial_start + 1).label("units")
    rows = connection.execute(select(*alike, quantity).group_by(*alike))
    return {placement(*row[:-1]): int(row.units) for row in rows}


def blocks_at(
    connection: Connection, registry: str, at: datetime, filters: Iterable[Filter] = ()
) -> Iterator[PlacedUnits]:
    """The blocks that `registry` held at the instant `at`, by originating registry and first serial, without holding
    them all. `filters`: those that any of them asks for; none at all ask for everything."""
    names = ("originating_registry", "serial_start", "serial_end")
    held = _held_at(registry, at, filters, *names).subquery()
    origin: ColumnElement[str] = held.c.originating_registry
    if connection.dialect.name != "sqlite":
        origin = collate(origin, "C")  # as Python sorts, whatever the database's own order
    for code, first, last, *placed in stream(connection, select(held).order_by(origin, held.c.serial_start)):
        yield PlacedUnits(SerialRange(code, first, last), placement(*placed))


def _held_at(registry: str, at: datetime, filters: Iterable[Filter], *names: str) -> Any:
    filters = tuple(filters)
    return union_all(
        *(
            select(*(table.c[name] for name in names), *_placement_columns(table)).where(
                table.c.registry == registry, table.c.since <= at, *more, _asked_for(table, filters)
            )
            for table, more in ((t.unit_blocks, ()), (t.past_unit_blocks, (t.past_unit_blocks.c.until > at,)))
        )
    )


def _placement_columns(table: Table) -> list[ColumnElement[Any]]:
    columns = table.c
    return [columns.account_type, _period(table), columns.unit_type, columns.account_identifier]


def _period(table: Table) -> ColumnElement[int]:
    without = table.c.account_type.in_(sorted(ACCOUNTS_WITHOUT_PERIOD))
    return case((without, 0), else_=table.c.applicable_commit_period).label("account_period")


def _asked_for(table: Table, filters: Collection[Filter]) -> ColumnElement[bool]:
    if not filters:
        return true()
    members = {
        "account_type": table.c.account_type,
        "account_period": _period(table),
        "unit_type": table.c.unit_type,
        "account_identifier": table.c.account_identifier,
    }

    return or_(
        *(
            and_(
                true(),
                *(column == told for name, column in members.items() if (told := getattr(each, name)) is not None),
            )
            for each in filters
        )
    )


def in_flight(
    connection: Connection, registry: str, at: datetime, tolerance: timedelta, around: Iterable[SerialRange]
) -> list[Movement]:
    """What transactions in flight around the instant `at` do to the units `around` that `registry` holds.

    In flight are those that are open and those that the ledger carried out later than `tolerance` before the instant;
    all of them proposed at most `tolerance` after it. One that ended otherwise explains nothing, and is left out.
    """
    wanted = union(around)
    if not wanted:
        return []
    proposed = t.transactions.c.proposed_at <= at + tolerance
    found: list[Movement] = []
    carried_out = _carried_out(connection, wanted, at - tolerance)
    for ids in _batches(sorted(carried_out)):
        for head in connection.execute(select(*_HEAD).where(t.transactions.c.id.in_(ids), proposed)):
            found += movements(registry, head.identifier, carried_out[head.id])
    reserved = connection.execute(touching(connection.dialect.name, t.reservations), {"wanted": wanted_rows(wanted)})
    keeping = sorted({row.transaction_id for row in reserved})
    concerned = or_(t.transactions.c.transferring_registry == registry, t.transactions.c.acquiring_registry == registry)
    for ids in _batches(keeping):
        heads = select(*_HEAD).where(t.transactions.c.id.in_(ids), proposed, concerned)
        for head in connection.execute(heads).all():
            found += movements(registry, head.identifier, _to_come(connection, head, wanted))
    return found


def _batches(ids: list[int], size: int = 1000) -> Iterator[list[int]]:
    return (ids[at : at + size] for at in range(0, len(ids), size))


def _carried_out(connection: Connection, wanted: list[SerialRange], after: datetime) -> dict[int, Change]:
    """What transactions did to units of `wanted` later than `after`, by id."""
    closed: defaultdict[int, list[HeldBlock]] = defaultdict(list)
    opened: defaultdict[int, list[HeldBlock]] = defaultdict(list)
    present = connection.execute(
        touching(connection.dialect.name, t.unit_blocks, "b.since > :after").bindparams(
            bindparam("after", type_=t.Instant())
        ),
        {"wanted": wanted_rows(wanted), "after": after},
    )
    past = stream(connection, select(t.past_unit_blocks).where(t.past_unit_blocks.c.until > after, _near(wanted)))
    for row in chain(present, past):
        block = held_block(row)
        parts = [block.cut(part.start, part.end) for part in parts_in(block.range, wanted)]
        if row.transaction_id is not None and row.since > after:
            opened[row.transaction_id] += parts
        closed_by = getattr(row, "closed_by", None)
        if closed_by is not None:
            closed[closed_by] += parts
    return {key: Change(tuple(closed[key]), tuple(opened[key])) for key in closed.keys() | opened.keys()}


def _near(wanted: list[SerialRange]) -> ColumnElement[bool]:
    """Past rows that may have a unit in `wanted`: of each originating registry those between its first and last."""
    columns = t.past_unit_blocks.c
    spans: dict[str, tuple[int, int]] = {}
    for units in wanted:
        first, _ = spans.get(units.originating_registry, (units.start, 0))
        spans[units.originating_registry] = first, units.end
    return or_(
        *(
            and_(columns.originating_registry == code, columns.serial_start <= last, columns.serial_end >= first)
            for code, (first, last) in spans.items()
        )
    )


def _to_come(connection: Connection, head: t.Record, wanted: list[SerialRange]) -> Change:
    """What an open transaction will do to units of `wanted`, as the ledger stands."""
    blocks = connection.execute(
        select(t.transaction_blocks, t.transactions.c.acquiring_registry)
        .join(t.transactions, t.transactions.c.id == t.transaction_blocks.c.transaction_id)
        .where(t.transaction_blocks.c.transaction_id == head.id)
        .order_by(t.transaction_blocks.c.position)
    )
    told = [settled_part(row) for row in blocks]
    parts = [
        replace(each, block=each.block.cut(units.start, units.end))
        for each in told
        for units in parts_in(each.block.range, wanted)
    ]
    rows = gather.units(connection, (each.block.range for each in parts)).held
    return follow(
        parts,
        rows,
        enters=False,
        issues=head.transaction_type == TransactionType.ISSUANCE,
        own=lambda known: change(head.transaction_type, known, rows, head.supp_transaction_type),
    )
