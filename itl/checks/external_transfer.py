"""Stage 7, external transfer: between which accounts units leave a registry.

Not here yet: eligibility (5101, 5102), reserve and limits (5104, 5106), share of proceeds (5107) and surplus reserve
(5108).
"""

from __future__ import annotations

from itl.checks.blocks import units_of
from itl.checks.engine import Failures, check
from itl.checks.proposal import Log, Proposal
from itl.codes import SHARE_OF_PROCEEDS_ACCOUNT
from itl.reference import RegistryKind

SOURCES = frozenset({100, 110, 120, 121, 130})
CDM_SOURCES = frozenset({100, 110})
"""110 forwards what was issued, 100 returns what was sent by mistake."""
TARGETS = frozenset({100, 120, 121, 130})
FORWARDING_TARGETS = frozenset({100, 120, 121})
"""Where units go from the pending account, 110."""


@check(5103)
def acquirer_may_not_hold(proposal: Proposal, log: Log) -> Failures:
    """The CDM registry acquires into its share-of-proceeds account; into 240 to 242 only what a notice asks for."""
    if log.reference.is_kind(proposal.acquirer, RegistryKind.CDM):
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
