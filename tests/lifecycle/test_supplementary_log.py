"""The life cycle with supplementary logs: what they are asked, what their answers make of it, what they are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from itl.checks.sequence import Refused, Repeat, judge_notification
from itl.lifecycle import supplementary_log
from itl.lifecycle.supplementary_log import Inquiry
from itl.lifecycle.transaction import (
    UNSTATED_REJECTION,
    Answer,
    Asked,
    LogIdentity,
    Practice,
    TransactionHead,
    Transition,
    notified,
    proposal_checked,
    relay_refused,
    timed_out,
)
from itl.messages import EvaluationResult, NotificationRequest, ProposalRequest, ProposalTransaction
from itl.reference import Scheme

LOG = LogIdentity()
NOW = datetime(2012, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DEADLINE = NOW + 24 * HOUR
BOTH = ("CITL", "UKTL")


def head(status: int, transaction_type: int = 3, asked: tuple[str, ...] = ("CITL",)) -> TransactionHead:
    acquirer = "FR" if transaction_type == 3 else "GB"
    return TransactionHead("GB7", transaction_type, "GB", acquirer, status, asked=asked)


def proposal(transaction_type: int, supplement: int | None = None) -> ProposalTransaction:
    return ProposalTransaction(
        transaction_identifier="GB7",
        transaction_type=transaction_type,
        supp_transaction_type=supplement,
        transferring_registry_code="GB",
        acquiring_registry_code="FR" if transaction_type == 3 else "GB",
        proposal_unit_blocks=(),
    )


def schemes(*codes: str, **within: timedelta) -> tuple[Scheme, ...]:
    return tuple(Scheme(code, frozenset(), frozenset({"GB"}), answer_within=within.get(code)) for code in codes)


def found(*codes: int) -> tuple[EvaluationResult, ...]:
    return tuple(EvaluationResult(response_code=code) for code in codes)


def told(transition: Transition) -> list[tuple[str, int]]:
    """Who is told what: a status, or 1 for a proposal."""
    return [
        (send.receiver, send.message.transaction_status if isinstance(send.message, NotificationRequest) else 1)
        for send in transition.sends
    ]


def answered(
    status: int, transaction_type: int, said: int, *codes: int, stl: str = "CITL", **before: int | None
) -> Transition | Repeat | Refused:
    """What `stl`'s word makes of a transaction about which those of `before` were asked, with their answers."""
    asked = tuple(Asked(each, answer) for each, answer in (before or {"CITL": None}).items())
    inquiry = Inquiry(asked, DEADLINE, proposal(transaction_type, 21) if transaction_type == 3 else None)
    subject = head(status, transaction_type, tuple(each.stl for each in asked))
    return supplementary_log.answered(subject, stl, said, found(*codes), inquiry, LOG, NOW)


# Asking --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transaction_type", [1, 3, 4, 10])
def test_what_passes_goes_to_all_that_are_asked_and_to_nobody_else(transaction_type: int) -> None:
    asking = proposal_checked(
        head(1, transaction_type, ()), proposal(transaction_type, 21), (), LOG, "GB", schemes(*BOTH)
    )
    assert (asking.status, told(asking), asking.keeps_timer) == (2, [("CITL", 1), ("UKTL", 1)], True)
    assert asking.asks == (Asked("CITL"), Asked("UKTL"))
    for send in asking.sends:
        assert isinstance(send.message, ProposalRequest)
        assert (send.message.sender, send.message.addressee) == ("ITL", send.receiver)
        assert send.message.proposed_transaction == proposal(transaction_type, 21)


@pytest.mark.parametrize("transaction_type", [1, 3, 10])
def test_of_what_the_log_refuses_they_hear_nothing(transaction_type: int) -> None:
    refused = proposal_checked(
        head(1, transaction_type, ()), proposal(transaction_type), found(4003), LOG, "GB", schemes(*BOTH)
    )
    assert (refused.status, told(refused), refused.asks) == (3, [("GB", 3)], ())


@pytest.mark.parametrize(
    ("within", "deadline", "timer"),
    [
        ({}, DEADLINE, None),
        ({"CITL": 2 * HOUR}, DEADLINE, 2 * HOUR),
        ({"CITL": 2 * HOUR, "UKTL": HOUR}, DEADLINE, HOUR),
        ({"UKTL": 24 * HOUR}, DEADLINE, None),
        ({"UKTL": 30 * HOUR}, DEADLINE, None),
        ({"UKTL": 30 * HOUR}, None, 30 * HOUR),
    ],
)
def test_the_timer_rings_when_the_first_answer_is_overdue(
    within: dict[str, timedelta], deadline: datetime | None, timer: timedelta | None
) -> None:
    asking = proposal_checked(head(1, 3, ()), proposal(3), (), LOG, "GB", schemes(*BOTH, **within), deadline, NOW)
    assert (asking.timer, asking.keeps_timer) == (timer, timer is None)
    assert asking.asks == tuple(Asked(code, None, NOW + within[code] if code in within else None) for code in BOTH)


