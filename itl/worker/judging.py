"""Judging a batch in its order, in pure Python: each proposal sees what the ones before it did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from itl.checks import judge
from itl.checks.view import View
from itl.codes import REPLACED_ROLE, TransactionType
from itl.errors import LedgerError
from itl.ledger.block import HeldBlock, Place, SerialRange
from itl.ledger.operations import Change, issue, relocate
from itl.ledger.ranges import union
from itl.ledger.snapshot import Snapshot
from itl.lifecycle.transaction import LogIdentity, TransactionHead, proposal_checked
from itl.messages import ProposalRequest, ProposalTransaction
from itl.store.gather import Settlement, Task
from itl.store.record import Batch, Judged, Settled
from itl.store.rows import serials


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


def judge_batch(work: Work, view: View, ledger: Snapshot, log: LogIdentity) -> Batch:
    """The decisions for all of `work`; `ledger` is `view.units`, and is brought along."""
    batch = Batch()
    waiting = dict(work.settlements)
    ordered = {task.transaction_id for task in work.tasks if task.work == "settle"}
    for settlement in [each for each in waiting.values() if each.transaction_id not in ordered]:
        _settle(waiting.pop(settlement.transaction_id), ledger, batch)
    for task in work.tasks:
        batch.done.append(task.inbox_id)
        if task.work == "settle":
            if task.transaction_id in waiting:
                _settle(waiting.pop(task.transaction_id), ledger, batch)
        elif task.inbox_id in work.proposals:
            request = work.proposals[task.inbox_id]
            verdict = judge.too_many_blocks() if task.inbox_id in work.too_wide else judge.proposal(request, view)
            batch.judged.append(_judged(task, request, verdict, ledger, log))
    return batch


def wanted_serials(proposal: ProposalTransaction) -> Iterable[SerialRange]:
    """The serials that a proposal names, as far as they are ranges; stage 4 refuses the others."""
    for block in proposal.proposal_unit_blocks:
        if 1 <= block.unit_serial_block_start <= block.unit_serial_block_end:
            yield serials(block)


def _judged(task: Task, request: ProposalRequest, verdict: judge.Verdict, ledger: Snapshot, log: LogIdentity) -> Judged:
    proposal = request.proposed_transaction
    evaluation = verdict.evaluation_results
    reserved: tuple[SerialRange, ...] = ()
    if not evaluation:
        reserved = tuple(union(map(serials, proposal.proposal_unit_blocks)))
        ledger.reserve(reserved, task.head.identifier)
    return Judged(
        transaction_id=task.transaction_id,
        seen_status=task.head.status,
        set_by=log.code,
        message=task.message,
        transition=proposal_checked(task.head, proposal, evaluation, log),
        results=msgspec.json.encode(verdict.results),
        proposal=proposal,
        reserved=reserved,
    )


def _settle(settlement: Settlement, ledger: Snapshot, batch: Batch) -> None:
    change = _change(settlement, ledger)
    ledger.release(settlement.head.identifier)
    ledger.apply([change])
    batch.settled.append(Settled(settlement.transaction_id, change))


def _change(settlement: Settlement, ledger: Snapshot) -> Change:
    """What the completed transaction does to the ledger, by its type."""
    head = settlement.head
    blocks = [each.block for each in settlement.blocks if each.block_role != REPLACED_ROLE]
    for block in blocks:
        _require_account(head, block.place)
    match head.transaction_type:
        case TransactionType.ISSUANCE:
            return issue(blocks)
        case (
            TransactionType.EXTERNAL_TRANSFER
            | TransactionType.CANCELLATION
            | TransactionType.RETIREMENT
            | TransactionType.INTERNAL_TRANSFER
        ):
            destinations = [(block.range, block.place) for block in blocks]
            return relocate(_rows(ledger, blocks), destinations)
        case other:
            raise LedgerError(f"{head.identifier}: the ledger does not carry out transactions of type {other}")


def _rows(ledger: Snapshot, blocks: Sequence[HeldBlock]) -> list[HeldBlock]:
    return ledger.rows([block.range for block in blocks])


def _require_account(head: TransactionHead, place: Place) -> None:
    if place.account_type is None:
        raise LedgerError(f"{head.identifier}: a block has no acquiring account type, and its checks let it pass")
