"""A supplementary log in a reconciliation, over the wire with a scripted registry and scripted logs, on both databases.

Whatever it says, or does not, the log's own result stands, and the registry hears it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from itl.lifecycle.reconciliation_events import BeginsWith
from itl.store import tables as t
from itl.store.enrol_scheme import retire_scheme
from itl.store.fact_kinds import Fact, FactKey, FactName
from itl.store.facts import Source
from itl.store.reference_data import put_facts
from tests.hub.reconciling import Reconciling, block, sums
from tests.hub.schemes import enrol_scheme
from tests.hub.stl_reconciling import Scheme
from tests.hub.world import (
    CANCELLATION,
    DAY,
    EXTERNAL,
    HOUR,
    World,
    faults,
    is_down,
    is_silent,
    notification,
    replies,
    units,
)

LEAD = timedelta(minutes=15)


@pytest.fixture
def gb(world: World) -> Reconciling:
    """GB holds AAU 1-1000 in account type 100, FR 1001-1100; both are in the scheme of CITL, JP is not."""
    world.issue(1, 1000)
    world.issue(1, 100, "FR")
    world.issue(1, 100, "JP")
    enrol_scheme(world)
    for each in world.registries.values():
        each.calls.clear()
    made = Reconciling(world, "GB")
    made.whole = lambda: answer_blocks(made)  # type: ignore[attr-defined]
    return made


@pytest.fixture
def citl(gb: Reconciling) -> Scheme:
    return Scheme(gb)


def answer_blocks(gb: Reconciling) -> None:
    assert gb.blocks(block(1, 1000)) == 1
    gb.world.settle()


def agree(gb: Reconciling) -> None:
    """Registry and log compare, and agree."""
    gb.reach("totals")
    assert gb.totals(sums(1000)) == 1
    gb.world.settle()
    assert gb.at == ("ended", 5)


def told_results(gb: Reconciling) -> list[int]:
    return [each.reconciliation_status for each in gb.all_told("receiveReconciliationResult")]


def stands(gb: Reconciling) -> None:
    """The log's own result, told once, and each question asked at most once."""
    assert gb.at == ("ended", 5)
    assert gb.row.outcome == "consistent"
    assert told_results(gb).count(5) == 1
    assert max(Counter(gb.operations).values()) == 1


# The usual way -------------------------------------------------------------------------------------------------------


def test_it_begins_with_the_registry_and_gets_the_totals_after_the_logs_own_result(
    gb: Reconciling, citl: Scheme
) -> None:
    gb.start()
    [begun] = citl.told("initiateReconciliation")
    assert (begun.reconciliation_identifier, begun.snapshot_datetime) == (gb.identifier, gb.row.snapshot_at)
    assert citl.at == ("the log's own result", None, None)
    gb.reach("totals")
    assert citl.heard == ["initiateReconciliation"]
    gb.totals(sums(600), sums(400, supp_unit_type=1))
    gb.world.settle()
    [totals] = citl.told("receiveTotals")
    assert (totals.sender, totals.addressee, totals.reconciliation_identifier) == ("ITL", "CITL", gb.identifier)
    assert [(each.unit_count, each.supp_unit_type) for each in totals.totals] == [(600, None), (400, 1)]
    assert citl.at == ("its result on totals", None, None)
    stands(gb)
    assert citl.result(10) == 1
    gb.world.settle()
    assert citl.at == ("ended", 10, "consistent")
    assert gb.world.rows(t.reconciliation_answers) == [], "nothing is kept that nobody wants any more"
    stands(gb)


