"""Whether the scheme has the accounts, and what may be done with the units in them.

The transaction log judges registry and account type as the proposal says them (4003, 4006, 4007); the scheme judges the
very account, by its own table. Neither says what the other does.
"""

from __future__ import annotations

from itl.checks.blocks import is_well_formed, units_of
from itl.checks.engine import Failures
from itl.checks.proposal import Proposal
from itl.codes import TransactionType
from itl.ledger.block import Place
from itl.ledger.ranges import subtraction
from itl.supplement import kinds
from itl.supplement.rules.engine import rule
from itl.supplement.rules.subject import has_elsewhere, is_known, kind, leaving, reaching
from itl.supplement.scheme import SchemeView


@rule(7020, applies=lambda proposal, scheme: any(reaching(proposal, scheme)))
def acquiring_account_unknown(proposal: Proposal, scheme: SchemeView) -> Failures:
    """Not in the scheme's table at all, closed, or not told; one that another member has is 7022 or 7023."""
    for block, account in reaching(proposal, scheme):
        if not is_known(proposal.acquirer, account, scheme) and not has_elsewhere(proposal.acquirer, account, scheme):
            yield units_of(block)


@rule(7021, applies=lambda proposal, scheme: any(leaving(proposal, scheme)))
def transferring_account_unknown(proposal: Proposal, scheme: SchemeView) -> Failures:
    """As 7020, of the account that the units leave."""
    for block, account in leaving(proposal, scheme):
        if not is_known(proposal.initiator, account, scheme) and not has_elsewhere(proposal.initiator, account, scheme):
            yield units_of(block)


@rule(7022, applies=lambda proposal, scheme: not proposal.is_external)
def accounts_in_two_registries(proposal: Proposal, scheme: SchemeView) -> Failures:
    """By the scheme's table one of the accounts is in the registry of another member."""
    elsewhere = [
        *(block for block, account in leaving(proposal, scheme) if has_elsewhere(proposal.initiator, account, scheme)),
        *(block for block, account in reaching(proposal, scheme) if has_elsewhere(proposal.acquirer, account, scheme)),
    ]
    return map(units_of, elsewhere)


@rule(7023, applies=lambda proposal, scheme: proposal.is_external)
def accounts_in_one_registry(proposal: Proposal, scheme: SchemeView) -> Failures:
    """By the scheme's table an account is not in the registry that is said, but in another one, such as the first."""
    for block, account in reaching(proposal, scheme):
        if has_elsewhere(proposal.acquirer, account, scheme):
            yield units_of(block)
    for block, account in leaving(proposal, scheme):
        if has_elsewhere(proposal.initiator, account, scheme):
            yield units_of(block)


@rule(7024, applies=lambda proposal, scheme: not kinds.is_issue(kind(proposal)))
def force_majeure_allowances_leave(proposal: Proposal, scheme: SchemeView) -> Failures:
    """Allowances 0-3 leave the Party holding account for nothing but cancellation and retirement."""
    ends = kinds.is_cancellation(kind(proposal)) or kinds.is_retirement(kind(proposal))
    for block in () if ends else proposal.moving:
        force_majeure = (block.unit_type, block.supp_unit_type or 0) == kinds.FORCE_MAJEURE
        if force_majeure and proposal.transferring_account(block)[0] == kinds.PARTY_HOLDING:
            yield units_of(block)


@rule(7025, applies=lambda proposal, scheme: any(leaving(proposal, scheme)))
def account_blocked(proposal: Proposal, scheme: SchemeView) -> Failures:
    """A blocked account sends nothing but surrender, cancellation and replacement; what it gets is not asked."""
    what = kind(proposal)
    if what in kinds.SURRENDERS or kinds.is_cancellation(what) or what[0] == TransactionType.REPLACEMENT:
        return
    for block, (account_type, identifier) in leaving(proposal, scheme):
        account = scheme.open_account((proposal.initiator, account_type or 0, identifier or 0))
        if account is not None and account.blocked:
            yield units_of(block)


@rule(7027, applies=lambda proposal, scheme: any(leaving(proposal, scheme)))
def units_not_in_the_account(proposal: Proposal, scheme: SchemeView) -> Failures:
    """Units that the scheme's ledger has elsewhere than in the very account they are said to leave, or not at all.

    Where the ledger was never told which account of that type they are in, the type is enough.
    """
    for block, (account_type, identifier) in leaving(proposal, scheme):
        if is_well_formed(block):
            wanted = units_of(block)
            said = {Place(proposal.initiator, account_type or 0, known) for known in (identifier, None)}
            there = [part.range for part in scheme.units.held(wanted) if part.place in said]
            yield from subtraction([wanted], there)
