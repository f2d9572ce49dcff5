"""How a supplementary log judges a batch and carries completions out.

A proposal that the transaction log relayed has passed the base checks there: here the scheme's rules alone are asked,
and the answer goes back to that log. One that a direct member sent is judged as the log would, and then by the scheme.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from itl.checks import judge
from itl.checks.blocks import acquiring_account, is_well_formed, transferring_account, units_of
from itl.checks.engine import Outcome
from itl.checks.view import View
from itl.codes import TransactionType
from itl.ledger.block import HeldBlock
from itl.ledger.following import follow
from itl.ledger.operations import Change
from itl.lifecycle.transaction import LogIdentity, proposal_checked
from itl.messages import ProposalRequest, ProposalTransaction
from itl.reference import RegistryKind
from itl.store import arrivals
from itl.store.gather import Settlement, Task
from itl.store.record import Batch, end_waiting
from itl.supplement import book, figures, kinds
from itl.supplement import lifecycle as scheme_lifecycle
from itl.supplement.counting import flows, kind_of, wanted
from itl.supplement.rules import judge as scheme_judge
from itl.supplement.scheme import FigureKey, Figures, Link, Plan, SchemeView
from itl.worker.judging import Decision, LogSitting, Work

ACQUIRER_UNKNOWN = 1502


def bench(connection: Connection, work: Work, view: View, own: LogIdentity) -> SchemeSitting:
    """Gathers what the scheme knows of a batch: a bounded number of queries, whatever the number of blocks."""
    now = view.now
    proposals = [each.proposed_transaction for each in work.proposals.values()]
    accounts = book.accounts(connection, _accounts(proposals), now)
    keys = {key for each in proposals for key in wanted(each, accounts, now.year)}
    keys |= figures.keys_of(connection, work.settlements)
    scheme = SchemeView(
        now=now,
        members=book.members(connection, now),
        accounts=accounts,
        units=view.units,
        figures=Figures(figures.load(connection, keys)),
        plan=_plan(connection, proposals, keys, now),
        agreements=book.agreements(connection, now),
        windows=book.windows(connection, now),
    )
    return SchemeSitting(work, view, own, scheme)


def _accounts(proposals: Iterable[ProposalTransaction]) -> set[tuple[int, int]]:
    named = {
        account
        for each in proposals
        for block in each.proposal_unit_blocks
        for account in (transferring_account(each, block), acquiring_account(each, block))
    }
    return {(account_type, identifier) for account_type, identifier in named if account_type and identifier}


def _plan(
    connection: Connection, proposals: Iterable[ProposalTransaction], keys: Iterable[FigureKey], now: datetime
) -> Plan:
    of = [each for each in proposals if kind_of(each) in kinds.ISSUES or kind_of(each) == kinds.ALLOCATION]
    registries = {each.transferring_registry_code for each in of}
    asked = [key for key in keys if key.registry in registries]
    return book.plan(
        connection,
        ((key.registry, key.period) for key in asked if not key.installation),
        ((key.registry, key.installation, key.year) for key in asked if key.installation),
        now,
    )


class SchemeSitting:
    """One batch before a supplementary log."""

    def __init__(self, work: Work, view: View, own: LogIdentity, scheme: SchemeView) -> None:
        self._log = LogSitting(work, view, own)
        self._work, self._view, self._own, self._scheme = work, view, own, scheme
        self._added: dict[int, Mapping[FigureKey, int]] = {}
        self._issuances: set[int] = set()
        """Transactions among the settled ones by which units come into being."""

    def decide(self, task: Task, request: ProposalRequest) -> Decision | None:
        """None for a relayed proposal about units that another transaction still keeps here.

        At the transaction log that one has ended, or it would not ask; how it ended is on its way, and decides what
        this ledger holds.
        """
        relayed = self._view.reference.is_kind(task.sender, RegistryKind.LOG)
        if relayed and self._is_early(request):
            return None
        decision = self._relayed(task, request) if relayed else self._direct(task, request)
        if decision.verdict.passed:
            added = flows(request.proposed_transaction, self._scheme.accounts, self._scheme.now.year)
            self._added[task.transaction_id] = added
            self._scheme.figures.open(added)
        return decision

    def change(self, settlement: Settlement, rows: Sequence[HeldBlock]) -> Change:
        members = self._scheme.members
        head = settlement.head
        if head.transaction_type == TransactionType.ISSUANCE:
            self._issuances.add(settlement.transaction_id)
        outside = head.is_external and head.transferring_registry not in members
        return follow(
            settlement.blocks,
            rows,
            enters=outside and bool(members),
            issues=head.transaction_type == TransactionType.ISSUANCE,
            own=lambda blocks: self._log.change(replace(settlement, blocks=tuple(blocks)), rows),
        )

    def record(self, connection: Connection, batch: Batch, now: datetime) -> None:
        """Figures: what was judged is open, what was settled is completed; and what waited for that waits no more.

        Units that a transfer brought from where this log does not see are written down as such.
        """
        figures.note(connection, self._added)
        for each in batch.settled:
            if each.transaction_id not in self._issuances:
                arrivals.note(connection, [each.change], now, transaction_id=each.transaction_id)
        if batch.settled:
            figures.carry_out(connection, [each.transaction_id for each in batch.settled])
            end_waiting(connection)

    def _is_early(self, request: ProposalRequest) -> bool:
        proposal = request.proposed_transaction
        return any(
            each.transaction != proposal.transaction_identifier
            for block in proposal.proposal_unit_blocks
            if is_well_formed(block)
            for each in self._view.units.reserved(units_of(block))
        )

    def _judged(self, task: Task, request: ProposalRequest) -> judge.Verdict:
        if task.inbox_id in self._work.too_wide:
            return judge.too_many_blocks()
        return scheme_judge.proposal(request, self._scheme, self._own.override.off)

    def _relayed(self, task: Task, request: ProposalRequest) -> Decision:
        verdict = self._judged(task, request)
        evaluation = self._own.override.tell_evaluation(verdict.evaluation_results)
        return Decision(verdict, scheme_lifecycle.checked(task.head, task.sender, evaluation, self._own))

    def _direct(self, task: Task, request: ProposalRequest) -> Decision:
        """The base checks, and if they pass the scheme's: 10 with its codes ends it (389/2013, article 101(1))."""
        base = self._log.decide(task, request)
        if not base.verdict.passed:
            return base
        if self._is_out_of_reach(request.proposed_transaction):
            return self._refused_as_unreachable(task, request, base.verdict)
        verdict = self._judged(task, request)
        together = judge.Verdict((*base.verdict.results, *verdict.results))
        if verdict.passed:
            return Decision(together, base.transition)
        evaluation = self._own.override.tell_evaluation(verdict.evaluation_results)
        return Decision(together, scheme_lifecycle.checked(task.head, task.sender, evaluation, self._own))

    def _is_out_of_reach(self, proposal: ProposalTransaction) -> bool:
        """Only the transaction log reaches a registry outside the scheme, or a member that is behind that log."""
        if proposal.transaction_type != TransactionType.EXTERNAL_TRANSFER:
            return False
        acquirer = self._scheme.members.get(proposal.acquiring_registry_code)
        return acquirer is None or acquirer.link is Link.THROUGH

    def _refused_as_unreachable(self, task: Task, request: ProposalRequest, base: judge.Verdict) -> Decision:
        verdict = judge.Verdict((judge.Result(ACQUIRER_UNKNOWN, Outcome.FAILED), *base.results))
        evaluation = self._own.override.tell_evaluation(verdict.evaluation_results)
        proposal = request.proposed_transaction
        return Decision(verdict, proposal_checked(task.head, proposal, evaluation, self._own, request.sender))
