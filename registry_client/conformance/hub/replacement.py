"""190 to 203: replacement of tCER and lCER, and the change of their expiry dates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from msgspec.structs import replace

from itl.codes import NoticeType, TransactionType, UnitType
from itl.messages import ProposalTransaction, TransactionUnitBlock
from registry_client.conformance.hub.cancellation import without_account
from registry_client.conformance.hub.material import PERSON
from registry_client.conformance.hub.rules import Rule, add_rules
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.making import part
from registry_client.conformance.playing import Party
from registry_client.conformance.suite import Group, breaking
from registry_client.units import Account

GROUP: Group[HubTester] = Group("Replacement")
EXPIRY: Group[HubTester] = Group("Expiry date change")

_Broken = tuple[Party, ProposalTransaction]
_TCER_EXPIRY, _LCER_EXPIRY = Account(411, 3006), Account(421, 3007)
_REVERSAL = Account(422, 3008)
_SERIALS_A_PROJECT = 7
_NEW_DATE = date(2045, 12, 31)


def replacing(
    t: HubTester,
    replaced: TransactionUnitBlock,
    by: TransactionUnitBlock,
    *,
    target: Account,
    notice: int | None = None,
) -> _Broken:
    """A replacement: the replaced units stand in it with the role REP."""
    blocks = by, replace(replaced, block_role="REP")
    kind = TransactionType.REPLACEMENT
    return t.initiator, t.proposal(kind, t.initiator, *blocks, target=target, notice=notice)


def _with_aau(t: HubTester, kind: UnitType, **other: Any) -> tuple[TransactionUnitBlock, TransactionUnitBlock]:
    return t.held(kind, **other), t.issued(period=t.later)


@GROUP.case("190", "tCER are replaced by AAU, and not a second time", "REPLACE-1", "CHECK-5211")
def tcer_are_replaced(t: HubTester) -> None:
    tcer, aau = _with_aau(t, UnitType.TCER)
    with breaking("REPLACE-1"):
        t.completes(*replacing(t, tcer, aau, target=_TCER_EXPIRY))
    again = replacing(t, tcer, t.issued(period=t.later), target=_TCER_EXPIRY)
    with breaking("CHECK-5211"):
        t.refused(*again, 5211, also=frozenset({4015}))


@GROUP.case("190/4014", "Replacing units stay where they are", "CHECK-4014")
def replacing_units_stay(t: HubTester) -> None:
    tcer, aau = _with_aau(t, UnitType.TCER)
    t.completes(*replacing(t, tcer, aau, target=_TCER_EXPIRY))
    moved = t.proposal(TransactionType.INTERNAL_TRANSFER, t.initiator, part(aau, 0, 1), target=PERSON)
    t.refused(t.initiator, moved, 4014)


@GROUP.case("190/4015", "Replaced units go nowhere", "CHECK-4015")
def replaced_units_stay(t: HubTester) -> None:
    tcer, aau = _with_aau(t, UnitType.TCER)
    t.completes(*replacing(t, tcer, aau, target=_TCER_EXPIRY))
    moved = t.proposal(TransactionType.INTERNAL_TRANSFER, t.initiator, part(tcer, 0, 1), target=PERSON)
    t.refused(t.initiator, moved, 4015)


@GROUP.case("191", "lCER are replaced by CER", "REPLACE-1")
def lcer_are_replaced(t: HubTester) -> None:
    lcer, cer = t.held(UnitType.LCER), t.held(UnitType.CER, period=t.later)
    t.completes(*replacing(t, lcer, cer, target=_LCER_EXPIRY))
    moved = t.proposal(TransactionType.INTERNAL_TRANSFER, t.initiator, lcer, target=PERSON)
    t.refused(t.initiator, moved, 4015)


def _role_missing(t: HubTester) -> _Broken:
    tcer, aau = _with_aau(t, UnitType.TCER)
    party, proposal = replacing(t, tcer, aau, target=_TCER_EXPIRY)
    return party, replace(proposal, proposal_unit_blocks=proposal.proposal_unit_blocks[:1])


def _fewer(t: HubTester) -> _Broken:
    tcer, aau = _with_aau(t, UnitType.TCER)
    return replacing(t, tcer, part(aau, 0, 9), target=_TCER_EXPIRY)


def _into(target: Account, kind: UnitType = UnitType.TCER) -> Callable[[HubTester], _Broken]:
    def made(t: HubTester) -> _Broken:
        replaced, aau = _with_aau(t, kind)
        return replacing(t, replaced, aau, target=target)

    return made


def _of_aau(t: HubTester) -> _Broken:
    return replacing(t, t.issued(period=t.later), t.issued(period=t.later), target=_TCER_EXPIRY)


def _by(kind: UnitType, replaced: UnitType, target: Account) -> Callable[[HubTester], _Broken]:
    return lambda t: replacing(t, t.held(replaced), t.held(kind), target=target)


@GROUP.case("192", "lCER are replaced because of a notice, in parts", "REPLACE-2", "NOTICE-2")
def lcer_are_replaced_by_notice(t: HubTester) -> None:
    lcer, project = _lcer_of_a_project(t)
    notice = _reversal_notice(t, project, quantity=10)
    first, second = part(lcer, 0, 6), part(lcer, 6, 4)
    aau = t.issued(period=t.later)
    t.completes(*replacing(t, first, part(aau, 0, 6), target=_REVERSAL, notice=notice.identifier))
    t.completes(*replacing(t, second, part(aau, 6, 4), target=_REVERSAL, notice=notice.identifier))


@GROUP.case("192/again", "A notice that was answered whole is not answered again", "NOTICE-2")
def a_notice_is_answered_once(t: HubTester) -> None:
    lcer, project = _lcer_of_a_project(t)
    notice = _reversal_notice(t, project, quantity=5)
    aau = t.issued(period=t.later)
    t.completes(*replacing(t, part(lcer, 0, 5), part(aau, 0, 5), target=_REVERSAL, notice=notice.identifier))
    again = replacing(t, part(lcer, 5, 5), part(aau, 5, 5), target=_REVERSAL, notice=notice.identifier)
    t.refused_with_one_of(*again, 4016, 5215)  # by status, or by what is outstanding


@GROUP.case("192/4017", "While a notice of reversal is open, lCER of its project are not retired", "CHECK-4017")
def the_project_is_barred(t: HubTester) -> None:
    lcer, project = _lcer_of_a_project(t)
    _reversal_notice(t, project, quantity=10)
    kind = TransactionType.RETIREMENT
    t.refused(t.initiator, t.proposal(kind, t.initiator, lcer, target=Account(300, 3002)), 4017)


@GROUP.case("192/5156", "A cancellation that answers a notice is of the notice's project", "CHECK-5156")
def the_project_of_a_cancellation(t: HubTester) -> None:
    _, project = _lcer_of_a_project(t)
    notice = _reversal_notice(t, project, quantity=10)
    other, _ = _lcer_of_a_project(t)
    kind = TransactionType.CANCELLATION
    proposal = t.proposal(kind, t.initiator, other, target=Account(250, 3003), notice=notice.identifier)
    t.refused(t.initiator, proposal, 5156)


@GROUP.case("193/5214", "Refused with 5214: lCER by lCER of another project", "CHECK-5214")
def by_another_project(t: HubTester) -> None:
    lcer, project = _lcer_of_a_project(t)
    notice = _reversal_notice(t, project, quantity=10)
    other, _ = _lcer_of_a_project(t)
    t.refused(*replacing(t, lcer, other, target=_REVERSAL, notice=notice.identifier), 5214)


def _lcer_of_a_project(t: HubTester) -> tuple[TransactionUnitBlock, int]:
    project = own_project(t)
    return t.held(UnitType.LCER, project_identifier=project), project


def _reversal_notice(t: HubTester, project: int, quantity: int) -> _Noticed:
    return noticed(t, int(NoticeType.REVERSAL_OF_STORAGE), project, units=str(quantity))


add_rules(
    GROUP,
    "193",
    (
        Rule(5201, "no units that are replaced", _role_missing, also=frozenset({5202, 5203, 5209})),
        Rule(5202, "fewer replacing than replaced units", _fewer),
        Rule(5203, "tCER in the account for lCER", _into(_LCER_EXPIRY), also=frozenset({5209, 5213})),
        Rule(5204, "into no account", without_account(_into(_TCER_EXPIRY), "acquiring")),
        Rule(5209, "of AAU", _of_aau, also=frozenset({5203})),
        Rule(5212, "of tCER by lCER", _by(UnitType.LCER, UnitType.TCER, _TCER_EXPIRY), also=frozenset({5214})),
        Rule(5213, "of lCER by tCER", _by(UnitType.TCER, UnitType.LCER, _LCER_EXPIRY)),
        Rule(5215, "for a reversal of storage without its notice", _into(_REVERSAL, UnitType.LCER)),
    ),
)


@dataclass(frozen=True, slots=True)
class _Noticed:
    """A notice of the hub about a project that nobody else uses."""

    identifier: int
    project: int


def noticed(t: HubTester, kind: int, project: int, **told: str) -> _Noticed:
    """Let the hub's people raise a notice about the project, and hear it."""
    text = f"conformance {t.fresh.transaction(t.initiator.code)}"
    values = {"registry": t.initiator.code, "text": text, "project": f"{t.profile.project.host}{project}"}
    t.ask("expiry notice" if kind == NoticeType.EXPIRY_DATE_CHANGE else "notice", values | {"type": str(kind)} | told)
    with breaking("NOTICE-1"):
        found = t.initiator.expect(
            "acceptITLNotice",
            f"a notice of type {kind}",
            lambda message: message.notification_type == kind and message.message_content == text,
        ).message
    return _Noticed(found.notification_identifier, project)


