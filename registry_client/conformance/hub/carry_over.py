"""180 to 185: carry-over into the next commitment period."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from itl.codes import TransactionType, UnitType
from itl.messages import ProposalTransaction, TransactionUnitBlock
from registry_client.conformance.hub.cancellation import without_account
from registry_client.conformance.hub.material import HOLDING, PENDING, PERSON
from registry_client.conformance.hub.rules import Rule, add_rules
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.playing import Party
from registry_client.conformance.suite import Group
from registry_client.units import Account

GROUP: Group[HubTester] = Group("Carry-over")

_Broken = tuple[Party, ProposalTransaction]
_SURPLUS = Account(130, 3004)
_CANCELLED = Account(230, 3001)


def carrying(
    t: HubTester,
    block: TransactionUnitBlock,
    *,
    party: Party | None = None,
    source: Account = HOLDING,
    target: Account = HOLDING,
    **changes: Any,
) -> _Broken:
    """A carry-over, of the carrier if nobody else is named: the blocks state the next period already."""
    carrier = party or t.carrier
    moved = replace(block, **({"applicable_commit_period": t.later} | changes))
    return carrier, t.proposal(TransactionType.CARRY_OVER, carrier, moved, source=source, target=target)


def _of(t: HubTester, kind: UnitType, **other: Any) -> TransactionUnitBlock:
    """Units of the carrier's, or of the CDM's forwarded to it."""
    if kind in (UnitType.AAU, UnitType.RMU):
        return t.issued(kind, party=t.carrier)
    if kind in (UnitType.ERU_FROM_AAU, UnitType.ERU_FROM_RMU):
        source = UnitType.AAU if kind == UnitType.ERU_FROM_AAU else UnitType.RMU
        eru = t.converted(t.issued(source, party=t.carrier))
        t.completes(t.carrier, t.proposal(TransactionType.CONVERSION, t.carrier, eru))
        return eru
    block = t.issued(kind, **other)
    t.transferred(t.cdm, t.carrier, block, source=PENDING)
    return block


@GROUP.case("180", "AAU are carried over into the surplus reserve", "CARRY-1")
def aau_are_carried_over(t: HubTester) -> None:
    block = _of(t, UnitType.AAU)
    t.completes(*carrying(t, block, target=_SURPLUS))
    as_before = t.proposal(TransactionType.INTERNAL_TRANSFER, t.carrier, block, target=PERSON)
    t.refused_with_one_of(t.carrier, as_before, 4003, 4004)  # by their account, or by their period


@GROUP.case("181", "CER are carried over where they are", "CARRY-2")
def cer_are_carried_over(t: HubTester) -> None:
    _carried_in_place(t, _of(t, UnitType.CER))


@GROUP.case("182", "ERU made of AAU are carried over where they are", "CARRY-2")
def eru_are_carried_over(t: HubTester) -> None:
    _carried_in_place(t, _of(t, UnitType.ERU_FROM_AAU))


def _carried_in_place(t: HubTester, block: TransactionUnitBlock) -> None:
    """Units are carried over, and then move as those of the next period."""
    t.completes(*carrying(t, block))
    carried = replace(block, applicable_commit_period=t.later)
    t.completes(t.carrier, t.proposal(TransactionType.INTERNAL_TRANSFER, t.carrier, carried, target=PERSON))


def _cancelled_before(t: HubTester) -> _Broken:
    block = _of(t, UnitType.AAU)
    t.completes(t.carrier, t.proposal(TransactionType.CANCELLATION, t.carrier, block, target=_CANCELLED))
    return carrying(t, block, source=_CANCELLED, target=_SURPLUS)


def _by_the_cdm(t: HubTester) -> _Broken:
    return carrying(t, t.issued(UnitType.CER), party=t.cdm, source=PENDING, target=PENDING)


def _too_early(t: HubTester) -> _Broken:
    return carrying(t, t.issued(), party=t.initiator, target=_SURPLUS)


def _of_tcer(t: HubTester) -> _Broken:
    block = _of(t, UnitType.TCER)
    return carrying(t, block, applicable_commit_period=t.later + 1)


add_rules(
    GROUP,
    "185",
    (
        Rule(5301, "by the CDM registry", _by_the_cdm, also=frozenset({5303, 5308})),
        Rule(
            5302,
            "from no account",
            without_account(lambda t: carrying(t, _of(t, UnitType.AAU), target=_SURPLUS), "transferring"),
        ),
        Rule(5303, "from a cancellation account", _cancelled_before, also=frozenset({4003, 4011})),
        Rule(
            5304,
            "into the period after the next",
            lambda t: carrying(t, _of(t, UnitType.CER), applicable_commit_period=t.later + 1),
            also=frozenset({4001, 5308}),
        ),
        Rule(5305, "of RMU", lambda t: carrying(t, _of(t, UnitType.RMU))),
        Rule(5306, "of ERU made of RMU", lambda t: carrying(t, _of(t, UnitType.ERU_FROM_RMU))),
        Rule(5307, "of tCER", _of_tcer, also=frozenset({5308})),
        Rule(5308, "before the true-up of the Party is over", _too_early),
        Rule(5314, "of AAU into a holding account", lambda t: carrying(t, _of(t, UnitType.AAU))),
    ),
)
