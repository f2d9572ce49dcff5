"""Versions of the standard side by side: which the log accepts when, and in which it writes to whom."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from itl.cli import registry, standard
from itl.errors import UsageError
from itl.store import tables as t
from tests.cli.commands import Command, as_json, command
from tests.hub.world import DAY, EXTERNAL, HOUR, ISSUANCE, START, World, is_down, proposal, units

WHY = ("--by", "ada", "--reason", "change request 7")


@pytest.fixture
def itl(world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    for module in ("registry", "standard"):
        monkeypatch.setattr(f"itl.cli.{module}.system_clock", world.clock)
    commands = {module.__name__.rpartition(".")[2]: module for module in (registry, standard)}

    def run(*arguments: str, code: int = 0) -> str:
        return command(commands[arguments[0]], capsys, "--database", world.url)(*arguments, code=code)

    return run


def at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


def test_a_change_of_version(world: World, itl: Command) -> None:
    """1.2 comes after 10 hours, GB speaks it after 20, all do after 30, 1.1 is over after 40."""
    itl("standard", "accept", "1.2", "--from", at(10), *WHY)
    itl("registry", "version", "GB", "1.2", "--from", at(20), *WHY)
    with pytest.raises(UsageError, match="CDM, FR, JP still speaks"):
        itl("standard", "end", "1.1", "--from", at(40), *WHY)
    for code in ("CDM", "FR", "JP"):
        itl("registry", "version", code, "1.2", "--from", at(30), *WHY)
    itl("standard", "end", "1.1", "--from", at(40), *WHY)
    table = [
        # hours, what the door says to 1.1 and 1.2, what GB and FR hear
        (9, 1, (1032,), (1, 1), (1, 1)),
        (11, 1, 1, (1, 1), (1, 1)),
        (21, 1, 1, (1, 2), (1, 1)),
        (31, 1, 1, (1, 2), (1, 2)),
        (41, (1032,), 1, (1, 2), (1, 2)),
    ]
    for number, (hours, one, two, gb, fr) in enumerate(table, start=1):
        world.clock.set(datetime.fromisoformat(at(hours)))
        for minor, expected in ((1, one), (2, two)):
            start = number * 1000 + minor * 100
            for code, heard in (("GB", gb), ("FR", fr)):
                identifier = f"{code}{number}{minor}"
                given = proposal(code, identifier, ISSUANCE, units(start, start + 9, code))
                assert world.say(replace(given, minor_version=minor)) == expected, (hours, minor)
                world.settle()
                if expected == 1:
                    message = world[code].calls[-1][1]
                    assert message.transaction_identifier == identifier
                    assert (message.major_version, message.minor_version) == heard, (hours, code)


def test_a_message_that_is_sent_again_is_the_same(world: World, itl: Command) -> None:
    world.issue(1, 100)
    itl("standard", "accept", "1.2", *WHY)
    itl("registry", "version", "FR", "1.2", "--from", at(1), *WHY)
    world["FR"].answer = is_down
    world.propose("GB", "GB2", EXTERNAL, units(1, 10), to="FR")
    world.settle()
    world.clock.advance(2 * HOUR)
    world["FR"].answer = world["GB"].answer
    world.settle()
    [(_, message, _)] = world["FR"].calls
    assert (message.major_version, message.minor_version) == (1, 1)
    world.propose("GB", "GB3", EXTERNAL, units(11, 20), to="FR")
    world.settle()
    assert world["FR"].calls[-1][1].minor_version == 2


def test_versions_are_listed_with_their_dates(world: World, itl: Command) -> None:
    itl("standard", "accept", "1.2", "--from", at(10), *WHY)
    assert [(each["version"], each["accepted"], each["by"]) for each in as_json(itl("standard", "list", "--json"))] == [
        ("1.1", True, "itl"),
        ("1.2", True, "ada"),
    ]
    itl("registry", "version", "GB", "1.2", "--from", at(10), *WHY)
    shown = as_json(itl("registry", "show", "GB", "--json"))
    assert shown["version"] == "1.1"
    assert [(each["what"], each["value"]) for each in shown["history"]] == [("version spoken", "1.2")]
    world.clock.advance(DAY)
    assert as_json(itl("registry", "show", "GB", "--json"))["version"] == "1.2"
    assert [row.action for row in world.rows(t.actions)] == ["standard accept", "registry version"]


def test_the_only_version_cannot_end(itl: Command) -> None:
    with pytest.raises(UsageError, match="only version"):
        itl("standard", "end", "1.1", *WHY)
