"""Surrender of allowances, and what is retired of the surrendered and the unallocated ones."""

from __future__ import annotations

from collections.abc import Callable

from itl.checks.blocks import units_of
from itl.checks.engine import Failures
from itl.checks.proposal import Proposal
from itl.messages import TransactionUnitBlock
from itl.supplement import kinds
from itl.supplement.counting import flows
from itl.supplement.rules.engine import rule
from itl.supplement.rules.subject import kind
from itl.supplement.scheme import FigureKey, FigureKind, Figures, Holder, SchemeView


def is_surrender(proposal: Proposal, scheme: SchemeView) -> bool:
    """Whether allowances are surrendered (10-02)."""
    return kind(proposal) == kinds.SURRENDER


@rule(7353, applies=is_surrender)
def surrender_to_the_wrong_account(proposal: Proposal, scheme: SchemeView) -> Failures:
    """To an account of the Party in the registry itself, of the type Party holding."""
    for block in proposal.blocks:
        account_type, identifier = proposal.acquiring_account(block)
        account = scheme.open_account((proposal.initiator, account_type or 0, identifier or 0))
        wrong = account is None or account.holder is not Holder.PARTY or account_type != kinds.PARTY_HOLDING
        if wrong or proposal.acquirer != proposal.initiator:
            yield units_of(block)


@rule(7354, applies=is_surrender, in_effect=lambda proposal, scheme: bool(scheme.windows))
def surrender_period_closed(proposal: Proposal, scheme: SchemeView) -> Failures:
    """Units of a period that may be surrendered now, for a year that belongs to it, where the block says one."""
    for block in proposal.blocks:
        if not _may_be_surrendered(block, scheme):
            yield units_of(block)


def _may_be_surrendered(block: TransactionUnitBlock, scheme: SchemeView) -> bool:
    window = scheme.windows.get(block.applicable_commit_period)
    if window is None or not window.opens <= scheme.now < window.closes:
        return False
    year = block.year_in_commitment_period
    return year is None or window.first_year <= year <= window.last_year


@rule(7358, applies=lambda proposal, scheme: kind(proposal) == kinds.CONVERSION_OF_SURRENDERED)
def conversion_of_surrendered_exceeds(proposal: Proposal, scheme: SchemeView) -> Failures:
    """Converted so far, open and proposed together, beside what was surrendered for the period."""
    return _exceeding(proposal, scheme, surrendered)


@rule(7360, applies=lambda proposal, scheme: kind(proposal) == kinds.RETIREMENT_OF_SURRENDERED)
def retirement_exceeds_surrendered(proposal: Proposal, scheme: SchemeView) -> Failures:
    """Retired so far, open and proposed together, beside what was surrendered for the period."""
    return _exceeding(proposal, scheme, surrendered)


@rule(7364, applies=lambda proposal, scheme: kind(proposal) == kinds.CONVERSION_OF_UNALLOCATED)
def conversion_of_unallocated_exceeds(proposal: Proposal, scheme: SchemeView) -> Failures:
    """Converted so far, open and proposed together, beside what was issued for the period and not allocated."""
    return _exceeding(proposal, scheme, unallocated)


def surrendered(registry: str, period: int, figures: Figures) -> int:
    """Surrendered for sure: what is open does not count yet, and what may be reversed does not count any more."""
    done = figures[FigureKey(FigureKind.SURRENDERED, registry, period)].completed
    return done - figures[FigureKey(FigureKind.SURRENDER_REVERSED, registry, period)].together


def unallocated(registry: str, period: int, figures: Figures) -> int:
    """Issued for sure, less what is allocated or about to be."""
    issued = figures[FigureKey(FigureKind.ISSUED, registry, period)].completed
    return issued - figures[FigureKey(FigureKind.ALLOCATED, registry, period)].together


def _exceeding(proposal: Proposal, scheme: SchemeView, most: Callable[[str, int, Figures], int]) -> Failures:
    added = flows(proposal.transaction, scheme.accounts, scheme.now.year)
    beyond = {
        key.period
        for key, quantity in added.items()
        if scheme.figures[key].together + quantity > most(key.registry, key.period, scheme.figures)
    }
    for block in proposal.blocks:
        if block.applicable_commit_period in beyond:
            yield units_of(block)
