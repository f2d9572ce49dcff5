"""160 to 172: cancellation and retirement."""

from __future__ import annotations

from itl.codes import TransactionStatus, TransactionType, UnitType
from itl.messages import ProposalTransaction, TransactionUnitBlock
from registry_client.conformance.making import part
from registry_client.conformance.registry.external_transfer import here
from registry_client.conformance.registry.holdings import lies
from registry_client.conformance.registry.tester import RegistryTester, written
from registry_client.conformance.suite import Group

GROUP: Group[RegistryTester] = Group("Cancellation")
RETIREMENT: Group[RegistryTester] = Group("Retirement")

_S = TransactionStatus
_VOLUNTARY, _RETIRED = 230, 300


def cancelled(t: RegistryTester, block: TransactionUnitBlock, account_type: int = _VOLUNTARY) -> ProposalTransaction:
    """Let the registry propose to cancel units into an account of a type."""
    values = {"units": written(block), "account_type": str(account_type)}
    proposal = t.proposed("cancel", TransactionType.CANCELLATION, **values)
    t.about(proposal, block)
    t.between(proposal, target=account_type, breaks="R-CANCEL-1")
    return proposal


def _retired(t: RegistryTester, block: TransactionUnitBlock) -> ProposalTransaction:
    proposal = t.proposed("retire", TransactionType.RETIREMENT, units=written(block))
    t.about(proposal, block)
    t.between(proposal, t.profile.receiving, _RETIRED, breaks="R-RETIRE-1")
    return proposal


@GROUP.case(
    "160", "Units are cancelled of the Party's own will; the rest of their block stays", "R-CANCEL-1", "R-FINISH-1"
)
def units_are_cancelled(t: RegistryTester) -> None:
    block = here(t)
    t.completes(cancelled(t, part(block, 0, 4)))
    lies(t, part(block, 0, 4), account=_VOLUNTARY, breaks="R-CANCEL-1")
    lies(t, part(block, 4, 6), breaks="R-CANCEL-1")


for _type, _what in ((210, "net source"), (220, "non-compliance"), (250, "mandatory")):

    def _other(t: RegistryTester, account_type: int = _type) -> None:
        t.party_only()
        block = t.held()
        t.completes(cancelled(t, block, account_type))
        lies(t, block, account=account_type, breaks="R-CANCEL-1")

    GROUP.add(f"161/{_type}", f"Cancellation into an account of type {_type}: {_what}", ("R-CANCEL-1",), _other)


@GROUP.case("162", "Units of a cancellation with a discrepancy stay, and are free", "R-FINISH-2")
def a_discrepancy_ends_it(t: RegistryTester) -> None:
    block = here(t)
    t.stops(cancelled(t, block), _S.CHECKED_DISCREPANCY, 4003)
    lies(t, block, breaks="R-FINISH-2")
    t.completes(cancelled(t, block))


@GROUP.case("163", "Units that were cancelled are in no other proposal", "R-RESERVE-1")
def cancelled_units_stay(t: RegistryTester) -> None:
    block = here(t)
    t.completes(cancelled(t, block))
    t.declines("cancel", units=written(block), account_type=str(_VOLUNTARY))


for _number, _kind in (
    ("170", UnitType.AAU),
    *((f"171/{each.name}", each) for each in (UnitType.RMU, UnitType.ERU_FROM_AAU, UnitType.CER, UnitType.TCER)),
):

    def _are_retired(t: RegistryTester, kind: UnitType = _kind) -> None:
        t.party_only()
        block = t.held(kind)
        t.completes(_retired(t, block))
        lies(t, block, account=_RETIRED, breaks="R-RETIRE-1")

    RETIREMENT.add(_number, f"{_kind.name} are retired", ("R-RETIRE-1", "R-FINISH-1"), _are_retired)


@RETIREMENT.case("172", "Units of a retirement with a discrepancy stay, and are free", "R-FINISH-2")
def a_retirement_with_a_discrepancy(t: RegistryTester) -> None:
    t.party_only()
    block = t.held()
    t.stops(_retired(t, block), _S.CHECKED_DISCREPANCY, 5257)
    lies(t, block, breaks="R-FINISH-2")
    t.completes(_retired(t, block))


@RETIREMENT.case("173", "Units that were retired are in no other proposal", "R-RESERVE-1")
def retired_units_stay(t: RegistryTester) -> None:
    t.party_only()
    block = t.held()
    t.completes(_retired(t, block))
    t.declines("retire", units=written(block))
