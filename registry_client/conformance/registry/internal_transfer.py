"""140 to 142: transfers between accounts of the registry."""

from __future__ import annotations

from itl.codes import TransactionStatus, TransactionType
from itl.messages import ProposalTransaction, TransactionUnitBlock
from registry_client.conformance.making import part
from registry_client.conformance.registry.holdings import lies
from registry_client.conformance.registry.profile import account
from registry_client.conformance.registry.tester import RegistryTester, written
from registry_client.conformance.suite import Group, NotApplicable

GROUP: Group[RegistryTester] = Group("Internal transfer")

_S = TransactionStatus


def _moved(t: RegistryTester, block: TransactionUnitBlock) -> ProposalTransaction:
    """Let the registry propose to move units into its second account."""
    second = _second(t)
    proposal = t.proposed("move", TransactionType.INTERNAL_TRANSFER, units=written(block), account=second)
    t.about(proposal, block)
    t.between(proposal, t.profile.receiving, account(second), breaks="R-MOVE-1")
    return proposal


def _second(t: RegistryTester) -> str:
    if t.profile.accounts.second is None:
        raise NotApplicable("the registry has no second holding account: `accounts.second` of the profile names one")
    return t.profile.accounts.second


@GROUP.case("140", "Units move to another account", "R-MOVE-1", "R-FINISH-1")
def units_move(t: RegistryTester) -> None:
    second = _second(t)
    block = t.held()
    t.completes(_moved(t, block))
    lies(t, block, account=account(second), breaks="R-MOVE-1")


@GROUP.case("141", "A part of a block moves; the rest stays", "R-MOVE-1", "R-PROPOSE-3")
def a_part_moves(t: RegistryTester) -> None:
    second = _second(t)
    block = t.held()
    t.completes(_moved(t, part(block, 3, 4)))
    lies(t, part(block, 3, 4), account=account(second), breaks="R-MOVE-1")
    lies(t, part(block, 0, 3), part(block, 7, 3), account=t.profile.receiving, breaks="R-MOVE-1")


@GROUP.case("142", "Units of a transfer with a discrepancy stay, and are free", "R-FINISH-2")
def a_discrepancy_ends_it(t: RegistryTester) -> None:
    _second(t)
    block = t.held()
    t.stops(_moved(t, block), _S.CHECKED_DISCREPANCY, 4003)
    lies(t, block, account=t.profile.receiving, breaks="R-FINISH-2")
    t.completes(_moved(t, block))
