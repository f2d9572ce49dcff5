"""Every change of what the registry holds: units come in, are reserved, freed, moved, and go.

A block that changes is closed into history first, so that the holdings of any past instant can be told: a snapshot is
of its time, also if the registry was not there at that time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from registry_client.carrying_out import Change
from registry_client.identifiers import SerialRange
from registry_client.tables import past_unit_blocks, unit_blocks
from registry_client.units import Account, Block

_blocks = unit_blocks.c


def add(connection: sa.Connection, blocks: Sequence[Block], now: datetime) -> None:
    """Take blocks in; sqlalchemy.exc.IntegrityError if the registry holds one of the units already."""
    connection.execute(unit_blocks.insert(), [values(block, now) for block in blocks])


def reserve(connection: sa.Connection, parts: Sequence[Block], transaction: str, now: datetime) -> None:
    """Reserve parts of held, free blocks for a transaction; what is left of a block stays free."""
    for part in parts:
        query = (
            sa.select(unit_blocks)
            .where(
                _blocks.originating_registry == part.range.originating_registry,
                _blocks.range_start <= part.range.start,
            )
            .order_by(_blocks.range_start.desc())
            .limit(1)
        )
        row = connection.execute(query).one()
        _close(connection, _blocks.id == row.id, now)
        connection.execute(
            unit_blocks.update()
            .where(_blocks.id == row.id)
            .values(range_start=part.range.start, range_end=part.range.end, reserved_by=transaction, since=now)
        )
        rests = ((row.range_start, part.range.start - 1), (part.range.end + 1, row.range_end))
        kept = {name: value for name, value in row._mapping.items() if name != "id"} | {"since": now}
        cut = [kept | {"range_start": start, "range_end": end} for start, end in rests if start <= end]
        if cut:
            connection.execute(unit_blocks.insert(), cut)


def release(connection: sa.Connection, transaction: str, now: datetime) -> None:
    """Free the units that a transaction reserved."""
    _close(connection, _blocks.reserved_by == transaction, now)
    connection.execute(
        unit_blocks.update().where(_blocks.reserved_by == transaction).values(reserved_by=None, since=now)
    )


def alter(
    connection: sa.Connection,
    transaction: str,
    change: Change,
    now: datetime,
    units: Sequence[SerialRange] | None = None,
) -> None:
    """Let the units that a transaction reserved, or `units` of them, become what `change` says, and be free."""
    reserved = _blocks.reserved_by == transaction
    new = {name: value for name, value in change.items() if name != "account"} | {"since": now, "reserved_by": None}
    account = change.get("account")
    if account is not None:
        new |= {
            "account_type": account.account_type,
            "account_identifier": account.identifier,
            "acquired_at": sa.case((_in(account), _blocks.acquired_at), else_=sa.literal(now, _blocks.since.type)),
        }
    for which in [reserved] if units is None else [reserved & _within(each) for each in units]:
        _close(connection, which, now)
        connection.execute(unit_blocks.update().where(which).values(new))


def remove(connection: sa.Connection, transaction: str, now: datetime) -> None:
    """Let the units that a transaction reserved go to another registry."""
    _close(connection, _blocks.reserved_by == transaction, now)
    connection.execute(unit_blocks.delete().where(_blocks.reserved_by == transaction))


def values(block: Block, now: datetime) -> dict[str, Any]:
    """The row of a block that lies where it lies from `now` on."""
    attributes = block.attributes
    return {
        "originating_registry": block.range.originating_registry,
        "range_start": block.range.start,
        "range_end": block.range.end,
        "unit_type": attributes.unit_type,
        "supp_unit_type": attributes.supp_unit_type,
        "original_period": attributes.original_period,
        "applicable_period": attributes.applicable_period,
        "lulucf_activity": attributes.lulucf_activity,
        "project": attributes.project,
        "track": attributes.track,
        "expiry_date": attributes.expiry_date,
        "account_type": block.account.account_type,
        "account_identifier": block.account.identifier,
        "acquired_at": now,
        "since": now,
        "reserved_by": block.reserved_by,
        "replaced": attributes.replaced,
    }


def _close(connection: sa.Connection, which: sa.ColumnElement[bool], now: datetime) -> None:
    """Keep how these blocks were until `now`; what was so for no time at all is not kept."""
    names = [column.name for column in past_unit_blocks.columns if column.name not in ("id", "until")]
    was = sa.select(*(_blocks[name] for name in names), sa.literal(now, _blocks.since.type)).where(
        which, _blocks.since < now
    )
    connection.execute(past_unit_blocks.insert().from_select([*names, "until"], was))


def _in(account: Account) -> sa.ColumnElement[bool]:
    return sa.and_(_blocks.account_type == account.account_type, _blocks.account_identifier == account.identifier)


def _within(units: SerialRange) -> sa.ColumnElement[bool]:
    return sa.and_(
        _blocks.originating_registry == units.originating_registry,
        _blocks.range_start >= units.start,
        _blocks.range_end <= units.end,
    )
