"""160 to 172: cancellation and retirement."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from itl.codes import TransactionType, UnitType
from itl.messages import ProposalTransaction, TransactionUnitBlock
from registry_client.conformance.hub.material import HOLDING, PENDING, PERSON
from registry_client.conformance.hub.rules import Rule, add_rules
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.making import part
from registry_client.conformance.playing import Party
from registry_client.conformance.suite import Group
from registry_client.units import Account

GROUP: Group[HubTester] = Group("Cancellation")
RETIREMENT: Group[HubTester] = Group("Retirement")

_Broken = tuple[Party, ProposalTransaction]
_VOLUNTARY = Account(230, 3001)
_RETIRED = Account(300, 3002)


def cancelling(
    t: HubTester, *blocks: TransactionUnitBlock, target: Account = _VOLUNTARY, notice: int | None = None
) -> _Broken:
    """A cancellation of the initiator."""
    return t.initiator, t.proposal(TransactionType.CANCELLATION, t.initiator, *blocks, target=target, notice=notice)


def retiring(
    t: HubTester,
    *blocks: TransactionUnitBlock,
    party: Party | None = None,
    source: Account = HOLDING,
    target: Account = _RETIRED,
) -> _Broken:
    """A retirement, of the initiator if nobody else is named."""
    retirer = party or t.initiator
    return retirer, t.proposal(TransactionType.RETIREMENT, retirer, *blocks, source=source, target=target)


@GROUP.case("160", "Voluntary cancellation; the units stay cancelled", "CANCEL-1")
def voluntary_cancellation(t: HubTester) -> None:
    block = t.issued()
    t.completes(*cancelling(t, part(block, 0, 4)))
    found = t.refused(*cancelling(t, block), 4011)
    t.names(found, 4011, part(block, 0, 4))
    t.completes(*cancelling(t, part(block, 4, 6)))


for _type, _what in ((210, "net source"), (220, "non-compliance"), (250, "mandatory")):

    def _other(t: HubTester, account_type: int = _type) -> None:
        t.completes(*cancelling(t, t.issued(), target=Account(account_type, 3003)))

    GROUP.add(f"161/{_type}", f"Cancellation into an account of type {_type}: {_what}", ("CANCEL-1",), _other)


def without_account(made: Callable[[HubTester], _Broken], side: str) -> Callable[[HubTester], _Broken]:
    """A proposal that names no account on one side, in the head and in its blocks."""

    def broken(t: HubTester) -> _Broken:
        party, proposal = made(t)
        nameless = {f"{side}_registry_account_identifier": None}
        blocks = tuple(replace(block, **nameless) for block in proposal.proposal_unit_blocks)
        return party, replace(proposal, proposal_unit_blocks=blocks, **nameless)

    return broken


add_rules(
    GROUP,
    "162",
    (
        Rule(
            5152,
            "of a Party into the account for excess issuance",
            lambda t: cancelling(t, t.issued(), target=Account(240, 3005)),
            also=frozenset({5157}),
        ),
        Rule(5153, "into an account that is for no cancellation", lambda t: cancelling(t, t.issued(), target=PERSON)),
        Rule(5154, "into no account", without_account(lambda t: cancelling(t, t.issued()), "acquiring")),
        Rule(
            5157,
            "of tCER into an account for net source",
            lambda t: cancelling(t, t.held(UnitType.TCER), target=Account(210, 3003)),
        ),
    ),
)


@RETIREMENT.case("170", "A Party retires AAU; they stay retired", "RETIRE-1")
def aau_are_retired(t: HubTester) -> None:
    block = t.issued()
    t.completes(*retiring(t, part(block, 0, 4)))
    found = t.refused(*retiring(t, block), 4013)
    t.names(found, 4013, part(block, 0, 4))


for _kind in (UnitType.RMU, UnitType.ERU_FROM_AAU, UnitType.CER, UnitType.TCER, UnitType.LCER):

    def _retired(t: HubTester, kind: UnitType = _kind) -> None:
        t.completes(*retiring(t, t.held(kind)))

    RETIREMENT.add(f"171/{_kind.name}", f"A Party retires {_kind.name}", ("RETIRE-1",), _retired)


def _by_the_cdm(t: HubTester) -> _Broken:
    return retiring(t, t.issued(UnitType.CER), party=t.cdm, source=PENDING)


def _after_the_true_up(t: HubTester) -> _Broken:
    return retiring(t, t.issued(party=t.carrier), party=t.carrier)


add_rules(
    RETIREMENT,
    "172",
    (
        Rule(5251, "by the CDM registry", _by_the_cdm, also=frozenset({5257})),
        Rule(5252, "into an account that is for no retirement", lambda t: retiring(t, t.issued(), target=_VOLUNTARY)),
        Rule(5253, "into no account", without_account(lambda t: retiring(t, t.issued()), "acquiring")),
        Rule(5257, "after the true-up of the Party", _after_the_true_up),
    ),
)
