"""Loading what a batch of work rests on, with a bounded number of set queries, whatever the number of blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, exists, select, text

from itl.checks import flows
from itl.checks.blocks import acquiring_account, is_well_formed, transferring_account, units_of
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
from itl.store import inconsistencies, notices, totals
from itl.store import tables as t
from itl.store.arrival import restored
from itl.store.database import Database
from itl.store.looking import look
from itl.store.overlaps import touching, wanted_rows
from itl.store.reference_data import accounts, projects
from itl.store.rows import held_block, settled_part
from itl.store.sets import one_of
from itl.store.statements import Statement
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
    deadline_at: datetime | None = None
    """When the clean-up's timer rings."""


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


@dataclass(frozen=True, slots=True)
class Due:
    """What a worker would find now: messages that wait for it, timers that ring."""

    work: bool
    timers: bool


def due(database: Database, now: datetime) -> Due:
    """Whether a worker has anything to do, in one round trip and without a commit."""
    [row] = look(database, _DUE, now=now)
    return Due(bool(row.work), bool(row.timers))


def _due(_dialect: str) -> Any:
    inbox, now = t.inbox.c, bindparam("now", type_=t.Instant())
    ready = inbox.not_before.is_(None) | (inbox.not_before <= now)
    return select(
        exists().where(inbox.work.is_not(None), ready).label("work"),
        exists().where(t.transactions.c.deadline_at <= now).label("timers"),
    )


_DUE = Statement("due_work", _due)


def claim(connection: Connection, limit: int, now: datetime) -> list[Task]:
    """The oldest messages that wait for a worker, locked so that no other worker takes them; see `hold`.

    On PostgreSQL those of as few registries as fill the batch, and of none that another worker has claims of: so
    workers that find much waiting share it by registry, rather than wait for each other's units (`lock_ledger`), and
    one that finds little takes all of it together.
    """
    return [
        Task(
            row.inbox_id,
            row.work,
            row.message,
            row.sender,
            None if row.content is None else restored(row.content),
            row.id,
            head_of(row),
            row.deadline_at,
        )
        for row in _CLAIM.rows(connection, now=now, most=limit)
    ]


CLAIMS = 1
"""The number under which a registry's waiting messages are locked (advisory locks of PostgreSQL)."""
LOOKED_OVER = 1000
"""Waiting messages, from the oldest on, among whose senders a worker chooses."""
_DEADLINE = t.transactions.c.deadline_at
_READY = "work IS NOT NULL AND (not_before IS NULL OR not_before <= :now)"
_SENDERS = f"""
    WITH waiting AS (
        SELECT sender, min(id) AS oldest, count(*) AS number
        FROM (SELECT id, sender FROM inbox WHERE {_READY} ORDER BY id LIMIT {LOOKED_OVER}) AS ready
        GROUP BY sender
    ), enough AS (
        SELECT count(*) AS number
        FROM (SELECT sum(number) OVER (ORDER BY oldest) - number AS before FROM waiting) AS filled
        WHERE before < :most
    ), mine AS MATERIALIZED (
        SELECT sender FROM (SELECT sender FROM waiting ORDER BY oldest OFFSET 0) AS in_turn
        WHERE pg_try_advisory_xact_lock({CLAIMS}, hashtext(sender))
        LIMIT (SELECT number FROM enough)
    )
    SELECT sender FROM mine
"""  # noqa: S608 - numbers and names are ours
"""Locks are tried one after another until enough are had: `OFFSET 0` keeps the order from being made afterwards."""


def _oldest(_dialect: str) -> Select[Any]:
    inbox = t.inbox.c
    return (
        select(
            inbox.id.label("inbox_id"), inbox.work, inbox.message, inbox.sender, inbox.content, *HEAD_COLUMNS, _DEADLINE
        )
        .join(t.transactions, t.transactions.c.id == inbox.transaction_id)
        .where(inbox.work.is_not(None), (inbox.not_before.is_(None)) | (inbox.not_before <= bindparam("now")))
        .order_by(inbox.id)
        .limit(bindparam("most"))
        .with_for_update(of=t.inbox, skip_locked=True, key_share=True)
    )


def _claim(dialect: str) -> Select[Any]:
    oldest = _oldest(dialect)
    return oldest if dialect == "sqlite" else oldest.where(t.inbox.c.sender.in_(text(_SENDERS)))


_CLAIM = Statement("claim", _claim)


def hold(connection: Connection, tasks: Iterable[Task]) -> list[Task]:
    """Those of the claimed tasks whose transactions nobody else has in hand, as they stand now, locked.

    Only after `lock_ledger`: whoever has the ledger may carry out a completion that another has claimed, and must not
    wait for one who waits for the ledger.
    """
    tasks = list(tasks)
    wanted = sorted({task.transaction_id for task in tasks})
    heads = {row.id: head_of(row) for row in _HOLD.rows(connection, wanted=wanted)}
    return [replace(task, head=heads[task.transaction_id]) for task in tasks if task.transaction_id in heads]


