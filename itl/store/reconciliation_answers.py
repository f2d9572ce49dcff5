"""What registries answer in a reconciliation, as rows: kept at the door, read by the comparison in order."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, collate, delete, func, select

from itl.ledger.block import SerialRange
from itl.ledger.placement import Filter, PlacedUnits, Placement, placement
from itl.messages import Total, Transaction, UnitBlock
from itl.store import tables as t
from itl.store.recount import stream


def keep_totals(connection: Connection, key: int, totals: Iterable[Total]) -> None:
    """The registry's totals, as it sent them."""
    rows = [
        {
            "reconciliation_id": key,
            "side": "registry",
            "account_type": total.account_type,
            "account_identifier": total.account_identifier,
            "account_period": total.account_commit_period,
            "unit_type": total.unit_type,
            "supp_unit_type": total.supp_unit_type,
            "units": total.unit_count,
        }
        for total in totals
    ]
    if rows:
        connection.execute(t.reconciliation_totals.insert(), rows)


def keep_own_totals(connection: Connection, key: int, sums: Mapping[Placement, int]) -> None:
    """What the log counted beside them; once more where it is counted once more."""
    own = (t.reconciliation_totals.c.reconciliation_id == key) & (t.reconciliation_totals.c.side == "log")
    connection.execute(delete(t.reconciliation_totals).where(own))
    rows = [
        {
            "reconciliation_id": key,
            "side": "log",
            "account_type": placed.account_type,
            "account_identifier": placed.account_identifier,
            "account_period": placed.account_period,
            "unit_type": placed.unit_type,
            "units": units,
        }
        for placed, units in sorted(sums.items(), key=lambda item: (item[0].bare, item[0].account_identifier or 0))
    ]
    if rows:
        connection.execute(t.reconciliation_totals.insert(), rows)


def registry_totals(connection: Connection, key: int) -> dict[Placement, int]:
    """The sums that the registry sent, by placement: what it told apart that counts as one is added up."""
    totals = t.reconciliation_totals.c
    sums: defaultdict[Placement, int] = defaultdict(int)
    rows = select(t.reconciliation_totals).where(totals.reconciliation_id == key, totals.side == "registry")
    for row in connection.execute(rows):
        sums[placement(row.account_type, row.account_period, row.unit_type, row.account_identifier)] += row.units
    return dict(sums)


def keep_blocks(connection: Connection, key: int, message: int, blocks: Sequence[UnitBlock]) -> None:
    """A part of the registry's unit blocks."""
    _bulk(
        connection,
        t.received_unit_blocks,
        (
            (
                key,
                message,
                position,
                block.originating_registry_code,
                block.unit_serial_block_start,
                block.unit_serial_block_end,
                block.unit_type,
                block.supp_unit_type,
                block.account_type,
                block.account_identifier,
                block.applicable_commit_period,
            )
            for position, block in enumerate(blocks)
        ),
    )
    _keep_sums(connection, key, message, blocks)


def _keep_sums(connection: Connection, key: int, message: int, blocks: Sequence[UnitBlock]) -> None:
    sums: defaultdict[Placement, int] = defaultdict(int)
    for block in blocks:
        placed = placement(block.account_type, block.applicable_commit_period, block.unit_type)
        sums[placed] += block.unit_serial_block_end - block.unit_serial_block_start + 1
    _bulk(
        connection,
        t.received_sums,
        (
            (key, message, position, placed.account_type, placed.account_period, placed.unit_type, units)
            for position, (placed, units) in enumerate(sums.items())
        ),
    )


def received_sums(connection: Connection, key: int) -> dict[Placement, int]:
    """Units of the blocks that came so far, by placement without accounts."""
    received = t.received_sums.c
    alike = [received.account_type, received.account_period, received.unit_type]
    rows = connection.execute(
        select(*alike, func.sum(received.units)).where(received.reconciliation_id == key).group_by(*alike)
    )
    return {Placement(*row[:3]): int(row[3]) for row in rows}


def has_answer(connection: Connection, key: int) -> bool:
    """Whether anything of what is being waited for has come and was accepted."""
    history = t.reconciliation_history.c
    answers = (
        select(t.messages.c.id)
        .join(t.reconciliation_history, history.message == t.messages.c.id)
        .join(t.reconciliations, t.reconciliations.c.id == history.reconciliation_id)
        .where(t.reconciliations.c.id == key, history.step == t.reconciliations.c.step, history.stl.is_(None))
        .where(t.messages.c.direction == "in", t.messages.c.outcome == "accepted")
    )
    return connection.execute(answers.limit(1)).scalar() is not None


def received_blocks(connection: Connection, key: int) -> Iterator[PlacedUnits]:
    """The registry's unit blocks, by originating registry and first serial, without holding them all."""
    received = t.received_unit_blocks.c
    origin: Any = received.originating_registry
    if connection.dialect.name != "sqlite":
        origin = collate(origin, "C")  # as Python sorts, whatever the database's own order
    rows = (
        select(
            received.originating_registry,
            received.serial_start,
            received.serial_end,
            received.account_type,
            received.applicable_commit_period,
            received.unit_type,
            received.account_identifier,
        )
        .where(received.reconciliation_id == key)
        .order_by(origin, received.serial_start, received.serial_end, received.message, received.position)
    )
    for code, first, last, *told in stream(connection, rows):
        yield PlacedUnits(SerialRange(code, first, last), placement(*told))


def keep_trail(connection: Connection, key: int, message: int, transactions: Sequence[Transaction]) -> None:
    """A part of the registry's audit trail."""
    _bulk(
        connection,
        t.received_transactions,
        (
            (
                key,
                message,
                position,
                each.transaction_identifier,
                each.transaction_type,
                each.transaction_status_date_time,
                each.transferring_registry_code,
                each.acquiring_registry_code,
            )
            for position, each in enumerate(transactions)
        ),
    )
    _bulk(
        connection,
        t.received_transaction_blocks,
        (
            (
                key,
                message,
                position,
                number,
                block.originating_registry_code,
                block.unit_serial_block_start,
                block.unit_serial_block_end,
                block.unit_type,
                block.applicable_commit_period,
                block.block_role,
                block.transferring_registry_account_type or each.transferring_registry_account_type,
                block.acquiring_registry_account_type or each.acquiring_registry_account_type,
            )
            for position, each in enumerate(transactions)
            for number, block in enumerate(each.transaction_blocks)
        ),
    )


def asked_placements(sums: Mapping[Placement, int], filters: Iterable[Filter]) -> dict[Placement, int]:
    """Of the registry's own totals those that it was asked the unit blocks of, without accounts."""
    filters = tuple(filters)
    asked: defaultdict[Placement, int] = defaultdict(int)
    for placed, units in sums.items():
        if not filters or any(each.takes(placed) for each in filters):
            asked[placed.bare] += units
    return dict(asked)


def _bulk(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows of all columns of `table`, past SQLAlchemy, which takes most of the time: by COPY on PostgreSQL."""
    columns = [column.name for column in table.columns]
    if connection.dialect.name == "sqlite":
        told = [tuple(map(_bound, row)) for row in rows]
        if told:
            places = ", ".join("?" * len(columns))
            statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - names are ours
            connection.exec_driver_sql(statement, told)
        return
    lines = io.StringIO()
    for row in rows:
        lines.write("\t".join(map(_copied, row)) + "\n")
    lines.seek(0)
    driver: Any = connection.connection.cursor()
    driver.copy_expert(f"COPY {table.name} ({', '.join(columns)}) FROM STDIN", lines)


def _bound(value: Any) -> Any:
    """As the column's type would bind it."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


def _copied(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return str(value)
