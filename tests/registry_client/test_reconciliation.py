"""A registry that means well in a reconciliation: its snapshot is of its time, its answers are to the question."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from itl.clock import SetClock
from itl.codes import UnitType
from registry_client.identifiers import SerialRange
from registry_client.reconciliation.records import Status
from registry_client.registry import Registry
from registry_client.rules import Delay, Rules
from registry_client.settings import Settings
from registry_client.units import Account, Attributes, Wanted
from tests.registry_client.conftest import Found
from tests.registry_client.log import NOON, Log
from tests.registry_client.reconciling import (
    QUARTER,
    SNAPSHOT,
    ask_blocks,
    ask_totals,
    ask_trail,
    conclude,
    initiate,
    told_blocks,
    told_totals,
    told_trail,
)

HOLDING = Account(100, 1001)


@pytest.fixture
def gb(found: Found, log: Log) -> Registry:
    """1,000 AAU of period 1 and 500 of period 2 in hand, 100 of period 1 cancelled, and 40 CER of BR."""
    registry = found("GB", sends_terminated=True)
    for unit_type, quantity, period, more in (
        (UnitType.AAU, 1000, 1, {}),
        (UnitType.AAU, 500, 2, {}),
        (UnitType.CER, 40, 1, {"originating": "BR", "project": 7}),
    ):
        registry.issue(unit_type, quantity, period=period, **more)
    log.settle()
    registry.cancel([SerialRange("GB", 901, 1000)])
    log.settle()
    log.calls.clear()
    return registry


def asked(registry: Registry, log: Log, *messages: Any) -> None:
    for message in messages:
        assert registry.receive(message) == ()
    log.settle()


def test_a_reconciliation_from_its_beginning_to_its_end(gb: Registry, log: Log, clock: SetClock) -> None:
    asked(gb, log, initiate())
    assert [(r.identifier, r.status, r.frozen_at) for r in gb.reconciliations()] == [("GB1", Status.CONFIRMED, None)]
    assert log.calls == []
    clock.set(SNAPSHOT)
    log.settle()
    (frozen,) = gb.reconciliations()
    assert (frozen.frozen_at, frozen.blocks) == (SNAPSHOT, 4)
    asked(gb, log, ask_totals())
    assert told_totals(log) == [{(100, 0, 1): 1400, (100, 0, 5): 40, (230, 1, 1): 100}]
    asked(gb, log, ask_blocks())
    assert told_blocks(log) == [
        [("BR", 1, 40, 100), ("GB", 1, 900, 100), ("GB", 901, 1000, 230), ("GB", 1001, 1500, 100)]
    ]
    asked(gb, log, ask_trail(("GB", 950, 951)))
    assert told_trail(log) == [[("GB100001", ((1, 1000),)), ("GB100004", ((901, 1000),))]]
    asked(gb, log, conclude(5, 6301, 6302))
    (ended,) = gb.reconciliations()
    assert [(entry.status, entry.phase) for entry in ended.history] == [(0, None), (1, 1), (3, 2), (4, 3), (5, 3)]
    assert ended.history[-1].codes == (6301, 6302)
    assert ended.is_final
    assert ended.unanswered == 0


def test_what_is_asked_before_the_snapshot_is_answered_after_it(gb: Registry, log: Log, clock: SetClock) -> None:
    asked(gb, log, initiate(), ask_totals(), ask_blocks({"account_type": 230}))
    assert log.calls == []
    assert gb.reconciliations()[0].unanswered == 2
    clock.set(SNAPSHOT)
    log.settle()
    assert (len(told_totals(log)), told_blocks(log)) == (1, [[("GB", 901, 1000, 230)]])


def test_the_same_question_twice_is_answered_once(gb: Registry, log: Log, clock: SetClock) -> None:
    asked(gb, log, initiate(), initiate())
    clock.set(SNAPSHOT)
    asked(gb, log, ask_totals(), ask_totals(), ask_blocks(), ask_blocks(), ask_trail(), ask_trail())
    assert (len(told_totals(log)), len(told_blocks(log)), len(told_trail(log))) == (1, 1, 1)
    assert [entry.status for entry in gb.reconciliations()[0].history] == [0, 1, 3, 4]


def test_an_identifier_is_begun_once(gb: Registry, log: Log) -> None:
    asked(gb, log, initiate(), initiate(at=SNAPSHOT + QUARTER))
    (begun,) = gb.reconciliations()
    assert begun.snapshot_at == SNAPSHOT
    assert [entry.note for entry in gb.without_effect()] == ["reconciliation GB1 was begun before"]


def test_a_log_may_skip_the_beginning(gb: Registry, log: Log, clock: SetClock) -> None:
    """Asked about a snapshot that it was never told of, a registry with a history has it all the same."""
    gb.cancel([SerialRange("GB", 1, 100)])
    clock.set(SNAPSHOT)
    log.settle()
    asked(gb, log, ask_totals(at=NOON + timedelta(minutes=1)))
    assert told_totals(log)[0][100, 0, 1] == 1400


TOTALS = [
    ({"by_account_flag": 1}, {(100, 1001, 0, 1): 1400, (100, 1001, 0, 5): 40, (230, 1001, 1, 1): 100}),
    ({"by_account_flag": 0, "account_type": 100}, {(100, 0, 1): 1400, (100, 0, 5): 40}),
    ({"unit_type": 5}, {(100, 0, 5): 40}),
    ({"account_commit_period": 1}, {(230, 1, 1): 100}),
    ({"account_commit_period": 0, "unit_type": 1}, {(100, 0, 1): 1400}),
    ({"supp_unit_type": 1}, {}),
]


@pytest.mark.parametrize(("wishes", "expected"), TOTALS, ids=lambda value: str(value)[:40])
def test_totals_obey_their_filters(
    gb: Registry, log: Log, clock: SetClock, wishes: dict[str, int], expected: dict[tuple[int, ...], int]
) -> None:
    clock.set(SNAPSHOT)
    asked(gb, log, initiate(), ask_totals(**wishes))
    assert told_totals(log) == [expected]


BR, LOW, GONE, HIGH = ("BR", 1, 40, 100), ("GB", 1, 900, 100), ("GB", 901, 1000, 230), ("GB", 1001, 1500, 100)
BLOCKS = [
    ([{}], [BR, LOW, GONE, HIGH]),
    ([{"account_type": 230}], [GONE]),
    ([{"account_type": 230}, {"unit_type": 5}], [BR, GONE]),
    ([{"account_type": 100}, {"unit_type": 1}], [BR, LOW, GONE, HIGH]),
    ([{"account_type": 100, "account_commit_period": 0, "unit_type": 1}], [LOW, HIGH]),
    ([{"account_commit_period": 1}], [GONE]),
    ([{"account_identifier": 9}], []),
    ([{"supp_unit_type": 0, "account_type": 230}], [GONE]),
]


@pytest.mark.parametrize("per_message", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("filters", "expected"), BLOCKS, ids=lambda value: str(value)[:40])
def test_blocks_obey_their_filters_and_leave_in_parts(
    found: Found,
    gb: Registry,
    log: Log,
    clock: SetClock,
    filters: list[dict[str, int]],
    expected: list[tuple[str, int, int, int]],
    per_message: int,
) -> None:
    gb.settings = Settings(code="GB", blocks_per_message=per_message)
    clock.set(SNAPSHOT)
    asked(gb, log, initiate(), ask_blocks(*filters))
    parts = told_blocks(log)
    assert [block for part in parts for block in part] == expected
    assert len(parts) == max(1, -(-len(expected) // per_message)), "an empty answer is an answer"
    assert all(len(part) <= per_message for part in parts)


TRAILS = [
    ((("GB", 1, 1),), {}, ["GB100001"]),
    ((("GB", 901, 901),), {}, ["GB100001", "GB100004"]),
    ((("GB", 1000, 1001),), {}, ["GB100001", "GB100002", "GB100004"]),
    ((("GB", 5000, 6000), ("FR", 1, 40)), {}, []),
    ((("BR", 40, 99),), {}, ["GB100003"]),
    ((), {}, ["GB100001", "GB100002", "GB100003", "GB100004"]),
    ((), {"unit_type": 5}, ["GB100003"]),
    ((), {"account_type": 230}, ["GB100004"]),
    ((), {"account_type": 100, "account_identifier": 1001, "account_commit_period": 1}, []),
    ((), {"account_commit_period": 1}, ["GB100004"]),
    ((), {"end": NOON - timedelta(seconds=1)}, []),
    ((), {"begin": NOON, "end": NOON}, ["GB100001", "GB100002", "GB100003", "GB100004"]),
]


@pytest.mark.parametrize(("ranges", "wishes", "expected"), TRAILS, ids=lambda value: str(value)[:40])
def test_a_trail_has_what_touches_the_blocks_in_the_period(
    found: Found,
    gb: Registry,
    log: Log,
    ranges: tuple[tuple[str, int, int], ...],
    wishes: dict[str, Any],
    expected: list[str],
) -> None:
    found("FR", rules=Rules(on_transfer=lambda proposal: Delay()))
    gb.transfer([SerialRange("GB", 1, 5)], "FR", Account(100, 1001))  # open: of no trail
    asked(gb, log, initiate(), ask_trail(*ranges, **wishes))
    assert [identifier for identifier, _ in told_trail(log)[0]] == expected


def test_a_trail_leaves_in_parts_too(gb: Registry, log: Log) -> None:
    gb.settings = Settings(code="GB", blocks_per_message=3)
    asked(gb, log, ask_trail())
    assert [len(part) for part in told_trail(log)] == [3, 1]


def test_units_of_open_transactions_lie_where_they_lay(found: Found, gb: Registry, log: Log, clock: SetClock) -> None:
    found("FR")
    transfer = gb.transfer([SerialRange("GB", 1, 10)], "FR", Account(100, 1001))
    clock.advance(timedelta(seconds=1))
    asked(gb, log, initiate(at=NOON))
    with gb.store.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT range_start, range_end, account_type, reserved_by FROM snapshot_blocks"
            " WHERE originating_registry = 'GB' ORDER BY range_start"
        ).all()
    assert rows[:2] == [(1, 10, 100, transfer), (11, 900, 100, None)]
    asked(gb, log, ask_totals(at=NOON))
    assert told_totals(log)[-1][100, 0, 1] == 1400, "the transfer ended after the snapshot"


def test_marked_aau_count_as_aau(found: Found, log: Log, clock: SetClock) -> None:
    registry = found("GB")
    marked = Attributes(unit_type=1, original_period=1, applicable_period=1, supp_unit_type=1)
    registry.issue_units([(SerialRange("GB", 1, 10), marked)])
    log.settle()
    clock.set(SNAPSHOT)
    asked(registry, log, initiate(), ask_totals(supp_unit_type=0))
    assert told_totals(log) == [{(100, 0, 1): 10}]


def test_a_snapshot_is_of_its_time_also_if_the_registry_was_away(tmp_path: Path) -> None:
    """Down at the snapshot's time, and busy before it comes to the copy: the copy is of that time."""
    clock, log, database = SetClock(NOON), Log(), f"sqlite:///{tmp_path}/gb.db"
    first = Registry(Settings(code="GB"), log, database=database, clock=clock)
    log.registries["GB"] = first
    first.issue(UnitType.AAU, 100, period=1)
    log.settle()
    asked(first, log, initiate())
    first.close()
    clock.set(SNAPSHOT + QUARTER)
    second = Registry(Settings(code="GB"), log, database=database, clock=clock)
    log.registries["GB"] = second
    second.cancel(Wanted(quantity=30, unit_type=1))
    second.issue(UnitType.AAU, 1000, period=1)
    log.settle()
    asked(second, log, ask_totals())
    assert told_totals(log) == [{(100, 0, 1): 100}]
    assert second.reconciliations()[0].frozen_at == SNAPSHOT + QUARTER
    second.close()


