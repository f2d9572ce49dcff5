"""Free-text messages, out and in: what may be sent, to whom, how far it has come, what registries wrote."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from itl.cli import message as module
from itl.cli.main import main
from itl.clock import system_clock
from itl.errors import UsageError
from itl.messages import MessageRequest, MessageResponse
from itl.store import tables as t
from itl.wire.contract import Port
from itl.wire.encode import encode_reply
from itl.wire.outgoing import HttpReply
from tests.cli.commands import Command, as_json, command
from tests.hub.world import HEAD, START, World, is_down


def takes(result: int, *codes: int) -> Any:
    def answer(operation: str, _message: Any) -> HttpReply:
        response = MessageResponse(result_identifier=result, response_codes=codes or None)
        return HttpReply(200, encode_reply(Port.REGISTRY, operation, response), {})

    return answer


@pytest.fixture
def itl(world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr("itl.cli.message.system_clock", world.clock)
    for registry in world.registries.values():
        registry.answer = takes(1)
    return command(module, capsys, "--database", world.url)


@pytest.mark.parametrize(
    ("to", "reached"),
    [
        (["GB"], {"GB"}),
        (["GB", "FR"], {"GB", "FR"}),
        (["GB", "GB"], {"GB"}),
        (["all"], {"GB", "FR", "JP", "CDM"}),
        (["all", "GB"], {"GB", "FR", "JP", "CDM"}),
    ],
)
def test_a_message_reaches_each_once(world: World, itl: Command, to: list[str], reached: set[str]) -> None:
    itl("message", "send", "maintenance at noon", *(word for code in to for word in ("--to", code)), "--by", "ada")
    world.settle()
    assert {code for code, registry in world.registries.items() if registry.calls} == reached
    for code in reached:
        [(operation, message, _)] = world[code].calls
        assert operation == "acceptMessage"
        assert (message.sender, message.addressee) == ("ITL", code)
        assert (message.message_content, message.message_date_time) == ("maintenance at noon", START)
    listed = as_json(itl("message", "list", "--json"))
    assert {each["receiver"] for each in listed} == reached
    assert {(each["state"], each["by"]) for each in listed} == {("accepted", "ada")}
    [action] = world.rows(t.actions)
    assert (action.actor, action.action) == ("ada", "message send")


@pytest.mark.parametrize(
    ("text", "to", "problem"),
    [
        ("", "GB", "says nothing"),
        ("x" * 2001, "GB", "2001 characters"),
        ("hello", "XX", "XX: no registry in force"),
    ],
)
def test_what_cannot_be_sent_leaves_nothing(world: World, itl: Command, text: str, to: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        itl("message", "send", text, "--to", "FR", "--to", to)
    assert world.rows(t.outbox) == []
    assert world.rows(t.actions) == []


@pytest.mark.parametrize(("length", "warned"), [(1024, False), (1025, True), (2000, True)])
def test_a_text_that_a_user_interface_may_cut_is_sent_with_a_warning(
    world: World, capsys: pytest.CaptureFixture[str], length: int, warned: bool
) -> None:
    assert main(["message", "send", "x" * length, "--to", "GB", "--database", world.url]) == 0
    world["GB"].answer = takes(1)
    world.clock.set(system_clock())
    assert ("warning" in capsys.readouterr().err) is warned
    world.settle()
    assert world["GB"].calls[0][1].message_content == "x" * length


def test_how_far_a_message_has_come(world: World, itl: Command) -> None:
    world["GB"].answer, world["FR"].answer = is_down, takes(0, 1501)
    itl("message", "send", "hello", "--to", "GB", "--to", "FR")
    assert {each["state"] for each in as_json(itl("message", "list", "--json"))} == {"waiting"}
    world.settle()
    states = {each["receiver"]: each for each in as_json(itl("message", "list", "--json"))}
    assert states["GB"]["state"] == "waiting, 1 attempts, the last: unreachable"
    assert "refused" in states["GB"]["problem"]
    assert states["FR"]["state"] == "refused with 1501"
    world["GB"].answer = takes(1)
    world.later(timedelta(hours=1))
    name = states["GB"]["name"]
    assert as_json(itl("message", "show", name, "--json"))["state"] == "accepted"


def test_what_registries_write_is_shown_beside_what_they_are_sent(world: World, itl: Command) -> None:
    said = MessageRequest(sender="GB", **HEAD, message_content="our <new> address\nis …", message_date_time=START)
    assert world.say(said) == 1
    world.clock.advance(timedelta(minutes=1))
    itl("message", "send", "thank you", "--to", "GB", "--to", "FR")
    assert [each["name"][:3] for each in as_json(itl("message", "list", "--json"))] == ["out", "out", "in-"]
    assert [each["content"] for each in as_json(itl("message", "list", "GB", "--json"))] == [
        "thank you",
        "our <new> address\nis …",
    ]
    [received] = as_json(itl("message", "list", "--direction", "in", "--json"))
    assert (received["sender"], received["receiver"], received["state"]) == ("GB", "ITL", "received")
    shown = itl("message", "show", received["name"])
    assert "our <new> address\nis …" in shown
    assert len(as_json(itl("message", "list", "--most", "1", "--json"))) == 1


@pytest.mark.parametrize("name", ["in-99", "out-99", "out-x", "7", "in-"])
def test_a_message_that_is_not_there(itl: Command, name: str) -> None:
    with pytest.raises(UsageError, match="no such message"):
        itl("message", "show", name)
