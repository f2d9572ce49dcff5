"""Writing what a batch decided, with set statements: one commit of the caller."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, TextClause, bindparam, delete, text, update

from itl.errors import ConflictError
from itl.ledger.block import HeldBlock, SerialRange
from itl.ledger.operations import Change
from itl.ledger.totals import Total, TotalKey, TotalKind, stocks
from itl.lifecycle.transaction import Transition
from itl.messages import ProposalTransaction
from itl.store import notices, totals
from itl.store import tables as t
from itl.store.posting import post
from itl.store.rows import UNIT_COLUMNS, block_rows, unit_row
from itl.store.transitions import changes


@dataclass(frozen=True, slots=True)
class Judged:
    """A proposal with its verdict: the transition, the results to keep, and the units that it now keeps from others."""

    transaction_id: int
    seen_status: int
    set_by: str
    message: int | None
    transition: Transition
    results: bytes
    proposal: ProposalTransaction
    reserved: tuple[SerialRange, ...]
    flows: Mapping[TotalKey, int]
    """What it now has in the open part of totals; nothing where it failed."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A completed transaction and what it does to the ledger."""

    transaction_id: int
    change: Change
    flows: Mapping[TotalKey, int]
    """What goes from the open part of totals to the completed one."""
    opened: bool = True
    """False where it was never open, as an entry of units that came into being elsewhere."""


@dataclass(slots=True)
class Batch:
    """What a batch of work decided, in the order of deciding."""

    done: list[int] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)


def record(connection: Connection, batch: Batch, ids: dict[tuple[str, int], int], now: datetime) -> None:
    """Write the whole batch. `ids` are those of the ledger's rows as they were loaded."""
    _settle(connection, batch.settled, ids, now)
    _judge(connection, batch.judged, now)
    _count(connection, batch)
    if batch.done:
        connection.execute(update(t.inbox).where(t.inbox.c.id.in_(batch.done)).values(work=None, content=None))


def _count(connection: Connection, batch: Batch) -> None:
    """Running totals, and the notices that were answered."""
    sums: dict[TotalKey, list[int]] = defaultdict(lambda: [0, 0])
    for judged in batch.judged:
        for key, quantity in judged.flows.items():
            sums[key][1] += quantity
    for settled in batch.settled:
        for key, quantity in settled.flows.items():
            sums[key][0] += quantity
            sums[key][1] -= quantity if settled.opened else 0
    for key, quantity in stocks(each.change for each in batch.settled).items():
        sums[key][0] += quantity
    totals.add(connection, {key: Total(*by) for key, by in sums.items()})
    totals.note_open(connection, {each.transaction_id: each.flows for each in batch.judged})
    if batch.settled:
        totals.forget(connection, [each.transaction_id for each in batch.settled])
        answered = {int(key.subject) for each in batch.settled for key in each.flows if key.kind is TotalKind.NOTICE}
        notices.note_answers(connection, answered)


def _judge(connection: Connection, judged: list[Judged], now: datetime) -> None:
    if not judged:
        return
    _move_on(connection, judged, now)
    _insert(
        connection,
        t.status_history,
        (
            {
                "transaction_id": each.transaction_id,
                "status": int(each.transition.status or each.seen_status),
                "at": now,
                "set_by": each.set_by,
                "message": each.message,
            }
            for each in judged
        ),
    )
    _insert(
        connection,
        t.evaluations,
        (
            {"transaction_id": each.transaction_id, "at": now, "evaluated_by": each.set_by, "results": each.results}
            for each in judged
        ),
    )
    _insert(
        connection,
        t.transaction_blocks,
        (row for each in judged if each.reserved for row in block_rows(each.transaction_id, each.proposal)),
    )
    _insert(
        connection,
        t.reservations,
        (
            {
                "transaction_id": each.transaction_id,
                "originating_registry": units.originating_registry,
                "serial_start": units.start,
                "serial_end": units.end,
            }
            for each in judged
            for units in each.reserved
        ),
    )
    post(connection, [(each.transaction_id, send) for each in judged for send in each.transition.sends], now)


def _move_on(connection: Connection, judged: list[Judged], now: datetime) -> None:
    """One statement for all that change alike."""
    alike: dict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
    for each in judged:
        alike[("seen", each.seen_status), *changes(each.transition, now).items()].append(each.transaction_id)
    for values, ids in alike.items():
        (_, seen), *changed = values
        unmoved = t.transactions.c.id.in_(ids) & (t.transactions.c.status == seen)
        if connection.execute(update(t.transactions).where(unmoved).values(dict(changed))).rowcount != len(ids):
            raise ConflictError("a transaction of the batch moved on while it was judged; judge again")


def _settle(connection: Connection, settled: list[Settled], ids: dict[tuple[str, int], int], now: datetime) -> None:
    if not settled:
        return
    opened, closed = _net(settled)
    if closed:
        pairs = [[ids[block.range.originating_registry, block.range.start], by] for block, by in closed]
        connection.execute(_into_past(connection), {"pairs": msgspec.json.encode(pairs).decode(), "now": now})
        connection.execute(delete(t.unit_blocks).where(t.unit_blocks.c.id.in_([id_ for id_, _ in pairs])))
    _insert(connection, t.unit_blocks, (unit_row(block) | {"since": now, "transaction_id": by} for block, by in opened))
    transactions = [each.transaction_id for each in settled]
    connection.execute(delete(t.reservations).where(t.reservations.c.transaction_id.in_(transactions)))
    connection.execute(update(t.transactions).where(t.transactions.c.id.in_(transactions)).values(settled_at=now))


def _net(settled: list[Settled]) -> tuple[list[tuple[HeldBlock, int]], list[tuple[HeldBlock, int]]]:
    """Rows to insert and rows to close, each with its transaction; what one opens and a later one closes is neither."""
    opened: dict[SerialRange, tuple[HeldBlock, int]] = {}
    closed: list[tuple[HeldBlock, int]] = []
    for each in settled:
        for block in each.change.closed:
            if opened.pop(block.range, None) is None:
                closed.append((block, each.transaction_id))
        for block in each.change.opened:
            opened[block.range] = (block, each.transaction_id)
    return list(opened.values()), closed


def _into_past(connection: Connection) -> TextClause:
    """Copies the rows of `unit_blocks` named by pairs (id, transaction) to `past_unit_blocks`, closed at `now`."""
    if connection.dialect.name == "sqlite":
        source, row, by = "json_each(:pairs) AS w", "json_extract(w.value, '$[0]')", "json_extract(w.value, '$[1]')"
    else:
        source = "jsonb_array_elements(CAST(:pairs AS jsonb)) AS w"
        row, by = "CAST(w ->> 0 AS bigint)", "CAST(w ->> 1 AS bigint)"
    names = ", ".join(UNIT_COLUMNS)
    kept = ", ".join(f"u.{name}" for name in UNIT_COLUMNS)
    statement = f"""
        INSERT INTO past_unit_blocks ({names}, until, closed_by)
        SELECT {kept}, :now, {by} FROM {source} JOIN unit_blocks u ON u.id = {row}
    """  # noqa: S608 - names are ours, values are bound
    return text(statement).bindparams(bindparam("now", type_=t.Instant()))


def _insert(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    rows = list(rows)
    if rows:
        connection.execute(table.insert(), rows)
