"""Stage 7, internal transfer and other supplementary transactions."""

from __future__ import annotations

from itl.checks.blocks import units_of
from itl.checks.engine import WHOLE, Failures, check
from itl.checks.proposal import Log, Proposal
from itl.codes import HOLDING_ACCOUNTS


@check(5401, applies=lambda proposal, log: bool(proposal.supplementary_type))
def no_stl_for_supplementary_type(proposal: Proposal, log: Log) -> Failures:
    """A scheme that both registries belong to defines the type (2003: any scheme does)."""
    both = (proposal.transaction_type, proposal.supplementary_type)
    if not any(
        both in scheme.types and {proposal.initiator, proposal.acquirer} <= scheme.members
        for scheme in log.reference.schemes
    ):
        yield WHOLE


@check(5402)
def wrong_accounts(proposal: Proposal, log: Log) -> Failures:
    """Between holding accounts: what is cancelled, retired or used for replacement has its own types."""
    for block in proposal.blocks:
        accounts = {proposal.transferring_account(block)[0], proposal.acquiring_account(block)[0]}
        if not accounts <= HOLDING_ACCOUNTS:
            yield units_of(block)
