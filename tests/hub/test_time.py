"""Comparing clocks: every registry is asked by its timer, the reply holds its time, and what comes of it is visible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from itl.cli import time_comparison as module
from itl.messages import ProvideTimeResponse
from itl.store import tables as t
from itl.store import time_comparisons, timers
from itl.store.reference_data import put_registry
from itl.store.time_comparisons import Comparison
from itl.wire.contract import Port
from itl.wire.encode import encode_reply
from itl.wire.outgoing import HttpReply
from tests.cli.commands import Command, as_json, command
from tests.hub.world import HOUR, START, World, faults, is_down, is_silent, talks_nonsense

SECOND = timedelta(seconds=1)


def tells(time: Callable[[], datetime], result: int = 1, *codes: int) -> Any:
    """A registry that answers with its time."""

    def answer(operation: str, _message: Any) -> HttpReply:
        response = ProvideTimeResponse(system_time=time(), result_identifier=result, response_codes=codes or None)
        return HttpReply(200, encode_reply(Port.REGISTRY, operation, response), {})

    return answer


@pytest.fixture(autouse=True)
def _right_clocks(world: World) -> None:
    """Unless a test says otherwise, every registry tells the right time."""
    for registry in world.registries.values():
        registry.answer = tells(world.clock)


@pytest.fixture
def itl(world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr("itl.cli.time_comparison.system_clock", world.clock)
    return command(module, capsys, "--database", world.url)


def work(world: World) -> None:
    world.hub.administration.once()
    world.settle()


def last(world: World, code: str = "GB") -> Comparison:
    with world.hub.database.read() as connection:
        return {each.registry: each for each in time_comparisons.latest(connection)}[code]


def test_every_registry_is_asked_an_hour_after_it_is_known_and_then_every_hour(world: World) -> None:
    work(world)
    assert world["GB"].calls == []
    for hour in (1, 2):
        world.clock.advance(HOUR)
        work(world)
        work(world)
        for registry in world.registries.values():
            assert len(registry.calls) == hour
            operation, message, _ = registry.calls[-1]
            assert (operation, message.itl_system_time) == ("provideTime", START + hour * HOUR)
    assert [row.verdict for row in world.rows(t.time_comparisons)] == ["within"] * 8


@pytest.mark.parametrize(
    ("off", "state"), [(0, "within"), (10, "within"), (11, "warning"), (-60, "warning"), (-61, "alarm"), (1e8, "alarm")]
)
def test_a_clock_that_is_off_is_shown(world: World, itl: Command, off: float, state: str) -> None:
    world["GB"].answer = tells(lambda: world.clock() + off * SECOND)
    itl("time", "check", "GB", "--by", "ada")
    work(world)
    assert (last(world).state, last(world).offset_ms) == (state, off * 1000)
    listed = {each["registry"]: each for each in as_json(itl("time", "list", "--json"))}
    assert (listed["GB"]["last"]["state"], listed["FR"]["last"]) == (state, None)
    assert [each["registry"] for each in as_json(itl("time", "list", "--off", "--json"))] == (
        [] if state == "within" else ["GB"]
    )
    [before] = as_json(itl("time", "history", "GB", "--json"))
    assert (before["asked_by"], before["state"]) == ("ada", state)
    assert f"{off:+.3f}" in itl("time", "list")


def test_the_round_trip_is_not_taken_for_drift(world: World) -> None:
    def slowly() -> datetime:
        world.clock.advance(8 * SECOND)
        told = world.clock() + 13 * SECOND
        world.clock.advance(8 * SECOND)
        return told

    world["GB"].answer = tells(slowly)
    work(world)
    world.clock.advance(HOUR)
    work(world)
    found = last(world)
    assert (found.offset_ms, found.round_trip_ms, found.verdict) == (13_000, 16_000, "within")


def test_the_time_told_is_that_of_sending(world: World) -> None:
    work(world)
    world.clock.advance(HOUR)
    world["GB"].answer = is_down
    work(world)
    world["GB"].answer = tells(world.clock)
    world.later(timedelta(minutes=20))
    [(_, message, _)] = world["GB"].calls
    assert message.itl_system_time == START + HOUR + timedelta(minutes=20)
    assert (last(world).verdict, last(world).attempts) == ("within", 2)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (is_down, "no time: unreachable"),
        (is_silent, "no time: unreachable"),
        (faults, "no time: fault"),
        (talks_nonsense, "no time: fault"),
        (tells(lambda: START, 0, 1501), "no time: refused"),
    ],
)
def test_no_answer_and_one_that_is_none_are_shown(world: World, itl: Command, answer: Any, state: str) -> None:
    world["GB"].answer = answer
    work(world)
    world.clock.advance(HOUR)
    work(world)
    assert (last(world).state, last(world).verdict) == (state, None)
    assert last(world).problem
    assert [each["registry"] for each in as_json(itl("time", "list", "--off", "--json"))] != []


def test_a_question_is_given_up_when_the_next_is_due(world: World) -> None:
    world["GB"].answer = is_down
    work(world)
    for _ in range(3):
        world.clock.advance(HOUR)
        work(world)
    rows = world.rows(t.time_comparisons, t.time_comparisons.c.registry == "GB")
    assert [row.ended_at is not None for row in rows] == [True, True, False]
    waiting = world.rows(t.outbox, t.outbox.c.receiver == "GB", t.outbox.c.delivered_at.is_(None))
    assert len(waiting) == 1


def test_a_registry_that_is_withdrawn_is_asked_no_more(world: World) -> None:
    work(world)
    with world.hub.database.write() as connection:
        put_registry(connection, replace(world.hub.reference.current.registries["GB"], in_force=False), START)
    world.clock.advance(HOUR)
    work(world)
    assert world["GB"].calls == []
    assert len(world["FR"].calls) == 1


def test_the_schedule_of_one_registry(world: World, itl: Command) -> None:
    work(world)
    itl("time", "schedule", "GB", "--every", "60", "--reason", "its clock drifts")
    itl("time", "schedule", "FR", "--every", "off", "--reason", "agreed by telephone")
    for _ in range(5):
        world.clock.advance(60 * SECOND)
        work(world)
    assert (len(world["GB"].calls), len(world["FR"].calls)) == (5, 0)
    itl("time", "schedule", "FR", "--reason", "as all others")
    world.clock.advance(HOUR)
    work(world)
    assert len(world["FR"].calls) == 1
    said = [(row.action, row.subject, row.reason) for row in world.rows(t.actions)]
    assert said[0] == ("time schedule", "GB", "its clock drifts")
    assert len(said) == 3


def test_a_restart_forgets_no_timer(world: World) -> None:
    work(world)
    world.clock.advance(HOUR)
    world.restart()
    work(world)
    assert len(world["GB"].calls) == 1


def test_of_two_workers_that_saw_the_same_timer_one_rings_it(world: World) -> None:
    work(world)
    world.clock.advance(HOUR)
    with world.hub.database.read() as connection:
        seen = timers.due(connection, world.clock())
    assert world.hub.administration.once() >= len(world.registries)
    for timer in seen:
        world.hub.administration._ring(timer)
    assert len(world.rows(t.time_comparisons)) == len(world.registries)


def test_a_timer_that_fails_holds_up_no_other_and_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    work(world)
    world.clock.advance(HOUR)
    ask = time_comparisons.ask

    def broken(connection: Any, registry: str, *more: Any, **named: Any) -> int:
        if registry == "CDM":
            raise ValueError("broken on purpose")
        return ask(connection, registry, *more, **named)

    monkeypatch.setattr(time_comparisons, "ask", broken)
    world.hub.administration.once()
    assert {row.registry for row in world.rows(t.time_comparisons)} == {"GB", "FR", "JP"}
    [row] = world.rows(t.timers, t.timers.c.subject == "CDM")
    assert (row.failures, row.problem, row.due_at) == (1, "broken on purpose", world.clock() + 30 * SECOND)
    monkeypatch.setattr(time_comparisons, "ask", ask)
    world.clock.advance(30 * SECOND)
    world.hub.administration.once()
    [row] = world.rows(t.timers, t.timers.c.subject == "CDM")
    assert (row.failures, row.problem) == (0, None)
