"""120 to 124: issuance, and the rules for what any proposal must hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from msgspec.structs import replace

from itl.codes import TransactionStatus, TransactionType, UnitType
from itl.messages import ProposalTransaction, TransactionUnitBlock
from registry_client.conformance.hub.material import HOLDING, PENDING, PERSON
from registry_client.conformance.hub.rules import Rule, add_rules
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.making import part
from registry_client.conformance.playing import Party
from registry_client.conformance.suite import Group, breaking
from registry_client.units import Account

GROUP: Group[HubTester] = Group("Issuance")

_Broken = tuple[Party, ProposalTransaction]
_MORE_THAN_ANY_LIMIT = 50_000_000_000_000


@GROUP.case("120", "A Party issues AAU", "ISSUE-1", "SEQUENCE-INTERNAL")
def a_party_issues_aau(t: HubTester) -> None:
    block = t.units(UnitType.AAU, 1_000)
    proposal = t.issuance(t.initiator, block)
    with breaking("ISSUE-1"):
        t.completes(t.initiator, proposal)
        _are_held(t, block)
    with breaking("SEQUENCE-INTERNAL"):
        t.untold(t.initiator, proposal)


@GROUP.case("121", "A Party issues RMU", "ISSUE-1")
def a_party_issues_rmu(t: HubTester) -> None:
    block = t.units(UnitType.RMU)
    t.completes(t.initiator, t.issuance(t.initiator, block))
    _are_held(t, block)


def _are_held(t: HubTester, block: TransactionUnitBlock) -> None:
    """Units that were issued can be moved."""
    t.completes(t.initiator, t.proposal(TransactionType.INTERNAL_TRANSFER, t.initiator, block, target=PERSON))


for _kind in (UnitType.CER, UnitType.TCER, UnitType.LCER):

    def _issued_by_the_cdm(t: HubTester, kind: UnitType = _kind) -> None:
        t.transferred(t.cdm, t.initiator, t.issued(kind), source=PENDING)

    GROUP.add(f"122/{_kind.name}", f"The CDM registry issues {_kind.name}", ("ISSUE-2",), _issued_by_the_cdm)


def _aau(**changes: Any) -> Callable[[HubTester], _Broken]:
    """An issuance of AAU whose block is other than it may be."""
    return lambda t: (t.initiator, t.issuance(t.initiator, replace(t.units(UnitType.AAU), **changes)))


def _of(kind: UnitType, **changes: Any) -> Callable[[HubTester], _Broken]:
    def made(t: HubTester) -> _Broken:
        party = t.initiator if kind in (UnitType.AAU, UnitType.RMU) else t.cdm
        return party, t.issuance(party, replace(t.units(kind), **changes))

    return made


def _head(**changes: Any) -> Callable[[HubTester], _Broken]:
    return lambda t: (t.initiator, replace(t.issuance(t.initiator, t.units(UnitType.AAU)), **changes))


def _foreign_identifier(t: HubTester) -> _Broken:
    foreign = t.fresh.transaction(t.acquirer.code)
    return t.initiator, replace(t.issuance(t.initiator, t.units(UnitType.AAU)), transaction_identifier=foreign)


def _reversed(t: HubTester) -> _Broken:
    block = t.units(UnitType.AAU)
    turned = replace(
        block,
        unit_serial_block_start=block.unit_serial_block_end,
        unit_serial_block_end=block.unit_serial_block_start,
    )
    return t.initiator, t.issuance(t.initiator, turned)


def _overlapping(t: HubTester) -> _Broken:
    block = t.units(UnitType.AAU)
    return t.initiator, t.issuance(t.initiator, block, part(block, 5, 5))


def _of_two_kinds(t: HubTester) -> _Broken:
    return t.initiator, t.issuance(t.initiator, t.units(UnitType.AAU), t.units(UnitType.RMU))


def _of_two_periods(t: HubTester) -> _Broken:
    blocks = t.units(UnitType.AAU), t.units(UnitType.AAU, period=t.later)
    return t.initiator, t.issuance(t.initiator, *blocks)


def _for_another(t: HubTester) -> _Broken:
    proposal = t.issuance(t.initiator, t.units(UnitType.AAU))
    return t.initiator, replace(proposal, transferring_registry_code=t.acquirer.code)


def _to_another(t: HubTester) -> _Broken:
    proposal = t.issuance(t.initiator, t.units(UnitType.AAU))
    return t.initiator, replace(proposal, acquiring_registry_code=t.acquirer.code)


def _issued_already(t: HubTester) -> _Broken:
    block = t.issued()
    return t.initiator, t.issuance(t.initiator, part(block, 9, 1))


DATA = (
    Rule(2001, "the identifier is of another registry", _foreign_identifier),
    Rule(2002, "there is no such transaction type", _head(transaction_type=9)),
    Rule(2003, "there is no such supplementary type", _head(supp_transaction_type=77)),
    Rule(2006, "there is no such account type", _head(acquiring_registry_account_type=999)),
    Rule(2007, "the transferring account is number 0", _head(transferring_registry_account_identifier=0)),
    Rule(2008, "the acquiring account is number 0", _head(acquiring_registry_account_identifier=0)),
    Rule(2009, "another registry is named as the transferring one", _for_another),
    Rule(2010, "there is no such originating registry", _aau(originating_registry_code="QQ")),
    Rule(2011, "there is no such unit type", _aau(unit_type=77)),
    Rule(2012, "there is no such supplementary unit type", _aau(supp_unit_type=77)),
    Rule(2013, "a serial is 0", _aau(unit_serial_block_start=0)),
    Rule(2014, "the serials are reversed", _reversed),
    Rule(2015, "RMU without a LULUCF activity", _of(UnitType.RMU, lulucf_activity=None)),
    Rule(2016, "AAU with a LULUCF activity", _aau(lulucf_activity=1)),
    Rule(2017, "CER without a project", _of(UnitType.CER, project_identifier=None)),
    Rule(2018, "AAU with a project", _aau(project_identifier=7)),
    Rule(2019, "ERU without a track", lambda t: _conversion(t, track=None)),
    Rule(2020, "AAU with a track", _aau(track=1)),
    Rule(2021, "tCER without an expiry date", _of(UnitType.TCER, expiry_date=None)),
    Rule(2022, "AAU with an expiry date", _aau(expiry_date=date(2030, 12, 31))),
    Rule(2023, "a unit is named twice", _overlapping),
    Rule(2024, "there is no such original period", _aau(original_commit_period=9), also=frozenset({2025})),
    Rule(2025, "there is no such applicable period", _aau(applicable_commit_period=9)),
    Rule(2026, "replaced units outside a replacement", _aau(block_role="REP")),
)
"""What any proposal must hold, shown with an issuance."""


def _conversion(t: HubTester, **changes: Any) -> _Broken:
    eru = replace(t.converted(t.units(UnitType.AAU)), **changes)
    return t.initiator, t.proposal(TransactionType.CONVERSION, t.initiator, eru)


RULES = (
    Rule(
        4006,
        "into another registry",
        _to_another,
    ),
    Rule(4012, "without a unit", lambda t: (t.initiator, t.issuance(t.initiator)), also=frozenset({5004, 5005})),
    Rule(
        5001,
        "a Party issues CER",
        lambda t: (t.initiator, t.issuance(t.initiator, t.units(UnitType.CER), target=PENDING)),
    ),
    Rule(
        5003,
        "into a person's account",
        lambda t: (t.initiator, t.issuance(t.initiator, t.units(UnitType.AAU), target=PERSON)),
    ),
    Rule(5004, "of two unit types", _of_two_kinds),
    Rule(5005, "of two periods", _of_two_periods, also=frozenset({4005})),
    Rule(
        5006,
        "valid for another period than the original one",
        lambda t: (
            t.initiator,
            t.issuance(t.initiator, replace(t.units(UnitType.AAU), applicable_commit_period=t.later)),
        ),
    ),
    Rule(
        5007,
        "in the name of another Party",
        lambda t: (t.initiator, t.issuance(t.initiator, t.units(UnitType.AAU, originating=t.acquirer.code))),
    ),
    Rule(
        5008,
        "more AAU than any assigned amount",
        lambda t: (t.initiator, t.issuance(t.initiator, _huge(t, UnitType.AAU))),
        also=frozenset({1104, 5010}),
    ),
    Rule(
        5009,
        "more RMU than any recorded quantity",
        lambda t: (t.initiator, t.issuance(t.initiator, _huge(t, UnitType.RMU))),
        also=frozenset({1104, 5010}),
    ),
    Rule(5010, "a serial that was issued already", _issued_already),
    Rule(5019, "tCER with another expiry date", _of(UnitType.TCER, expiry_date=date(2029, 6, 30))),
)
"""What an issuance must be."""


def _huge(t: HubTester, kind: UnitType) -> Any:
    """More units than any Party may issue, at serials that nobody uses: nothing is ever issued of it."""
    return replace(
        t.units(kind),
        unit_serial_block_start=930_000_000_000_000,
        unit_serial_block_end=930_000_000_000_000 + _MORE_THAN_ANY_LIMIT,
    )


add_rules(GROUP, "123", (*DATA, *RULES))


@GROUP.case(
    "124", "What was refused leaves nothing behind: its units can be issued", "SEQUENCE-REFUSED", "EVALUATION-1"
)
def what_was_refused_leaves_nothing(t: HubTester) -> None:
    taken, free = t.issued(), t.units(UnitType.AAU)
    refused = t.issuance(t.initiator, free, part(taken, 2, 3))
    with breaking("CHECK-5010"):
        found = t.refused(t.initiator, refused, 5010, reported=False)
    t.names(found, 5010, part(taken, 2, 3))
    with breaking("SEQUENCE-REFUSED"):
        t.stands(t.initiator, refused, TransactionStatus.CHECKED_DISCREPANCY)
        t.completes(t.initiator, t.issuance(t.initiator, free))
        t.notify(t.initiator, refused, TransactionStatus.TERMINATED)
        t.stands(t.initiator, refused, TransactionStatus.TERMINATED)


@GROUP.case("124/both", "All rules that a proposal breaks are told together", "EVALUATION-2")
def all_are_told_together(t: HubTester) -> None:
    taken = t.issued()
    both = t.issuance(t.initiator, part(taken, 0, 1), target=Account(121, HOLDING.identifier))
    t.refused(t.initiator, both, 5003, 5010)
