"""Whole exchanges with supplementary logs behind the log, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from itl.codes import TransactionStatus
from itl.messages import ProposalRequest
from itl.reference import Route
from itl.store import tables as t
from itl.store.enrol_scheme import retire_scheme
from itl.store.reference_data import load_reference, put_registry
from itl.worker import batch
from tests.hub.schemes import ALL_MEMBERS, enrol_scheme, enrol_stl
from tests.hub.world import (
    CANCELLATION,
    DAY,
    EXTERNAL,
    HOUR,
    INTERNAL,
    ISSUANCE,
    Answer,
    ScriptedRegistry,
    World,
    accepts,
    answers_another_operation,
    faults,
    is_down,
    is_silent,
    notification,
    proposal,
    replies,
    sandbox,
    status_query,
    talks_nonsense,
    units,
)


def transfer(world: World, identifier: str = "GB2", start: int = 1, end: int = 50, to: str = "FR", **more: Any) -> str:
    """GB, which holds the units, proposes a transfer, and the log does what it has to."""
    assert world.propose("GB", identifier, EXTERNAL, units(start, end), to=to, **more) == 1
    world.settle()
    return identifier


def answer(world: World, stl: str, identifier: str, said: int, *codes: int) -> int | tuple[int, ...]:
    told = world.say(notification(stl, identifier, said, *codes, party_type=3))
    world.settle()
    return told


def say(world: World, code: str, identifier: str, said: int) -> None:
    assert world.notify(code, identifier, said) == 1
    world.settle()


def heard(peer: ScriptedRegistry, identifier: str) -> list[int]:
    """What a peer was told of one transaction, in its order; 1 is the proposal."""
    return [status for name, status in peer.heard if name == identifier]


@pytest.fixture
def issued(world: World) -> World:
    """GB holds the units 1 to 100, issued before there was a scheme."""
    world.issue(1, 100)
    return world


@pytest.fixture
def citl(issued: World) -> ScriptedRegistry:
    """The supplementary log of a scheme of FR and GB."""
    return enrol_scheme(issued)


# The usual exchanges -------------------------------------------------------------------------------------------------


def test_a_transfer_that_the_scheme_passes(issued: World, citl: ScriptedRegistry) -> None:
    world, identifier = issued, transfer(issued)
    assert world.status(identifier) == 2
    assert (heard(citl, identifier), heard(world["GB"], identifier), heard(world["FR"], identifier)) == ([1], [], [])
    assert answer(world, "CITL", identifier, 9) == 1
    assert world.status(identifier) == 9
    assert (heard(world["GB"], identifier), heard(world["FR"], identifier)) == ([], [1])
    say(world, "FR", identifier, 8)
    say(world, "GB", identifier, 4)
    assert world.history(identifier) == [
        (1, "GB"), (2, "ITL"), (9, "CITL"), (8, "FR"), (4, "GB"),
    ]  # fmt: skip
    assert (heard(citl, identifier), heard(world["GB"], identifier), heard(world["FR"], identifier)) == (
        [1, 4], [8], [1, 4],
    )  # fmt: skip
    assert world.places() == [("GB", 1, 50, "FR", 100), ("GB", 51, 100, "GB", 100)]
    say(world, "FR", identifier, 4)
    assert heard(citl, identifier) == [1, 4]


@pytest.mark.parametrize(
    ("kind", "more"), [(ISSUANCE, {}), (CANCELLATION, {}), (INTERNAL, {}), (INTERNAL, {"supp_transaction_type": 53})]
)
def test_an_internal_transaction_that_the_scheme_passes(issued: World, kind: int, more: Any) -> None:
    world, citl = issued, enrol_scheme(issued, types=[(10, 53)])
    block = units(201, 250) if kind == ISSUANCE else units(1, 50)
    assert world.propose("GB", "GB2", kind, block, **more) == 1
    world.settle()
    assert world.notify("GB", "GB2", 4) == (3013,), "the scheme's answer is missing"
    assert answer(world, "CITL", "GB2", 9) == 1
    say(world, "GB", "GB2", 4)
    assert world.history("GB2") == [(1, "GB"), (2, "ITL"), (9, "CITL"), (4, "GB")]
    assert (heard(citl, "GB2"), heard(world["GB"], "GB2")) == ([1, 4], [9])
    [relayed] = [message for _, message, _ in citl.calls if isinstance(message, ProposalRequest)]
    assert (relayed.sender, relayed.addressee) == ("ITL", "CITL")
    assert relayed.proposed_transaction == proposal("GB", "GB2", kind, block, **more).proposed_transaction


def test_units_become_allowances_and_aau_again(issued: World) -> None:
    """The log and the scheme's hold the same; what the code does, both know (10-52, 10-61)."""
    world = issued
    enrol_scheme(issued, types=[(10, 52), (10, 61)])
    for identifier, supplementary, block, mark in (
        ("GB2", 52, units(1, 50, supp_unit_type=1), 1),
        ("GB3", 61, units(1, 50), None),
    ):
        more = {"supp_transaction_type": supplementary, "accounts": (100, 100)}
        assert world.propose("GB", identifier, INTERNAL, block, **more) == 1
        world.settle()
        assert answer(world, "CITL", identifier, 9) == 1
        say(world, "GB", identifier, 4)
        marks = {row.serial_start: row.supp_unit_type for row in world.rows(t.unit_blocks)}
        assert (world.status(identifier), marks) == (4, {1: mark, 51: None})


