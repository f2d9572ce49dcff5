"""Stage 7, retirement: a Party uses units to meet its commitment."""

from __future__ import annotations

from itl.checks.accounts import (
    account_period_differs,
    acquiring_account_known,
    acquiring_account_not_in,
    acquiring_identifier_missing,
)
from itl.checks.blocks import units_of
from itl.checks.engine import WHOLE, Failures, check
from itl.checks.limits import counts, exceeding, limited, lulucf_limit, true_up_end
from itl.checks.proposal import Log, Proposal
from itl.codes import PROJECT_UNITS, RETIREMENT_ACCOUNTS
from itl.ledger.totals import TotalKey, TotalKind
from itl.reference import RegistryKind, Right


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


_NEED_ELIGIBILITY = PROJECT_UNITS
"""Units that come from elsewhere or from projects; a Party's AAU and RMU are always its own to use."""


@check(5255)
def not_eligible_to_use(proposal: Proposal, log: Log) -> Failures:
    """ERU, CER, tCER and lCER that the Party is recorded not to be eligible to use."""
    for block in proposal.blocks:
        asked = block.unit_type in _NEED_ELIGIBILITY
        if asked and not log.reference.is_eligible(proposal.initiator, Right.USE, block.unit_type):
            yield units_of(block)


def _lulucf_allowed(key: TotalKey, log: Log) -> int | None:
    return lulucf_limit(log.reference, key.subject, key.period)


@check(5256, applies=counts(TotalKind.LULUCF_RETIRED), in_effect=limited(TotalKind.LULUCF_RETIRED, _lulucf_allowed))
def lulucf_use_limit_exceeded(proposal: Proposal, log: Log) -> Failures:
    """tCER and lCER retired for a period: the figure that limits their acquisition (5106) limits their use."""
    return exceeding(TotalKind.LULUCF_RETIRED, _lulucf_allowed, log)


@check(5257)
def retirement_closed(proposal: Proposal, log: Log) -> Failures:
    """Units of the current period, or of the earlier one until the Party's own true-up ends."""
    for block in proposal.blocks:
        if not _is_open(block.applicable_commit_period, proposal.initiator, log):
            yield units_of(block)


def _is_open(number: int, party: str, log: Log) -> bool:
    period = log.reference.periods.get(number)
    closes = true_up_end(log.reference, party, number)
    return period is not None and closes is not None and period.start <= log.now < closes
