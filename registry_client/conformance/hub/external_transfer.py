"""150 to 158: external transfer, in which the tester plays both sides."""

from __future__ import annotations

from msgspec.structs import replace

from itl.codes import TransactionStatus, TransactionType, UnitType
from itl.messages import ProposalRequest, ProposalTransaction, TransactionUnitBlock
from registry_client.conformance.hub.material import HOLDING, PENDING, PROCEEDS
from registry_client.conformance.hub.rules import Rule, add_rules
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.making import part
from registry_client.conformance.playing import Party
from registry_client.conformance.suite import Failed, Group, breaking
from registry_client.units import Account

GROUP: Group[HubTester] = Group("External transfer")

_S = TransactionStatus
_Broken = tuple[Party, ProposalTransaction]
_NOT_THERE, _NO_POLICY = 5902, 5904


def transfer(
    t: HubTester,
    *blocks: TransactionUnitBlock,
    to: Party | None = None,
    source: Account = HOLDING,
    target: Account = HOLDING,
) -> ProposalTransaction:
    """A transfer of the initiator to the acquirer."""
    kind = TransactionType.EXTERNAL_TRANSFER
    return t.proposal(kind, t.initiator, *blocks, to=to or t.acquirer, source=source, target=target)


@GROUP.case(
    "150",
    "A transfer is relayed, accepted and completed; the acquirer holds the units",
    "SEQUENCE-TRANSFER",
    "TRANSFER-1",
    "RELAY-1",
)
def a_transfer_is_completed(t: HubTester) -> None:
    block = t.issued(UnitType.AAU, 100)
    proposal = transfer(t, block)
    with breaking("TRANSFER-1"):
        t.propose(t.initiator, proposal)
        relayed = t.relayed(t.acquirer, proposal)
    if relayed.supp_transaction_type not in (None, 0):
        raise Failed(f"the relayed proposal has the supplementary type {relayed.supp_transaction_type}", "RELAY-1")
    with breaking("SEQUENCE-TRANSFER"):
        t.untold(t.initiator, proposal)
        t.notify(t.acquirer, proposal, _S.ACCEPTED)
        t.told(t.initiator, proposal, _S.ACCEPTED)
        t.untold(t.acquirer, proposal)
        t.notify(t.initiator, proposal, _S.COMPLETED)
        t.told(t.acquirer, proposal, _S.COMPLETED)
        t.notify(t.acquirer, proposal, _S.COMPLETED)
        for party in (t.initiator, t.acquirer):
            t.stands(party, proposal, _S.COMPLETED)
    back = t.proposal(TransactionType.EXTERNAL_TRANSFER, t.acquirer, part(block, 30, 10), to=t.initiator)
    with breaking("TRANSFER-1"):
        t.propose(t.acquirer, back)
        t.relayed(t.initiator, back)
        t.notify(t.initiator, back, _S.REJECTED, _NO_POLICY)
        t.told(t.acquirer, back, _S.REJECTED)
        t.notify(t.acquirer, back, _S.TERMINATED)


@GROUP.case("151", "A transfer that the acquirer rejects is told 6 with its codes; the units stay", "SEQUENCE-REJECTED")
def a_transfer_is_rejected(t: HubTester) -> None:
    block = t.issued()
    proposal = transfer(t, block)
    t.propose(t.initiator, proposal)
    t.relayed(t.acquirer, proposal)
    t.notify(t.acquirer, proposal, _S.REJECTED, _NOT_THERE)
    found = t.told(t.initiator, proposal, _S.REJECTED)
    codes = [each.response_code for each in found.evaluation_result]
    if codes != [_NOT_THERE]:
        raise Failed(f"the initiator must be told the acquirer's code {_NOT_THERE}; it was told {codes}")
    t.notify(t.initiator, proposal, _S.TERMINATED)
    kind = TransactionType.INTERNAL_TRANSFER
    t.completes(t.initiator, t.proposal(kind, t.initiator, block, target=Account(121, 2001)))


