"""120 to 124: issuance."""

from __future__ import annotations

from itl.codes import CDM_UNITS, TransactionStatus, UnitType
from itl.messages import ProposalTransaction
from registry_client.conformance.making import joined
from registry_client.conformance.registry.holdings import absent, lies
from registry_client.conformance.registry.proposed import serials_of
from registry_client.conformance.registry.tester import NAMES, RegistryTester
from registry_client.conformance.suite import Failed, Group, breaking

GROUP: Group[RegistryTester] = Group("Issuance")

_S = TransactionStatus
_PENDING, _HOLDING = 110, 100


def kind_of(t: RegistryTester) -> UnitType:
    """The type of units that the registry issues."""
    return UnitType.CER if t.profile.is_cdm else UnitType.AAU


def well_formed(t: RegistryTester, proposal: ProposalTransaction, kind: UnitType, quantity: int) -> None:
    """An issuance must be of one type and period, as many as were asked for, into the account where units begin."""
    blocks = proposal.proposal_unit_blocks
    if {block.unit_type for block in blocks} != {int(kind)}:
        raise Failed(f"an issuance of {NAMES[kind]} must have units of type {int(kind)} alone")
    if len({(block.original_commit_period, block.applicable_commit_period) for block in blocks}) != 1:
        raise Failed("an issuance must be of one commitment period")
    if any(block.original_commit_period != block.applicable_commit_period for block in blocks):
        raise Failed("units are issued for the period that they apply to")
    found = sum(block.unit_serial_block_end - block.unit_serial_block_start + 1 for block in blocks)
    if found != quantity:
        raise Failed(f"{quantity} units were to be issued, {found} are proposed")
    origin = t.profile.project.host if kind in CDM_UNITS else t.profile.code
    if {block.originating_registry_code for block in blocks} != {origin}:
        raise Failed(f"the units must be of {origin}")
    place = _PENDING if kind in CDM_UNITS else _HOLDING
    t.between(proposal, place, place, breaks="R-ISSUE-1")


@GROUP.case(
    "120",
    "AAU are issued when the log has let them pass, and not before; completion is reported once",
    "R-ISSUE-1",
    "R-PROPOSE-1",
    "R-PROPOSE-2",
    "R-PROPOSE-3",
    "R-PROPOSE-5",
    "R-FINISH-1",
    "R-REPORT-1",
)
def aau_are_issued(t: RegistryTester) -> None:
    t.party_only()
    _carried_through(t, UnitType.AAU)


@GROUP.case("121", "RMU are issued", "R-ISSUE-1", "R-FINISH-1")
def rmu_are_issued(t: RegistryTester) -> None:
    t.party_only()
    _carried_through(t, UnitType.RMU)


for _kind in (UnitType.CER, UnitType.TCER, UnitType.LCER):

    def _issued(t: RegistryTester, kind: UnitType = _kind) -> None:
        t.cdm_only()
        _carried_through(t, kind)

    GROUP.add(
        f"122/{NAMES[_kind]}",
        f"{NAMES[_kind]} are issued into the pending account",
        ("R-ISSUE-1", "R-PROPOSE-3", "R-FINISH-1"),
        _issued,
    )


def _carried_through(t: RegistryTester, kind: UnitType) -> None:
    proposal = t.issuance(kind, 100)
    with breaking("R-ISSUE-1"):
        well_formed(t, proposal, kind, 100)
    t.silent(proposal, "before the log has said anything", "R-FINISH-1")
    t.completes(proposal)
    t.silent(proposal, "after its completion", "R-FINISH-1")
    lies(t, *proposal.proposal_unit_blocks, account=_PENDING if kind in CDM_UNITS else _HOLDING, breaks="R-FINISH-1")


@GROUP.case("123", "An issuance with a discrepancy is over, and its units are not there", "R-FINISH-2")
def a_discrepancy_ends_it(t: RegistryTester) -> None:
    proposal = t.issuance(kind_of(t))
    t.stops(proposal, _S.CHECKED_DISCREPANCY, 5010)
    absent(t, *proposal.proposal_unit_blocks, breaks="R-FINISH-2")


@GROUP.case("124", "An issuance that the log cancels is over, and its units are not there", "R-FINISH-3")
def a_cancellation_ends_it(t: RegistryTester) -> None:
    proposal = t.issuance(kind_of(t))
    t.stops(proposal, _S.CANCELLED)
    absent(t, *proposal.proposal_unit_blocks, breaks="R-FINISH-3")


@GROUP.case(
    "124/serials", "Each issuance has an identifier and serials that were never used", "R-ISSUE-1", "R-PROPOSE-1"
)
def serials_are_new(t: RegistryTester) -> None:
    first, second = t.issuance(kind_of(t)), t.issuance(kind_of(t))
    for proposal in (first, second):
        t.stops(proposal, _S.CHECKED_DISCREPANCY, 5010)
    if first.transaction_identifier == second.transaction_identifier:
        raise Failed(f"two transactions have the identifier {first.transaction_identifier}", "R-PROPOSE-1")
    ranges = [serials_of(block) for proposal in (first, second) for block in proposal.proposal_unit_blocks]
    if sum(end - start + 1 for _, start, end in joined(ranges)) < 200:
        told = f"serials are issued twice: {first.transaction_identifier} and {second.transaction_identifier}"
        raise Failed(told, "R-ISSUE-1")
