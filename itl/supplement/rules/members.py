"""Whether the scheme's own status of its members lets them."""

from __future__ import annotations

from itl.checks.engine import WHOLE, Failures
from itl.checks.proposal import Proposal
from itl.supplement.rules.engine import rule
from itl.supplement.scheme import SchemeView


@rule(7005, applies=lambda proposal, scheme: proposal.initiator in scheme.members)
def initiator_may_not_propose(proposal: Proposal, scheme: SchemeView) -> Failures:
    """The scheme's status of a member; the transaction log has one of its own (1503)."""
    if not scheme.members[proposal.initiator].may_propose:
        yield WHOLE


@rule(7006, applies=lambda proposal, scheme: proposal.acquirer in scheme.members and proposal.is_external)
def acquirer_may_not_accept(proposal: Proposal, scheme: SchemeView) -> Failures:
    """Of external transfers into the scheme, or within it."""
    if not scheme.members[proposal.acquirer].may_accept:
        yield WHOLE