def test_a_copy_that_is_gone_is_made_again(gb: Registry, log: Log, clock: SetClock) -> None:
    clock.set(SNAPSHOT)
    asked(gb, log, initiate(), ask_totals(), conclude(2))
    assert (len(told_totals(log)), gb.reconciliations()[0].blocks) == (1, 0), "all at once: what is owed is answered"
    clock.advance(QUARTER)
    gb.cancel([SerialRange("GB", 1, 10)])
    log.settle()
    asked(gb, log, ask_blocks({"account_type": 230}))
    assert told_blocks(log) == [[GONE]]


@pytest.mark.parametrize("status", [*Status, 42])
def test_results_are_kept_whatever_they_say(gb: Registry, log: Log, status: int) -> None:
    asked(gb, log, initiate(), conclude(status, 6301))
    (ended,) = gb.reconciliations()
    assert (ended.status, ended.history[-1].codes) == (status, (6301,))
    assert ended.is_final == (status in (2, 5, 6, 7))


def test_a_result_of_nothing_has_no_effect(gb: Registry, log: Log) -> None:
    asked(gb, log, conclude(2, identifier="GB77"))
    assert gb.reconciliations() == []
    assert "GB77, which is not known here" in str(gb.without_effect()[0].note)


ACTS = st.sampled_from(["issue", "cancel", "move", "transfer", "wait"])
ENDS = st.sampled_from(["carried out", "refused", "left open"])
STEPS = st.lists(st.tuples(ACTS, st.integers(1, 40), ENDS), max_size=10)


