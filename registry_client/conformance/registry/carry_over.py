"""180 to 182: carry-over into the next commitment period."""

from __future__ import annotations

from msgspec.structs import replace

from itl.codes import SURPLUS_RESERVE_ACCOUNT, TransactionStatus, TransactionType, UnitType
from itl.messages import ProposalTransaction, TransactionUnitBlock
from registry_client.conformance.registry.holdings import lies
from registry_client.conformance.registry.tester import RegistryTester, written
from registry_client.conformance.suite import Group

GROUP: Group[RegistryTester] = Group("Carry-over")


def _carried(t: RegistryTester, block: TransactionUnitBlock) -> ProposalTransaction:
    """Let the registry propose a carry-over; the proposal states the next period already."""
    proposal = t.proposed("carry over", TransactionType.CARRY_OVER, units=written(block))
    t.about(proposal, later(t, block), breaks="R-CARRY-1")
    goes = SURPLUS_RESERVE_ACCOUNT if block.unit_type == UnitType.AAU else t.profile.receiving
    t.between(proposal, t.profile.receiving, goes, breaks="R-CARRY-1")
    return proposal


def later(t: RegistryTester, block: TransactionUnitBlock) -> TransactionUnitBlock:
    """Units as they are after their carry-over."""
    return replace(block, applicable_commit_period=t.profile.periods.later)


@GROUP.case("180", "AAU are carried over into the surplus reserve", "R-CARRY-1", "R-FINISH-1")
def aau_are_carried_over(t: RegistryTester) -> None:
    t.party_only()
    block = t.held()
    t.completes(_carried(t, block))
    lies(t, later(t, block), account=SURPLUS_RESERVE_ACCOUNT, breaks="R-CARRY-1")


for _kind in (UnitType.CER, UnitType.ERU_FROM_AAU):

    def _in_place(t: RegistryTester, kind: UnitType = _kind) -> None:
        t.party_only()
        block = t.held(kind)
        t.completes(_carried(t, block))
        lies(t, later(t, block), account=t.profile.receiving, breaks="R-CARRY-1")

    GROUP.add(f"181/{_kind.name}", f"{_kind.name} are carried over where they are", ("R-CARRY-1",), _in_place)


@GROUP.case("182", "Units of a carry-over with a discrepancy stay in their period, and are free", "R-FINISH-2")
def a_discrepancy_ends_it(t: RegistryTester) -> None:
    t.party_only()
    block = t.held()
    t.stops(_carried(t, block), TransactionStatus.CHECKED_DISCREPANCY, 5308)
    lies(t, block, breaks="R-FINISH-2")
    t.completes(_carried(t, block))
