"""Hubs that say the wrong thing, to the wrong party, too early, twice, or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from itl.codes import TransactionStatus, TransactionType
from itl.messages import (
    EvaluationResult,
    NotificationRequest,
    ProposalRequest,
    ProposalTransaction,
    TransactionStatusResponse,
    UnitBlockIdentifier,
)
from itl.store import transitions
from itl.wire.outgoing import HttpReply, PeerUnreachable
from tests.conformance.faulty.hub import Answer, Call, Deliver, FaultyHub, Right, Sent, Wrong, acknowledged, sharing

_S = TransactionStatus
Sending = Callable[[Sent, Deliver], HttpReply]
Answering = Callable[[Call, Right], Answer]


# What is told, and to whom --------------------------------------------------------------------------------------------


def _tells(status: int, send: Sending) -> Callable[[], Wrong]:
    """A hub that goes about the notification of a status in this way."""

    def chosen(sent: Sent, deliver: Deliver) -> HttpReply:
        concerned = sent.operation == "acceptNotification" and sent.message.transaction_status == status
        return send(sent, deliver) if concerned else deliver(sent)

    return lambda: Wrong(send=chosen)


def _changed(**changes: Any) -> Sending:
    """A message with other values."""
    return lambda sent, deliver: deliver(sent.saying(replace(sent.message, **changes)))


def _never(sent: Sent, deliver: Deliver) -> HttpReply:
    return acknowledged(sent.operation)


def _twice(sent: Sent, deliver: Deliver) -> HttpReply:
    deliver(sent)
    return deliver(sent)


def _any(operation: str, send: Sending) -> Callable[[], Wrong]:
    return lambda: Wrong(send=lambda sent, deliver: (send if sent.operation == operation else _right)(sent, deliver))


def _right(sent: Sent, deliver: Deliver) -> HttpReply:
    return deliver(sent)


def _unreachable(sent: Sent, deliver: Deliver) -> HttpReply:
    raise PeerUnreachable("it has the address of somebody else", never_sent=True)


def _after_another(receiver: str, status: int) -> Sending:
    """Before the message, another party is told a status of its transaction."""

    def send(sent: Sent, deliver: Deliver) -> HttpReply:
        message = sent.message
        proposed = getattr(message, "proposed_transaction", None)
        identifier = proposed.transaction_identifier if proposed else message.transaction_identifier
        deliver(notification(receiver, identifier, status))
        return deliver(sent)

    return send


def notification(receiver: str, identifier: str, status: int) -> Sent:
    blank = Sent(receiver, "acceptNotification", b"")
    return blank.saying(
        NotificationRequest(
            sender="ITL",
            addressee=receiver,
            major_version=1,
            minor_version=1,
            transaction_identifier=identifier,
            transaction_status=int(status),
            party_type=0,
            evaluation_result=(),
        )
    )


# Repeats --------------------------------------------------------------------------------------------------------------


def _believes(status: int) -> Callable[[], Wrong]:
    """A hub that takes an answer of this HTTP status for an acknowledgement."""

    def send(sent: Sent, deliver: Deliver) -> HttpReply:
        reply = deliver(sent)
        return acknowledged(sent.operation) if reply.status == status else reply

    return lambda: Wrong(send=send)


def _another_at_the_second_attempt() -> Wrong:
    tried: set[bytes] = set()

    def send(sent: Sent, deliver: Deliver) -> HttpReply:
        known = sent.body in tried
        tried.add(sent.body)
        return _changed(party_type=4)(sent, deliver) if known else deliver(sent)

    return Wrong(send=send)


def _repeats_of(operation: str, answer: Answering) -> Callable[[], Wrong]:
    """A hub that goes about a message that comes again in this way."""

    def made() -> Wrong:
        known: set[bytes] = set()

        def chosen(call: Call, right: Right) -> Answer:
            again = call.operation == operation and call.body in known
            known.add(call.body)
            return answer(call, right) if again else right(call)

        return Wrong(answer=chosen)

    return made


def _refusing(*codes: int) -> Answering:
    def answer(call: Call, right: Right) -> Answer:
        given = right(call)
        return given.saying(
            call.operation, replace(given.message(call.operation), result_identifier=0, response_codes=codes)
        )

    return answer


def _judges_repeats() -> Wrong:
    """The verdict goes out again with each repeat of a proposal."""
    verdicts: dict[str, tuple[Sent, Deliver]] = {}
    known: set[bytes] = set()

    def send(sent: Sent, deliver: Deliver) -> HttpReply:
        if sent.operation == "acceptNotification":
            verdicts.setdefault(sent.message.transaction_identifier, (sent, deliver))
        return deliver(sent)

    def answer(call: Call, right: Right) -> Answer:
        if call.operation == "acceptProposal" and call.body in known:
            told = verdicts.get(call.message.proposed_transaction.transaction_identifier)
            if told is not None:
                sent, deliver = told
                deliver(sent)
        known.add(call.body)
        return right(call)

    return Wrong(answer=answer, send=send)


# Answers --------------------------------------------------------------------------------------------------------------


def _answers_to(operation: str, change: Callable[[Any], Any]) -> Callable[[], Wrong]:
    """A hub whose replies of an operation say something else."""

    def answer(call: Call, right: Right) -> Answer:
        given = right(call)
        if call.operation != operation or not given.is_reply:
            return given
        return given.saying(operation, change(given.message(operation)))

    return lambda: Wrong(answer=answer)


def _where_accepted(**changes: Any) -> Callable[[Any], Any]:
    return lambda message: replace(message, **changes) if message.result_identifier == 1 else message


def _takes(code: int) -> Callable[[], Wrong]:
    """A hub that acknowledges a notification that it should refuse with this code."""

    def change(message: Any) -> Any:
        refused = code in (message.response_codes or ())
        return replace(message, result_identifier=1, response_codes=None) if refused else message

    return _answers_to("acceptNotification", change)


def _refuses_reports_of(status: int, code: int) -> Callable[[], Wrong]:
    """A hub that does not take it that a registry reports this status."""

    def answer(call: Call, right: Right) -> Answer:
        concerned = call.operation == "acceptNotification" and call.message.transaction_status == status
        return _refusing(code)(call, right) if concerned else right(call)

    return lambda: Wrong(answer=answer)


def _keeps_what_it_refused() -> Wrong:
    """It tells a status of proposals that it refused in the acknowledgement."""
    refused: set[str] = set()

    def answer(call: Call, right: Right) -> Answer:
        given = right(call)
        if not given.is_reply or call.operation not in ("acceptProposal", "getTransactionStatus"):
            return given
        said = call.message
        if isinstance(said, ProposalRequest):
            if given.message(call.operation).result_identifier == 0:
                refused.add(said.proposed_transaction.transaction_identifier)
            return given
        if said.transaction_identifier not in refused:
            return given
        known = TransactionStatusResponse(
            transaction_identifier=said.transaction_identifier,
            transaction_status=int(_S.CHECKED_DISCREPANCY),
            transaction_status_date_time=datetime.fromisoformat("2012-11-22T12:00:00+00:00"),
            result_identifier=1,
        )
        return given.saying(call.operation, known)

    return Wrong(answer=answer)


def _burns_identifiers() -> Wrong:
    """An identifier counts as used by a proposal that was refused in the acknowledgement."""
    refused: set[str] = set()

    def answer(call: Call, right: Right) -> Answer:
        if call.operation != "acceptProposal":
            return right(call)
        identifier = call.message.proposed_transaction.transaction_identifier
        given = _refusing(3001)(call, right) if identifier in refused else right(call)
        if given.message(call.operation).result_identifier == 0:
            refused.add(identifier)
        return given

    return Wrong(answer=answer)


def _status_times(change: Callable[[datetime, int], datetime]) -> Callable[[], Wrong]:
    """A hub that tells times of statuses otherwise; the number is how often it was asked."""

    def made() -> Wrong:
        asked: list[None] = []

        def changed(message: Any) -> Any:
            if message.transaction_status_date_time is None:
                return message
            asked.append(None)
            at = change(message.transaction_status_date_time, len(asked))
            return replace(message, transaction_status_date_time=at)

        return _answers_to("getTransactionStatus", changed)()

    return made


def _first_status_for_ever() -> Wrong:
    first: dict[str, int] = {}

    def change(message: Any) -> Any:
        if message.result_identifier == 0:
            return message
        status = first.setdefault(message.transaction_identifier, message.transaction_status)
        return replace(message, transaction_status=status)

    return _answers_to("getTransactionStatus", change)()


# Proposals and what becomes of them ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Book:
    """The proposals that a hub was told, by their identifiers."""

    proposals: dict[str, ProposalTransaction] = field(default_factory=dict)

    def answer(self, call: Call, right: Right) -> Answer:
        if call.operation == "acceptProposal":
            proposal = call.message.proposed_transaction
            self.proposals.setdefault(proposal.transaction_identifier, proposal)
        return right(call)


def _evaluating(change: Callable[[EvaluationResult, ProposalTransaction], EvaluationResult]) -> Callable[[], Wrong]:
    """A hub whose evaluation results say something else."""

    def made() -> Wrong:
        book = Book()

        def send(sent: Sent, deliver: Deliver) -> HttpReply:
            if sent.operation != "acceptNotification":
                return deliver(sent)
            message = sent.message
            proposal = book.proposals[message.transaction_identifier]
            results = tuple(change(each, proposal) for each in message.evaluation_result)
            return deliver(sent.saying(replace(message, evaluation_result=results)))

        return Wrong(answer=book.answer, send=send)

    return made


def _naming(*ranges: tuple[str, int, int]) -> tuple[UnitBlockIdentifier, ...]:
    return tuple(
        UnitBlockIdentifier(unit_serial_block_start=start, unit_serial_block_end=end, originating_registry_code=code)
        for code, start, end in ranges
    )


def _all_blocks(result: EvaluationResult, proposal: ProposalTransaction) -> EvaluationResult:
    named = _naming(
        *(
            (each.originating_registry_code, each.unit_serial_block_start, each.unit_serial_block_end)
            for each in proposal.proposal_unit_blocks
        )
    )
    return replace(result, unit_block_identifiers=named)


def _next_units(result: EvaluationResult, proposal: ProposalTransaction) -> EvaluationResult:
    named = _naming(
        *(
            (each.originating_registry_code, each.unit_serial_block_start + 1, each.unit_serial_block_end + 1)
            for each in result.unit_block_identifiers or ()
        )
    )
    return replace(result, unit_block_identifiers=named)


def _no_block(result: EvaluationResult, proposal: ProposalTransaction) -> EvaluationResult:
    return replace(result, unit_block_identifiers=())


def _first_rule_only(sent: Sent, deliver: Deliver) -> HttpReply:
    return _changed(evaluation_result=sent.message.evaluation_result[:1])(sent, deliver)


def _relaying(change: Callable[[ProposalTransaction], ProposalTransaction]) -> Callable[[], Wrong]:
    """A hub that relays other proposals than were made."""

    def send(sent: Sent, deliver: Deliver) -> HttpReply:
        message = sent.message
        return deliver(sent.saying(replace(message, proposed_transaction=change(message.proposed_transaction))))

    return _any("acceptProposal", send)


def _one_unit_less(proposal: ProposalTransaction) -> ProposalTransaction:
    first, *others = proposal.proposal_unit_blocks
    shorter = replace(first, unit_serial_block_end=first.unit_serial_block_end - 1)
    return replace(proposal, proposal_unit_blocks=(shorter, *others))


def _relays_what_it_refuses() -> Wrong:
    book = Book()

    def send(sent: Sent, deliver: Deliver) -> HttpReply:
        if sent.operation == "acceptNotification" and sent.message.transaction_status == _S.CHECKED_DISCREPANCY:
            proposal = book.proposals[sent.message.transaction_identifier]
            if proposal.transaction_type == TransactionType.EXTERNAL_TRANSFER:
                receiver = proposal.acquiring_registry_code
                head = {"sender": "ITL", "addressee": receiver, "major_version": 1, "minor_version": 1}
                blank = Sent(receiver, "acceptProposal", b"")
                deliver(blank.saying(ProposalRequest(**head, proposed_transaction=proposal)))  # type: ignore[arg-type]
        return deliver(sent)

    return Wrong(answer=book.answer, send=send)


def _echoes_completions() -> Wrong:
    """A registry is told its own completion."""
    senders: list[Deliver] = []

    def send(sent: Sent, deliver: Deliver) -> HttpReply:
        senders.append(deliver)
        return deliver(sent)

    def answer(call: Call, right: Right) -> Answer:
        if call.operation == "acceptNotification" and call.message.transaction_status == _S.COMPLETED:
            senders[0](notification(call.message.sender, call.message.transaction_identifier, _S.COMPLETED))
        return right(call)

    return Wrong(answer=answer, send=send)


def _does_not_hear_a_refusal(sent: Sent, deliver: Deliver) -> HttpReply:
    deliver(sent)
    return acknowledged(sent.operation)


def _keeps_units(*statuses: int) -> Callable[[], AbstractContextManager[Any]]:
    """Units are not set free at these statuses."""
    right = transitions.frees_units
    return lambda: patch.object(transitions, "frees_units", lambda status: status not in statuses and right(status))


def _reserves_what_it_refuses() -> Wrong:
    """Until the registry reports the end of a proposal that was found bad, its units are in it."""
    book = Book()
    kept: dict[str, ProposalTransaction] = {}

    def answer(call: Call, right: Right) -> Answer:
        if call.operation == "acceptNotification":
            kept.pop(call.message.transaction_identifier, None)
        return book.answer(call, right)

    def send(sent: Sent, deliver: Deliver) -> HttpReply:
        message = sent.message
        if sent.operation != "acceptNotification":
            return deliver(sent)
        proposal = book.proposals[message.transaction_identifier]
        if message.transaction_status == _S.CHECKED_DISCREPANCY:
            kept[message.transaction_identifier] = proposal
        elif _starts(proposal) & {start for each in kept.values() for start in _starts(each)}:
            return _changed(transaction_status=3, evaluation_result=(EvaluationResult(response_code=4010),))(
                sent, deliver
            )
        return deliver(sent)

    return Wrong(answer=answer, send=send)


def _starts(proposal: ProposalTransaction) -> set[int]:
    return {block.unit_serial_block_start for block in proposal.proposal_unit_blocks}


# The hubs -------------------------------------------------------------------------------------------------------------

_NEVER = 2.0
"""Patience with what never comes, in seconds."""

CALLING_BACK = (
    FaultyHub(
        "never-calls",
        "reaches no registry",
        ("CONNECT-3", "SEQUENCE-ANSWER"),
        ("102",),
        "did not call acceptNotification",
        lambda: Wrong(send=_unreachable),
        _NEVER,
    ),
    FaultyHub(
        "calls-another",
        "calls another registry than the one that it means",
        ("CONNECT-3", "SEQUENCE-ANSWER", "CONNECT-6"),
        ("102",),
        "must be from ITL to JP",
        _any("acceptNotification", lambda sent, deliver: deliver(dataclasses.replace(sent, receiver="JP"))),
        _NEVER,
    ),
    FaultyHub(
        "wrong-sender",
        "sends in the name of the registry itself",
        ("CONNECT-6",),
        ("102",),
        "must be from ITL to GB.*it is from GB to GB",
        _any("acceptNotification", _changed(sender="GB")),
    ),
    FaultyHub(
        "wrong-addressee",
        "addresses its messages to another registry",
        ("CONNECT-6",),
        ("102",),
        "must be from ITL to GB.*it is from ITL to XX",
        _any("acceptNotification", _changed(addressee="XX")),
    ),
    FaultyHub(
        "wrong-version",
        "speaks another version than the registry",
        ("CONNECT-6",),
        ("102",),
        "of version 1.1; it is .* of version 2.1",
        _any("acceptNotification", _changed(major_version=2)),
    ),
    FaultyHub(
        "never-answers",
        "says nothing about a proposal that it acknowledged",
        ("SEQUENCE-ANSWER",),
        ("120",),
        "did not call acceptNotification.*status 2",
        _tells(_S.CHECKED_NO_DISCREPANCY, _never),
        _NEVER,
    ),
    FaultyHub(
        "hides-refusals",
        "says nothing about a proposal that it found bad",
        ("SEQUENCE-ANSWER",),
        ("123/5003",),
        "did not call acceptNotification.*status 3",
        _tells(_S.CHECKED_DISCREPANCY, _never),
        _NEVER,
    ),
)

REPEATING = (
    FaultyHub(
        "tells-twice",
        "sends every notification twice",
        ("ONCE-2",),
        ("120",),
        "again, though it was acknowledged",
        _any("acceptNotification", _twice),
    ),
    FaultyHub(
        "relays-twice",
        "relays every transfer twice",
        ("ONCE-2",),
        ("150",),
        "acceptProposal to FR again, though it was acknowledged",
        _any("acceptProposal", _twice),
    ),
    FaultyHub(
        "no-repeat-after-fault",
        "takes a fault of the registry for an acknowledgement",
        ("ONCE-3",),
        ("504", "505"),
        "answered with HTTP 500, again",
        _believes(500),
        _NEVER,
    ),
    FaultyHub(
        "no-repeat-after-503",
        "takes HTTP 503 for an acknowledgement",
        ("ONCE-3",),
        ("504", "505"),
        "answered with HTTP 503, again",
        _believes(503),
        _NEVER,
    ),
    FaultyHub(
        "repeats-otherwise",
        "says something else when it repeats a message",
        ("ONCE-3",),
        ("504",),
        "must say the same",
        _another_at_the_second_attempt,
    ),
    FaultyHub(
        "refuses-repeats",
        "refuses a proposal that comes again with 3001",
        ("ONCE-1",),
        ("501",),
        "result 0 with code 3001",
        _repeats_of("acceptProposal", _refusing(3001)),
    ),
    FaultyHub(
        "refuses-repeated-reports",
        "refuses a notification that comes again",
        ("ONCE-1",),
        ("502",),
        "result 0 with code 3003",
        _repeats_of("acceptNotification", _refusing(3003)),
    ),
    FaultyHub(
        "judges-repeats",
        "tells its verdict again for each repeat of a proposal",
        ("ONCE-2",),
        ("501",),
        "again, though it was acknowledged",
        _judges_repeats,
    ),
)

ACKNOWLEDGING = (
    FaultyHub(
        "accepts-with-0",
        "answers 0 without a code to what it takes",
        ("ACKNOWLEDGE-1",),
        ("120",),
        "result 0 with no code",
        _answers_to("acceptProposal", _where_accepted(result_identifier=0)),
    ),
    FaultyHub(
        "accepts-with-codes",
        "answers 1 with a code to what it takes",
        ("ACKNOWLEDGE-1",),
        ("120",),
        "result 1 with code 1301",
        _answers_to("acceptProposal", _where_accepted(response_codes=(1301,))),
    ),
    FaultyHub(
        "accepts-with-2",
        "answers a result that there is not",
        ("ACKNOWLEDGE-1",),
        ("120",),
        "result 2",
        _answers_to("acceptProposal", _where_accepted(result_identifier=2)),
    ),
    FaultyHub(
        "keeps-refused",
        "knows proposals that it refused in the acknowledgement",
        ("SEQUENCE-DOOR",),
        ("103/1005",),
        "refused at once must be answered with result 0 and code 3002",
        _keeps_what_it_refused,
    ),
    FaultyHub(
        "burns-identifiers",
        "takes the identifier of a proposal that it refused at once for used",
        ("SEQUENCE-DOOR",),
        ("156/1502",),
        "result 0 with code 3001",
        _burns_identifiers,
    ),
)

INSIDE_ONE_REGISTRY = (
    FaultyHub(
        "tells-9",
        "tells the status of another log's check (9) for its own",
        ("SEQUENCE-INTERNAL",),
        ("120",),
        "must be told status 2.*told status 9",
        _tells(_S.CHECKED_NO_DISCREPANCY, _changed(transaction_status=9)),
    ),
    FaultyHub(
        "tells-1-first",
        "tells that the proposal was made (1) before its verdict",
        ("SEQUENCE-INTERNAL",),
        ("120",),
        "must be told status 2.*told status 1",
        _tells(_S.CHECKED_NO_DISCREPANCY, _after_another("GB", _S.PROPOSED)),
    ),
    FaultyHub(
        "tells-5-for-3",
        "ends what it found bad (5) without saying so (3)",
        ("SEQUENCE-REFUSED",),
        ("124",),
        "must be told status 3.*told status 5",
        _tells(_S.CHECKED_DISCREPANCY, _changed(transaction_status=5)),
    ),
    FaultyHub(
        "echoes-completion",
        "tells a registry its own completion",
        ("SEQUENCE-INTERNAL",),
        ("120",),
        "must not be told",
        _echoes_completions,
    ),
    FaultyHub(
        "refuses-completion",
        "does not take the registry's completion",
        ("ISSUE-1",),
        ("120",),
        "result 0 with code 3003",
        _refuses_reports_of(_S.COMPLETED, 3003),
    ),
    FaultyHub(
        "refuses-5-after-3",
        "does not take it that the registry ends what was found bad",
        ("SEQUENCE-REFUSED",),
        ("124",),
        "result 0 with code 3005",
        _refuses_reports_of(_S.TERMINATED, 3005),
    ),
    FaultyHub(
        "reserves-refused",
        "keeps the units of a proposal that it found bad",
        ("SEQUENCE-REFUSED",),
        ("141/refused",),
        "told status 3 with code 4010",
        _reserves_what_it_refuses,
    ),
    FaultyHub(
        "codes-with-2",
        "tells codes with what it found good",
        ("EVALUATION-2",),
        ("120",),
        "status 2 of GB.* comes with code 7301",
        _tells(_S.CHECKED_NO_DISCREPANCY, _changed(evaluation_result=(EvaluationResult(response_code=7301),))),
    ),
    FaultyHub(
        "first-rule-only",
        "tells the first rule that fails, and not the others",
        ("EVALUATION-2",),
        ("124/both",),
        "must be refused with code 5003, 5010; it was refused with code",
        _tells(_S.CHECKED_DISCREPANCY, _first_rule_only),
    ),
    FaultyHub(
        "names-all-blocks",
        "names all blocks of a proposal as at fault",
        ("EVALUATION-1",),
        ("124",),
        "must name the units",
        _evaluating(_all_blocks),
    ),
    FaultyHub(
        "names-wrong-units",
        "names the units beside those at fault",
        ("EVALUATION-1",),
        ("124", "141", "160"),
        "must name the units",
        _evaluating(_next_units),
    ),
    FaultyHub(
        "names-no-block",
        "names no block at all",
        ("EVALUATION-1",),
        ("124",),
        r"must name the units .*it names \[\]",
        _evaluating(_no_block),
    ),
)

TRANSFERRING = (
    FaultyHub(
        "never-relays",
        "does not relay transfers",
        ("SEQUENCE-TRANSFER",),
        ("150",),
        "did not call acceptProposal of FR",
        _any("acceptProposal", _never),
        _NEVER,
    ),
    FaultyHub(
        "tells-8-early",
        "tells the initiator that the acquirer accepted before it did",
        ("SEQUENCE-TRANSFER",),
        ("150",),
        "GB must not be told",
        _any("acceptProposal", _after_another("GB", _S.ACCEPTED)),
    ),
    FaultyHub(
        "tells-4-early",
        "tells the acquirer that the transfer is completed as soon as it accepted",
        ("SEQUENCE-TRANSFER",),
        ("150",),
        "FR must not be told",
        _tells(_S.ACCEPTED, _after_another("FR", _S.COMPLETED)),
    ),
    FaultyHub(
        "hides-acceptance",
        "does not tell the initiator that the acquirer accepted",
        ("SEQUENCE-TRANSFER",),
        ("150",),
        "did not call acceptNotification of GB.*status 8",
        _tells(_S.ACCEPTED, _never),
        _NEVER,
    ),
    FaultyHub(
        "forgets-acquirer",
        "does not tell the acquirer that the transfer is completed",
        ("SEQUENCE-TRANSFER",),
        ("150",),
        "did not call acceptNotification of FR.*status 4",
        _tells(_S.COMPLETED, _never),
        _NEVER,
    ),
    FaultyHub(
        "relays-refused",
        "relays a transfer in which it found a discrepancy",
        ("SEQUENCE-HELD",),
        ("153",),
        "FR must not be called with the proposal",
        _relays_what_it_refuses,
    ),
    FaultyHub(
        "takes-8-for-refused",
        "lets the acquirer accept a transfer in which it found a discrepancy",
        ("SEQUENCE-HELD",),
        ("153",),
        "acceptance of a transfer with a discrepancy must be refused",
        _takes(3007),
    ),
    FaultyHub(
        "rejects-without-codes",
        "loses the codes with which the acquirer rejected",
        ("SEQUENCE-REJECTED",),
        ("151",),
        "must be told the acquirer's code 5902",
        _tells(_S.REJECTED, _changed(evaluation_result=())),
    ),
    FaultyHub(
        "hides-rejection",
        "does not tell the initiator that the acquirer rejected",
        ("SEQUENCE-REJECTED",),
        ("151",),
        "did not call acceptNotification of GB.*status 6",
        _tells(_S.REJECTED, _never),
        _NEVER,
    ),
    FaultyHub(
        "accepts-what-was-rejected",
        "tells the initiator 8 where the acquirer rejected",
        ("SEQUENCE-REJECTED",),
        ("151",),
        "must be told status 6.*told status 8",
        _tells(_S.REJECTED, _changed(transaction_status=8, evaluation_result=())),
    ),
    FaultyHub(
        "keeps-rejected-units",
        "does not set units free after a rejection",
        ("SEQUENCE-REJECTED",),
        ("151",),
        "told status 3 with code 4010",
        lambda: Wrong(inside=_keeps_units(_S.REJECTED, _S.TERMINATED)),
    ),
    FaultyHub(
        "deaf-to-refusals",
        "takes it for delivered where the acquirer refuses a transfer at once",
        ("SEQUENCE-REJECTED",),
        ("154",),
        "did not call acceptNotification of GB.*status 6",
        _any("acceptProposal", _does_not_hear_a_refusal),
        _NEVER,
    ),
    FaultyHub(
        "hides-retraction",
        "does not tell the acquirer that the initiator ended a transfer",
        ("SEQUENCE-RETRACTED",),
        ("152",),
        "did not call acceptNotification of FR.*status 7",
        _tells(_S.CANCELLED, _never),
        _NEVER,
    ),
    FaultyHub(
        "tells-5-for-7",
        "tells the acquirer 5 where the initiator ended a transfer",
        ("SEQUENCE-RETRACTED",),
        ("152",),
        "must be told status 7.*told status 5",
        _tells(_S.CANCELLED, _changed(transaction_status=5)),
    ),
    FaultyHub(
        "accepts-after-the-end",
        "takes the acceptance of a transfer that its initiator ended",
        ("SEQUENCE-RETRACTED",),
        ("152",),
        "acceptance of a transfer that was ended must be answered with result 0",
        _takes(3007),
    ),
    FaultyHub(
        "relays-fewer-units",
        "relays one unit less",
        ("RELAY-1",),
        ("150",),
        "names other units",
        _relaying(_one_unit_less),
    ),
    FaultyHub(
        "relays-without-account",
        "relays without the account that the units go to",
        ("RELAY-1",),
        ("150",),
        "acquiring_registry_account_identifier of the relayed proposal",
        _relaying(lambda proposal: replace(proposal, acquiring_registry_account_identifier=None)),
    ),
    FaultyHub(
        "relays-other-type",
        "relays transfers as internal ones",
        ("RELAY-1",),
        ("150",),
        "transaction_type of the relayed proposal",
        _relaying(lambda proposal: replace(proposal, transaction_type=10)),
    ),
    FaultyHub(
        "relays-supplementary-type",
        "relays with a supplementary type that the acquirer does not know",
        ("RELAY-1",),
        ("150",),
        "has the supplementary type 41",
        _relaying(lambda proposal: replace(proposal, supp_transaction_type=41)),
    ),
)

INFORMING = (
    FaultyHub(
        "first-status-for-ever",
        "tells the status that a transaction had when it was asked for first",
        ("INFO-1",),
        ("116",),
        "must say that GB.* stands at 8; it says",
        _first_status_for_ever,
    ),
    FaultyHub(
        "other-transaction",
        "answers with the status of another transaction",
        ("INFO-1",),
        ("116",),
        "it says that GB999 stands",
        _answers_to("getTransactionStatus", _where_accepted(transaction_identifier="GB999")),
    ),
    FaultyHub(
        "status-in-the-future",
        "tells times of statuses that are ahead",
        ("INFO-1",),
        ("116",),
        "a time in the future",
        _status_times(lambda at, _: at + timedelta(hours=1)),
    ),
    FaultyHub(
        "status-goes-back",
        "tells an earlier time of each later status",
        ("INFO-1",),
        ("116",),
        "must not go back",
        _status_times(lambda at, asked: at - timedelta(hours=asked)),
    ),
)

_INSIDE = ("keeps-rejected-units",)
_AT_THE_WIRE = (*ACKNOWLEDGING, *INSIDE_ONE_REGISTRY, *TRANSFERRING, *INFORMING)

HUBS = (
    *CALLING_BACK,
    *REPEATING,
    *sharing(each for each in _AT_THE_WIRE if each.name not in _INSIDE),
    *(each for each in _AT_THE_WIRE if each.name in _INSIDE),
)
