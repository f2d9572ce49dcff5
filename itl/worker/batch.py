"""One batch of work: gather, judge, record, in one commit; a task that breaks it is tried alone, then put off."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, update

from itl.clock import Clock
from itl.codes import TransactionStatus
from itl.errors import LogError
from itl.ledger.block import SerialRange
from itl.ledger.snapshot import Snapshot
from itl.ledger.totals import TotalsSnapshot
from itl.lifecycle.transaction import LogIdentity
from itl.messages import ProposalRequest, load
from itl.store import gather
from itl.store import tables as t
from itl.store.database import Database
from itl.store.gather import Settlement, StoredUnits, Task, TooManyBlocks
from itl.store.record import record
from itl.store.reference_data import ReferenceData
from itl.store.statements import search_by_index
from itl.worker.judging import Bench, Work, judge_batch, log_bench, wanted_serials

log = structlog.get_logger(__name__)

PUT_OFF_FIRST = timedelta(seconds=5)
PUT_OFF_MOST = timedelta(hours=1)


class LockTooNarrow(LogError):  # noqa: N818 - says what it is
    """A completion that must come first has units of registries that are not locked, and locks have one order."""

    def __init__(self, needed: Iterable[str]) -> None:
        self.needed = frozenset(needed)
        super().__init__(f"units of {', '.join(sorted(self.needed))} have to be locked as well; begin anew")


def work_once(
    database: Database,
    reference: ReferenceData,
    clock: Clock,
    identity: LogIdentity,
    limit: int = 100,
    originating: frozenset[str] = frozenset(),
    bench: Bench = log_bench,
) -> int:
    """Do the oldest waiting tasks, at most `limit`; returns how many were taken, 0 when there is nothing to do.

    A batch that fails is halved down to the task that breaks it, so that the others are not held up; that one is put
    off, with its problem on record, and tried again later: nothing that was acknowledged is dropped. `originating`
    names registries whose units are locked beside those that the tasks speak of.
    """
    try:
        return _one_batch(database, reference, clock, identity, limit, originating, bench)
    except LockTooNarrow as narrow:
        return work_once(database, reference, clock, identity, limit, originating | narrow.needed, bench)
    except Exception as error:
        if limit > 1:
            log.warning("batch failed, trying a smaller one", problem=str(error), limit=limit)
            return work_once(database, reference, clock, identity, max(1, limit // 8), bench=bench)
        _put_off(database, clock(), error)
        return 1


def _one_batch(
    database: Database,
    reference: ReferenceData,
    clock: Clock,
    identity: LogIdentity,
    limit: int,
    originating: frozenset[str],
    bench: Bench,
) -> int:
    with database.write() as connection:
        now = clock()
        search_by_index(connection)
        tasks = gather.claim(connection, limit, now)
        if not tasks:
            return 0
        known = reference.fresh(connection)
        proposals = {task.inbox_id: _decoded(task) for task in tasks if task.work == "judge" and task.head.status == 1}
        asked = [each.proposed_transaction for each in proposals.values()]
        wanted = [serial for each in asked for serial in wanted_serials(each)]
        settling = [task.transaction_id for task in tasks if task.work == "settle"]
        locked = originating | {each.originating_registry for each in wanted}
        locked |= gather.originators(connection, settling)
        gather.lock_ledger(connection, locked)
        tasks = gather.hold(connection, tasks)
        settling = [task.transaction_id for task in tasks if task.work == "settle"]
        proposals = {
            task.inbox_id: proposals[task.inbox_id]
            for task in tasks
            if task.inbox_id in proposals and task.head.status == TransactionStatus.PROPOSED
        }
        too_wide: frozenset[int] = frozenset()
        try:
            completed, stored = _ledger_around(connection, wanted, settling, locked)
        except TooManyBlocks:
            if len(tasks) > 1 or not proposals:
                raise
            too_wide = frozenset(proposals)
            completed, stored = _ledger_around(connection, [], settling, locked)
        ledger = Snapshot(stored.held, stored.reserved)
        totals = TotalsSnapshot(gather.running_totals(connection, asked, completed, ledger))
        view = gather.view(connection, now, known, ledger, totals, asked)
        work = Work(tasks, proposals, {each.transaction_id: each for each in completed}, too_wide)
        sitting = bench(connection, work, view, identity)
        batch = judge_batch(work, sitting, ledger, totals, identity)
        record(connection, batch, stored.ids, now)
        sitting.record(connection, batch, now)
    log.info("batch recorded", tasks=len(tasks), judged=len(batch.judged), settled=len(batch.settled))
    return len(tasks)


def _ledger_around(
    connection: Connection, wanted: list[SerialRange], settling: Iterable[int], locked: frozenset[str]
) -> tuple[list[Settlement], StoredUnits]:
    """The ledger around `wanted` and around the completions that are to be carried out.

    A completion that another worker has still in hand, but that keeps units wanted here, is carried out here first:
    who comes later finds it done.
    """
    completed = gather.settlements(connection, settling)
    stored = gather.units(connection, [*wanted, *_serials(completed)])
    missed = stored.unsettled - {each.transaction_id for each in completed}
    while missed:
        needed = gather.originators(connection, missed)
        if not needed <= locked:
            raise LockTooNarrow(needed)
        more = gather.settlements(connection, missed)
        if not more:
            break
        completed += more
        stored = gather.units(connection, [*wanted, *_serials(completed)])
        missed = stored.unsettled - {each.transaction_id for each in completed}
    return completed, stored


def _serials(completed: Iterable[Settlement]) -> list[SerialRange]:
    return [each.block.range for settlement in completed for each in settlement.blocks]


def _decoded(task: Task) -> ProposalRequest:
    if task.content is None:
        raise LogError(f"inbox {task.inbox_id}: the proposal's content is gone before it was judged")
    return load(ProposalRequest, task.content)


def _put_off(database: Database, now: datetime, error: Exception) -> None:
    with database.write() as connection:
        for task in gather.claim(connection, 1, now):
            row = t.inbox.c.id == task.inbox_id
            failures = connection.execute(
                update(t.inbox)
                .where(row)
                .values(failures=t.inbox.c.failures + 1, problem=str(error)[:2000])
                .returning(t.inbox.c.failures)
            ).scalar_one()
            wait = min(PUT_OFF_MOST, PUT_OFF_FIRST * 2 ** min(failures - 1, 20))
            connection.execute(update(t.inbox).where(row).values(not_before=now + wait))
            log.error(
                "task put off",
                inbox=task.inbox_id,
                transaction=task.head.identifier,
                failures=failures,
                problem=str(error),
            )
