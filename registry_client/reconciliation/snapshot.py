"""The snapshot: a frozen copy of all unit blocks as they were at an instant, and what answers say of it.

The copy is made from the present blocks and the history, so it is of its time however late it is made: after a restart,
or while transactions go on. Units of open transactions lie where they lay, with the transferring holder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from itl.codes import UnitType
from itl.messages import ProvideTotalsRequest, Total, UnitBlock, UnitBlockRequest
from registry_client.reconciliation.records import Reconciliation
from registry_client.reconciliation.tables import reconciliations, snapshot_blocks
from registry_client.tables import past_unit_blocks, unit_blocks

WITHOUT_PERIOD = (100, 110, 120, 121)
"""Account types whose units count under account period 0, whatever period they are valid for."""

MARKED_AAU = (UnitType.AAU, 1)
"""AAU that a regional scheme marked: they count as what they are without the mark."""

_frozen = snapshot_blocks.c
_account_period = sa.case((_frozen.account_type.in_(WITHOUT_PERIOD), 0), else_=_frozen.applicable_period)


def freeze(connection: sa.Connection, of: Reconciliation, at: datetime, now: datetime) -> int:
    """Copy all blocks as they were at `at`, in place of an earlier copy; how many there are.

    The timer is done with where that is the time of the snapshot, and goes on where it is before it.
    """
    thaw(connection, of.id)
    columns = [column.name for column in snapshot_blocks.columns if column.name not in ("reconciliation", "number")]
    then = sa.union_all(
        sa.select(*(_as_counted(unit_blocks, name) for name in columns)).where(unit_blocks.c.since <= at),
        sa.select(*(_as_counted(past_unit_blocks, name) for name in columns)).where(
            past_unit_blocks.c.until > at, past_unit_blocks.c.since <= at
        ),
    ).subquery()
    order = (then.c.originating_registry, then.c.range_start)
    numbered = sa.select(
        sa.literal(of.id), sa.func.row_number().over(order_by=order), *(then.c[name] for name in columns)
    )
    copied = connection.execute(
        snapshot_blocks.insert().from_select(["reconciliation", "number", *columns], numbered.order_by(*order))
    )
    timer = of.snapshot_at if at < of.snapshot_at else None
    connection.execute(
        reconciliations.update().where(reconciliations.c.id == of.id).values(frozen_at=now, freeze_at=timer)
    )
    return copied.rowcount


def thaw(connection: sa.Connection, reconciliation: int) -> None:
    """Let the copy go, and the timer that would make it."""
    connection.execute(snapshot_blocks.delete().where(_frozen.reconciliation == reconciliation))
    connection.execute(reconciliations.update().where(reconciliations.c.id == reconciliation).values(freeze_at=None))


def totals(connection: sa.Connection, reconciliation: int, request: ProvideTotalsRequest) -> tuple[Total, ...]:
    """Units of the copy by account type, account period and unit type; by account too if the request asks for it."""
    by_account = request.by_account_flag == 1
    keys: list[sa.ColumnElement[Any]] = [_frozen.account_type, _account_period.label("account_period")]
    keys += [_frozen.unit_type, _frozen.supp_unit_type]
    if by_account:
        keys.insert(1, _frozen.account_identifier)
    wanted = _conditions(
        unit_type=request.unit_type,
        supp_unit_type=request.supp_unit_type,
        account_period=request.account_commit_period,
        account_type=request.account_type,
        account_identifier=None,
    )
    quantity = sa.func.sum(_frozen.range_end - _frozen.range_start + 1).label("quantity")
    query = (
        sa.select(*keys, quantity)
        .where(_frozen.reconciliation == reconciliation, *wanted)
        .group_by(*keys)
        .order_by(*keys)
    )
    return tuple(
        Total(
            account_type=row.account_type,
            account_identifier=row.account_identifier if by_account else None,
            account_commit_period=row.account_period,
            unit_type=row.unit_type,
            supp_unit_type=row.supp_unit_type,
            unit_count=int(row.quantity),
        )
        for row in connection.execute(query)
    )


def blocks(
    connection: sa.Connection, reconciliation: int, requests: Sequence[UnitBlockRequest], after: int, limit: int
) -> tuple[tuple[UnitBlock, ...], int]:
    """At most `limit` blocks of the copy beyond the one numbered `after`, and the number of the last of them.

    `requests` are filters: a block that fits any of them is given once; without any, all are.
    """
    query = sa.select(snapshot_blocks).where(_frozen.reconciliation == reconciliation, _frozen.number > after)
    if requests:
        query = query.where(_any_of(requests))
    rows = connection.execute(query.order_by(_frozen.number).limit(limit)).all()
    return tuple(map(as_told, rows)), rows[-1].number if rows else after


def as_told(row: sa.Row[Any]) -> UnitBlock:
    """A block of the copy as the log is told of it."""
    return UnitBlock(
        unit_serial_block_start=row.range_start,
        unit_serial_block_end=row.range_end,
        originating_registry_code=row.originating_registry,
        unit_type=row.unit_type,
        supp_unit_type=row.supp_unit_type,
        account_type=row.account_type,
        account_identifier=row.account_identifier,
        applicable_commit_period=row.applicable_period,
    )


def _as_counted(table: sa.Table, name: str) -> sa.ColumnElement[Any]:
    column: sa.ColumnElement[Any] = table.c[name]
    if name != "supp_unit_type":
        return column
    unit_type, mark = MARKED_AAU
    return sa.case((sa.and_(table.c.unit_type == unit_type, column == mark), 0), else_=column).label(name)


def _any_of(requests: Sequence[UnitBlockRequest]) -> sa.ColumnElement[bool]:
    """Whether a block fits any of the filters; those that restrict the same are looked up together."""
    alike: dict[tuple[str, ...], list[tuple[int, ...]]] = defaultdict(list)
    for request in requests:
        wanted = {
            "account_type": request.account_type,
            "account_period": request.account_commit_period,
            "unit_type": request.unit_type,
            "supp_unit_type": request.supp_unit_type,
            "account_identifier": request.account_identifier,
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        alike[tuple(given)].append(tuple(given.values()))
    if () in alike:
        return sa.true()
    return sa.or_(*(sa.tuple_(*map(_column, names)).in_(values) for names, values in alike.items()))


def _conditions(**wanted: int | None) -> list[sa.ColumnElement[bool]]:
    return [_column(name) == value for name, value in wanted.items() if value is not None]


def _column(name: str) -> sa.ColumnElement[Any]:
    return _account_period if name == "account_period" else _frozen[name]