def test_a_transfer_that_the_scheme_stops(issued: World, citl: ScriptedRegistry) -> None:
    world, identifier = issued, transfer(issued)
    assert answer(world, "CITL", identifier, 10, 7020, 7027) == 1
    assert (world.status(identifier), world.reserved()) == (10, [])
    assert (heard(world["GB"], identifier), heard(world["FR"], identifier)) == ([10], [])
    assert world["GB"].codes(identifier, 10) == [7020, 7027]
    [row] = world.rows(t.transaction_supplements)
    assert (row.stl, row.answer, row.response_codes, row.answered_at) == ("CITL", 10, "7020 7027", world.clock())
    assert world.notify("GB", identifier, 4) == (3006,)
    say(world, "GB", identifier, 5)
    assert (world.status(identifier), heard(citl, identifier)) == (5, [1, 5])
    assert world.rows(t.totals) == [] or all(row.open == 0 for row in world.rows(t.totals))
    assert world.status(transfer(world, "GB3")) == 2, "the units are free"


def test_of_what_the_log_refuses_the_scheme_hears_nothing(issued: World, citl: ScriptedRegistry) -> None:
    transfer(issued, start=9001, end=9050)
    assert (issued.status("GB2"), citl.calls, issued.rows(t.transaction_supplements)) == (3, [], [])


def test_other_transactions_go_on_as_ever(issued: World, citl: ScriptedRegistry) -> None:
    world = issued
    world.issue(1, 10, "JP")
    assert (heard(world["JP"], "JP1"), citl.calls, world.transaction("JP1").asked) == ([2], [], None)


@pytest.mark.parametrize(
    ("ending", "told_scheme", "told_acquirer", "status"),
    [
        ([("FR", 6), ("GB", 5)], [1, 6, 5], [1], 5),
        ([("GB", 5)], [1, 5], [1, 7], 5),
        ([], [1, 7], [1, 7], 7),
    ],
)
def test_whatever_ends_it_reaches_the_scheme(
    issued: World,
    citl: ScriptedRegistry,
    ending: list[tuple[str, int]],
    told_scheme: list[int],
    told_acquirer: list[int],
    status: int,
) -> None:
    world, identifier = issued, transfer(issued)
    answer(world, "CITL", identifier, 9)
    for code, said in ending:
        say(world, code, identifier, said)
    world.later(DAY)
    assert world.status(identifier) == status
    assert (heard(citl, identifier), heard(world["FR"], identifier)) == (told_scheme, told_acquirer)
    assert world.reserved() == []


# Two schemes ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def both(issued: World) -> World:
    """CITL asks about FR, UKTL about GB."""
    enrol_scheme(issued, "CITL", ["FR"])
    enrol_scheme(issued, "UKTL", ["GB"])
    return issued