def own_project(t: HubTester) -> int:
    """The number of a project that no test used before."""
    start, _ = t.fresh.serials(_SERIALS_A_PROJECT)
    return start // _SERIALS_A_PROJECT % 8_000_000 + 1_000_000


def _dated(t: HubTester, notice: _Noticed | None, *blocks: TransactionUnitBlock, to: date = _NEW_DATE) -> _Broken:
    changed = (replace(block, expiry_date=to) for block in blocks)
    kind, named = TransactionType.EXPIRY_DATE_CHANGE, None if notice is None else notice.identifier
    return t.initiator, t.proposal(kind, t.initiator, *changed, notice=named)


def _expiry_notice(t: HubTester, project: int) -> _Noticed:
    return noticed(t, 9, project, unit_type=str(int(UnitType.LCER)), date=_NEW_DATE.isoformat())


@EXPIRY.case("200", "lCER get the date of the notice", "EXPIRY-1", "NOTICE-2")
def lcer_get_the_date(t: HubTester) -> None:
    project = own_project(t)
    lcer = t.held(UnitType.LCER, project_identifier=project)
    notice = _expiry_notice(t, project)
    with breaking("EXPIRY-1"):
        t.completes(*_dated(t, notice, lcer))
    moved = t.proposal(
        TransactionType.INTERNAL_TRANSFER, t.initiator, replace(lcer, expiry_date=_NEW_DATE), target=PERSON
    )
    with breaking("EXPIRY-1"):
        t.completes(t.initiator, moved)


@EXPIRY.case("203/5353", "Refused with 5353: not the date of the notice", "CHECK-5353")
def not_the_date(t: HubTester) -> None:
    project = own_project(t)
    lcer = t.held(UnitType.LCER, project_identifier=project)
    notice = _expiry_notice(t, project)
    t.refused(*_dated(t, notice, lcer, to=date(2044, 6, 30)), 5353)


def _two_projects(t: HubTester) -> _Broken:
    one, other = (t.held(UnitType.LCER, project_identifier=t.profile.project.number + more) for more in (0, 1))
    return _dated(t, None, one, other)


def _undated(t: HubTester) -> _Broken:
    return t.initiator, t.proposal(TransactionType.EXPIRY_DATE_CHANGE, t.initiator, t.issued())


add_rules(
    EXPIRY,
    "203",
    (
        Rule(5351, "of units that do not expire", _undated, also=frozenset({5352, 5353, 5354})),
        Rule(5352, "without a notice", lambda t: _dated(t, None, t.held(UnitType.LCER)), also=frozenset({5353})),
        Rule(5354, "of two projects", _two_projects, also=frozenset({5352, 5353})),
    ),
)
