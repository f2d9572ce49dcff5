"""Stage 3: whether the registries take part, and what their status lets them do."""

from __future__ import annotations

from itl.checks.engine import WHOLE, Failures, check
from itl.checks.sender import Door
from itl.checks.version import Head
from itl.codes import TransactionType
from itl.messages import ProposalRequest


@check(1501)
def initiating_registry_unknown(message: Head, door: Door) -> Failures:
    """Known as a sender perhaps, but not a registry in force: withdrawn, an STL, a tester."""
    if door.reference.registry_in_force(message.sender) is None:
        yield WHOLE


@check(1502)
def acquiring_registry_unknown(message: ProposalRequest, door: Door) -> Failures:
    """Of a registry that acquires from itself 1501 has spoken."""
    acquirer = message.proposed_transaction.acquiring_registry_code
    if acquirer != message.sender and door.reference.registry_in_force(acquirer) is None:
        yield WHOLE


@check(1503)
def initiating_registry_may_not_propose(message: ProposalRequest, door: Door) -> Failures:
    """Asked only of a registry in force (1501)."""
    registry = door.reference.registry_in_force(message.sender)
    if registry and not registry.may_propose:
        yield WHOLE


@check(1504, applies=lambda message, door: _is_external(message))
def acquiring_registry_may_not_accept(message: ProposalRequest, door: Door) -> Failures:
    """Of external transfers, and only of a registry in force (1502)."""
    registry = door.reference.registry_in_force(message.proposed_transaction.acquiring_registry_code)
    if registry and not registry.may_accept:
        yield WHOLE


def _is_external(message: ProposalRequest) -> bool:
    return message.proposed_transaction.transaction_type == TransactionType.EXTERNAL_TRANSFER