@settings(max_examples=25, deadline=None)  # each example opens two databases
@given(steps=STEPS, at=st.integers(0, 10))
@example([("cancel", 10, "left open"), ("wait", 1, "refused"), ("wait", 1, "carried out")], 1)
@example([("cancel", 10, "left open"), ("wait", 1, "refused"), ("wait", 1, "carried out")], 2)
def test_the_holdings_of_any_past_instant(steps: list[tuple[str, int, str]], at: int) -> None:
    """However the registry went on, a snapshot equals what the registry held at that time."""
    clock, log = SetClock(NOON), Log()
    registry = Registry(Settings(code="GB"), log, clock=clock)
    abroad = Registry(Settings(code="FR"), log, clock=clock)
    log.registries |= {"GB": registry, "FR": abroad}
    acts = {
        "issue": lambda quantity: registry.issue(UnitType.AAU, quantity, period=1),
        "cancel": lambda quantity: registry.cancel(Wanted(quantity=quantity, unit_type=1)),
        "move": lambda quantity: registry.move(Wanted(quantity=quantity, unit_type=1), Account(121, 7)),
        "transfer": lambda quantity: registry.transfer(Wanted(quantity=quantity, unit_type=1), "FR", HOLDING),
    }
    registry.open_account(121, identifier=7)
    seen = None
    for number, (act, quantity, end) in enumerate([("issue", 100, "carried out"), *steps]):
        clock.set(NOON + timedelta(minutes=number))
        free = sum(h.quantity - h.reserved for h in registry.holdings() if h.account == HOLDING)
        if act in acts and (act == "issue" or quantity <= free):
            acts[act](quantity)
        log.discrepancies = lambda proposal, refused=end == "refused": (4003,) if refused else ()
        if end != "left open":
            log.settle()
        if number == min(at, len(steps)):
            seen = clock(), [(b.range, b.account, b.reserved_by) for b in registry.blocks()]
    assert seen is not None
    asked(registry, log, ask_totals(at=seen[0]))
    with registry.store.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT originating_registry, range_start, range_end, account_type, account_identifier, reserved_by"
            " FROM snapshot_blocks ORDER BY number"
        ).all()
    registry.close()
    abroad.close()
    assert [(SerialRange(*row[:3]), Account(*row[3:5]), row[5]) for row in rows] == seen[1]
