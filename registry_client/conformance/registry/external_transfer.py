"""150 to 158: external transfer, with the registry on either side."""

from __future__ import annotations

from itl.codes import TransactionStatus, TransactionType, UnitType
from itl.messages import ProposalTransaction, TransactionUnitBlock
from registry_client.conformance.judging import listed
from registry_client.conformance.making import part
from registry_client.conformance.registry.holdings import absent, lies
from registry_client.conformance.registry.tester import FOREIGN, RegistryTester
from registry_client.conformance.suite import Failed, Group
from registry_client.units import Account

GROUP: Group[RegistryTester] = Group("External transfer")

_S = TransactionStatus
_NOT_THERE, _NO_POLICY = 5902, 5904


def sent(t: RegistryTester, block: TransactionUnitBlock) -> ProposalTransaction:
    """Let the registry propose to transfer units to the other one."""
    proposal = t.proposed("transfer", TransactionType.EXTERNAL_TRANSFER, **t.to_the_other(block))
    t.about(proposal, block)
    t.between(proposal, target=FOREIGN)
    if proposal.acquiring_registry_code != t.profile.other:
        raise Failed(
            f"the transfer must go to {t.profile.other}; it goes to {proposal.acquiring_registry_code}", "R-PROPOSE-2"
        )
    return proposal


def here(t: RegistryTester) -> TransactionUnitBlock:
    """Units that the registry can transfer: those of the CDM registry are issued first."""
    return t.issued(UnitType.CER, 10) if t.profile.is_cdm else t.held()


@GROUP.case(
    "150",
    "Units leave when the transfer was accepted, and not before; completion is reported once",
    "R-TRANSFER-1",
    "R-TRANSFER-3",
    "R-PROPOSE-2",
)
def units_leave(t: RegistryTester) -> None:
    block = here(t)
    proposal = sent(t, part(block, 0, 6))
    t.silent(proposal, "before the acquirer has accepted", "R-TRANSFER-1")
    lies(t, block, breaks="R-TRANSFER-1")
    t.completes(proposal, _S.ACCEPTED)
    t.silent(proposal, "after its completion", "R-TRANSFER-1")
    absent(t, part(block, 0, 6), breaks="R-TRANSFER-1")
    lies(t, part(block, 6, 4), breaks="R-TRANSFER-1")


@GROUP.case("151", "Units of a transfer that the acquirer rejected stay, and are free", "R-TRANSFER-2")
def a_rejection_ends_it(t: RegistryTester) -> None:
    block = here(t)
    t.stops(sent(t, block), _S.REJECTED, _NOT_THERE)
    lies(t, block, breaks="R-TRANSFER-2")
    t.completes(sent(t, block), _S.ACCEPTED)


@GROUP.case("152", "Units of a transfer with a discrepancy stay, and are free", "R-FINISH-2")
def a_discrepancy_ends_it(t: RegistryTester) -> None:
    block = here(t)
    t.stops(sent(t, block), _S.CHECKED_DISCREPANCY, 4003)
    lies(t, block, breaks="R-FINISH-2")
    t.completes(sent(t, block), _S.ACCEPTED)


@GROUP.case("153", "Units of a transfer that the log cancels stay, and are free", "R-FINISH-3")
def a_cancellation_ends_it(t: RegistryTester) -> None:
    block = here(t)
    t.stops(sent(t, block), _S.CANCELLED)
    lies(t, block, breaks="R-FINISH-3")
    t.completes(sent(t, block), _S.ACCEPTED)


@GROUP.case(
    "154", "Units come in when the transfer to the registry is completed, and not before", "R-ACQUIRE-1", "R-ACQUIRE-3"
)
def units_come_in(t: RegistryTester) -> None:
    block = t.units(UnitType.AAU)
    proposal = t.transfer(block)
    t.relay(proposal)
    t.accepts(proposal)
    t.silent(proposal, "before the transfer is completed", "R-ACQUIRE-3")
    absent(t, block, breaks="R-ACQUIRE-3")
    t.tell(proposal, _S.COMPLETED)
    t.confirmed(proposal)
    lies(t, block, account=t.profile.receiving, breaks="R-ACQUIRE-3")


for _kind in (UnitType.RMU, UnitType.ERU_FROM_AAU, UnitType.ERU_FROM_RMU, UnitType.CER, UnitType.TCER, UnitType.LCER):

    def _comes_in(t: RegistryTester, kind: UnitType = _kind) -> None:
        t.party_only()
        lies(t, t.held(kind), account=t.profile.receiving, breaks="R-ACQUIRE-3")

    GROUP.add(f"154/{_kind.name}", f"{_kind.name} come in", ("R-ACQUIRE-1", "R-ACQUIRE-3"), _comes_in)


@GROUP.case("155", "A transfer to an account that is not there is rejected with 5902", "R-ACQUIRE-1", "R-ACQUIRE-2")
def an_unknown_account(t: RegistryTester) -> None:
    block = t.units(UnitType.AAU)
    target = Account(t.profile.receiving.account_type, t.profile.accounts.unknown)
    proposal = t.transfer(block, target=target)
    t.relay(proposal)
    found = t.reports(proposal, _S.REJECTED, breaks="R-ACQUIRE-2")
    codes = [each.response_code for each in found.evaluation_result]
    if _NOT_THERE not in codes:
        raise Failed(f"the rejection must have code {_NOT_THERE}; it has {listed(codes)}", "R-ACQUIRE-2")
    absent(t, block, breaks="R-ACQUIRE-2")


@GROUP.case("156", "Units of a transfer that is cancelled after its acceptance do not come in", "R-ACQUIRE-4")
def a_cancelled_transfer(t: RegistryTester) -> None:
    block = t.units(UnitType.AAU)
    proposal = t.transfer(block)
    t.relay(proposal)
    t.accepts(proposal)
    t.tell(proposal, _S.CANCELLED)
    t.silent(proposal, "after it was cancelled", "R-ACQUIRE-4")
    absent(t, block, breaks="R-ACQUIRE-4")


@GROUP.case("157", "Units of an open transfer are in no other proposal", "R-RESERVE-1")
def units_are_reserved(t: RegistryTester) -> None:
    block = here(t)
    proposal = sent(t, block)
    try:
        t.declines("transfer", **t.to_the_other(part(block, 2, 3)))
    finally:
        t.stops(proposal, _S.CHECKED_DISCREPANCY, 4003)


@GROUP.case("158", "Units that left are in no other proposal", "R-RESERVE-1")
def units_are_gone(t: RegistryTester) -> None:
    block = here(t)
    t.completes(sent(t, block), _S.ACCEPTED)
    t.declines("transfer", **t.to_the_other(block))
