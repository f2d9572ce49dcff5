"""National allocation plans, and where allowances may go."""

from __future__ import annotations

from itl.checks.blocks import acquiring_account, units_of
from itl.checks.engine import Failures
from itl.checks.proposal import Proposal
from itl.messages import TransactionUnitBlock
from itl.supplement import kinds
from itl.supplement.counting import flows
from itl.supplement.rules.engine import rule
from itl.supplement.rules.subject import kind
from itl.supplement.scheme import FigureKey, FigureKind, Holder, SchemeView


@rule(7201, applies=lambda proposal, scheme: kind(proposal) in kinds.ISSUES)
def issue_exceeds_the_plan(proposal: Proposal, scheme: SchemeView) -> Failures:
    """Completed, open and proposed together; where a registry has no plan for the period, nothing may be issued."""
    added = flows(proposal.transaction, scheme.accounts, scheme.now.year)
    beyond = {
        key.period
        for key, quantity in added.items()
        if scheme.figures[key].together + quantity > scheme.plan.issuable.get((key.registry, key.period), 0)
    }
    for block in proposal.blocks:
        if block.applicable_commit_period in beyond:
            yield units_of(block)


@rule(7206, applies=lambda proposal, scheme: kind(proposal) == kinds.ALLOCATION)
def allocation_not_per_plan(proposal: Proposal, scheme: SchemeView) -> Failures:
    """To the installation's operator account, and not more for the year than planned; in parts if need be.

    A block has to say its installation and year.
    """
    added = flows(proposal.transaction, scheme.accounts, scheme.now.year)
    for block in proposal.blocks:
        installation, year = block.installation_identifier, block.year_in_commitment_period
        if not installation or not year or not _is_account_of(installation, proposal, block, scheme):
            yield units_of(block)
            continue
        key = FigureKey(FigureKind.ALLOCATED, proposal.initiator, installation=installation, year=year)
        planned = scheme.plan.allocations.get((proposal.initiator, installation, year), 0)
        if scheme.figures[key].together + added[key] > planned:
            yield units_of(block)


def _is_account_of(installation: int, proposal: Proposal, block: TransactionUnitBlock, scheme: SchemeView) -> bool:
    account_type, identifier = acquiring_account(proposal.transaction, block)
    account = scheme.open_account((proposal.acquirer, account_type or 0, identifier or 0))
    return account is not None and (account.holder, account.installation) == (Holder.OPERATOR, installation)


@rule(7215, applies=lambda proposal, scheme: proposal.is_external and proposal.initiator in scheme.members)
def transfer_agreement_missing(proposal: Proposal, scheme: SchemeView) -> Failures:
    """Allowances leave the scheme only to a registry with which an agreement is recorded; Kyoto units go freely."""
    if proposal.acquirer in scheme.members or proposal.acquirer in scheme.agreements:
        return
    for block in proposal.blocks:
        if kinds.is_allowance(block):
            yield units_of(block)
