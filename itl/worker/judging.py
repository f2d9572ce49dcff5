"""Judging a batch in its order, in pure Python: each proposal sees what the ones before it did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from itl.checks import judge
from itl.checks.blocks import is_well_formed, units_of
from itl.checks.flows import flows
from itl.checks.view import View
from itl.ledger.block import SerialRange
from itl.ledger.carrying_out import change
from itl.ledger.ranges import union
from itl.ledger.snapshot import Snapshot
from itl.ledger.totals import TotalKey, TotalsSnapshot, stocks
from itl.lifecycle.transaction import LogIdentity, proposal_checked
from itl.messages import ProposalRequest, ProposalTransaction
from itl.store.gather import Settlement, Task
from itl.store.record import Batch, Judged, Settled


@dataclass(frozen=True, slots=True)
class Work:
    """A batch as it was gathered: tasks in their order, decoded proposals by task, completions by transaction."""

    tasks: Sequence[Task]
    proposals: Mapping[int, ProposalRequest]
    """By `inbox_id`."""
    settlements: Mapping[int, Settlement]
    """By `transaction_id`."""
    too_wide: frozenset[int] = frozenset()
    """Proposals, by `inbox_id`, that touch more blocks of the ledger than can be judged: refused with 1104."""


def judge_batch(work: Work, view: View, ledger: Snapshot, totals: TotalsSnapshot, log: LogIdentity) -> Batch:
    """The decisions for all of `work`; `ledger` and `totals` are those of `view`, and are brought along."""
    batch = Batch()
    waiting = dict(work.settlements)
    ordered = {task.transaction_id for task in work.tasks if task.work == "settle"}
    for settlement in [each for each in waiting.values() if each.transaction_id not in ordered]:
        _settle(waiting.pop(settlement.transaction_id), ledger, totals, batch)
    for task in work.tasks:
        batch.done.append(task.inbox_id)
        if task.work == "settle":
            if task.transaction_id in waiting:
                _settle(waiting.pop(task.transaction_id), ledger, totals, batch)
        elif task.inbox_id in work.proposals:
            request = work.proposals[task.inbox_id]
            too_wide = task.inbox_id in work.too_wide
            verdict = judge.too_many_blocks() if too_wide else judge.proposal(request, view, log.override.off)
            batch.judged.append(_judged(task, request, verdict, ledger, totals, log))
    return batch


def wanted_serials(proposal: ProposalTransaction) -> Iterable[SerialRange]:
    """The serials that a proposal names, as far as they are ranges; stage 4 refuses the others."""
    for block in proposal.proposal_unit_blocks:
        if is_well_formed(block):
            yield units_of(block)


def _judged(
    task: Task,
    request: ProposalRequest,
    verdict: judge.Verdict,
    ledger: Snapshot,
    totals: TotalsSnapshot,
    log: LogIdentity,
) -> Judged:
    proposal = request.proposed_transaction
    evaluation = log.override.tell_evaluation(verdict.evaluation_results)
    reserved: tuple[SerialRange, ...] = ()
    adds: Mapping[TotalKey, int] = {}
    if not evaluation:
        reserved = tuple(union(map(units_of, proposal.proposal_unit_blocks)))
        ledger.reserve(reserved, task.head.identifier)
        adds = flows(proposal)
        totals.open(adds)
    return Judged(
        transaction_id=task.transaction_id,
        seen_status=task.head.status,
        set_by=log.code,
        message=task.message,
        transition=proposal_checked(task.head, proposal, evaluation, log),
        results=msgspec.json.encode(verdict.results),
        proposal=proposal,
        reserved=reserved,
        flows=adds,
    )


def _settle(settlement: Settlement, ledger: Snapshot, totals: TotalsSnapshot, batch: Batch) -> None:
    head = settlement.head
    rows = ledger.rows([each.block.range for each in settlement.blocks])
    done = change(head.transaction_type, settlement.blocks, rows)
    ledger.release(head.identifier)
    ledger.apply([done])
    totals.complete(settlement.flows)
    totals.stock(stocks([done]))
    batch.settled.append(Settled(settlement.transaction_id, done, settlement.flows))