def test_units_that_it_names_are_kept_and_the_others_run_on(gb: Reconciling, citl: Scheme) -> None:
    agree(gb)
    assert citl.result(8, 6301) == 1
    assert citl.ask_blocks((100, 0, 1)) == 1
    gb.world.settle()
    asked = gb.told("provideUnitBlocks")
    [request] = asked.unit_block_requests
    assert (request.account_type, request.account_commit_period, request.unit_type) == (100, 0, 1)
    assert citl.at == ("unit blocks of the registry", 8, None)
    assert gb.blocks(block(1, 300)) == 1
    gb.world.settle()
    assert citl.told("receiveUnitBlocks") == [], "not before it is whole"
    assert gb.blocks(block(301, 1000)) == 1
    gb.world.settle()
    passed_on = [each.unit_serial_block_start for one in citl.told("receiveUnitBlocks") for each in one.unit_blocks]
    assert passed_on == [1, 301]
    assert citl.at == ("its result on unit blocks", 8, None)
    assert citl.result(9, 6302) == 1
    assert citl.ask_trail((901, 1000)) == 1
    gb.world.settle()
    assert citl.kept == [(901, 1000)], "at once"
    trail = gb.told("provideAuditTrail")
    assert [each.unit_serial_block_start for each in trail.unit_block_identifiers] == [901]
    assert gb.trail(transaction="GB7") == 1
    gb.world.later(timedelta(minutes=1))
    [received] = citl.told("receiveAuditTrail")
    assert [each.transaction_identifier for each in received.transactions] == ["GB7"]
    assert received.transactions[0].transaction_blocks[0].original_commit_period == 1, "as the registry told it"
    assert citl.at == ("intervention", 9, None)
    stands(gb)
    verdicts = {}
    for name, first, last in (("GB2", 901, 910), ("GB3", 1, 10)):
        gb.world.propose("GB", name, CANCELLATION, units(first, last))
        gb.world.settle()
        gb.world.notify("CITL", name, 9, party_type=3)
        gb.world.settle()
        verdicts[name] = [gb.world["GB"].codes(name, 3)] if gb.world.status(name) == 3 else gb.world.status(name)
    assert verdicts == {"GB2": [[4009]], "GB3": 9}


@pytest.mark.parametrize("status", [10, 11])
def test_a_result_lifts_what_it_named(gb: Reconciling, citl: Scheme, status: int) -> None:
    agree(gb)
    citl.names((901, 1000))
    gb.trail()
    gb.world.later(timedelta(minutes=1))
    assert citl.kept == [(901, 1000)]
    assert citl.result(status) == 1
    assert citl.kept == []
    assert citl.at == ("ended", status, "repaired" if status == 11 else "consistent")
    gb.world.propose("GB", "GB2", CANCELLATION, units(901, 910))
    gb.world.settle()
    assert gb.world.status("GB2") == 2


def test_a_later_one_lifts_what_an_earlier_one_named_and_not_the_other_way(gb: Reconciling, citl: Scheme) -> None:
    agree(gb)
    citl.names((901, 1000))
    gb.trail()
    gb.world.later(timedelta(minutes=1))
    first = gb.identifier
    gb.world.later(DAY)
    gb.identifier = ""
    agree(gb)
    citl.names((801, 850))
    assert citl.kept == [(801, 850), (901, 1000)]
    assert citl.result(11, identifier=first) == 1
    assert citl.kept == [(801, 850)], "what the earlier one named"
    assert citl.result(10) == 1
    assert citl.kept == []


def agree_after_unit_blocks(gb: Reconciling) -> None:
    """A transaction explains what differs between registry and log; for that the log was told unit blocks of 100."""
    gb.world.propose("GB", "GB2", EXTERNAL, units(1, 100), to="JP")
    gb.world.settle()
    gb.world.say(notification("CITL", "GB2", 9, party_type=3))
    gb.world.settle()
    gb.reach("totals")
    gb.totals(sums(900))
    gb.world.settle()
    gb.blocks(block(101, 1000))
    gb.world.settle()
    assert gb.at == ("ended", 5)


def test_what_the_registry_has_told_already_is_not_asked_for(gb: Reconciling, citl: Scheme) -> None:
    agree_after_unit_blocks(gb)
    assert citl.ask_blocks((100, 0, 1)) == 1
    gb.world.settle()
    [passed_on] = citl.told("receiveUnitBlocks")
    [only] = passed_on.unit_blocks
    assert (only.unit_serial_block_start, only.unit_serial_block_end) == (101, 1000)
    stands(gb)


@pytest.mark.parametrize("others", [((100, 0, 1), (230, 1, 1)), ()], ids=["others as well", "all"])
def test_what_the_registry_was_asked_for_otherwise_is_not_to_be_had(
    gb: Reconciling, citl: Scheme, others: tuple[tuple[int, int, int], ...]
) -> None:
    """One question of a kind to a registry, so this is for another reconciliation."""
    agree_after_unit_blocks(gb)
    assert citl.ask_blocks(*others) == 1
    gb.world.settle()
    assert citl.at == ("ended", None, "not passed on")
    assert any("asked once; begin another reconciliation" in (row.detail or "") for row in gb.history)
    stands(gb)


