"""What the log finds when it compares: reads of one state of the database in streams, then one short commit.

Nothing is locked while it reads, and what it finds waits in a file, so that a registry with millions of blocks takes no
more memory than a small one, and no transaction waits for it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import IO

import msgspec
from sqlalchemy import Connection

from itl.checks import inconsistency  # noqa: F401 (registers its checks)
from itl.checks.engine import CHECKS
from itl.checks.reconciliation import EARLIEST_SNAPSHOT
from itl.codes import SYMBOLS
from itl.errors import ConflictError, StoreError
from itl.ledger.block import SerialRange
from itl.ledger.comparison import differences
from itl.ledger.explanation import Finding, explain
from itl.ledger.totals_comparison import TotalDifference, differing_account_types, differing_totals, filters
from itl.ledger.trail_comparison import Period, differing_transactions
from itl.lifecycle.reconciliation import BLOCKS_CODE, TOTALS_CODE, TRAIL_CODE
from itl.lifecycle.reconciliation_events import AuditTrailCompared, Event, Step, TotalsCompared, UnitBlocksCompared
from itl.lifecycle.reconciliation_messages import MOST_BLOCKS
from itl.store import inconsistencies
from itl.store import reconciliation_answers as answers
from itl.store.audit_trails import own_trail, received_trail
from itl.store.database import Database
from itl.store.inconsistencies import Closing
from itl.store.reconciliations import Reconciliation, last_agreed, unsettled
from itl.store.snapshots import blocks_at, in_flight, totals_at

BATCH = 1_000
"""Differences that are explained at one time."""
SAID = 5
"""How many of what was found are told in words."""

Recorded = Callable[[Connection, str, datetime], Event]
"""Writes what was found, in the commit that moves the reconciliation on, and says what that makes of it. Takes the code
of this log, and the time."""


@contextmanager
def compared(database: Database, found: Reconciliation, tolerance: timedelta) -> Iterator[Recorded]:
    """What comparing finds that is due for `found` just now. `tolerance`: how far from the instant of the snapshot a
    transaction may have ended and still be on its way."""
    match found.head.step:
        case Step.COMPARING_TOTALS:
            yield _totals(database, found)
        case Step.COMPARING_UNIT_BLOCKS:
            with tempfile.TemporaryFile() as file:
                yield _unit_blocks(database, found, tolerance, _Found(file))
        case Step.COMPARING_AUDIT_TRAIL:
            yield _audit_trail(database, found, tolerance)
        case _:
            raise ConflictError(f"{found.head.identifier} waits for {found.head.step}: there is nothing to compare")


def _totals(database: Database, found: Reconciliation) -> Recorded:
    head = found.head
    with database.snapshot() as connection:
        ours = totals_at(connection, head.registry, head.snapshot_at, by_account=head.by_account)
        theirs = answers.registry_totals(connection, found.id)
    differing: list[TotalDifference] = []
    if CHECKS[TOTALS_CODE].ask(ours, theirs, head.by_account) is not None:
        differing = differing_totals(ours, theirs, by_account=head.by_account)
    by_type = bool(differing_account_types(ours, theirs))

    def record(connection: Connection, _log: str, _now: datetime) -> Event:
        answers.keep_own_totals(connection, found.id, ours)
        earlier = bool(unsettled(connection, head.registry, before=head.snapshot_at))
        return TotalsCompared(tuple(filters(differing)), by_type, earlier, _told("", map(_total, differing)))

    return record


@dataclass(slots=True)
class _Found:
    """What was found about unit blocks: all of it in a file, and what has to be at hand."""

    file: IO[bytes]
    ranges: list[SerialRange] = field(default_factory=list)
    """Not explained; as many as an audit trail can be asked about."""
    unexplained: int = 0
    explained: int = 0
    """In units."""

    def put(self, finding: Finding) -> None:
        self.file.write(msgspec.json.encode(finding) + b"\n")
        quantity = finding.difference.range.quantity
        if CHECKS[BLOCKS_CODE].ask((finding,)) is None:
            self.explained += quantity
            return
        self.unexplained += quantity
        if len(self.ranges) < MOST_BLOCKS:
            self.ranges.append(finding.difference.range)

    def findings(self) -> Iterator[Finding]:
        self.file.seek(0)
        return (_FINDING.decode(line) for line in self.file)

    def __str__(self) -> str:
        return f"units that differ: {self.unexplained} unexplained, {self.explained} by transactions on their way"


_FINDING = msgspec.json.Decoder(Finding)


def _unit_blocks(database: Database, found: Reconciliation, tolerance: timedelta, kept: _Found) -> Recorded:
    head = found.head
    with database.snapshot() as connection:
        ours = blocks_at(connection, head.registry, head.snapshot_at, head.asked.filters)
        theirs = answers.received_blocks(connection, found.id)
        differing = differences(ours, theirs, by_account=head.by_account)
        while some := list(islice(differing, BATCH)):
            around = [each.range for each in some]
            moving = in_flight(connection, head.registry, head.snapshot_at, tolerance, around)
            for finding in explain(some, moving):
                kept.put(finding)
        begin = last_agreed(connection, head.registry, head.snapshot_at) or EARLIEST_SNAPSHOT

    def record(connection: Connection, log: str, now: datetime) -> Event:
        if not head.asked.filters:
            anew = Closing(now, log, "all units were compared anew", found.id)
            inconsistencies.close(connection, head.registry, log, anew)
        inconsistencies.insert(connection, found.id, head.registry, log, kept.findings(), now)
        detail = str(kept) if kept.unexplained or kept.explained else None
        return UnitBlocksCompared(tuple(kept.ranges), begin, head.snapshot_at, detail)

    return record


def _audit_trail(database: Database, found: Reconciliation, tolerance: timedelta) -> Recorded:
    head = found.head
    asked = head.asked
    if asked.begin is None or asked.end is None:
        raise StoreError(f"{head.identifier}: an audit trail without a period cannot be compared; cancel it")
    period = Period(asked.begin, asked.end, tolerance)
    with database.snapshot() as connection:
        ours = own_trail(connection, head.registry, period.begin, period.end, asked.blocks)
        theirs = received_trail(connection, found.id)
        differing = differing_transactions(ours, theirs, asked.blocks, period)
    if CHECKS[TRAIL_CODE].ask(differing) is None:
        return lambda *_: AuditTrailCompared()
    told = _told("transactions that differ: ", (f"{each.identifier} ({each.kind})" for each in differing))
    return lambda *_: AuditTrailCompared(len(differing), told)


def _told(what: str, found: Iterable[str]) -> str | None:
    """The first of what was found, in words."""
    some = list(found)
    if not some:
        return None
    more = f", and {len(some) - SAID} more" if len(some) > SAID else ""
    return what + ", ".join(some[:SAID]) + more


def _total(difference: TotalDifference) -> str:
    placed = difference.placement
    account = f" (account {placed.account_identifier})" if placed.account_identifier is not None else ""
    return (
        f"{SYMBOLS[placed.unit_type]} in {placed.account_type}{account}, period {placed.account_period}: "
        f"log {difference.log}, registry {difference.registry}"
    )