@pytest.mark.parametrize("order", [("CITL", "UKTL"), ("UKTL", "CITL")])
def test_both_schemes_agree_in_any_order(both: World, order: tuple[str, str]) -> None:
    identifier = transfer(both)
    assert [heard(both[code], identifier) for code in order] == [[1], [1]]
    assert answer(both, order[0], identifier, 9) == 1
    assert (both.status(identifier), heard(both["FR"], identifier)) == (2, [])
    assert answer(both, order[1], identifier, 9) == 1
    assert (both.status(identifier), heard(both["FR"], identifier)) == (9, [1])
    say(both, "FR", identifier, 8)
    say(both, "GB", identifier, 4)
    assert [heard(both[code], identifier) for code in order] == [[1, 4], [1, 4]]


@pytest.mark.parametrize("first", [9, 10])
def test_one_scheme_stops_it(both: World, first: int) -> None:
    identifier = transfer(both)
    assert answer(both, "CITL", identifier, first, *([7005] if first == 10 else [])) == 1
    assert answer(both, "UKTL", identifier, 19 - first, *([7006] if first == 9 else [])) == (
        1 if first == 9 else (3006,)
    )
    assert (both.status(identifier), both.reserved()) == (10, [])
    assert both["GB"].codes(identifier, 10) == [7005 if first == 10 else 7006]
    stopper, other = ("CITL", "UKTL") if first == 10 else ("UKTL", "CITL")
    assert (heard(both[stopper], identifier), heard(both[other], identifier)) == ([1], [1, 10])
    assert both[other].codes(identifier, 10) == both["GB"].codes(identifier, 10)
    assert heard(both["FR"], identifier) == []