def test_without_an_audit_trail_the_units_are_kept_all_the_same(gb: Reconciling, citl: Scheme) -> None:
    agree(gb)
    citl.names((901, 1000))
    gb.world.later(4 * HOUR)
    assert citl.at == ("intervention", 9, None)
    assert citl.kept == [(901, 1000)]
    assert "the registry did not tell it" in {row.detail for row in gb.history}
    stands(gb)


def test_a_registry_that_differs_from_the_log_is_not_compared_further(gb: Reconciling, citl: Scheme) -> None:
    gb.reach("intervention")
    assert citl.at == ("ended", None, "log differs")
    assert [each.reconciliation_status for each in citl.told("receiveReconciliationResult")] == [99]
    assert citl.told("receiveTotals") == []
    assert citl.result(10) == (6204,)


@pytest.mark.parametrize("begins_with", [BeginsWith.UNIT_BLOCKS, BeginsWith.AUDIT_TRAIL])
def test_without_totals_there_is_nothing_to_pass_on(gb: Reconciling, begins_with: BeginsWith) -> None:
    gb.start(begins_with)
    assert gb.world["CITL"].calls == []


def test_a_registry_outside_of_all_schemes(gb: Reconciling) -> None:
    jp = Reconciling(gb.world, "JP")
    jp.start()
    assert gb.world["CITL"].calls == []


# What registries are told --------------------------------------------------------------------------------------------


def tell(world: World, told: bool, code: str = "CITL") -> None:
    with world.hub.database.write() as connection:
        fact = Fact(FactKey(FactName.RESULTS_TOLD, code), told, world.clock())
        put_facts(connection, [fact], Source("anna", "as agreed", world.clock()))


def through(gb: Reconciling, citl: Scheme) -> None:
    agree(gb)
    citl.names((901, 1000))
    gb.trail()
    gb.world.later(timedelta(minutes=1))
    assert citl.result(11, 6302) == 1
    gb.world.settle()


def test_the_registry_is_not_told_what_a_scheme_found(gb: Reconciling, citl: Scheme) -> None:
    through(gb, citl)
    assert told_results(gb) == [5]


def test_unless_the_scheme_wants_it(gb: Reconciling, citl: Scheme) -> None:
    tell(gb.world, True)
    through(gb, citl)
    assert told_results(gb) == [5, 8, 9, 11]
    assert gb.told("receiveReconciliationResult").response_codes == (6302,)


def test_of_two_schemes_that_say_the_same_the_registry_hears_it_once(gb: Reconciling, citl: Scheme) -> None:
    enrol_scheme(gb.world, "STL2", members=["GB"])
    other = Scheme(gb, "STL2")
    tell(gb.world, True)
    tell(gb.world, True, "STL2")
    agree(gb)
    assert (citl.result(10), other.result(10)) == (1, 1)
    gb.world.settle()
    assert told_results(gb) == [5, 10]


# What goes wrong -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [is_down, is_silent, faults], ids=["down", "silent", "faulty"])
def test_one_that_does_not_confirm_takes_no_part(gb: Reconciling, citl: Scheme, answer: Callable[..., object]) -> None:
    citl.peer.answer = answer  # type: ignore[assignment]
    agree(gb)
    assert citl.at == ("ended", None, "not confirmed")
    stands(gb)
    citl.peer.answer = replies(1)
    calls = len(citl.peer.calls)
    gb.world.later(HOUR)
    assert len(citl.peer.calls) == calls, "nothing is sent that nobody wants any more"


def test_one_that_refuses_takes_no_part(gb: Reconciling, citl: Scheme) -> None:
    citl.peer.answer = replies(0, 1510)
    agree(gb)
    assert citl.at == ("ended", None, "denied")
    stands(gb)


def test_one_that_goes_down_later(gb: Reconciling, citl: Scheme) -> None:
    gb.reach("totals")
    citl.peer.answer = is_down
    gb.totals(sums(1000))
    gb.world.settle()
    stands(gb)
    gb.world.later(2 * HOUR)
    assert citl.at == ("ended", None, "not answered")
    citl.peer.answer = replies(1)
    gb.world.later(HOUR)
    assert citl.told("receiveTotals") == []
    assert citl.result(10) == (6204,), "too late"


