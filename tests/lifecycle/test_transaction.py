"""What becomes of a transaction: every event in every status, one case a line."""

from datetime import UTC, datetime, timedelta

import pytest

from itl.checks.sequence import Refused, Repeat
from itl.lifecycle.transaction import (
    UNSTATED_REJECTION,
    LogIdentity,
    Practice,
    TransactionHead,
    Transition,
    notified,
    proposal_checked,
    refusal,
    relay_refused,
    timed_out,
)
from itl.messages import EvaluationResult, NotificationRequest, ProposalRequest, ProposalTransaction

LOG = LogIdentity()
PRACTICE = Practice()
NOW = datetime(2012, 6, 1, 12, tzinfo=UTC)
DAY, TWO_DAYS = timedelta(hours=24), timedelta(hours=48)


def head(status: int, transaction_type: int = 3, confirmed: bool = False) -> TransactionHead:
    acquirer = "FR" if transaction_type == 3 else "GB"
    return TransactionHead("GB7", transaction_type, "GB", acquirer, status, confirmed)


def proposal(transaction_type: int, supplement: int | None = None) -> ProposalTransaction:
    return ProposalTransaction(
        transaction_identifier="GB7",
        transaction_type=transaction_type,
        supp_transaction_type=supplement,
        transferring_registry_code="GB",
        acquiring_registry_code=head(1, transaction_type).acquiring_registry,
        proposal_unit_blocks=(),
    )


def told(transition: Transition) -> list[tuple[str, int]]:
    """Who is told which status."""
    return [
        (send.receiver, send.message.transaction_status)
        for send in transition.sends
        if isinstance(send.message, NotificationRequest)
    ]


@pytest.mark.parametrize("transaction_type", [1, 4, 5, 10])
def test_an_internal_transaction_that_passes_is_told_to_its_registry(transaction_type: int) -> None:
    passed = proposal_checked(head(1, transaction_type), proposal(transaction_type), (), LOG, "GB")
    assert (passed.status, told(passed), passed.keeps_timer) == (2, [("GB", 2)], True)


def test_a_transfer_that_passes_goes_to_the_acquirer_and_the_initiator_hears_nothing_yet() -> None:
    passed = proposal_checked(head(1), proposal(3, supplement=47), (), LOG, "GB")
    (send,) = passed.sends
    assert passed.status == 2
    assert send.receiver == "FR"
    assert isinstance(send.message, ProposalRequest)
    assert (send.message.sender, send.message.addressee) == ("ITL", "FR")
    assert send.message.proposed_transaction == proposal(3, supplement=None)


@pytest.mark.parametrize("transaction_type", [1, 3, 4, 5, 10])
def test_a_discrepancy_is_told_to_the_initiator_alone_with_its_codes(transaction_type: int) -> None:
    found = (EvaluationResult(response_code=4003), EvaluationResult(response_code=4010))
    failed = proposal_checked(head(1, transaction_type), proposal(transaction_type), found, LOG, "GB")
    (send,) = failed.sends
    assert (failed.status, told(failed)) == (3, [("GB", 3)])
    assert isinstance(send.message, NotificationRequest)
    assert send.message.evaluation_result == found


def test_who_names_another_as_the_transferring_registry_is_told_itself() -> None:
    found = (EvaluationResult(response_code=2009),)
    assert told(proposal_checked(head(1), proposal(3), found, LOG, "JP")) == [("JP", 3)]


NOTIFICATIONS = [
    # type, status, who says what; next status, told, settle, ended, whether the timer runs on
    (1, 2, "GB", 4, 4, [], True, True, False),
    (4, 2, "GB", 5, 5, [], False, True, False),
    (5, 9, "GB", 4, 4, [], True, True, False),
    (10, 3, "GB", 5, 5, [], False, True, False),
    (10, 10, "GB", 5, 5, [], False, True, False),
    (3, 2, "FR", 8, 8, [("GB", 8)], False, False, True),
    (3, 2, "FR", 6, 6, [("GB", 6)], False, False, True),
    (3, 9, "FR", 8, 8, [("GB", 8)], False, False, True),
    (3, 2, "GB", 5, 5, [("FR", 7)], False, True, False),
    (3, 9, "GB", 5, 5, [("FR", 7)], False, True, False),
    (3, 8, "GB", 4, 4, [("FR", 4)], True, False, False),
    (3, 6, "GB", 5, 5, [], False, True, False),
    (3, 3, "GB", 5, 5, [], False, True, False),
]


@pytest.mark.parametrize(
    ("transaction_type", "status", "who", "said", "next_status", "tells", "settle", "ended", "keeps_timer"),
    NOTIFICATIONS,
)
def test_a_notification_moves_the_transaction(
    transaction_type: int,
    status: int,
    who: str,
    said: int,
    next_status: int,
    tells: list[tuple[str, int]],
    settle: bool,
    ended: bool,
    keeps_timer: bool,
) -> None:
    step = notified(head(status, transaction_type), who, said, (), LOG)
    assert isinstance(step, Transition)
    assert (step.status, told(step), step.settle) == (next_status, tells, settle)
    assert (step.ended, step.keeps_timer, step.timer) == (ended, keeps_timer, None)


