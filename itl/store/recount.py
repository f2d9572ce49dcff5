"""Counting the running totals anew, from the transactions and the ledger: what `itl audit` holds them against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select

from itl.checks.flows import flows
from itl.codes import OPEN_STATUSES, TransactionStatus
from itl.ledger.block import Attributes, HeldBlock, Place, SerialRange
from itl.ledger.corrections import came_into_being
from itl.ledger.operations import Change
from itl.ledger.totals import Total, TotalKey, stock_keys
from itl.messages import ProposalTransaction
from itl.store import tables as t
from itl.store import totals
from itl.store.rows import held_block, proposal_of

PAGE = 1000
"""Rows that are fetched at once."""

KEEPS_UNITS = t.transactions.c.status.in_(OPEN_STATUSES) | (
    (t.transactions.c.status == TransactionStatus.COMPLETED) & t.transactions.c.settled_at.is_(None)
)
"""The transaction is open, or the ledger has still to carry it out."""


@dataclass(slots=True)
class Count:
    """The totals as they must be, and what each transaction has in the open part, by id."""

    totals: dict[TotalKey, Total] = field(default_factory=dict)
    opened: dict[int, dict[TotalKey, int]] = field(default_factory=dict)

    def add(self, key: TotalKey, completed: int, open_: int) -> None:
        known = self.totals.get(key, Total())
        self.totals[key] = Total(known.completed + completed, known.open + open_)


def recount(connection: Connection) -> Count:
    """Count all totals anew. Reads every transaction that has blocks, one after another."""
    count = Count()
    for transaction_id, keeps, proposal in transactions(connection):
        adds = flows(proposal)
        for key, quantity in adds.items():
            count.add(key, *((0, quantity) if keeps else (quantity, 0)))
        if keeps and adds:
            count.opened[transaction_id] = adds
    for changed in corrections(connection):
        for key, quantity in came_into_being(changed).items():
            count.add(key, quantity, 0)
    for key, quantity in _stocks(connection).items():
        count.add(key, quantity, 0)
    return count


def count_anew(connection: Connection) -> None:
    """Put what a recount finds in the place of the running totals."""
    count = recount(connection)
    connection.execute(delete(t.transaction_totals))
    connection.execute(delete(t.totals))
    totals.add(connection, count.totals)
    totals.note_open(connection, count.opened)


def transactions(connection: Connection) -> Iterator[tuple[int, bool, ProposalTransaction]]:
    """Every transaction that counts, open or carried out: id, whether it still keeps its units, and its content."""
    counts = KEEPS_UNITS | t.transactions.c.settled_at.is_not(None)
    heads = select(t.transactions, KEEPS_UNITS.label("keeps")).where(counts).order_by(t.transactions.c.id)
    blocks = (
        select(t.transaction_blocks)
        .join(t.transactions, t.transactions.c.id == t.transaction_blocks.c.transaction_id)
        .where(counts)
        .order_by(t.transaction_blocks.c.transaction_id, t.transaction_blocks.c.position)
    )
    head_rows = stream(connection, heads)
    for transaction_id, of in groupby(stream(connection, blocks), key=lambda row: row.transaction_id):
        head = next(row for row in head_rows if row.id == transaction_id)
        yield transaction_id, bool(head.keeps), proposal_of(head, of)


def corrections(connection: Connection) -> Iterator[Change]:
    """What every correction of the record closed and opened, in their order."""
    closed: defaultdict[int, list[HeldBlock]] = defaultdict(list)
    opened: defaultdict[int, list[HeldBlock]] = defaultdict(list)
    for table in (t.unit_blocks, t.past_unit_blocks):
        for row in stream(connection, select(table).where(table.c.correction_id.is_not(None))):
            opened[row.correction_id].append(held_block(row))
    by = t.past_unit_blocks.c.closed_by_correction
    for row in stream(connection, select(t.past_unit_blocks).where(by.is_not(None))):
        closed[row.closed_by_correction].append(held_block(row))
    for number in sorted(closed.keys() | opened.keys()):
        yield Change(tuple(closed[number]), tuple(opened[number]))


def stream(connection: Connection, statement: Select[Any]) -> Iterator[t.Record]:
    """The rows of `statement` without holding them all."""
    yield from connection.execute(statement, execution_options={"yield_per": PAGE})


def _stocks(connection: Connection) -> dict[TotalKey, int]:
    """The stocks, summed by all that `stock_keys` looks at."""
    units = t.unit_blocks.c
    alike = (units.registry, units.account_type, units.applicable_commit_period, units.unit_type)
    quantity = func.sum(units.serial_end - units.serial_start + 1).label("quantity")
    sums: dict[TotalKey, int] = defaultdict(int)
    for row in connection.execute(select(*alike, quantity).group_by(*alike)):
        what = Attributes(
            unit_type=row.unit_type,
            supp_unit_type=None,
            original_commit_period=row.applicable_commit_period,
            applicable_commit_period=row.applicable_commit_period,
            lulucf_activity=None,
            project_identifier=None,
            track=None,
            expiry_date=None,
            issued_unit_type=row.unit_type,
        )
        block = HeldBlock(SerialRange("", 1, 1), what, Place(row.registry, row.account_type))
        for key in stock_keys(block):
            sums[key] += int(row.quantity)
    return dict(sums)
