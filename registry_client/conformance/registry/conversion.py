"""130 to 132: conversion of units that the registry issued into ERU."""

from __future__ import annotations

from msgspec.structs import replace

from itl.codes import TransactionStatus, TransactionType, UnitType
from itl.messages import ProposalTransaction, TransactionUnitBlock
from registry_client.conformance.making import part
from registry_client.conformance.registry.holdings import lies
from registry_client.conformance.registry.tester import RegistryTester, written
from registry_client.conformance.suite import Group

GROUP: Group[RegistryTester] = Group("Conversion")

_S = TransactionStatus
_HOLDING = 100
_ERU = {UnitType.AAU: UnitType.ERU_FROM_AAU, UnitType.RMU: UnitType.ERU_FROM_RMU}


def _converted(t: RegistryTester, kind: UnitType, block: TransactionUnitBlock) -> ProposalTransaction:
    """Let the registry propose to convert units; the proposal states them as the ERU that they become."""
    project = t.profile.project
    values = {"units": written(block), "project": str(project.party_number), "track": str(project.track)}
    proposal = t.proposed("convert", TransactionType.CONVERSION, **values)
    t.about(proposal, as_eru(t, kind, block), breaks="R-CONVERT-1")
    t.between(proposal, _HOLDING, _HOLDING, breaks="R-CONVERT-1")
    return proposal


def as_eru(t: RegistryTester, kind: UnitType, block: TransactionUnitBlock) -> TransactionUnitBlock:
    """Units as the ERU of the profile's project."""
    project = t.profile.project
    return replace(block, unit_type=_ERU[kind], project_identifier=project.party_number, track=project.track)


for _number, _kind in (("130", UnitType.AAU), ("131", UnitType.RMU)):

    def _made_of(t: RegistryTester, kind: UnitType = _kind) -> None:
        t.party_only()
        block = t.issued(kind)
        t.completes(_converted(t, kind, part(block, 0, 40)))
        lies(t, as_eru(t, kind, part(block, 0, 40)), part(block, 40, 60), breaks="R-CONVERT-1")

    GROUP.add(
        _number,
        f"ERU are made of {_kind.name}: serials and period stay, project and track are stated",
        ("R-CONVERT-1", "R-FINISH-1"),
        _made_of,
    )


@GROUP.case("132", "Units of a conversion with a discrepancy stay what they are, and are free", "R-FINISH-2")
def a_discrepancy_ends_it(t: RegistryTester) -> None:
    t.party_only()
    block = t.issued()
    t.stops(_converted(t, UnitType.AAU, block), _S.CHECKED_DISCREPANCY, 5053)
    lies(t, block, breaks="R-FINISH-2")
    t.completes(_converted(t, UnitType.AAU, block))
