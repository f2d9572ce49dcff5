"""Stage 7, external transfer: who may let which units leave, and between which accounts. Limits: `transfer_limits`."""

from __future__ import annotations

from itl.checks.blocks import units_of
from itl.checks.engine import WHOLE, Failures, check
from itl.checks.notices import is_answered_by, misfits
from itl.checks.proposal import Log, Proposal
from itl.codes import SHARE_OF_PROCEEDS_ACCOUNT
from itl.reference import RegistryKind, Right

SOURCES = frozenset({100, 110, 120, 121, 130})
CDM_SOURCES = frozenset({100, 110})
"""110 forwards what was issued, 100 returns what was sent by mistake."""
TARGETS = frozenset({100, 120, 121, 130})
FORWARDING_TARGETS = frozenset({100, 120, 121})
"""Where units go from the pending account, 110."""


@check(5101)
def transferring_party_not_eligible(proposal: Proposal, log: Log) -> Failures:
    """Units of a type that the transferring Party is recorded not to be eligible to transfer."""
    return _not_eligible(proposal.initiator, Right.TRANSFER, proposal, log)


@check(5102)
def acquiring_party_not_eligible(proposal: Proposal, log: Log) -> Failures:
    """Units of a type that the acquiring Party is recorded not to be eligible to acquire."""
    return _not_eligible(proposal.acquirer, Right.ACQUIRE, proposal, log)


@check(5103)
def acquirer_may_not_hold(proposal: Proposal, log: Log) -> Failures:
    """The CDM registry acquires into its share-of-proceeds account; into 240 to 242 only what a notice asks for.

    A transfer that names a notice (6, 12, 13) fits it in account, project and quantity.
    """
    notice = log.notice
    if notice is not None and is_answered_by(notice, proposal.transaction_type):
        yield from misfits(notice, proposal, log)
        if not log.reference.is_kind(proposal.acquirer, RegistryKind.CDM):
            yield WHOLE
    elif log.reference.is_kind(proposal.acquirer, RegistryKind.CDM):
        for block in proposal.blocks:
            if proposal.acquiring_account(block) != SHARE_OF_PROCEEDS_ACCOUNT:
                yield units_of(block)


@check(5105)
def wrong_accounts(proposal: Proposal, log: Log) -> Failures:
    """Where units may come from, and where they may go outside the CDM registry (into it: 5103)."""
    sources = CDM_SOURCES if log.reference.is_kind(proposal.initiator, RegistryKind.CDM) else SOURCES
    into_cdm = log.reference.is_kind(proposal.acquirer, RegistryKind.CDM)
    for block in proposal.blocks:
        source, target = proposal.transferring_account(block)[0], proposal.acquiring_account(block)[0]
        targets = FORWARDING_TARGETS if source == 110 else TARGETS
        if source not in sources or not (into_cdm or target in targets):
            yield units_of(block)


def _not_eligible(party: str, right: Right, proposal: Proposal, log: Log) -> Failures:
    return (
        units_of(block) for block in proposal.blocks if not log.reference.is_eligible(party, right, block.unit_type)
    )