SILENCES: dict[str, tuple[Callable[[Reconciling, Scheme], object], timedelta, tuple[str, int | None, str | None]]] = {
    "after totals": (lambda gb, citl: None, 2 * HOUR, ("ended", None, "not answered")),
    "after 8": (lambda gb, citl: citl.result(8), 2 * HOUR, ("ended", 8, "not answered")),
    "after unit blocks": (
        lambda gb, citl: (citl.ask_blocks(), gb.world.settle(), answer_blocks(gb)),
        4 * HOUR,
        ("ended", None, "not answered"),
    ),
    "after 9": (
        lambda gb, citl: (citl.ask_blocks(), gb.world.settle(), answer_blocks(gb), citl.result(9)),
        4 * HOUR,
        ("ended", 9, "not answered"),
    ),
}


@pytest.mark.parametrize(("reach", "time", "becomes"), SILENCES.values(), ids=SILENCES)
def test_its_time_runs_out(
    gb: Reconciling,
    citl: Scheme,
    reach: Callable[[Reconciling, Scheme], object],
    time: timedelta,
    becomes: tuple[str, int | None, str | None],
) -> None:
    agree(gb)
    reach(gb, citl)
    gb.world.later(time - timedelta(seconds=1))
    assert citl.row.outcome is None
    gb.world.later(timedelta(seconds=1))
    assert citl.at == becomes
    assert [row for row in gb.world.rows(t.reconciliations) if row.due_at is not None] == []
    stands(gb)


def test_a_registry_that_gives_no_unit_blocks(gb: Reconciling, citl: Scheme) -> None:
    agree(gb)
    citl.ask_blocks()
    gb.world.settle()
    gb.world.later(4 * HOUR)
    assert citl.at == ("ended", None, "not passed on")
    assert gb.blocks(block(1, 1000)) == (6204,), "too late"
    stands(gb)


def test_a_registry_that_refuses_unit_blocks(gb: Reconciling, citl: Scheme) -> None:
    agree(gb)
    gb.world["GB"].answer = replies(0, 1510)
    citl.ask_blocks()
    gb.world.settle()
    assert citl.at == ("ended", None, "not passed on")
    stands(gb)


def test_a_registry_that_is_down_hears_the_result_later_and_is_not_asked_when_the_time_is_over(
    gb: Reconciling, citl: Scheme
) -> None:
    gb.reach("totals")
    assert gb.totals(sums(1000)) == 1
    gb.world["GB"].answer = is_down
    gb.world.settle()
    citl.ask_blocks()
    gb.world.settle()
    gb.world.later(4 * HOUR)
    assert told_results(gb) == []
    gb.world["GB"].answer = replies(1)
    gb.world.later(HOUR)
    assert "provideUnitBlocks" not in gb.operations
    stands(gb)


def test_what_it_says_twice_counts_once(gb: Reconciling, citl: Scheme) -> None:
    agree(gb)
    assert (citl.result(8, 6301), citl.result(8, 6301)) == (1, 1)
    assert (citl.ask_blocks(), citl.ask_blocks()) == (1, 1)
    gb.world.settle()
    assert gb.operations.count("provideUnitBlocks") == 1
    answer_blocks(gb)
    assert (citl.ask_trail((1, 5)), citl.ask_trail((1, 5))) == (1, 1)
    gb.world.settle()
    assert citl.kept == [(1, 5)]
    assert (citl.result(10), citl.result(10)) == (1, 1)
    assert citl.result(8, 6301) == 1, "a repeat, however late"
    assert citl.at == ("ended", 10, "consistent")


NONSENSE: dict[str, tuple[Callable[[Scheme], object], tuple[int, ...]]] = {
    "a status of the log": (lambda citl: citl.result(5), (6203,)),
    "a status of nobody": (lambda citl: citl.result(77), (6203,)),
    "9 before unit blocks": (lambda citl: citl.result(9), (6204,)),
    "an audit trail before unit blocks": (lambda citl: citl.ask_trail((1, 2)), (6204,)),
    "no units": (lambda citl: citl.ask_trail(), (6208,)),
    "units that are no range": (lambda citl: citl.ask_trail((5, 4)), (6208,)),
    "another reconciliation": (lambda citl: citl.result(10, identifier="GB20140601120009"), (6202,)),
    "another snapshot": (lambda citl: citl.ask_blocks(snapshot=citl.of.row.snapshot_at + HOUR), (6205,)),
}


