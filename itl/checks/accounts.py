"""What several transaction types ask of the acquiring account."""

from __future__ import annotations

from itl.checks.blocks import units_of
from itl.checks.engine import Failures
from itl.checks.proposal import Log, Proposal


def acquiring_account_not_in(allowed: frozenset[int], proposal: Proposal) -> Failures:
    """The blocks that do not go into an account of an `allowed` type."""
    return (units_of(block) for block in proposal.blocks if proposal.acquiring_account(block)[0] not in allowed)


def acquiring_identifier_missing(proposal: Proposal) -> Failures:
    """The blocks for whose acquiring account neither they nor the head give an identifier; replaced ones have none."""
    return (units_of(block) for block in proposal.moving if proposal.acquiring_account(block)[1] is None)


def acquiring_account_known(proposal: Proposal, log: Log) -> bool:
    """Whether the log was told of any of the acquiring accounts: their owners and periods are not on the wire."""
    return bool(log.acquiring_accounts)


def account_period_differs(proposal: Proposal, log: Log) -> Failures:
    """The blocks whose units are for another period than the account that they go to."""
    for block, account in log.acquiring_accounts:
        if account.period not in (None, block.applicable_commit_period):
            yield units_of(block)