def test_answers_that_cross_are_both_seen(both: World) -> None:
    """Two doors at the same time: each answer is decided with the other's in sight, so one of them moves it on."""
    identifier = transfer(both)
    start = threading.Barrier(2)
    told: list[Any] = []

    def speak(code: str) -> None:
        start.wait()
        told.append(both.say(notification(code, identifier, 9)))

    threads = [threading.Thread(target=speak, args=(code,)) for code in ("CITL", "UKTL")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    both.settle()
    assert (told, both.status(identifier), heard(both["FR"], identifier)) == ([1, 1], 9, [1])


# A scheme that is down, slow, or talks nonsense ----------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [is_down, is_silent, faults, talks_nonsense, replies(0), answers_another_operation])
def test_it_is_asked_again_until_it_takes_the_question(issued: World, citl: ScriptedRegistry, trouble: Answer) -> None:
    world, citl.answer = issued, trouble
    identifier = transfer(world)
    world.later(HOUR)
    assert (world.status(identifier), world.reserved()) == (2, [("GB", 1, 50)])
    world.issue(1, 10, "JP")
    citl.answer = accepts
    world.later(HOUR)
    assert heard(citl, identifier)[-1] == 1
    assert answer(world, "CITL", identifier, 9) == 1
    assert (world.status(identifier), heard(world["FR"], identifier)) == (9, [1])


def test_one_that_stays_down_loses_the_transaction_and_hears_of_it_later(issued: World, citl: ScriptedRegistry) -> None:
    world, citl.answer = issued, is_down
    identifier = transfer(world)
    world.later(DAY)
    assert (world.status(identifier), world.reserved()) == (7, [])
    assert (heard(world["GB"], identifier), heard(world["FR"], identifier)) == ([7], [])
    citl.answer = accepts
    world.later(HOUR)
    world.settle()
    assert heard(citl, identifier) == [1, 7], "in their order"
    assert answer(world, "CITL", identifier, 9) == (3008,)
    assert world.status(identifier) == 7


def test_one_that_is_down_holds_up_no_other_scheme(issued: World) -> None:
    enrol_scheme(issued, "CITL", ["JP"]).answer = is_down
    enrol_scheme(issued, "UKTL", ["GB"])
    issued.propose("JP", "JP1", ISSUANCE, units(1, 10, "JP"))
    identifier = transfer(issued)
    assert answer(issued, "UKTL", identifier, 9) == 1
    assert (issued.status("JP1"), issued.status(identifier), heard(issued["FR"], identifier)) == (2, 9, [1])


def test_a_scheme_may_have_less_time_than_the_clean_up_leaves(issued: World) -> None:
    world, citl = issued, enrol_scheme(issued, answer_within=HOUR)
    identifier = transfer(world)
    world.later(HOUR - timedelta(seconds=1))
    assert world.status(identifier) == 2
    world.later(timedelta(seconds=1))
    assert (world.status(identifier), heard(citl, identifier), world.reserved()) == (7, [1, 7], [])
    assert answer(world, "CITL", identifier, 9) == (3008,)


def test_once_it_has_answered_the_clean_up_is_as_ever(issued: World) -> None:
    world = issued
    enrol_scheme(issued, answer_within=HOUR)
    identifier = transfer(world)
    assert answer(world, "CITL", identifier, 9) == 1
    world.later(23 * HOUR)
    assert world.status(identifier) == 9
    world.later(HOUR)
    assert world.status(identifier) == 7


def test_the_time_of_one_that_has_answered_does_not_count_for_the_other(issued: World) -> None:
    enrol_scheme(issued, "CITL", ["FR"], answer_within=HOUR)
    enrol_scheme(issued, "UKTL", ["GB"], answer_within=3 * HOUR)
    identifier = transfer(issued)
    answer(issued, "CITL", identifier, 9)
    issued.later(2 * HOUR)
    assert issued.status(identifier) == 2
    issued.later(HOUR)
    assert issued.status(identifier) == 7


@pytest.mark.parametrize("kind", [EXTERNAL, CANCELLATION])
def test_one_that_refuses_the_question_with_codes_has_answered(
    issued: World, citl: ScriptedRegistry, kind: int
) -> None:
    world, citl.answer = issued, replies(0, 7005, 7020)
    assert world.propose("GB", "GB2", kind, units(1, 50), to="FR" if kind == EXTERNAL else None) == 1
    world.settle()
    assert (world.status("GB2"), world.history("GB2")[-1], world.reserved()) == (10, (10, "CITL"), [])
    assert world["GB"].codes("GB2", 10) == [7005, 7020]
    assert answer(world, "CITL", "GB2", 9) == (3016,)


def test_a_refusal_that_comes_too_late_changes_nothing(issued: World, citl: ScriptedRegistry) -> None:
    world, citl.answer = issued, is_down
    identifier = transfer(world)
    world.later(DAY)
    citl.answer = replies(0, 7005)
    world.later(HOUR)
    assert (world.status(identifier), world.rows(t.transaction_supplements)[0].answer) == (7, None)


# Odd answers ---------------------------------------------------------------------------------------------------------


def test_the_same_answer_again_is_harmless_and_another_is_refused(issued: World, citl: ScriptedRegistry) -> None:
    world, identifier = issued, transfer(issued)
    for _ in range(2):
        assert answer(world, "CITL", identifier, 9) == 1
    assert world.say(notification("CITL", identifier, 9, party_type=1)) == 1, "in other words, but the same answer"
    assert answer(world, "CITL", identifier, 10, 7020) == (3016,)
    assert (world.status(identifier), heard(world["FR"], identifier)) == (9, [1])


@pytest.mark.parametrize("said", [4, 5, 6, 8])
def test_it_says_nothing_that_registries_say(issued: World, citl: ScriptedRegistry, said: int) -> None:
    identifier = transfer(issued)
    assert answer(issued, "CITL", identifier, said) == (3015,)
    assert issued.status(identifier) == 2


@pytest.mark.parametrize(("code", "expected"), [("GB", (3011,)), ("FR", (3012,)), ("JP", (3014,))])
def test_registries_say_nothing_that_it_says(
    issued: World, citl: ScriptedRegistry, code: str, expected: tuple[int, ...]
) -> None:
    identifier = transfer(issued)
    assert issued.notify(code, identifier, 9) == expected
    assert issued.status(identifier) == 2


def test_one_that_was_not_asked_has_no_say(issued: World, citl: ScriptedRegistry) -> None:
    enrol_stl(issued, "UKTL")
    identifier = transfer(issued)
    assert answer(issued, "UKTL", identifier, 10, 7020) == (3014,)
    assert issued.say(status_query("UKTL", identifier)) == (3014,)
    assert issued.say(status_query("CITL", identifier)) == 1
    assert answer(issued, "CITL", "GB999", 9) == (3002,)


def test_it_proposes_nothing(issued: World, citl: ScriptedRegistry) -> None:
    assert issued.propose("CITL", "CITL1", ISSUANCE, units(1, 5, "GB")) == (1501,)


def test_one_that_was_withdrawn_is_not_heard(issued: World, citl: ScriptedRegistry) -> None:
    identifier = transfer(issued)
    with issued.hub.database.write() as connection:
        known = load_reference(connection, issued.clock()).registries["CITL"]
        put_registry(connection, replace(known, in_force=False), issued.clock())
    assert answer(issued, "CITL", identifier, 9) == (1501,)


# Routes, and schemes that come and go --------------------------------------------------------------------------------


def test_only_what_its_routes_name_is_asked(issued: World) -> None:
    citl = enrol_scheme(issued, routes=[Route(transaction_type=3)])
    assert issued.propose("GB", "GB2", CANCELLATION, units(51, 60)) == 1
    transfer(issued, "GB3")
    assert (issued.transaction("GB2").asked, issued.transaction("GB3").asked) == (None, "CITL")
    assert (citl.heard, issued["GB"].heard[-1]) == ([("GB3", 1)], ("GB2", 2))


def test_a_scheme_that_is_retired_is_asked_no_more_but_still_answers(issued: World, citl: ScriptedRegistry) -> None:
    world, identifier = issued, transfer(issued)
    with world.hub.database.write() as connection:
        retire_scheme(connection, "CITL", world.clock())
    transfer(world, "GB3", 51, 60)
    assert (world.status("GB3"), heard(world["FR"], "GB3")) == (2, [1])
    assert answer(world, "CITL", identifier, 9) == 1
    assert heard(world["FR"], identifier) == [1]
    enrol_scheme(world)
    transfer(world, "GB4", 61, 70)
    assert heard(citl, "GB4") == [1]


# What must hold ------------------------------------------------------------------------------------------------------

PROPOSALS: list[Callable[[World], int | tuple[int, ...]]] = [
    lambda world: world.propose("GB", "GB2", EXTERNAL, units(1, 50), to="FR"),
    lambda world: world.propose("GB", "GB3", EXTERNAL, units(1, 50), to="FR"),
    lambda world: world.propose("GB", "GB4", CANCELLATION, units(40, 60)),
    lambda world: world.propose("GB", "GB5", CANCELLATION, units(51, 60)),
    lambda world: world.propose("GB", "GB6", ISSUANCE, units(90, 110)),
    lambda world: world.propose("GB", "GB7", INTERNAL, units(61, 70), supp_transaction_type=53),
    lambda world: world.propose("GB", "GB8", EXTERNAL, units(71, 80), to="CDM"),
    lambda world: world.propose("GB", "GB2", EXTERNAL, units(81, 90), to="FR"),
    lambda world: world.propose("FR", "FR9", CANCELLATION, units(1, 10)),
]


def verdicts(world: World) -> list[Any]:
    """What the log answers and finds, proposal by proposal."""
    told = [propose(world) for propose in PROPOSALS]
    batch.work_once(world.hub.database, world.hub.reference, world.clock, world.hub.identity)
    found = [row.results for row in world.rows(t.evaluations)]
    return [told, [(row.identifier, row.status) for row in world.rows(t.transactions)], found, world.reserved()]


def test_the_verdict_does_not_look_at_schemes(issued: World, fresh_database: Any) -> None:
    """Both worlds know the scheme's types (2003, 5401); in one of them it is asked about all, in the other nothing."""
    enrol_scheme(issued, members=ALL_MEMBERS, types=[(10, 53)])
    with World.on(fresh_database("sqlite", sandbox)) as other:
        other.issue(1, 100)
        enrol_scheme(other, members=ALL_MEMBERS, types=[(10, 53)], routes=[Route(transaction_type=9)])
        assert verdicts(issued) == verdicts(other)
        assert {row.asked for row in issued.rows(t.transactions) if row.status == TransactionStatus(2)} == {"CITL"}


def test_nothing_of_it_is_lost_by_a_restart(issued: World, citl: ScriptedRegistry) -> None:
    """Another process finds all that it needs in the database, at every step."""
    world = issued
    assert world.propose("GB", "GB2", EXTERNAL, units(1, 50), to="FR") == 1
    for sender, said in ((None, 0), ("CITL", 9), ("FR", 8), ("GB", 4)):
        world.restart()
        if sender is not None:
            assert world.notify(sender, "GB2", said) == 1
        world.restart()
        world.settle()
    assert world.status("GB2") == 4
    assert (heard(citl, "GB2"), heard(world["FR"], "GB2"), heard(world["GB"], "GB2")) == ([1, 4], [1, 4], [8])
