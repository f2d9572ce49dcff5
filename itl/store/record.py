"""Writing what a batch decided, with set statements: one commit of the caller."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, TextClause, bindparam, delete, null, text, update

from itl.errors import ConflictError
from itl.ledger.block import HeldBlock, SerialRange
from itl.ledger.operations import Change
from itl.ledger.totals import Total, TotalKey, TotalKind, stocks
from itl.lifecycle.transaction import Transition
from itl.messages import ProposalTransaction
from itl.store import notice_book, notices, supplements, totals
from itl.store import tables as t
from itl.store.posting import posting
from itl.store.rows import BLOCK_COLUMNS, UNIT_COLUMNS, block_rows, unit_row
from itl.store.sets import as_rows, one_of, rows_of
from itl.store.statements import Insertion, Statement, Step, run_all
from itl.store.transitions import HISTORY, freeing, move


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
    waiting: list[int] = field(default_factory=list)
    """Tasks, by `inbox_id`, that cannot be done before something else is."""


def record(connection: Connection, batch: Batch, ids: dict[tuple[str, int], int], now: datetime) -> None:
    """Write the whole batch. `ids` are those of the ledger's rows as they were loaded."""
    _move_on(connection, batch.judged, now)
    steps = [
        *_settling(connection, batch.settled, ids, now),
        *_judging(connection, batch.judged, now),
        *_counting(connection, batch),
    ]
    if batch.done:
        steps.append((_DONE, {"wanted": batch.done}))
    if batch.waiting:
        steps.append((_WAIT, {"wanted": batch.waiting, "until": now + WAIT}))
    run_all(connection, steps)
    notice_book.follow_answers(connection, _answered(batch), now)


_DONE = Statement(
    "inbox_done",
    lambda dialect: update(t.inbox).where(one_of(dialect, t.inbox.c.id, "wanted")).values(work=null(), content=null()),
)


WAIT = timedelta(seconds=1)
"""How long a task that has to wait for another does; whoever does that may end the wait (`end_waiting`)."""
_WAIT = Statement(
    "inbox_wait",
    lambda dialect: (
        update(t.inbox)
        .where(one_of(dialect, t.inbox.c.id, "wanted"))
        .values(not_before=bindparam("until", type_=t.Instant()))
    ),
)


def end_waiting(connection: Connection) -> None:
    """Let the worker look again at what waits for something; what failed stays put off."""
    waiting = t.inbox.c.work.is_not(None) & t.inbox.c.not_before.is_not(None) & (t.inbox.c.failures == 0)
    connection.execute(update(t.inbox).where(waiting).values(not_before=None))


def _counting(connection: Connection, batch: Batch) -> Iterator[Step]:
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
    yield from totals.adding({key: Total(*by) for key, by in sums.items()})
    yield from totals.noting_open(connection, {each.transaction_id: each.flows for each in batch.judged})
    if batch.settled:
        yield from totals.forgetting([each.transaction_id for each in batch.settled])
        yield from notices.noting_answers(_answered(batch))


def _answered(batch: Batch) -> set[int]:
    """The notices that completed transactions of the batch answer."""
    return {int(key.subject) for each in batch.settled for key in each.flows if key.kind is TotalKind.NOTICE}


def _judging(connection: Connection, judged: list[Judged], now: datetime) -> Iterator[Step]:
    yield from HISTORY.steps(
        connection,
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
    yield from _EVALUATIONS.steps(
        connection,
        (
            {"transaction_id": each.transaction_id, "at": now, "evaluated_by": each.set_by, "results": each.results}
            for each in judged
        ),
    )
    yield from _BLOCKS.steps(
        connection, (row for each in judged if each.reserved for row in block_rows(each.transaction_id, each.proposal))
    )
    yield from _RESERVATIONS.steps(
        connection,
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
    asked = [(each.transaction_id, ask) for each in judged for ask in each.transition.asks]
    if asked:
        yield from supplements.asking(connection, asked)
    yield from posting(
        connection, [(each.transaction_id, send) for each in judged for send in each.transition.sends], now
    )


_EVALUATIONS = Insertion(t.evaluations, ("transaction_id", "at", "evaluated_by", "results"))
_BLOCKS = Insertion(t.transaction_blocks, BLOCK_COLUMNS)
_RESERVATIONS = Insertion(t.reservations, ("transaction_id", "originating_registry", "serial_start", "serial_end"))


def _move_on(connection: Connection, judged: list[Judged], now: datetime) -> None:
    """One statement for all that change alike."""
    alike: dict[tuple[int, Transition], list[int]] = defaultdict(list)
    for each in judged:
        alike[each.seen_status, replace(each.transition, sends=())].append(each.transaction_id)
    for (seen, transition), ids in alike.items():
        if move(connection, ids, seen, transition, now) != len(ids):
            raise ConflictError("a transaction of the batch moved on while it was judged; judge again")


def _settling(
    connection: Connection, settled: list[Settled], ids: dict[tuple[str, int], int], now: datetime
) -> Iterator[Step]:
    if not settled:
        return
    opened, closed = _net(settled)
    if closed:
        pairs = [(ids[block.range.originating_registry, block.range.start], by) for block, by in closed]
        yield _INTO_PAST, {"pairs": as_rows(pairs), "now": now}
        yield _CLOSE, {"wanted": [id_ for id_, _ in pairs]}
    yield from _OPEN.steps(connection, (unit_row(block) | {"since": now, "transaction_id": by} for block, by in opened))
    transactions = [each.transaction_id for each in settled]
    yield from freeing(transactions)
    yield _SETTLED, {"wanted": transactions, "now": now}


_CLOSE = Statement(
    "close_units", lambda dialect: delete(t.unit_blocks).where(one_of(dialect, t.unit_blocks.c.id, "wanted"))
)
_OPEN = Insertion(t.unit_blocks, [name for name in UNIT_COLUMNS if name not in ("id", "correction_id")])
_SETTLED = Statement(
    "settled",
    lambda dialect: (
        update(t.transactions)
        .where(one_of(dialect, t.transactions.c.id, "wanted"))
        .values(settled_at=bindparam("now", type_=t.Instant()))
    ),
)


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


def _into_past(dialect: str) -> TextClause:
    """Copies the rows of `unit_blocks` named by pairs (id, transaction) to `past_unit_blocks`, closed at `now`."""
    names = ", ".join(UNIT_COLUMNS)
    kept = ", ".join(f"u.{name}" for name in UNIT_COLUMNS)
    pairs = rows_of(dialect, "pairs", {"unit_block": int, "closed_by": int})
    statement = f"""
        INSERT INTO past_unit_blocks ({names}, until, closed_by)
        SELECT {kept}, :now, w.closed_by FROM {pairs} AS w JOIN unit_blocks u ON u.id = w.unit_block
    """  # noqa: S608 - names are ours, values are bound
    return text(statement).bindparams(bindparam("now", type_=t.Instant()))


_INTO_PAST = Statement("into_past", _into_past)