# Their answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("transaction_type", "said", "codes", "next_status", "tells"),
    [
        (1, 9, (), 9, [("GB", 9)]),
        (10, 9, (), 9, [("GB", 9)]),
        (3, 9, (), 9, [("FR", 1)]),
        (1, 10, (7020,), 10, [("GB", 10)]),
        (3, 10, (7020, 7027), 10, [("GB", 10)]),
    ],
)
def test_the_answer_of_the_only_one(
    transaction_type: int, said: int, codes: tuple[int, ...], next_status: int, tells: list[tuple[str, int]]
) -> None:
    step = answered(2, transaction_type, said, *codes)
    assert isinstance(step, Transition)
    assert (step.status, told(step), step.settle, step.ended) == (next_status, tells, False, False)
    assert step.answer == Answer("CITL", said, codes)
    if said == 9:
        assert step.timer == DEADLINE - NOW
    else:
        assert step.keeps_timer


def test_the_acquirer_gets_the_proposal_without_its_supplementary_type() -> None:
    step = answered(2, 3, 9)
    assert isinstance(step, Transition)
    (send,) = step.sends
    assert isinstance(send.message, ProposalRequest)
    assert (send.message.addressee, send.message.proposed_transaction) == ("FR", proposal(3))


@pytest.mark.parametrize(("codes", "expected"), [((7020, 7027), [7020, 7027]), ((), [3006])])
def test_a_discrepancy_is_told_with_codes_never_without(codes: tuple[int, ...], expected: list[int]) -> None:
    step = answered(2, 3, 10, *codes)
    assert isinstance(step, Transition)
    (send,) = step.sends
    assert isinstance(send.message, NotificationRequest)
    assert [each.response_code for each in send.message.evaluation_result] == expected


TWO = [
    # who says what, what each has said; next status (None: it stays), told
    ("CITL", 9, {"CITL": None, "UKTL": None}, None, []),
    ("CITL", 9, {"CITL": None, "UKTL": 9}, 9, [("FR", 1)]),
    ("UKTL", 9, {"CITL": 9, "UKTL": None}, 9, [("FR", 1)]),
    ("CITL", 10, {"CITL": None, "UKTL": None}, 10, [("GB", 10), ("UKTL", 10)]),
    ("UKTL", 10, {"CITL": 9, "UKTL": None}, 10, [("GB", 10), ("CITL", 10)]),
]


@pytest.mark.parametrize(("stl", "said", "before", "next_status", "tells"), TWO)
def test_of_two_both_must_agree(
    stl: str, said: int, before: dict[str, int | None], next_status: int | None, tells: list[tuple[str, int]]
) -> None:
    step = answered(2, 3, said, stl=stl, **before)
    assert isinstance(step, Transition)
    assert (step.status, told(step), step.answer) == (next_status, tells, Answer(stl, said))


@pytest.mark.parametrize(
    ("stl", "said", "waits_until"), [("CITL", 9, 3 * HOUR), ("UKTL", 9, 2 * HOUR), ("XTL", 9, 2 * HOUR)]
)
def test_the_timer_goes_on_with_those_that_are_missing(stl: str, said: int, waits_until: timedelta) -> None:
    asked = (Asked("CITL", None, NOW + 2 * HOUR), Asked("UKTL", None, NOW + 3 * HOUR), Asked("XTL"))
    step = supplementary_log.answered(
        head(2, 3, ("CITL", "UKTL", "XTL")), stl, said, (), Inquiry(asked, DEADLINE, proposal(3)), LOG, NOW
    )
    assert isinstance(step, Transition)
    assert step.timer == waits_until


ODD = [
    # status, says what, what each has said; what is answered: "same" is harmless, else a code
    (2, 9, {"CITL": 9, "UKTL": None}, "same"),
    (9, 9, {"CITL": 9}, "same"),
    (8, 9, {"CITL": 9}, "same"),
    (4, 9, {"CITL": 9}, "same"),
    (7, 9, {"CITL": 9}, "same"),
    (10, 10, {"CITL": 10}, "same"),
    (2, 10, {"CITL": 9, "UKTL": None}, 3016),
    (9, 10, {"CITL": 9}, 3016),
    (4, 10, {"CITL": 9}, 3016),
    (10, 9, {"CITL": 10}, 3016),
    (10, 9, {"CITL": None, "UKTL": 10}, 3006),
    (10, 10, {"CITL": None, "UKTL": 10}, 3006),
    (5, 9, {"CITL": None}, 3007),
    (7, 9, {"CITL": None}, 3008),
    (7, 10, {"CITL": None}, 3008),
    (2, 9, {"UKTL": None}, 3014),
    (2, 10, {"UKTL": None}, 3014),
    *((status, said, {"CITL": None}, 3015) for status in (2, 7) for said in (1, 2, 3, 4, 5, 6, 7, 8)),
    *((9, said, {"CITL": 9}, 3015) for said in (4, 5, 6, 8)),
]


@pytest.mark.parametrize(("status", "said", "before", "expected"), ODD)
@pytest.mark.parametrize("transaction_type", [3, 10])
def test_an_odd_answer_changes_nothing(
    transaction_type: int, status: int, said: int, before: dict[str, int | None], expected: str | int
) -> None:
    step = answered(status, transaction_type, said, **before)
    assert step == (Repeat() if expected == "same" else Refused(int(expected)))