@pytest.mark.parametrize(("say", "codes"), NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_refused_and_on_record(
    gb: Reconciling, citl: Scheme, say: Callable[[Scheme], object], codes: tuple[int, ...]
) -> None:
    agree(gb)
    before = citl.at
    assert say(citl) == codes
    assert citl.at == before
    of_it = [row.response_codes for row in gb.history if row.stl == "CITL" and row.response_codes]
    assert of_it == ([] if codes == (6202,) else [" ".join(map(str, codes))])
    stands(gb)


@pytest.mark.parametrize("step", ["snapshot", "totals"])
def test_what_comes_before_it_was_asked_is_refused(gb: Reconciling, citl: Scheme, step: str) -> None:
    gb.reach(step)
    assert citl.result(10) == (6209,)
    assert citl.ask_blocks() == (6209,)


def test_a_log_that_has_no_part_in_it_says_nothing(gb: Reconciling, citl: Scheme) -> None:
    enrol_scheme(gb.world, "STL2", members=["JP"])
    agree(gb)
    assert Scheme(gb, "STL2").result(10) == (6202,)


def test_it_cannot_keep_units_from_registries_outside_of_its_scheme(gb: Reconciling, citl: Scheme) -> None:
    agree(gb)
    citl.names((1, 9_000_000_000), origin="JP")
    assert citl.kept == []
    gb.world.propose("JP", "JP2", CANCELLATION, units(1, 10, "JP"))
    gb.world.settle()
    assert gb.world.status("JP2") == 2


def test_it_can_keep_units_of_another_member(gb: Reconciling, citl: Scheme) -> None:
    agree(gb)
    citl.names((51, 9_000_000_000), origin="FR")
    assert citl.kept == [(51, 100)]


# Several schemes -----------------------------------------------------------------------------------------------------


@pytest.fixture
def stl2(gb: Reconciling, citl: Scheme) -> Scheme:
    enrol_scheme(gb.world, "STL2", members=["GB"])
    return Scheme(gb, "STL2")


@pytest.mark.parametrize("answer", [is_down, is_silent, faults, replies(0, 1510)])
def test_a_bad_one_leaves_the_other_alone(
    gb: Reconciling, citl: Scheme, stl2: Scheme, answer: Callable[..., object]
) -> None:
    citl.peer.answer = answer  # type: ignore[assignment]
    agree(gb)
    assert stl2.result(8) == 1
    assert stl2.ask_blocks((100, 0, 1)) == 1
    gb.world.settle()
    answer_blocks(gb)
    assert stl2.result(10) == 1
    assert stl2.at == ("ended", 10, "consistent")
    stands(gb)


def test_for_two_the_registry_is_asked_once_for_all(gb: Reconciling, citl: Scheme, stl2: Scheme) -> None:
    agree(gb)
    assert citl.ask_blocks((100, 0, 1)) == 1
    gb.world.settle()
    assert gb.told("provideUnitBlocks").unit_block_requests == (), "the other one may want others"
    assert stl2.ask_blocks((230, 1, 1)) == 1
    gb.world.settle()
    answer_blocks(gb)
    assert len(citl.told("receiveUnitBlocks")[0].unit_blocks) == 1
    assert [each.unit_blocks for each in stl2.told("receiveUnitBlocks")] == [()], "what it asked for: nothing"
    assert (citl.result(9), stl2.result(9)) == (1, 1)
    assert (citl.ask_trail((1, 10)), stl2.ask_trail((21, 30))) == (1, 1)
    gb.world.settle()
    named = gb.told("provideAuditTrail").unit_block_identifiers
    assert [each.unit_serial_block_start for each in named] == [1, 21]
    gb.trail(transaction="GB7", blocks=[(1, 5)])
    gb.world.later(timedelta(minutes=1))
    assert [len(each.told("receiveAuditTrail")[0].transactions) for each in (citl, stl2)] == [1, 0]
    assert (citl.kept, stl2.kept) == ([(1, 10)], [(21, 30)])
    assert citl.result(11) == 1
    assert (citl.kept, stl2.kept) == ([], [(21, 30)]), "each lifts its own"
    stands(gb)


def test_a_retired_scheme_is_not_asked(gb: Reconciling, citl: Scheme) -> None:
    with gb.world.hub.database.write() as connection:
        retire_scheme(connection, "CITL", gb.world.clock())
    agree(gb)
    assert citl.heard == []
