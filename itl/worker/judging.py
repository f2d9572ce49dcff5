"""Judging a batch in its order, in pure Python: each proposal sees what the ones before it did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec
from sqlalchemy import Connection

from itl.checks import judge
from itl.checks.blocks import is_well_formed, units_of
from itl.checks.flows import flows
from itl.checks.view import View
from itl.ledger.block import HeldBlock, SerialRange
from itl.ledger.carrying_out import change
from itl.ledger.operations import Change
from itl.ledger.ranges import union
from itl.ledger.snapshot import Snapshot
from itl.ledger.totals import TotalKey, TotalsSnapshot, stocks
from itl.lifecycle.routing import asked
from itl.lifecycle.transaction import LogIdentity, Transition, proposal_checked
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


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, and what becomes of the transaction by it."""

    verdict: judge.Verdict
    transition: Transition


class Sitting(Protocol):
    """One batch before its judge."""

    def decide(self, task: Task, request: ProposalRequest) -> Decision | None:
        """What becomes of a proposal, seen after all that came before it; None: it has to wait for something."""

    def change(self, settlement: Settlement, rows: Sequence[HeldBlock]) -> Change:
        """What carrying a completion out does to `rows` of the ledger."""

    def record(self, connection: Connection, batch: Batch, now: datetime) -> None:
        """Write what this judge keeps beside the log's own, in the commit of the batch."""


Bench = Callable[[Connection, Work, View, LogIdentity], Sitting]
"""Gathers what a judge needs beside the log's view of the batch."""


@dataclass(frozen=True, slots=True)
class LogSitting:
    """The log's own judgement: all checks of its catalogue."""

    work: Work
    view: View
    log: LogIdentity

    def decide(self, task: Task, request: ProposalRequest) -> Decision:
        too_wide = task.inbox_id in self.work.too_wide
        verdict = judge.too_many_blocks() if too_wide else judge.proposal(request, self.view, self.log.override.off)
        evaluation = self.log.override.tell_evaluation(verdict.evaluation_results)
        proposal = request.proposed_transaction
        others = (each for each in self.view.reference.schemes if each.stl != self.log.code)
        schemes = asked(proposal, others)
        transition = proposal_checked(
            task.head, proposal, evaluation, self.log, request.sender, schemes, task.deadline_at, self.view.now
        )
        return Decision(verdict, transition)

    def change(self, settlement: Settlement, rows: Sequence[HeldBlock]) -> Change:
        head = settlement.head
        return change(head.transaction_type, settlement.blocks, rows, head.supp_transaction_type)

    def record(self, connection: Connection, batch: Batch, now: datetime) -> None:
        """All that it decides is in the batch."""


def log_bench(_connection: Connection, work: Work, view: View, log: LogIdentity) -> Sitting:
    """The bench of the transaction log: it needs nothing beside the view."""
    return LogSitting(work, view, log)


def judge_batch(work: Work, sitting: Sitting, ledger: Snapshot, totals: TotalsSnapshot, log: LogIdentity) -> Batch:
    """The decisions for all of `work`; `ledger` and `totals` are those of the view, and are brought along."""
    batch = Batch()
    waiting = dict(work.settlements)
    ordered = {task.transaction_id for task in work.tasks if task.work == "settle"}
    for settlement in [each for each in waiting.values() if each.transaction_id not in ordered]:
        _settle(waiting.pop(settlement.transaction_id), sitting, ledger, totals, batch)
    for task in work.tasks:
        if task.work == "settle":
            if task.transaction_id in waiting:
                _settle(waiting.pop(task.transaction_id), sitting, ledger, totals, batch)
        elif task.inbox_id in work.proposals:
            request = work.proposals[task.inbox_id]
            decision = sitting.decide(task, request)
            if decision is None:
                batch.waiting.append(task.inbox_id)
                continue
            batch.judged.append(_judged(task, request, decision, ledger, totals, log))
        batch.done.append(task.inbox_id)
    return batch


def wanted_serials(proposal: ProposalTransaction) -> Iterable[SerialRange]:
    """The serials that a proposal names, as far as they are ranges; stage 4 refuses the others."""
    for block in proposal.proposal_unit_blocks:
        if is_well_formed(block):
            yield units_of(block)


def _judged(
    task: Task,
    request: ProposalRequest,
    decision: Decision,
    ledger: Snapshot,
    totals: TotalsSnapshot,
    log: LogIdentity,
) -> Judged:
    proposal = request.proposed_transaction
    reserved: tuple[SerialRange, ...] = ()
    adds: Mapping[TotalKey, int] = {}
    if decision.verdict.passed:
        reserved = tuple(union(map(units_of, proposal.proposal_unit_blocks)))
        ledger.reserve(reserved, task.head.identifier)
        adds = flows(proposal)
        totals.open(adds)
    return Judged(
        transaction_id=task.transaction_id,
        seen_status=task.head.status,
        set_by=log.code,
        message=task.message,
        transition=decision.transition,
        results=msgspec.json.encode(decision.verdict.results),
        proposal=proposal,
        reserved=reserved,
        flows=adds,
    )


def _settle(settlement: Settlement, sitting: Sitting, ledger: Snapshot, totals: TotalsSnapshot, batch: Batch) -> None:
    rows = ledger.rows([each.block.range for each in settlement.blocks])
    done = sitting.change(settlement, rows)
    ledger.release(settlement.head.identifier)
    ledger.apply([done])
    totals.complete(settlement.flows)
    totals.stock(stocks([done]))
    batch.settled.append(Settled(settlement.transaction_id, done, settlement.flows))
