"""500 to 508: repeats, what gets no answer, and what comes too late or for nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from itl.codes import TransactionStatus, UnitType
from registry_client.conformance.playing import Answer, Received
from registry_client.conformance.registry.cancellation import cancelled
from registry_client.conformance.registry.external_transfer import here
from registry_client.conformance.registry.holdings import lies
from registry_client.conformance.registry.issuance import kind_of
from registry_client.conformance.registry.tester import RegistryTester
from registry_client.conformance.suite import Group, NotApplicable, breaking

GROUP: Group[RegistryTester] = Group("Message sequence and repeats")

_S = TransactionStatus


@GROUP.case("500", "A transfer that is relayed again is acknowledged again, and answered once", "R-ONCE-1")
def a_transfer_again(t: RegistryTester) -> None:
    block = t.units(UnitType.AAU)
    proposal = t.transfer(block)
    for _ in range(2):
        t.relay(proposal)
    t.accepts(proposal)
    t.relay(proposal)
    t.silent(proposal, "a transfer that comes again was answered already:", "R-ONCE-1")
    t.tell(proposal, _S.COMPLETED)
    t.confirmed(proposal)
    lies(t, block, breaks="R-ONCE-1")


@GROUP.case("501", "A status that is told again is acknowledged again, and changes nothing", "R-ONCE-1")
def a_status_again(t: RegistryTester) -> None:
    block = here(t)
    proposal = cancelled(t, block)
    t.tell(proposal, _S.CHECKED_NO_DISCREPANCY)
    t.tell(proposal, _S.CHECKED_NO_DISCREPANCY)
    t.reports(proposal, _S.COMPLETED, breaks="R-FINISH-1")
    t.tell(proposal, _S.CHECKED_NO_DISCREPANCY)
    t.silent(proposal, "a status that comes again was answered already:", "R-ONCE-1")
    lies(t, block, account=230, breaks="R-ONCE-1")


@GROUP.case("502", "Units that a completion was told of twice came in once", "R-ONCE-1")
def a_completion_again(t: RegistryTester) -> None:
    block = t.units(UnitType.AAU)
    proposal = t.transfers_in(block)
    t.tell(proposal, _S.COMPLETED)
    t.silent(proposal, "a completion that comes again was confirmed already:", "R-ONCE-1")
    lies(t, block, breaks="R-ONCE-1")


def _again(t: RegistryTester, operation: str, begin: Callable[[], None], first: Answer) -> Any:
    """The first call of an operation gets `first` for an answer; the same must come again. The message."""
    came: list[Received] = []

    def answer(received: Received) -> Answer:
        came.append(received)
        return first if len(came) == 1 else t.answer(received)

    while t.log.came(operation):
        pass  # of a test before, which did not wait for it
    with t.log.answering(operation, answer):
        begin()
        with breaking("R-ONCE-2"):
            message = t.log.expect(operation, "to begin with").message
            t.log.expect(operation, "what got no answer, again and the same", lambda other: bool(other == message))
    return message


for _number, _how, _answer in (
    ("503", "answered with a fault of the log", Answer(500, b"<not soap/>")),
    ("504", "answered with HTTP 503", Answer(503, b"later")),
):

    def _report_again(t: RegistryTester, first: Answer = _answer) -> None:
        proposal = t.transfer(t.units(UnitType.AAU))
        _again(t, "acceptNotification", lambda: t.relay(proposal), first)
        t.tell(proposal, _S.CANCELLED)

    def _proposal_again(t: RegistryTester, first: Answer = _answer) -> None:
        action, values = t.to_issue(kind_of(t), 100)
        message = _again(t, "acceptProposal", lambda: t.ask(action, **values), first)
        t.stops(message.proposed_transaction, _S.CHECKED_DISCREPANCY, 5010)

    GROUP.add(f"{_number}/report", f"A report that is {_how} is sent again", ("R-ONCE-2",), _report_again)
    GROUP.add(f"{_number}/proposal", f"A proposal that is {_how} is sent again", ("R-ONCE-2",), _proposal_again)


@GROUP.case("505", "What the log acknowledged is not sent again", "R-ONCE-3")
def not_sent_again(t: RegistryTester) -> None:
    proposals = [t.transfer(t.units(UnitType.AAU)) for _ in range(3)]
    for proposal in proposals:
        t.relay(proposal)
    for proposal in proposals:
        t.accepts(proposal)
    t.silent(proposals[0], "its acceptance was acknowledged:", "R-ONCE-3")
    for proposal in proposals:
        t.tell(proposal, _S.CANCELLED)


@GROUP.case("506", "News of a transaction that is over changes nothing", "R-FINISH-4")
def too_late(t: RegistryTester) -> None:
    block = here(t)
    proposal = cancelled(t, block)
    t.completes(proposal)
    t.tell(proposal, _S.CANCELLED)
    t.silent(proposal, "it was over when it was cancelled:", "R-FINISH-4")
    lies(t, block, account=230, breaks="R-FINISH-4")


@GROUP.case("507", "News of a transaction that is not the registry's changes nothing", "R-FINISH-4")
def of_a_stranger(t: RegistryTester) -> None:
    strange = t.transfer(t.units(UnitType.AAU))
    t.log.call(t.notification(strange, _S.COMPLETED))
    t.silent(strange, "it is no transaction of the registry:", "R-FINISH-4")
    block = t.held()
    lies(t, block, breaks="R-FINISH-4")


@GROUP.case("508", "A proposal that the log refuses at once is over, and its units are free", "R-PROPOSE-4")
def refused_at_once(t: RegistryTester) -> None:
    block = here(t)

    def refuse(received: Received) -> Answer:
        return t.log.refused(received, (1504,))

    with t.log.answering("acceptProposal", refuse):
        cancelled(t, block)
    lies(t, block, breaks="R-PROPOSE-4")
    t.completes(cancelled(t, block))


@GROUP.case("509", "What a scheme's log lets pass (9) is carried out, as what the log lets pass (2)", "R-FINISH-5")
def the_scheme_consents(t: RegistryTester) -> None:
    _of_a_scheme(t)
    block = here(t)
    t.completes(cancelled(t, block), _S.STL_CHECKED_NO_DISCREPANCY)
    lies(t, block, account=230, breaks="R-FINISH-5")


@GROUP.case("510", "Units of a transaction that a scheme's log refuses (10) stay, and are free", "R-FINISH-5")
def the_scheme_refuses(t: RegistryTester) -> None:
    _of_a_scheme(t)
    block = here(t)
    t.stops(cancelled(t, block), _S.STL_CHECKED_DISCREPANCY, 7005)
    lies(t, block, breaks="R-FINISH-5")
    t.completes(cancelled(t, block))


def _of_a_scheme(t: RegistryTester) -> None:
    if not t.profile.scheme:
        raise NotApplicable("the registry is no member of a regional scheme: `scheme` of the profile says otherwise")
