"""500 to 507: the order of messages, repeats, and what happens where no answer comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from itl.codes import TransactionStatus, TransactionType, UnitType
from itl.messages import ProposalRequest, ProposalTransaction
from registry_client.conformance.hub.external_transfer import transfer
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.playing import Answer, Party, Received
from registry_client.conformance.suite import Failed, Group, breaking
from registry_client.units import Account

GROUP: Group[HubTester] = Group("Message sequence and repeats")

_S = TransactionStatus


@dataclass(frozen=True, slots=True)
class _Untimely:
    """A notification that the state of its transaction does not allow: who says it, which status, its code."""

    code: int
    how: str
    state: Callable[[HubTester], ProposalTransaction]
    who: Callable[[HubTester], Party]
    status: int


def _checked(t: HubTester) -> ProposalTransaction:
    proposal = t.issuance(t.initiator, t.units(UnitType.AAU))
    t.propose(t.initiator, proposal)
    t.told(t.initiator, proposal, _S.CHECKED_NO_DISCREPANCY)
    return proposal


def _completed(t: HubTester) -> ProposalTransaction:
    proposal = _checked(t)
    t.notify(t.initiator, proposal, _S.COMPLETED)
    return proposal


def _terminated(t: HubTester) -> ProposalTransaction:
    proposal = _checked(t)
    t.notify(t.initiator, proposal, _S.TERMINATED)
    return proposal


def _discrepant(t: HubTester) -> ProposalTransaction:
    kind = TransactionType.CANCELLATION
    proposal = t.proposal(kind, t.initiator, t.units(UnitType.AAU), target=Account(230, 3001))
    t.propose(t.initiator, proposal)
    t.told(t.initiator, proposal, _S.CHECKED_DISCREPANCY)
    return proposal


def _relayed(t: HubTester) -> ProposalTransaction:
    proposal = transfer(t, t.issued())
    t.propose(t.initiator, proposal)
    t.relayed(t.acquirer, proposal)
    return proposal


def _accepted(t: HubTester) -> ProposalTransaction:
    proposal = _relayed(t)
    t.notify(t.acquirer, proposal, _S.ACCEPTED)
    t.told(t.initiator, proposal, _S.ACCEPTED)
    return proposal


def _rejected(t: HubTester) -> ProposalTransaction:
    proposal = _relayed(t)
    t.notify(t.acquirer, proposal, _S.REJECTED, 5904)
    t.told(t.initiator, proposal, _S.REJECTED)
    return proposal


def _initiator(t: HubTester) -> Party:
    return t.initiator


def _acquirer(t: HubTester) -> Party:
    return t.acquirer


UNTIMELY = (
    _Untimely(2004, "there is no such status", _checked, _initiator, 77),
    _Untimely(3003, "the end of a completed transaction", _completed, _initiator, _S.TERMINATED),
    _Untimely(3004, "completion of a rejected transfer", _rejected, _initiator, _S.COMPLETED),
    _Untimely(3005, "completion of what has a discrepancy", _discrepant, _initiator, _S.COMPLETED),
    _Untimely(3007, "completion of a terminated transaction", _terminated, _initiator, _S.COMPLETED),
    _Untimely(3009, "the end of an accepted transfer", _accepted, _initiator, _S.TERMINATED),
    _Untimely(3010, "acceptance of a transaction inside one registry", _checked, _initiator, _S.ACCEPTED),
    _Untimely(3011, "the initiator says that there is no discrepancy", _checked, _initiator, _S.CHECKED_NO_DISCREPANCY),
    _Untimely(3012, "the acquirer terminates", _relayed, _acquirer, _S.TERMINATED),
    _Untimely(3013, "completion of a transfer that nobody accepted", _relayed, _initiator, _S.COMPLETED),
    _Untimely(3014, "completion by somebody else", _checked, _acquirer, _S.COMPLETED),
)


def _untimely(t: HubTester, case: _Untimely) -> None:
    proposal = case.state(t)
    before = t.asked_status(t.initiator, proposal.transaction_identifier)
    answer = t.notified(case.who(t), proposal.transaction_identifier, case.status)
    t.refused_at_once(answer, f"status {case.status} ({case.how})", case.code)
    after = t.stands(t.initiator, proposal, before.transaction_status)
    if after.transaction_status_date_time != before.transaction_status_date_time:
        raise Failed("a notification that was refused must leave the time of the status as it was")


for _case in UNTIMELY:
    GROUP.add(
        f"500/{_case.code}",
        f"Refused with {_case.code}, and nothing changes: {_case.how}",
        (f"CHECK-{_case.code}",),
        lambda t, case=_case: _untimely(t, case),  # type: ignore[misc]
    )


@GROUP.case("500/3002", "Refused with 3002: a notification about nothing", "CHECK-3002")
def about_nothing(t: HubTester) -> None:
    answer = t.notified(t.initiator, t.fresh.transaction(t.initiator.code), _S.COMPLETED)
    t.refused_at_once(answer, "a notification about a transaction that is not", 3002)


@GROUP.case("501", "A proposal that is sent again is acknowledged again, and judged once", "ONCE-1")
def a_proposal_again(t: HubTester) -> None:
    proposal = t.issuance(t.initiator, t.units(UnitType.AAU))
    t.propose(t.initiator, proposal)
    t.propose(t.initiator, proposal)
    t.told(t.initiator, proposal, _S.CHECKED_NO_DISCREPANCY)
    t.notify(t.initiator, proposal, _S.COMPLETED)
    t.propose(t.initiator, proposal)
    t.stands(t.initiator, proposal, _S.COMPLETED)
    t.untold(t.initiator, proposal)


@GROUP.case("502", "A notification that is sent again is acknowledged again, and changes nothing", "ONCE-1")
def a_notification_again(t: HubTester) -> None:
    proposal = _accepted(t)
    t.notify(t.acquirer, proposal, _S.ACCEPTED)
    t.untold(t.initiator, proposal)
    t.notify(t.initiator, proposal, _S.COMPLETED)
    t.told(t.acquirer, proposal, _S.COMPLETED)
    t.notify(t.initiator, proposal, _S.COMPLETED)
    t.notify(t.acquirer, proposal, _S.COMPLETED)
    t.notify(t.acquirer, proposal, _S.COMPLETED)
    t.untold(t.acquirer, proposal)


@GROUP.case(
    "503/3001", "Refused with 3001 at once: a used identifier with other content", "CHECK-3001", "SEQUENCE-DOOR"
)
def an_identifier_again(t: HubTester) -> None:
    first = _checked(t)
    other = replace(t.issuance(t.initiator, t.units(UnitType.AAU)), transaction_identifier=first.transaction_identifier)
    request = ProposalRequest(**t.initiator.head(), proposed_transaction=other)
    with breaking("CHECK-3001"):
        t.refused_at_the_door(t.initiator, request, 3001)
    with breaking("SEQUENCE-DOOR"):
        t.stands(t.initiator, first, _S.CHECKED_NO_DISCREPANCY)
        t.notify(t.initiator, first, _S.COMPLETED)


@GROUP.case("504", "What the registry answers with a fault is sent again", "ONCE-3")
def sent_again_after_a_fault(t: HubTester) -> None:
    _until_acknowledged(t, Answer(500, b"<not soap/>"))


@GROUP.case("505", "What the registry has no time for (HTTP 503) is sent again", "ONCE-3")
def sent_again_after_503(t: HubTester) -> None:
    _until_acknowledged(t, Answer(503, b"later"))


def _until_acknowledged(t: HubTester, first: Answer) -> None:
    party = t.initiator
    answered: list[Received] = []

    def answer(received: Received) -> Answer:
        answered.append(received)
        return first if len(answered) == 1 else party.accepted(received)

    proposal = t.issuance(party, t.units(UnitType.AAU))
    with party.answering("acceptNotification", answer):
        t.propose(party, proposal)
        t.told(party, proposal, _S.CHECKED_NO_DISCREPANCY)
        with breaking("ONCE-3"):
            party.expect("acceptNotification", f"what was answered with HTTP {first.status}, again")
    if answered[0].message != answered[1].message:
        raise Failed("what is sent again must say the same; it does not")
    t.notify(party, proposal, _S.COMPLETED)


@GROUP.case("506", "What was acknowledged is not sent again", "ONCE-2")
def not_sent_again(t: HubTester) -> None:
    proposals = [_checked(t) for _ in range(3)]
    for proposal in proposals:
        t.notify(t.initiator, proposal, _S.COMPLETED)
        t.stands(t.initiator, proposal, _S.COMPLETED)
    # long enough for a first repeat; what comes again is put down as it comes
    t.initiator.wait_for(("acceptNotification",), t.profile.silence)
