"""The part of a supplementary log in a reconciliation: what each event makes of where it stands, the whole table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from itl.checks.reconciliation import Answer
from itl.errors import ConflictError
from itl.ledger.block import SerialRange
from itl.ledger.placement import Filter
from itl.lifecycle.reconciliation_events import (
    Asked,
    BeginsWith,
    Cancelled,
    Confirmed,
    ReconciliationHead,
    Refused,
    Step,
    TimeUp,
)
from itl.lifecycle.supplementary_reconciliation import (
    TABLE,
    AskedBlocks,
    AskedTrail,
    AtHand,
    Lacking,
    LogAgreed,
    LogEnded,
    Part,
    PartEvent,
    PartOutcome,
    PartProgress,
    PartStep,
    Said,
    begin,
    covers,
    decide,
    refusal,
)
from itl.lifecycle.transaction import LogIdentity

NOW = datetime(2015, 6, 1, 12, tzinfo=UTC)
SNAPSHOT = NOW + timedelta(minutes=15)
LOG = LogIdentity()
HEAD = ReconciliationHead("GB1", "GB", BeginsWith.TOTALS, SNAPSHOT, Step.TOTALS)
AAU, RMU = Filter(100, 0, 1), Filter(100, 0, 2)
UNITS = SerialRange("GB", 1, 10)
TRAIL = Asked((), NOW - timedelta(days=1), SNAPSHOT, (UNITS,))

S, O = PartStep, PartOutcome  # noqa: E741


def part(step: PartStep, status: int | None = None) -> Part:
    return Part("CITL", step, status)


# where it stands, what happens: next step, status, outcome, what is passed on, whether units are free
Becomes = tuple[PartStep, int | None, PartOutcome | None, Answer | None, bool]
CASES: dict[str, tuple[Part, PartEvent, Becomes]] = {
    "it confirms": (part(S.CONFIRMATION), Confirmed(), (S.LOG, None, None, None, False)),
    "it does not want to": (part(S.CONFIRMATION), Refused((1510,)), (S.ENDED, None, O.DENIED, None, False)),
    "it is down": (part(S.CONFIRMATION), TimeUp(), (S.ENDED, None, O.NOT_CONFIRMED, None, False)),
    "it is down, and the timer late": (
        part(S.CONFIRMATION),
        LogAgreed(),
        (S.ENDED, None, O.NOT_CONFIRMED, None, False),
    ),
    "the log came to nothing": (part(S.CONFIRMATION), LogEnded(), (S.ENDED, None, O.LOG_DIFFERS, None, False)),
    "registry and log agree": (part(S.LOG), LogAgreed(), (S.TOTALS, None, None, Answer.TOTALS, False)),
    "they do not": (part(S.LOG), LogEnded(99), (S.ENDED, None, O.LOG_DIFFERS, None, False)),
    "it agrees": (part(S.TOTALS), Said(10), (S.ENDED, 10, O.CONSISTENT, None, True)),
    "it agrees after an intervention": (part(S.TOTALS), Said(11), (S.ENDED, 11, O.REPAIRED, None, True)),
    "totals differ": (part(S.TOTALS), Said(8, (6301,)), (S.TOTALS, 8, None, None, False)),
    "it wants unit blocks": (part(S.TOTALS, 8), AskedBlocks((AAU,)), (S.BLOCKS_WANTED, None, None, None, False)),
    "it wants them without a word": (part(S.TOTALS), AskedBlocks(), (S.BLOCKS_WANTED, None, None, None, False)),
    "it refuses totals": (part(S.TOTALS), Refused((6204,)), (S.ENDED, None, O.REFUSED, None, False)),
    "it is silent": (part(S.TOTALS), TimeUp(), (S.ENDED, None, O.NOT_ANSWERED, None, False)),
    "unit blocks are there": (
        part(S.BLOCKS_WANTED, 8),
        AtHand(),
        (S.UNIT_BLOCKS, None, None, Answer.UNIT_BLOCKS, False),
    ),
    "unit blocks do not come": (part(S.BLOCKS_WANTED, 8), Lacking("x"), (S.ENDED, None, O.NOT_PASSED_ON, None, False)),
    "it agrees before they come": (part(S.BLOCKS_WANTED, 8), Said(10), (S.ENDED, 10, O.CONSISTENT, None, True)),
    "unit blocks explain it": (part(S.UNIT_BLOCKS, 8), Said(10), (S.ENDED, 10, O.CONSISTENT, None, True)),
    "unit blocks differ": (part(S.UNIT_BLOCKS, 8), Said(9, (6302,)), (S.UNIT_BLOCKS, 9, None, None, False)),
    "it names units": (part(S.UNIT_BLOCKS, 9), AskedTrail(TRAIL), (S.TRAIL_WANTED, None, None, None, False)),
    "it refuses unit blocks": (part(S.UNIT_BLOCKS, 8), Refused(()), (S.ENDED, None, O.REFUSED, None, False)),
    "it names none": (part(S.UNIT_BLOCKS, 9), TimeUp(), (S.ENDED, None, O.NOT_ANSWERED, None, False)),
    "the trail is there": (part(S.TRAIL_WANTED, 9), AtHand(), (S.INTERVENTION, None, None, Answer.AUDIT_TRAIL, False)),
    "the trail does not come": (part(S.TRAIL_WANTED, 9), Lacking("x"), (S.INTERVENTION, None, None, None, False)),
    "it agrees without a trail": (part(S.TRAIL_WANTED, 9), Said(10), (S.ENDED, 10, O.CONSISTENT, None, True)),
    "it refuses the trail": (part(S.INTERVENTION, 9), Refused((1,)), (S.INTERVENTION, None, None, None, False)),
    "the intervention is over": (part(S.INTERVENTION, 9), Said(11), (S.ENDED, 11, O.REPAIRED, None, True)),
    "the trail explains all": (part(S.INTERVENTION, 9), Said(10), (S.ENDED, 10, O.CONSISTENT, None, True)),
    "cancelled": (part(S.UNIT_BLOCKS, 9), Cancelled("x"), (S.ENDED, None, O.CANCELLED, None, False)),
}


@pytest.mark.parametrize(("stands", "event", "expected"), CASES.values(), ids=CASES)
def test_what_an_event_makes_of_it(stands: Part, event: PartEvent, expected: Becomes) -> None:
    found = decide(HEAD, stands, event, LOG)
    assert (found.step, found.status, found.outcome, found.passes_on, found.lifts) == expected
    assert refusal(stands, event) is None


def test_the_table_has_no_entry_that_no_case_shows() -> None:
    shown = {(stands.step, type(event)) for stands, event, _ in CASES.values()}
    assert {key for key in TABLE if key[1] is not Cancelled} <= shown


EVENTS: tuple[PartEvent, ...] = (
    Confirmed(),
    Refused((1,)),
    TimeUp(),
    LogAgreed(),
    LogEnded(99),
    *(Said(status) for status in (8, 9, 10, 11)),
    AskedBlocks(),
    AskedTrail(TRAIL),
    AtHand(),
    Lacking("x"),
    Cancelled("x"),
)

# what it may say and ask, by where it stands; the code of all else
TAKEN: dict[PartStep, tuple[set[object], int]] = {
    S.CONFIRMATION: (set(), 6209),
    S.LOG: (set(), 6209),
    S.TOTALS: ({8, 10, 11, AskedBlocks}, 6204),
    S.BLOCKS_WANTED: ({10, 11}, 6204),
    S.UNIT_BLOCKS: ({9, 10, 11, AskedTrail}, 6204),
    S.TRAIL_WANTED: ({10, 11}, 6204),
    S.INTERVENTION: ({10, 11}, 6204),
    S.ENDED: (set(), 6204),
}


@pytest.mark.parametrize("step", PartStep)
def test_what_contradicts_where_it_stands_is_refused_and_changes_nothing(step: PartStep) -> None:
    taken, code = TAKEN[step]
    for event in (*(Said(status) for status in (8, 9, 10, 11)), AskedBlocks(), AskedTrail(TRAIL)):
        is_taken = (event.status if isinstance(event, Said) else type(event)) in taken
        assert refusal(part(step), event) == (None if is_taken else code), event
        if not is_taken:
            with pytest.raises(ConflictError):
                decide(HEAD, part(step), event, LOG)


def test_a_status_is_taken_once() -> None:
    assert refusal(part(S.TOTALS, 8), Said(8)) == 6204
    assert refusal(part(S.UNIT_BLOCKS, 9), Said(9)) == 6204


def test_it_begins_with_the_registry_and_may_hear_that_twice() -> None:
    begun = begin(HEAD, "CITL", LOG)
    [send] = begun.sends
    assert (begun.step, begun.due) == (S.CONFIRMATION, SNAPSHOT)
    assert (send.receiver, send.once, send.expires_at) == ("CITL", False, SNAPSHOT)
    message = send.message
    assert (message.addressee, message.reconciliation_identifier, message.snapshot_datetime) == (
        "CITL",
        "GB1",
        SNAPSHOT,
    )


@pytest.mark.parametrize(("status", "told"), [(99, [99]), (7, [7]), (None, [])])
def test_it_hears_why_there_is_nothing_to_compare(status: int | None, told: list[int]) -> None:
    found = decide(HEAD, part(S.LOG), LogEnded(status), LOG)
    assert [send.message.reconciliation_status for send in found.sends] == told
    assert all(send.receiver == "CITL" and not send.once for send in found.sends)


def ways(stands: Part, behind: list[tuple[Part, PartEvent, PartProgress]]) -> Iterator[list[PartProgress]]:
    if not stands.is_open:
        yield [progress for _, _, progress in behind]
        return
    for event in EVENTS:
        if refusal(stands, event) is not None:
            continue
        progress = decide(HEAD, stands, event, LOG)
        after = replace(stands, step=progress.step, status=progress.status or stands.status)
        if after != stands:
            yield from ways(after, [*behind, (stands, event, progress)])


def test_every_way_comes_to_an_end_and_waits_for_nobody_but_with_a_timer() -> None:
    every = list(ways(part(S.CONFIRMATION), []))
    assert len(every) > 50
    for way in every:
        assert way[-1].outcome is not None
        for progress in way:
            waits_for_others = progress.step in (S.LOG, S.INTERVENTION, S.ENDED)
            assert (progress.due is None) == waits_for_others, progress
        said = [progress.status for progress in way if progress.status is not None]
        assert len(set(said)) == len(said), "no status twice"


WANTED: dict[str, tuple[tuple[Filter, ...], tuple[Filter, ...], bool]] = {
    "all, of all": ((), (), True),
    "some, of all": ((), (AAU,), True),
    "all, of some": ((AAU,), (), False),
    "the same": ((AAU, RMU), (RMU,), True),
    "others": ((AAU,), (RMU,), False),
    "one and another": ((AAU,), (AAU, RMU), False),
    "less": ((Filter(100),), (AAU,), True),
    "more": ((AAU,), (Filter(100),), False),
}


@pytest.mark.parametrize(("asked", "wanted", "covered"), WANTED.values(), ids=WANTED)
def test_what_the_registry_was_asked_for_covers(
    asked: tuple[Filter, ...], wanted: tuple[Filter, ...], covered: bool
) -> None:
    head = replace(HEAD, steps=frozenset({Step.UNIT_BLOCKS}), asked=Asked(asked))
    assert covers(head, Answer.UNIT_BLOCKS, Asked(wanted)) is covered
    assert not covers(replace(head, steps=frozenset()), Answer.UNIT_BLOCKS, Asked(wanted))


TRAILS: dict[str, tuple[Asked, bool]] = {
    "the same": (TRAIL, True),
    "fewer units": (replace(TRAIL, blocks=(SerialRange("GB", 2, 5),)), True),
    "other units": (replace(TRAIL, blocks=(SerialRange("GB", 2, 11),)), False),
    "all units": (replace(TRAIL, blocks=()), False),
    "a longer period": (replace(TRAIL, begin=NOW - timedelta(days=2)), False),
    "no period": (replace(TRAIL, begin=None), False),
}


@pytest.mark.parametrize(("wanted", "covered"), TRAILS.values(), ids=TRAILS)
def test_what_the_audit_trail_covers(wanted: Asked, covered: bool) -> None:
    head = replace(HEAD, steps=frozenset({Step.AUDIT_TRAIL_ONWARD}), asked=TRAIL)
    assert covers(head, Answer.AUDIT_TRAIL, wanted) is covered
