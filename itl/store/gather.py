"""Loading what a batch of work rests on, with a bounded number of set queries, whatever the number of blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from itl.checks import flows
from itl.checks.blocks import acquiring_account, transferring_account
from itl.checks.view import View
from itl.codes import EXPIRING_UNITS, TransactionStatus
from itl.errors import LedgerError
from itl.ledger.block import HeldBlock, Reservation, SerialRange
from itl.ledger.carrying_out import SettledPart
from itl.ledger.ranges import union
from itl.ledger.snapshot import Snapshot
from itl.ledger.totals import Total, TotalKey, TotalsSnapshot, stock_keys
from itl.lifecycle.transaction import TransactionHead
from itl.messages import ProposalTransaction, TransactionUnitBlock
from itl.reference import Reference
from itl.store import notices, totals
from itl.store import tables as t
from itl.store.arrival import restored
from itl.store.overlaps import touching, wanted_rows
from itl.store.reference_data import accounts, projects
from itl.store.rows import held_block, settled_part
from itl.store.transitions import HEAD_COLUMNS, head_of

MAX_LOADED = 100_000
"""Most blocks of the ledger that are loaded for one batch, or for one proposal alone (about 100 MB)."""


@dataclass(frozen=True, slots=True)
class Task:
    """One accepted message that a worker has still to do something for: judge a proposal, or settle a completion."""

    inbox_id: int
    work: str
    message: int
    sender: str
    content: bytes | None
    transaction_id: int
    head: TransactionHead


@dataclass(frozen=True, slots=True)
class Settlement:
    """A completed transaction that the ledger has still to carry out."""

    transaction_id: int
    head: TransactionHead
    blocks: tuple[SettledPart, ...]
    flows: Mapping[TotalKey, int]
    """What it has in the open part of totals."""


@dataclass(frozen=True, slots=True)
class StoredUnits:
    """Rows of the ledger around wanted serials. `ids`: of each row, by originating registry and first serial."""

    held: tuple[HeldBlock, ...]
    reserved: tuple[Reservation, ...]
    ids: dict[tuple[str, int], int]
    unsettled: frozenset[int]
    """Transactions among the reserving ones that are completed, while the ledger still has to carry them out."""


def claim(connection: Connection, limit: int, now: datetime) -> list[Task]:
    """The oldest messages that wait for a worker, locked so that no other worker takes them; see `hold`."""
    statement = (
        select(
            t.inbox.c.id.label("inbox_id"),
            t.inbox.c.work,
            t.inbox.c.message,
            t.inbox.c.sender,
            t.inbox.c.content,
            *HEAD_COLUMNS,
        )
        .join(t.transactions, t.transactions.c.id == t.inbox.c.transaction_id)
        .where(t.inbox.c.work.is_not(None), (t.inbox.c.not_before.is_(None)) | (t.inbox.c.not_before <= now))
        .order_by(t.inbox.c.id)
        .limit(limit)
        .with_for_update(of=t.inbox, skip_locked=True, key_share=True)
    )
    return [
        Task(
            row.inbox_id,
            row.work,
            row.message,
            row.sender,
            None if row.content is None else restored(row.content),
            row.id,
            head_of(row),
        )
        for row in connection.execute(statement)
    ]


def hold(connection: Connection, tasks: Iterable[Task]) -> list[Task]:
    """Those of the claimed tasks whose transactions nobody else has in hand, as they stand now, locked.

    Only after `lock_ledger`: whoever has the ledger may carry out a completion that another has claimed, and must not
    wait for one who waits for the ledger.
    """
    tasks = list(tasks)
    statement = (
        select(*HEAD_COLUMNS)
        .where(t.transactions.c.id.in_({task.transaction_id for task in tasks}))
        .order_by(t.transactions.c.id)
        .with_for_update(skip_locked=True, key_share=True)
    )
    heads = {row.id: head_of(row) for row in connection.execute(statement)}
    return [replace(task, head=heads[task.transaction_id]) for task in tasks if task.transaction_id in heads]


def lock_ledger(connection: Connection, originating: Iterable[str]) -> None:
    """Let no other worker judge or move units of these originating registries until this commit; in one fixed order."""
    if connection.dialect.name != "sqlite":
        codes = sorted(set(originating))
        connection.execute(
            select(t.parties.c.code)
            .where(t.parties.c.code.in_(codes))
            .order_by(t.parties.c.code)
            .with_for_update(key_share=True)
        ).all()


def settlements(connection: Connection, transaction_ids: Iterable[int]) -> list[Settlement]:
    """Those of the transactions that are completed and not yet carried out by the ledger, with their blocks."""
    wanted = sorted(set(transaction_ids))
    if not wanted:
        return []
    heads = connection.execute(
        select(*HEAD_COLUMNS).where(
            t.transactions.c.id.in_(wanted),
            t.transactions.c.status == TransactionStatus.COMPLETED,
            t.transactions.c.settled_at.is_(None),
        )
    ).all()
    rows = connection.execute(
        select(t.transaction_blocks, t.transactions.c.acquiring_registry)
        .join(t.transactions, t.transactions.c.id == t.transaction_blocks.c.transaction_id)
        .where(t.transaction_blocks.c.transaction_id.in_([head.id for head in heads]))
        .order_by(t.transaction_blocks.c.transaction_id, t.transaction_blocks.c.position)
    )
    blocks: dict[int, list[SettledPart]] = defaultdict(list)
    for row in rows:
        blocks[row.transaction_id].append(settled_part(row))
    opened = totals.opened_by(connection, [head.id for head in heads])
    return [Settlement(head.id, head_of(head), tuple(blocks[head.id]), opened.get(head.id, {})) for head in heads]


def originators(connection: Connection, transaction_ids: Iterable[int]) -> set[str]:
    """The originating registries of the blocks of transactions."""
    wanted = sorted(set(transaction_ids))
    if not wanted:
        return set()
    column = t.transaction_blocks.c.originating_registry
    return set(
        connection.execute(select(column).where(t.transaction_blocks.c.transaction_id.in_(wanted)).distinct()).scalars()
    )


class TooManyBlocks(LedgerError):  # noqa: N818 - says what it is
    """What is asked for touches more blocks of the ledger than one unit of work may load."""


def units(connection: Connection, wanted: Iterable[SerialRange], limit: int = MAX_LOADED) -> StoredUnits:
    """The unit blocks and reservations that have a serial in `wanted`, whole. Two queries.

    Raises TooManyBlocks where there are more than `limit` of them: one proposed range may span a whole ledger.
    """
    ranges = union(wanted)
    if not ranges:
        return StoredUnits((), (), {}, frozenset())
    parameter = {"wanted": wanted_rows(ranges), "limit": limit + 1}
    held, reserved = (
        {row.id: row for row in connection.execute(touching(connection, table, tail="LIMIT :limit"), parameter)}
        for table in ("unit_blocks", "reservations")
    )
    if max(len(held), len(reserved)) > limit:
        raise TooManyBlocks(f"more than {limit} blocks of the ledger lie in {len(ranges)} ranges; ask for less at once")
    heads = _reserving(connection, {row.transaction_id for row in reserved.values()})
    return StoredUnits(
        tuple(held_block(row) for row in held.values()),
        tuple(
            Reservation(
                SerialRange(row.originating_registry, row.serial_start, row.serial_end),
                heads[row.transaction_id].identifier,
            )
            for row in reserved.values()
        ),
        {(row.originating_registry, row.serial_start): row.id for row in held.values()},
        frozenset(id_ for id_, head in heads.items() if head.status == TransactionStatus.COMPLETED),
    )


def _reserving(connection: Connection, transaction_ids: set[int]) -> dict[int, t.Record]:
    if not transaction_ids:
        return {}
    columns = (t.transactions.c.id, t.transactions.c.identifier, t.transactions.c.status)
    rows = connection.execute(select(*columns).where(t.transactions.c.id.in_(sorted(transaction_ids))))
    return {row.id: row for row in rows}


def running_totals(
    connection: Connection,
    proposals: Iterable[ProposalTransaction],
    completed: Iterable[Settlement],
    ledger: Snapshot,
) -> dict[TotalKey, Total]:
    """The totals that verdicts on `proposals` rest on and that carrying `completed` out changes, locked. Two queries.

    To be called when all else that a batch locks is locked.
    """
    keys = {key for each in proposals for key in flows.wanted(each)}
    for settlement in completed:
        keys.update(settlement.flows)
        becoming = [part.block for part in settlement.blocks if part.block.place.account_type is not None]
        for block in (*becoming, *ledger.rows([part.block.range for part in settlement.blocks])):
            keys.update(stock_keys(block))
    return totals.load(connection, keys)


def view(
    connection: Connection,
    now: datetime,
    reference: Reference,
    ledger: Snapshot,
    counted: TotalsSnapshot,
    proposals: Sequence[ProposalTransaction],
) -> View:
    """What the checks may see for a batch: at most four queries, for what the proposals name beside units."""
    blocks = [(each, block) for each in proposals for block in each.proposal_unit_blocks]
    of = {
        (block.originating_registry_code, block.project_identifier)
        for _, block in blocks
        if block.project_identifier is not None
    }
    expiring = {
        (block.originating_registry_code, block.project_identifier)
        for _, block in blocks
        if block.project_identifier is not None and block.unit_type in EXPIRING_UNITS
    }
    answered = {each.notification_identifier for each in proposals if each.notification_identifier is not None}
    return View(
        now=now,
        reference=reference,
        units=ledger,
        projects=projects(connection, of, now),
        accounts=accounts(connection, _accounts(blocks), now),
        totals=counted,
        notices=notices.load(connection, answered, expiring),
    )


def _accounts(
    blocks: Iterable[tuple[ProposalTransaction, TransactionUnitBlock]],
) -> Iterator[tuple[str, int, int]]:
    for transaction, block in blocks:
        for registry, (account_type, identifier) in (
            (transaction.transferring_registry_code, transferring_account(transaction, block)),
            (transaction.acquiring_registry_code, acquiring_account(transaction, block)),
        ):
            if account_type is not None and identifier is not None:
                yield registry, account_type, identifier
