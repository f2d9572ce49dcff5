"""Steps and events of a reconciliation: what each makes of the other, and what no way through them may do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from itl.checks.reconciliation import Answer
from itl.codes import ReconciliationStatus
from itl.errors import ConflictError
from itl.ledger.block import SerialRange
from itl.ledger.placement import Filter
from itl.lifecycle.reconciliation import TABLE, Progress, begin, decide
from itl.lifecycle.reconciliation_events import (
    COMPARING,
    Asked,
    AuditTrailCompared,
    BeginsWith,
    Cancelled,
    Confirmed,
    Event,
    Outcome,
    Practice,
    Proven,
    Received,
    ReconciliationHead,
    Refused,
    Step,
    TimeUp,
    TotalsCompared,
    UnitBlocksCompared,
    Wanted,
)
from itl.lifecycle.transaction import LogIdentity
from itl.messages import ReconciliationResultRequest
from itl.store.posting import OPERATIONS

NOW = datetime(2015, 6, 1, 12, tzinfo=UTC)
SNAPSHOT = NOW + timedelta(minutes=15)
LOG = LogIdentity()
AAU = Filter(100, 0, 1)
UNITS = SerialRange("GB", 1, 10)
DIFFER = TotalsCompared((AAU,), detail="they differ")
BLOCKS = UnitBlocksCompared((UNITS,), NOW - timedelta(days=1), SNAPSHOT)


def head(step: Step, status: int | None = None, **more: Any) -> ReconciliationHead:
    plain = {"identifier": "GB1", "registry": "GB", "begins_with": BeginsWith.TOTALS, "snapshot_at": SNAPSHOT}
    return ReconciliationHead(**(plain | {"step": step, "status": status, "steps": frozenset({step})} | more))


def sent(progress: Progress) -> list[str]:
    return [OPERATIONS[type(send.message)] for send in progress.sends]


FOUND = frozenset({3, 4})
"""Statuses of one whose totals and unit blocks differed."""

# where it stands, what happens: next step, statuses taken, what is sent, outcome
CASES: dict[str, tuple[ReconciliationHead, Event, tuple[Step, tuple[int, ...], list[str], Outcome | None]]] = {
    "confirmed": (head(Step.CONFIRMATION), Confirmed(), (Step.SNAPSHOT, (0,), [], None)),
    "denied": (head(Step.CONFIRMATION), Refused((1510,)), (Step.ENDED, (7,), [], Outcome.DENIED)),
    "not confirmed": (head(Step.CONFIRMATION), TimeUp(), (Step.ENDED, (), [], Outcome.NOT_CONFIRMED)),
    "the snapshot is over": (head(Step.SNAPSHOT, 0), TimeUp(), (Step.TOTALS, (1,), ["provideTotals"], None)),
    "unit blocks first": (
        head(Step.SNAPSHOT, 0, begins_with=BeginsWith.UNIT_BLOCKS),
        TimeUp(),
        (Step.UNIT_BLOCKS, (1,), ["provideUnitBlocks"], None),
    ),
    "audit trail first": (
        head(Step.SNAPSHOT, 0, begins_with=BeginsWith.AUDIT_TRAIL, asked=Asked(begin=NOW, end=SNAPSHOT)),
        TimeUp(),
        (Step.AUDIT_TRAIL, (1,), ["provideAuditTrail"], None),
    ),
    "totals": (head(Step.TOTALS, 1), Received(True), (Step.COMPARING_TOTALS, (), [], None)),
    "no totals": (head(Step.TOTALS, 1), TimeUp(), (Step.ENDED, (), [], Outcome.NOT_ANSWERED)),
    "totals refused": (head(Step.TOTALS, 1), Refused((1,)), (Step.ENDED, (), [], Outcome.REFUSED)),
    "equal totals": (
        head(Step.COMPARING_TOTALS, 1),
        TotalsCompared(),
        (Step.ENDED, (2, 5), ["receiveReconciliationResult"], Outcome.CONSISTENT),
    ),
    "equal totals, but an open inconsistency": (
        head(Step.COMPARING_TOTALS, 1),
        TotalsCompared(unsettled=True),
        (Step.UNIT_BLOCKS, (2,), ["provideUnitBlocks"], None),
    ),
    "totals differ": (head(Step.COMPARING_TOTALS, 1), DIFFER, (Step.UNIT_BLOCKS, (3,), ["provideUnitBlocks"], None)),
    "totals of account types differ": (
        head(Step.COMPARING_TOTALS, 1),
        replace(DIFFER, by_account_type=True),
        (Step.UNIT_BLOCKS, (98,), ["provideUnitBlocks"], None),
    ),
    "all unit blocks": (head(Step.UNIT_BLOCKS, 3), Received(True), (Step.COMPARING_UNIT_BLOCKS, (), [], None)),
    "some unit blocks": (head(Step.UNIT_BLOCKS, 3), Received(False), (Step.UNIT_BLOCKS, (), [], None)),
    "unit blocks, perhaps all": (head(Step.UNIT_BLOCKS, 1), Received(), (Step.UNIT_BLOCKS, (), [], None)),
    "no unit blocks": (head(Step.UNIT_BLOCKS, 3), TimeUp(), (Step.ENDED, (), [], Outcome.NOT_ANSWERED)),
    "no more unit blocks": (head(Step.UNIT_BLOCKS, 3), TimeUp(True), (Step.COMPARING_UNIT_BLOCKS, (), [], None)),
    "unit blocks refused": (head(Step.UNIT_BLOCKS, 3), Refused(), (Step.ENDED, (), [], Outcome.REFUSED)),
    "equal or explained unit blocks": (
        head(Step.COMPARING_UNIT_BLOCKS, 3),
        UnitBlocksCompared(),
        (Step.ENDED, (5,), ["receiveReconciliationResult"], Outcome.CONSISTENT),
    ),
    "unit blocks differ": (
        head(Step.COMPARING_UNIT_BLOCKS, 3),
        BLOCKS,
        (Step.AUDIT_TRAIL, (4,), ["provideAuditTrail"], None),
    ),
    "an audit trail": (head(Step.AUDIT_TRAIL, 4), Received(), (Step.AUDIT_TRAIL, (), [], None)),
    "no more of it": (head(Step.AUDIT_TRAIL, 4), TimeUp(True), (Step.COMPARING_AUDIT_TRAIL, (), [], None)),
    "none, where units differ": (
        head(Step.AUDIT_TRAIL, 4, passed=FOUND),
        TimeUp(),
        (Step.INTERVENTION, (99,), ["receiveReconciliationResult"], None),
    ),
    "none, asked for alone": (head(Step.AUDIT_TRAIL, 1), TimeUp(), (Step.ENDED, (), [], Outcome.NOT_ANSWERED)),
    "refused, where units differ": (
        head(Step.AUDIT_TRAIL, 4, passed=FOUND),
        Refused((9,)),
        (Step.INTERVENTION, (99,), ["receiveReconciliationResult"], None),
    ),
    "refused, asked for alone": (head(Step.AUDIT_TRAIL, 1), Refused((9,)), (Step.ENDED, (), [], Outcome.REFUSED)),
    "an equal audit trail explains no unit": (
        head(Step.COMPARING_AUDIT_TRAIL, 4, passed=FOUND),
        AuditTrailCompared(),
        (Step.INTERVENTION, (99,), ["receiveReconciliationResult"], None),
    ),
    "equal, asked for alone": (
        head(Step.COMPARING_AUDIT_TRAIL, 1),
        AuditTrailCompared(),
        (Step.ENDED, (5,), ["receiveReconciliationResult"], Outcome.CONSISTENT),
    ),
    "it differs, asked for alone": (
        head(Step.COMPARING_AUDIT_TRAIL, 1),
        AuditTrailCompared(2),
        (Step.INTERVENTION, (99,), ["receiveReconciliationResult"], None),
    ),
    "a later one found everything equal": (
        head(Step.INTERVENTION, 99, passed=FOUND),
        Proven("GB2"),
        (Step.ENDED, (6,), ["receiveReconciliationResult"], Outcome.REPAIRED),
    ),
    "a supplementary log wants unit blocks": (
        head(Step.ENDED, 5),
        Wanted(Answer.UNIT_BLOCKS, Asked((AAU,))),
        (Step.UNIT_BLOCKS_ONWARD, (), ["provideUnitBlocks"], None),
    ),
    "a supplementary log wants the audit trail": (
        head(Step.ENDED, 5),
        Wanted(Answer.AUDIT_TRAIL, Asked((), NOW, SNAPSHOT, (UNITS,))),
        (Step.AUDIT_TRAIL_ONWARD, (), ["provideAuditTrail"], None),
    ),
    "all unit blocks to pass on": (head(Step.UNIT_BLOCKS_ONWARD, 5), Received(True), (Step.ENDED, (), [], None)),
    "some to pass on": (head(Step.UNIT_BLOCKS_ONWARD, 5), Received(), (Step.UNIT_BLOCKS_ONWARD, (), [], None)),
    "no more to pass on": (head(Step.UNIT_BLOCKS_ONWARD, 5), TimeUp(True), (Step.ENDED, (), [], None)),
    "refused to be passed on": (head(Step.UNIT_BLOCKS_ONWARD, 5), Refused((1,)), (Step.ENDED, (), [], None)),
    "a trail to pass on": (head(Step.AUDIT_TRAIL_ONWARD, 5), Received(), (Step.AUDIT_TRAIL_ONWARD, (), [], None)),
    "no trail to pass on": (head(Step.AUDIT_TRAIL_ONWARD, 5), TimeUp(), (Step.ENDED, (), [], None)),
    "a trail refused": (head(Step.AUDIT_TRAIL_ONWARD, 5), Refused((1,)), (Step.ENDED, (), [], None)),
    "cancelled": (head(Step.TOTALS, 1), Cancelled("why"), (Step.ENDED, (), [], Outcome.CANCELLED)),
    "cancelled while an operator is waited for": (
        head(Step.INTERVENTION, 99),
        Cancelled("why"),
        (Step.ENDED, (), [], Outcome.CANCELLED),
    ),
}


@pytest.mark.parametrize(("stands", "event", "expected"), CASES.values(), ids=CASES)
def test_what_an_event_makes_of_it(
    stands: ReconciliationHead, event: Event, expected: tuple[Step, tuple[int, ...], list[str], Outcome | None]
) -> None:
    progress = decide(stands, event, LOG)
    assert (progress.step, progress.passed, sent(progress), progress.outcome) == expected


def test_the_table_has_no_entry_that_no_case_shows() -> None:
    shown = {(stands.step, type(event)) for stands, event, _ in CASES.values()}
    assert {key for key in TABLE if key[1] is not Cancelled} <= shown


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize(
    "event",
    [Confirmed(), Refused(), TimeUp(), Received(), DIFFER, BLOCKS, AuditTrailCompared(), Proven("GB2"), Cancelled("x")],
    ids=lambda event: type(event).__name__,
)
def test_what_cannot_happen_changes_nothing(step: Step, event: Event) -> None:
    if (step, type(event)) not in TABLE:
        with pytest.raises(ConflictError, match=f"waits for {step}"):
            decide(head(step), event, LOG)


CODES = {
    "totals and units": ({3, 4}, AuditTrailCompared(), (6301, 6302)),
    "totals, units and transactions": ({98, 4}, AuditTrailCompared(1), (6301, 6302, 6303)),
    "units alone": ({4}, AuditTrailCompared(), (6302,)),
    "transactions alone": (set(), AuditTrailCompared(1), (6303,)),
}


@pytest.mark.parametrize(("passed", "event", "codes"), CODES.values(), ids=CODES)
def test_the_result_has_the_codes_of_what_differs(passed: set[int], event: Event, codes: tuple[int, ...]) -> None:
    progress = decide(head(Step.COMPARING_AUDIT_TRAIL, passed=frozenset(passed)), event, LOG)
    assert progress.sends[0].message.response_codes == codes


@pytest.mark.parametrize("step", [Step.UNIT_BLOCKS, Step.UNIT_BLOCKS_ONWARD])
def test_nothing_is_asked_for_twice_for_whomever(step: Step) -> None:
    stands = head(Step.ENDED, 5, steps=frozenset({Step.TOTALS, step, Step.ENDED}))
    with pytest.raises(ConflictError, match="was asked for its unit blocks already"):
        decide(stands, Wanted(Answer.UNIT_BLOCKS, Asked()), LOG)


def test_what_another_log_leads_is_for_the_role_to_say() -> None:
    with pytest.raises(ConflictError):
        decide(head(Step.TOTALS, 1, led_by="ITL"), Received(True), LOG)
    own = replace(LOG, led={(Step.TOTALS, Received): lambda *_: Progress(Step.COMPARING_TOTALS)})
    assert decide(head(Step.TOTALS, 1, led_by="ITL"), Received(True), own).step is Step.COMPARING_TOTALS


def test_just_what_differs_is_asked_for() -> None:
    progress = decide(head(Step.COMPARING_TOTALS, 1), DIFFER, LOG)
    [request] = progress.sends[0].message.unit_block_requests
    assert (request.account_type, request.account_commit_period, request.unit_type) == (100, 0, 1)
    assert progress.asked == Asked((AAU,))
    everything = decide(head(Step.COMPARING_TOTALS, 1), replace(DIFFER, unsettled=True), LOG)
    assert everything.sends[0].message.unit_block_requests == ()


WAITS = {
    "for the snapshot, and a little": (head(Step.CONFIRMATION), Confirmed(), SNAPSHOT + timedelta(minutes=1)),
    "for totals": (head(Step.SNAPSHOT), TimeUp(), timedelta(hours=2)),
    "for unit blocks": (head(Step.COMPARING_TOTALS), DIFFER, timedelta(hours=4)),
    "for the rest of them": (head(Step.UNIT_BLOCKS), Received(False), timedelta(hours=4)),
    "for perhaps more of them": (head(Step.UNIT_BLOCKS), Received(), timedelta(minutes=1)),
    "for the audit trail": (head(Step.COMPARING_UNIT_BLOCKS), BLOCKS, timedelta(hours=4)),
    "not at all for the comparison": (head(Step.TOTALS), Received(True), timedelta(0)),
    "for ever for an operator": (head(Step.COMPARING_AUDIT_TRAIL, passed=FOUND), AuditTrailCompared(), None),
}


@pytest.mark.parametrize(("stands", "event", "due"), WAITS.values(), ids=WAITS)
def test_how_long_it_waits(stands: ReconciliationHead, event: Event, due: object) -> None:
    assert decide(stands, event, LOG).due == due


@pytest.mark.parametrize(("attempt", "anew"), [(1, True), (2, True), (3, False)])
@pytest.mark.parametrize("step", [Step.CONFIRMATION, Step.TOTALS, Step.UNIT_BLOCKS])
def test_what_is_not_answered_is_begun_anew_three_times_in_all(step: Step, attempt: int, anew: bool) -> None:
    assert decide(head(step, attempt=attempt), TimeUp(), LOG).begin_anew is anew


def test_the_beginning() -> None:
    begun = begin(head(Step.CONFIRMATION), LOG, NOW, may=True)
    [send] = begun.sends
    assert (begun.step, begun.due, send.once, send.expires_at) == (
        Step.CONFIRMATION,
        SNAPSHOT,
        True,
        NOW + timedelta(minutes=10),
    )
    denied = begin(head(Step.CONFIRMATION), LOG, NOW, may=False)
    assert (denied.step, denied.status, denied.codes, denied.sends) == (Step.ENDED, 7, (1510,), ())


# Every way through the table -----------------------------------------------------------------------------------------

EVENTS: tuple[Event, ...] = (
    Confirmed(),
    Refused((1,)),
    TimeUp(),
    TimeUp(received=True),
    Received(True),
    TotalsCompared(),
    TotalsCompared(unsettled=True),
    DIFFER,
    replace(DIFFER, by_account_type=True),
    UnitBlocksCompared(),
    BLOCKS,
    AuditTrailCompared(),
    AuditTrailCompared(1),
    Proven("GB2"),
    Cancelled("why"),
)
Way = list[tuple[ReconciliationHead, Event, Progress]]


def ways(stands: ReconciliationHead, log: LogIdentity, behind: Way) -> Iterator[Way]:
    """Every way to an end, but for parts of an answer that leave it where it is."""
    if stands.step is Step.ENDED:
        yield behind
        return
    for event in EVENTS:
        if (stands.step, type(event)) not in TABLE:
            continue
        progress = decide(stands, event, log)
        if progress.step is stands.step:
            continue
        after = replace(
            stands,
            step=progress.step,
            status=progress.status if progress.passed else stands.status,
            passed=stands.passed | frozenset(map(int, progress.passed)),
            asked=progress.asked or stands.asked,
        )
        yield from ways(after, log, [*behind, (stands, event, progress)])


IMPLIED = {"initiateReconciliation": 0, "provideTotals": 1, "provideUnitBlocks": 3, "provideAuditTrail": 4}
"""The status that a real registry takes from a question."""


@pytest.mark.parametrize("told", [5, 2])
@pytest.mark.parametrize("begins_with", BeginsWith)
def test_no_way_tells_a_registry_a_status_or_asks_it_a_question_twice(begins_with: BeginsWith, told: int) -> None:
    log = replace(LOG, reconciliation=Practice(equal_status=told))
    first = head(Step.CONFIRMATION, begins_with=begins_with, asked=Asked((), NOW, SNAPSHOT))
    every = list(ways(first, log, []))
    assert len(every) > 10
    for way in every:
        messages = [send.message for _, _, progress in way for send in progress.sends]
        questions = [OPERATIONS[type(message)] for message in messages if OPERATIONS[type(message)] in IMPLIED]
        assert len(set(questions)) == len(questions)
        results = [each for each in messages if isinstance(each, ReconciliationResultRequest)]
        statuses = [0, 1, *(IMPLIED[each] for each in questions if IMPLIED[each] > 1)]
        statuses += [each.reconciliation_status for each in results]
        assert len(set(statuses)) == len(statuses), [type(event).__name__ for _, event, _ in way]
        assert all(each.response_codes is not None for each in messages if hasattr(each, "response_codes"))
        assert all(send.once and send.topic for _, _, progress in way for send in progress.sends)


def test_every_way_takes_statuses_of_the_list_and_none_of_a_supplementary_log() -> None:
    taken = {
        status
        for begins_with in BeginsWith
        for way in ways(head(Step.CONFIRMATION, begins_with=begins_with, asked=Asked((), NOW, SNAPSHOT)), LOG, [])
        for _, _, progress in way
        for status in progress.passed
    }
    assert taken == {0, 1, 2, 3, 4, 5, 6, 7, 98, 99}
    assert taken < set(ReconciliationStatus)


def test_nothing_waits_without_a_timer_but_for_an_operator() -> None:
    for begins_with in BeginsWith:
        for way in ways(head(Step.CONFIRMATION, begins_with=begins_with, asked=Asked((), NOW, SNAPSHOT)), LOG, []):
            for _, _, progress in way:
                assert (progress.due is None) == (progress.step in (Step.ENDED, Step.INTERVENTION))
                assert progress.step not in COMPARING or progress.due == timedelta(0)
