"""Stage 7, retirement: a Party uses units to meet its commitment.

Not here yet: eligibility (5255) and limits (5256).
"""

from __future__ import annotations

from itl.checks.accounts import (
    account_period_differs,
    acquiring_account_known,
    acquiring_account_not_in,
    acquiring_identifier_missing,
)
from itl.checks.blocks import units_of
from itl.checks.engine import WHOLE, Failures, check
from itl.checks.proposal import Log, Proposal
from itl.codes import RETIREMENT_ACCOUNTS
from itl.reference import RegistryKind


@check(5251)
def registry_may_not_retire(proposal: Proposal, log: Log) -> Failures:
    """Only a Party has commitments."""
    if not log.reference.is_kind(proposal.initiator, RegistryKind.PARTY):
        yield WHOLE


@check(5252)
def not_a_retirement_account(proposal: Proposal, log: Log) -> Failures:
    """Into an account that is none, or not told."""
    return acquiring_account_not_in(RETIREMENT_ACCOUNTS, proposal)


@check(5253)
def retirement_account_missing(proposal: Proposal, log: Log) -> Failures:
    """The identifier of the account that units are retired into."""
    return acquiring_identifier_missing(proposal)


@check(5254, applies=acquiring_account_known)
def retirement_period_differs(proposal: Proposal, log: Log) -> Failures:
    """The account is known and stands for another period."""
    return account_period_differs(proposal, log)


@check(5257)
def retirement_closed(proposal: Proposal, log: Log) -> Failures:
    """Units of the current period, or of the earlier one until the Party's own true-up ends."""
    for block in proposal.blocks:
        if not _is_open(block.applicable_commit_period, proposal.initiator, log):
            yield units_of(block)


def _is_open(number: int, party: str, log: Log) -> bool:
    period = log.reference.periods.get(number)
    if period is None or log.now < period.start:
        return False
    own = log.reference.party_periods.get((party, number))
    true_up_end = own.true_up_end if own else None
    return log.now < max(period.end, true_up_end or period.end)