def test_a_refusal_in_the_reply_is_an_answer_while_one_is_waited_for() -> None:
    step = supplementary_log.refused(head(2, 3, BOTH), "CITL", (7005,), (Asked("CITL"), Asked("UKTL")), LOG)
    assert step is not None
    assert (step.status, told(step), step.answer) == (10, [("GB", 10), ("UKTL", 10)], Answer("CITL", 10, (7005,)))
    for status, before in ((7, None), (5, None), (9, 9), (2, 9)):
        assert supplementary_log.refused(head(status), "CITL", (7005,), (Asked("CITL", before),), LOG) is None


# What registries may say meanwhile -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("external", "role", "said", "code"),
    [
        (False, "initiator", 4, 3013),
        (True, "initiator", 4, 3013),
        (True, "acquirer", 8, 3013),
        (True, "acquirer", 6, 3013),
        (True, "acquirer", 4, 3013),
        (False, "initiator", 9, 3011),
        (True, "acquirer", 10, 3012),
    ],
)
def test_while_an_answer_is_missing_nobody_goes_on(external: bool, role: str, said: int, code: int) -> None:
    assert judge_notification(3 if external else 5, 2, role, said, asked=True) == Refused(code)


@pytest.mark.parametrize("transaction_type", [3, 10])
def test_the_initiator_may_end_it_meanwhile_and_only_those_asked_are_told(transaction_type: int) -> None:
    step = notified(head(2, transaction_type, BOTH), "GB", 5, (), LOG)
    assert isinstance(step, Transition)
    assert (step.status, told(step), step.ended) == (5, [("CITL", 5), ("UKTL", 5)], True)


# What ends it is told to them ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("transaction_type", "status", "who", "said", "tells"),
    [
        (10, 9, "GB", 4, [("CITL", 4), ("UKTL", 4)]),
        (10, 9, "GB", 5, [("CITL", 5), ("UKTL", 5)]),
        (10, 10, "GB", 5, [("CITL", 5), ("UKTL", 5)]),
        (3, 9, "FR", 8, [("GB", 8)]),
        (3, 9, "FR", 6, [("GB", 6), ("CITL", 6), ("UKTL", 6)]),
        (3, 9, "GB", 5, [("FR", 7), ("CITL", 5), ("UKTL", 5)]),
        (3, 8, "GB", 4, [("FR", 4), ("CITL", 4), ("UKTL", 4)]),
        (3, 6, "GB", 5, [("CITL", 5), ("UKTL", 5)]),
    ],
)
def test_what_a_registry_says_is_told_to_them(
    transaction_type: int, status: int, who: str, said: int, tells: list[tuple[str, int]]
) -> None:
    step = notified(head(status, transaction_type, BOTH), who, said, (), LOG)
    assert isinstance(step, Transition)
    assert (step.status, told(step)) == (said, tells)
    plain = notified(head(status, transaction_type, ()), who, said, (), LOG)
    assert isinstance(plain, Transition)
    assert [each for each in told(step) if each[0] not in BOTH] == told(plain), "registries hear what they ever heard"


def test_a_rejection_is_told_with_the_codes_of_the_acquirer() -> None:
    for codes in ((5902,), ()):
        step = notified(head(9), "FR", 6, found(*codes), LOG)
        assert isinstance(step, Transition)
        for send in step.sends:
            assert isinstance(send.message, NotificationRequest)
            assert send.message.evaluation_result == found(*(codes or (UNSTATED_REJECTION,)))


@pytest.mark.parametrize(
    ("transaction_type", "status", "asked", "receivers"),
    [
        (10, 2, BOTH, ["GB", "CITL", "UKTL"]),
        (10, 9, BOTH, ["GB", "CITL", "UKTL"]),
        (3, 2, ("CITL",), ["GB", "CITL"]),
        (3, 9, ("CITL",), ["GB", "CITL", "FR"]),
        (3, 2, (), ["GB", "FR"]),
    ],
)
def test_the_clean_up_tells_all_that_know_of_it(
    transaction_type: int, status: int, asked: tuple[str, ...], receivers: list[str]
) -> None:
    step = timed_out(head(status, transaction_type, asked), LOG, Practice(), NOW - 24 * HOUR, NOW)
    assert (step.status, told(step)) == (7, [(receiver, 7) for receiver in receivers])


def test_the_clean_up_records_the_end_of_what_a_scheme_stopped() -> None:
    step = timed_out(head(10), LOG, Practice(), NOW - 24 * HOUR, NOW)
    assert (step.status, told(step), step.ended) == (None, [], True)


def test_a_refused_relay_is_the_acquirers_only_when_the_acquirer_was_asked() -> None:
    assert relay_refused(head(2), (5902,), LOG) is None
    step = relay_refused(head(9), (5902,), LOG)
    assert step is not None
    assert (step.status, told(step)) == (6, [("GB", 6), ("CITL", 6)])