_HOLD = Statement(
    "hold",
    lambda dialect: (
        select(*HEAD_COLUMNS)
        .where(one_of(dialect, t.transactions.c.id, "wanted"))
        .order_by(t.transactions.c.id)
        .with_for_update(skip_locked=True, key_share=True)
    ),
)


def lock_ledger(connection: Connection, originating: Iterable[str]) -> None:
    """Let no other worker judge or move units of these originating registries until this commit; in one fixed order."""
    if connection.dialect.name != "sqlite":
        _LOCK_LEDGER.run(connection, wanted=sorted(set(originating)))


_LOCK_LEDGER = Statement(
    "lock_ledger",
    lambda dialect: (
        select(t.parties.c.code)
        .where(one_of(dialect, t.parties.c.code, "wanted"))
        .order_by(t.parties.c.code)
        .with_for_update(key_share=True)
    ),
)


def settlements(connection: Connection, transaction_ids: Iterable[int]) -> list[Settlement]:
    """Those of the transactions that are completed and not yet carried out by the ledger, with their blocks."""
    wanted = sorted(set(transaction_ids))
    if not wanted:
        return []
    heads: dict[int, TransactionHead] = {}
    blocks: dict[int, list[SettledPart]] = defaultdict(list)
    for row in _UNSETTLED.rows(connection, wanted=wanted):
        if row.id not in heads:
            heads[row.id] = head_of(row)
        if row.originating_registry is not None:
            blocks[row.id].append(settled_part(row))
    opened = totals.opened_by(connection, heads)
    return [Settlement(id_, head, tuple(blocks[id_]), opened.get(id_, {})) for id_, head in heads.items()]


def _unsettled(dialect: str) -> Select[Any]:
    of_head = {column.name for column in HEAD_COLUMNS}
    return (
        select(*HEAD_COLUMNS, *(column for column in t.transaction_blocks.c if column.name not in of_head))
        .outerjoin(t.transaction_blocks, t.transaction_blocks.c.transaction_id == t.transactions.c.id)
        .where(
            one_of(dialect, t.transactions.c.id, "wanted"),
            t.transactions.c.status == int(TransactionStatus.COMPLETED),
            t.transactions.c.settled_at.is_(None),
        )
        .order_by(t.transactions.c.id, t.transaction_blocks.c.position)
    )


_UNSETTLED = Statement("unsettled", _unsettled)


def originators(connection: Connection, transaction_ids: Iterable[int]) -> set[str]:
    """The originating registries of the blocks of transactions."""
    wanted = sorted(set(transaction_ids))
    return {row.originating_registry for row in _ORIGINATORS.rows(connection, wanted=wanted)} if wanted else set()


_ORIGINATORS = Statement(
    "originators",
    lambda dialect: (
        select(t.transaction_blocks.c.originating_registry)
        .where(one_of(dialect, t.transaction_blocks.c.transaction_id, "wanted"))
        .distinct()
    ),
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
    asked = wanted_rows(ranges)
    held = {row.id: row for row in _HELD.rows(connection, wanted=asked, most=limit + 1)}
    reserved = {row.id: row for row in _RESERVED.rows(connection, wanted=asked, most=limit + 1)}
    if max(len(held), len(reserved)) > limit:
        raise TooManyBlocks(f"more than {limit} blocks of the ledger lie in {len(ranges)} ranges; ask for less at once")
    return StoredUnits(
        tuple(held_block(row) for row in held.values()),
        tuple(
            Reservation(SerialRange(row.originating_registry, row.serial_start, row.serial_end), row.identifier)
            for row in reserved.values()
        ),
        {(row.originating_registry, row.serial_start): row.id for row in held.values()},
        frozenset(row.transaction_id for row in reserved.values() if row.status == TransactionStatus.COMPLETED),
    )


_HELD = Statement("held", lambda dialect: touching(dialect, t.unit_blocks, tail="LIMIT :most"))
_RESERVED = Statement(
    "reserved",
    lambda dialect: touching(
        dialect,
        t.reservations,
        of_transaction=(t.transactions.c.identifier, t.transactions.c.status),
        tail="LIMIT :most",
    ),
)


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
    """What the checks may see for a batch: at most five queries, for what the proposals name beside the ledger."""
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
        inconsistencies=inconsistencies.touching(connection, _ranges(block for _, block in blocks)),
    )


def _ranges(blocks: Iterable[TransactionUnitBlock]) -> Iterator[SerialRange]:
    """The serials that blocks name, as far as they are ranges."""
    return (units_of(block) for block in blocks if is_well_formed(block))


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