@GROUP.case("152", "A transfer that its initiator ends before the answer is over for both", "SEQUENCE-RETRACTED")
def a_transfer_is_retracted(t: HubTester) -> None:
    proposal = transfer(t, t.issued())
    t.propose(t.initiator, proposal)
    t.relayed(t.acquirer, proposal)
    t.notify(t.initiator, proposal, _S.TERMINATED)
    t.told(t.acquirer, proposal, _S.CANCELLED)
    t.stands(t.acquirer, proposal, _S.TERMINATED)
    answer = t.notified(t.acquirer, proposal.transaction_identifier, _S.ACCEPTED)
    t.refused_at_once(answer, "acceptance of a transfer that was ended", 3007)


@GROUP.case("153", "A transfer with a discrepancy never reaches the acquirer", "SEQUENCE-HELD")
def a_transfer_is_held(t: HubTester) -> None:
    proposal = transfer(t, t.units(UnitType.AAU))
    t.refused(t.initiator, proposal, 4002, also=frozenset({5104}))
    t.untold(t.acquirer, proposal)
    answer = t.notified(t.acquirer, proposal.transaction_identifier, _S.ACCEPTED)
    if answer.result_identifier != 0:
        raise Failed("the acquirer's acceptance of a transfer with a discrepancy must be refused")


@GROUP.case("154", "An acquirer that refuses the relayed proposal at once has rejected it", "SEQUENCE-REJECTED")
def a_transfer_is_refused_at_once(t: HubTester) -> None:
    proposal = transfer(t, t.issued())
    with t.acquirer.answering("acceptProposal", lambda received: t.acquirer.refused(received, (_NOT_THERE,))):
        t.propose(t.initiator, proposal)
        t.told(t.initiator, proposal, _S.REJECTED)
    t.notify(t.initiator, proposal, _S.TERMINATED)


@GROUP.case("155", "The CDM registry forwards CER to a Party", "TRANSFER-2")
def cer_are_forwarded(t: HubTester) -> None:
    cer = t.issued(UnitType.CER)
    t.transferred(t.cdm, t.initiator, cer, source=PENDING)
    t.completes(t.initiator, t.proposal(TransactionType.CANCELLATION, t.initiator, cer, target=Account(230, 3001)))


@GROUP.case(
    "155/proceeds", "AAU of the later period leave when the share of proceeds was paid", "CHECK-5107", "TRANSFER-1"
)
def the_share_is_paid(t: HubTester) -> None:
    block = t.issued(UnitType.AAU, 100, period=t.later)
    t.transferred(t.initiator, t.cdm, part(block, 0, 2), target=PROCEEDS)
    t.transferred(t.initiator, t.acquirer, part(block, 2, 98))


def _broken(t: HubTester, *blocks: TransactionUnitBlock, to: Party | None = None, target: Account = HOLDING) -> _Broken:
    return t.initiator, transfer(t, *blocks, to=to, target=target)


def _without_the_share(t: HubTester) -> _Broken:
    """More than what any share that was paid before can have left free."""
    return _broken(t, t.issued(UnitType.AAU, 200_000, period=t.later))


add_rules(
    GROUP,
    "156",
    (
        Rule(
            5103,
            "into a holding account of the CDM registry",
            lambda t: _broken(t, t.issued(), to=t.cdm, target=PENDING),
        ),
        Rule(5105, "into a cancellation account", lambda t: _broken(t, t.issued(), target=Account(230, 3001))),
        Rule(5107, "of AAU of the later period without the share of proceeds", _without_the_share),
        Rule(
            5108,
            "into a surplus reserve, of what is in none",
            lambda t: _broken(t, t.issued(), target=Account(130, 3004)),
        ),
    ),
)


@GROUP.case("156/1502", "Refused with 1502 at once: to a registry that is not there", "CHECK-1502", "SEQUENCE-DOOR")
def to_nobody(t: HubTester) -> None:
    proposal = replace(transfer(t, t.issued()), acquiring_registry_code="QQ")
    request = ProposalRequest(**t.initiator.head(), proposed_transaction=proposal)
    with breaking("CHECK-1502"):
        t.refused_at_the_door(t.initiator, request, 1502)
    # its identifier is free: a right proposal may bear it
    again = replace(proposal, acquiring_registry_code=t.acquirer.code)
    with breaking("SEQUENCE-DOOR"):
        t.propose(t.initiator, again)
        t.relayed(t.acquirer, again)
        t.notify(t.initiator, again, _S.TERMINATED)
        t.told(t.acquirer, again, _S.CANCELLED)
