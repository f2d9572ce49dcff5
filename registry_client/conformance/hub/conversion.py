"""130 to 132: conversion of AAU and RMU into ERU."""

from __future__ import annotations

from msgspec.structs import replace

from itl.codes import TransactionType, UnitType
from itl.messages import ProposalTransaction
from registry_client.conformance.hub.material import HOLDING, PENDING
from registry_client.conformance.hub.rules import Rule, add_rules
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.making import part
from registry_client.conformance.playing import Party
from registry_client.conformance.suite import Group
from registry_client.units import Account

GROUP: Group[HubTester] = Group("Conversion")

_Broken = tuple[Party, ProposalTransaction]


@GROUP.case("130", "AAU become ERU, which then move as such", "CONVERT-1")
def aau_become_eru(t: HubTester) -> None:
    eru = t.held(UnitType.ERU_FROM_AAU)
    target = Account(121, 2001)
    t.completes(t.initiator, t.proposal(TransactionType.INTERNAL_TRANSFER, t.initiator, eru, target=target))


@GROUP.case("131", "RMU become ERU that keep their LULUCF activity", "CONVERT-1")
def rmu_become_eru(t: HubTester) -> None:
    eru = t.held(UnitType.ERU_FROM_RMU)
    target = Account(121, 2001)
    t.completes(t.initiator, t.proposal(TransactionType.INTERNAL_TRANSFER, t.initiator, eru, target=target))


@GROUP.case("131/part", "A part of a block is converted, the rest stays what it was", "CONVERT-1")
def a_part_is_converted(t: HubTester) -> None:
    block = t.issued()
    first, rest = part(block, 0, 4), part(block, 4, 6)
    t.completes(t.initiator, t.proposal(TransactionType.CONVERSION, t.initiator, t.converted(first)))
    t.completes(
        t.initiator, t.proposal(TransactionType.INTERNAL_TRANSFER, t.initiator, rest, target=Account(121, 2001))
    )


def _conversion(t: HubTester, *blocks: object, target: Account = HOLDING) -> _Broken:
    return t.initiator, t.proposal(TransactionType.CONVERSION, t.initiator, *blocks, target=target)  # type: ignore[arg-type]


def _of_cer(t: HubTester) -> _Broken:
    cer = t.held(UnitType.CER)
    return _conversion(t, replace(cer, unit_type=int(UnitType.ERU_FROM_AAU), track=t.profile.project.track))


def _of_others(t: HubTester) -> _Broken:
    block = t.issued(party=t.acquirer)
    t.transferred(t.acquirer, t.initiator, block)
    return _conversion(t, t.converted(block))


def _other_activity(t: HubTester) -> _Broken:
    return _conversion(t, t.converted(t.issued(UnitType.RMU), lulucf_activity=2))


def _two_projects(t: HubTester) -> _Broken:
    block = t.issued()
    other = t.profile.project.party_number + 1
    return _conversion(t, t.converted(part(block, 0, 5)), t.converted(part(block, 5, 5), project_identifier=other))


add_rules(
    GROUP,
    "132",
    (
        Rule(5051, "of CER", _of_cer, also=frozenset({5052, 5053, 5062})),
        Rule(5052, "of AAU that another Party issued", _of_others, also=frozenset({5053})),
        Rule(5057, "into a pending account", lambda t: _conversion(t, t.converted(t.issued()), target=PENDING)),
        Rule(5061, "into ERU of another LULUCF activity", _other_activity, also=frozenset({5062})),
        Rule(5062, "into ERU of two projects", _two_projects, also=frozenset({5053})),
    ),
)