@pytest.mark.parametrize(
    ("status", "who", "said", "answer"),
    [
        (1, "GB", 4, Refused(3013)),
        (2, "GB", 4, Refused(3013)),
        (2, "JP", 8, Refused(3014)),
        (8, "FR", 8, Repeat()),
        (8, "GB", 5, Refused(3009)),
        (4, "GB", 4, Repeat()),
        (7, "FR", 8, Refused(3008)),
    ],
)
def test_a_notification_that_changes_nothing(status: int, who: str, said: int, answer: object) -> None:
    assert notified(head(status), who, said, (), LOG) == answer


def test_the_acquirer_confirms_the_completion_once() -> None:
    assert notified(head(4), "FR", 4, (), LOG) == Transition(confirmed=True, ended=True)
    assert notified(head(4, confirmed=True), "FR", 4, (), LOG) == Repeat()


@pytest.mark.parametrize(
    ("given", "passed_on"),
    [
        ((EvaluationResult(response_code=5902),), (5902,)),
        ((), (UNSTATED_REJECTION,)),
    ],
)
def test_a_rejection_is_never_passed_on_without_a_code(
    given: tuple[EvaluationResult, ...], passed_on: tuple[int, ...]
) -> None:
    step = notified(head(2), "FR", 6, given, LOG)
    assert isinstance(step, Transition)
    (send,) = step.sends
    assert isinstance(send.message, NotificationRequest)
    assert tuple(each.response_code for each in send.message.evaluation_result) == passed_on


def test_telling_the_acquirer_of_a_termination_is_a_setting() -> None:
    quiet = LogIdentity(tell_acquirer_of_termination=False)
    step = notified(head(2), "GB", 5, (), quiet)
    assert isinstance(step, Transition)
    assert (step.status, told(step)) == (5, [])


@pytest.mark.parametrize(
    ("status", "transaction_type", "rejected"),
    [(2, 3, True), (9, 3, True), (8, 3, False), (5, 3, False), (7, 3, False), (2, 4, False)],
)
def test_an_acquirer_that_refuses_the_relayed_proposal_has_rejected_it(
    status: int, transaction_type: int, rejected: bool
) -> None:
    step = relay_refused(head(status, transaction_type), (1503,), LOG)
    if not rejected:
        assert step is None
        return
    assert step is not None
    assert (step.status, told(step)) == (6, [("GB", 6)])


TIMED_OUT = [
    # type, status, hours since the proposal; next status, told, ended, flagged, timer
    (1, 1, 24, 7, [("GB", 7)], True, False, None),
    (3, 1, 24, 7, [("GB", 7)], True, False, None),
    (4, 2, 24, 7, [("GB", 7)], True, False, None),
    (3, 2, 24, 7, [("GB", 7), ("FR", 7)], True, False, None),
    (3, 9, 24, 7, [("GB", 7), ("FR", 7)], True, False, None),
    (3, 8, 24, None, [], False, False, DAY),
    (3, 8, 48, None, [], False, True, None),
    (3, 3, 24, None, [], True, False, None),
    (3, 6, 24, None, [], True, False, None),
    (1, 10, 24, None, [], True, False, None),
]


@pytest.mark.parametrize(
    ("transaction_type", "status", "hours", "next_status", "tells", "ended", "flagged", "timer"), TIMED_OUT
)
def test_the_clean_up(
    transaction_type: int,
    status: int,
    hours: int,
    next_status: int | None,
    tells: list[tuple[str, int]],
    ended: bool,
    flagged: bool,
    timer: timedelta | None,
) -> None:
    step = timed_out(head(status, transaction_type), LOG, PRACTICE, NOW - timedelta(hours=hours), NOW)
    assert (step.status, told(step), step.ended, step.flagged, step.timer) == (
        next_status,
        tells,
        ended,
        flagged,
        timer,
    )


def test_the_doors_refusal_as_a_notification() -> None:
    send = refusal("GB", "GB7", (1503,), LOG)
    assert isinstance(send.message, NotificationRequest)
    assert (send.receiver, send.message.transaction_status) == ("GB", 3)
    assert [each.response_code for each in send.message.evaluation_result] == [1503]


def test_every_message_of_the_log_says_who_it_is() -> None:
    step = timed_out(head(2), LogIdentity("CITL", 1, 2), PRACTICE, NOW - TWO_DAYS, NOW)
    for send in step.sends:
        said = send.message
        assert (said.sender, said.addressee, said.major_version, said.minor_version) == ("CITL", send.receiver, 1, 2)
