"""The status of registries: suspended, resumed, with history, told to them; and proposed where trouble lasts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from itl.cli import registry as module
from itl.errors import LogError
from itl.store import standing, texts
from itl.store import tables as t
from itl.store.reference_data import load_reference
from tests.cli.commands import Command, as_json, command
from tests.hub.test_time import tells
from tests.hub.world import DAY, EXTERNAL, HOUR, ISSUANCE, START, World, is_down, units

WHY = ("--by", "ada", "--reason", "lasting trouble")


@pytest.fixture
def itl(world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr("itl.cli.registry.system_clock", world.clock)
    return command(module, capsys, "--database", world.url)


def said(world: World, code: str) -> list[str]:
    with world.hub.database.read() as connection:
        return [each.content for each in texts.texts(connection, code, "out")]


@pytest.mark.parametrize(
    ("what", "issuing", "from_gb", "to_gb"),
    [
        ((), (1503,), (1503,), (1504,)),
        (("propose",), (1503,), (1503,), 1),
        (("accept",), 1, 1, (1504,)),
        (("reconcile",), 1, 1, 1),
        (("propose", "reconcile"), (1503,), (1503,), 1),
    ],
)
def test_what_a_suspended_registry_may_not_do(
    world: World, itl: Command, what: tuple[str, ...], issuing: Any, from_gb: Any, to_gb: Any
) -> None:
    itl("registry", "suspend", "GB", *(word for each in what for word in ("--what", each)), *WHY)
    assert world.propose("GB", "GB1", ISSUANCE, units(1, 10)) == issuing
    assert world.propose("GB", "GB2", EXTERNAL, units(1, 10), to="FR") == from_gb
    assert world.propose("FR", "FR1", EXTERNAL, units(1, 10, "FR"), to="GB") == to_gb
    [shown] = [each for each in as_json(itl("registry", "list", "--json")) if each["code"] == "GB"]
    for right in ("propose", "accept", "reconcile"):
        assert shown[f"may_{right}"] is bool(what and right not in what)
    [told] = said(world, "GB")
    assert told.startswith("From 2014-06-01T12:00:00+00:00 registry GB may no longer: ")
    assert told.endswith("Reason: lasting trouble")
    [action] = world.rows(t.actions)
    assert (action.actor, action.action, action.subject, action.reason) == (
        "ada", "registry suspend", "GB", "lasting trouble",
    )  # fmt: skip


def test_a_suspension_that_starts_later_and_its_end(world: World, itl: Command) -> None:
    itl("registry", "suspend", "GB", "--what", "propose", "--from", (START + DAY).isoformat(), *WHY)
    assert world.propose("GB", "GB1", ISSUANCE, units(1, 10)) == 1
    world.clock.advance(DAY)
    assert world.propose("GB", "GB2", ISSUANCE, units(11, 20)) == (1503,)
    itl("registry", "resume", "GB", "--by", "ben", "--reason", "mended")
    assert world.propose("GB", "GB3", ISSUANCE, units(21, 30)) == 1
    history = as_json(itl("registry", "show", "GB", "--json"))["history"]
    assert [(each["what"], each["value"], each["by"], each["reason"]) for each in history] == [
        ("registry may propose", False, "ada", "lasting trouble"),
        ("registry may propose", True, "ben", "mended"),
    ]
    with world.hub.database.read() as connection:
        was = [load_reference(connection, START + hours).registries["GB"].may_propose for hours in (HOUR, DAY - HOUR)]
    assert was == [True, True]
    assert [" may again: " in each for each in said(world, "GB")] == [True, False]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("suspend", "XX", *WHY), "XX: no registry in force"),
        (("suspend", "GB", "--by", "ada"), "why"),
        (("suspend", "GB", "--by", " ", "--reason", "so"), "--by"),
        (("resume", "GB", *WHY), "stands already"),
        (("suspend", "GB", "--from", "2014-01-01", *WHY), "is past"),
        (("suspend", "GB", "--from", "soon", *WHY), "--from soon"),
        (("dismiss", "7", *WHY), "no open proposal"),
        (("show", "XX"), "not enrolled"),
        (("version", "GB", "1.2", *WHY), "does not accept version 1.2"),
        (("version", "GB", "new", *WHY), "no value"),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    world: World, itl: Command, arguments: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(LogError, match=problem):
        itl("registry", *arguments)
    for table in (t.actions, t.outbox):
        assert world.rows(table) == []


def look(world: World) -> None:
    """The log asks for the time, and its rules look for lasting trouble."""
    world.hub.administration.once()


@pytest.fixture(autouse=True)
def _right_clocks(world: World) -> None:
    for registry in world.registries.values():
        answer, time = registry.answer, tells(world.clock)
        registry.answer = lambda operation, message, answer=answer, time=time: (
            time if operation == "provideTime" else answer
        )(operation, message)


def open_proposals(world: World) -> list[tuple[str, str]]:
    with world.hub.database.read() as connection:
        return [(each.registry, each.rule) for each in standing.proposals(connection)]


def unreached(world: World, hours: int, code: str = "FR") -> None:
    """A registry that has mail and gives no answer for so long, while the log looks on."""
    world[code].answer = is_down
    for _ in range(hours):
        world.clock.advance(HOUR)
        look(world)
        world.settle()


def test_a_registry_that_is_not_reached_for_a_day_is_proposed_once_and_suspended_by_an_operator(
    world: World, itl: Command
) -> None:
    world.issue(1, 100)
    look(world)
    world.propose("GB", "GB2", EXTERNAL, units(1, 10), to="FR")
    world["FR"].answer = is_down
    world.settle()
    unreached(world, 23)
    assert open_proposals(world) == []
    unreached(world, 1)
    assert open_proposals(world) == [("FR", "unreachable")]
    unreached(world, 3)
    assert len(world.rows(t.suspension_proposals)) == 1
    assert world.propose("GB", "GB3", EXTERNAL, units(21, 30), to="FR") == 1  # nobody is suspended by a rule
    assert "FR" in itl("registry", "proposals")
    itl("registry", "suspend", "FR", *WHY)
    assert open_proposals(world) == []
    [closed] = as_json(itl("registry", "proposals", "--all", "--json"))
    assert (closed["closed_as"], closed["closed_by"]) == ("suspended", "ada")
    unreached(world, 3)
    assert open_proposals(world) == []


def test_trouble_that_ends_closes_its_proposal_and_new_trouble_is_proposed_anew(world: World) -> None:
    look(world)
    world.clock.advance(HOUR)
    look(world)
    unreached(world, 26)
    assert open_proposals(world) == [("FR", "unreachable")]
    for registry in world.registries.values():
        registry.answer = tells(world.clock)
    world.later(timedelta(minutes=30))
    world.clock.advance(timedelta(minutes=5))
    look(world)
    assert open_proposals(world) == []
    assert world.rows(t.suspension_proposals)[0].closed_as == "over"
    unreached(world, 28)
    assert open_proposals(world) == [("FR", "unreachable")]


def test_a_proposal_that_is_dismissed_does_not_come_back(world: World, itl: Command) -> None:
    look(world)
    world.clock.advance(HOUR)
    look(world)
    unreached(world, 26)
    [proposal] = as_json(itl("registry", "proposals", "--json"))
    itl("registry", "dismiss", str(proposal["id"]), "--by", "ada", "--reason", "announced maintenance")
    unreached(world, 3)
    assert open_proposals(world) == []
    assert [(row.action, row.reason) for row in world.rows(t.actions)] == [
        ("registry dismiss", "announced maintenance")
    ]


def test_an_inconsistency_that_stays_open_is_lasting_trouble(world: World) -> None:
    with world.hub.database.write() as connection:
        reconciliation = connection.execute(
            insert(t.reconciliations).returning(t.reconciliations.c.id),
            {
                "identifier": "GB1",
                "registry": "GB",
                "begins_with": "totals",
                "snapshot_at": START,
                "step": "ended",
                "running": False,
                "started_by": "ada",
                "reason": "daily",
                "created_at": START,
            },
        ).scalar_one()
        connection.execute(
            insert(t.inconsistencies),
            {
                "reconciliation_id": reconciliation,
                "registry": "GB",
                "log": "ITL",
                "originating_registry": "GB",
                "serial_start": 1,
                "serial_end": 10,
                "kind": "missing",
                "registry_view": "[]",
                "found_at": START,
            },
        )
    look(world)
    for days, expected in ((6, []), (1, [("GB", "inconsistent")])):
        world.clock.advance(days * DAY)
        look(world)
        assert open_proposals(world) == expected
    with world.hub.database.write() as connection:
        connection.execute(t.inconsistencies.update().values(closed_at=START))
    world.clock.advance(timedelta(minutes=5))
    look(world)
    assert open_proposals(world) == []
