"""140 to 142: internal transfer, and the general rules for units that any proposal names."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from itl.codes import TransactionStatus, TransactionType, UnitType
from itl.messages import ProposalTransaction, TransactionUnitBlock
from registry_client.conformance.hub.material import HOLDING, PERSON
from registry_client.conformance.hub.rules import Rule, add_rules
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.making import part
from registry_client.conformance.playing import Party
from registry_client.conformance.suite import Group, breaking
from registry_client.units import Account

GROUP: Group[HubTester] = Group("Internal transfer")

_Broken = tuple[Party, ProposalTransaction]
CANCELLED = Account(230, 3001)
RETIRED = Account(300, 3002)


def moving(t: HubTester, *blocks: TransactionUnitBlock, source: Account = HOLDING, target: Account = PERSON) -> _Broken:
    """An internal transfer of the initiator."""
    kind = TransactionType.INTERNAL_TRANSFER
    return t.initiator, t.proposal(kind, t.initiator, *blocks, source=source, target=target)


@GROUP.case("140", "A block moves between two accounts, and back", "INTERNAL-1")
def a_block_moves(t: HubTester) -> None:
    block = t.issued()
    t.completes(*moving(t, block))
    t.completes(*moving(t, block, source=PERSON, target=HOLDING))


@GROUP.case("141", "A part of a block moves; part and rest are each where they are", "INTERNAL-1")
def a_part_moves(t: HubTester) -> None:
    block = t.issued(UnitType.AAU, 100)
    middle = part(block, 40, 20)
    t.completes(*moving(t, middle))
    found = t.refused(*moving(t, block), 4003)
    t.names(found, 4003, middle)
    t.completes(*moving(t, part(block, 0, 40), part(block, 60, 40)))


@GROUP.case(
    "141/open", "Units of an open transaction are free when it was terminated", "SEQUENCE-REFUSED", "CHECK-4010"
)
def units_are_free_again(t: HubTester) -> None:
    block = t.issued()
    with t.reserved(block), breaking("CHECK-4010"):
        t.refused(*moving(t, part(block, 3, 1)), 4010)
    with breaking("SEQUENCE-REFUSED"):
        t.completes(*moving(t, block))


@GROUP.case("141/refused", "Units of a proposal with a discrepancy are free at once", "SEQUENCE-REFUSED")
def units_of_a_refused_proposal_are_free(t: HubTester) -> None:
    block = t.issued()
    refused = t.proposal(TransactionType.INTERNAL_TRANSFER, t.initiator, block, target=CANCELLED)
    with breaking("CHECK-5402"):
        t.refused(t.initiator, refused, 5402, reported=False)
    t.completes(*moving(t, block))
    t.notify(t.initiator, refused, TransactionStatus.TERMINATED)


def _open_elsewhere(t: HubTester) -> _Broken:
    block = t.issued()
    kept = t.proposal(TransactionType.CANCELLATION, t.initiator, block, target=CANCELLED)
    t.propose(t.initiator, kept)
    t.told(t.initiator, kept, TransactionStatus.CHECKED_NO_DISCREPANCY)
    return moving(t, part(block, 0, 1))


def _closed_period(t: HubTester) -> _Broken:
    return t.initiator, t.issuance(t.initiator, t.units(UnitType.AAU, period=0))


def _held_by_others(t: HubTester) -> _Broken:
    return moving(t, t.issued(party=t.acquirer))


def _two_periods(t: HubTester) -> _Broken:
    return moving(t, t.issued(), t.issued(period=t.later))


def _gone(kind: TransactionType, place: Account) -> Callable[[HubTester], _Broken]:
    def made(t: HubTester) -> _Broken:
        block = t.issued()
        t.completes(t.initiator, t.proposal(kind, t.initiator, block, target=place))
        return moving(t, part(block, 0, 1))

    return made


def _to_itself(t: HubTester) -> _Broken:
    kind = TransactionType.EXTERNAL_TRANSFER
    return t.initiator, t.proposal(kind, t.initiator, t.issued(), target=PERSON)


def _unknown_notice(t: HubTester) -> _Broken:
    kind = TransactionType.CANCELLATION
    return t.initiator, t.proposal(kind, t.initiator, t.issued(), target=Account(250, 3003), notice=999_999_999_999)


GENERAL = (
    Rule(4001, "of a period that is not open", _closed_period, also=frozenset({5002, 5008})),
    Rule(4002, "of units that were never issued", lambda t: moving(t, t.units(UnitType.AAU))),
    Rule(4003, "of units that another registry holds", _held_by_others),
    Rule(
        4004,
        "of units with other attributes",
        lambda t: moving(t, replace(t.issued(), applicable_commit_period=t.later)),
    ),
    Rule(4005, "of units of two periods", _two_periods),
    Rule(4007, "an external transfer to oneself", _to_itself),
    Rule(4010, "of units of an open transaction", _open_elsewhere),
    Rule(4011, "of cancelled units", _gone(TransactionType.CANCELLATION, CANCELLED)),
    Rule(4013, "of retired units", _gone(TransactionType.RETIREMENT, RETIRED)),
    Rule(4016, "naming a notice that is not there", _unknown_notice, also=frozenset({5156})),
)

RULES = (Rule(5402, "into a cancellation account", lambda t: moving(t, t.issued(), target=CANCELLED)),)

add_rules(GROUP, "142", (*GENERAL, *RULES))
