"""Stage 3: whether the registries take part, and what their status lets them do."""

from __future__ import annotations

from itl.checks.engine import WHOLE, Failures, check
from itl.checks.sender import Door
from itl.checks.version import Head
from itl.codes import TransactionType
from itl.messages import (
    ProposalRequest,
    ReceiveAuditTrailRequest,
    ReceiveTotalsRequest,
    ReceiveUnitBlocksRequest,
    RelayRequest,
)

REGISTRIES_ONLY = (ProposalRequest, ReceiveTotalsRequest, ReceiveUnitBlocksRequest, ReceiveAuditTrailRequest)
"""What an STL does not send: it proposes nothing, and has no holdings of its own to tell."""


@check(1501)
def initiating_registry_unknown(message: Head, door: Door) -> Failures:
    """Known as a sender perhaps, but not in force, or a tester; or an STL, in what is not for it to say."""
    known = door.reference.participant_in_force(message.sender)
    if known is None or (known.is_supplementary_log and isinstance(message, REGISTRIES_ONLY)):
        yield WHOLE


@check(1502)
def acquiring_registry_unknown(message: ProposalRequest, door: Door) -> Failures:
    """Of a registry that acquires from itself 1501 has spoken."""
    acquirer = message.proposed_transaction.acquiring_registry_code
    if acquirer != message.sender and door.reference.registry_in_force(acquirer) is None:
        yield WHOLE


@check(1503)
def initiating_registry_may_not_propose(message: ProposalRequest, door: Door) -> Failures:
    """Suspended, or not live yet. Asked only of a registry in force (1501)."""
    registry = door.reference.registry_in_force(message.sender)
    if registry and not (registry.is_live and registry.may_propose):
        yield WHOLE


@check(1504, applies=lambda message, door: _is_external(message))
def acquiring_registry_may_not_accept(message: ProposalRequest, door: Door) -> Failures:
    """Suspended, or not live yet. Of external transfers, and only of a registry in force (1502)."""
    registry = door.reference.registry_in_force(message.proposed_transaction.acquiring_registry_code)
    if registry and not (registry.is_live and registry.may_accept):
        yield WHOLE


@check(1505)
def addressee_takes_no_relayed_messages(message: RelayRequest, door: Door) -> Failures:
    """Asked only of an addressee in force (1005)."""
    addressee = door.reference.participant_in_force(message.addressee)
    if addressee and addressee.relay_url is None:
        yield WHOLE


def _is_external(message: ProposalRequest) -> bool:
    return message.proposed_transaction.transaction_type == TransactionType.EXTERNAL_TRANSFER
