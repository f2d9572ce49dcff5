"""Every notification in every state, through the door of a whole log: the table of states as registries meet it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from itl.store import tables as t
from tests.hub.states import EXTERNAL_TABLE, INTERNAL_TABLE, OK, STATUSES, answer
from tests.hub.world import CANCELLATION, EXTERNAL, World, sandbox, status_query


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def crowded(request: pytest.FixtureRequest) -> Iterator[World]:
    """One log for all the cases, whose transactions are about units of their own (`in_state`)."""
    databases = request.getfixturevalue(f"{request.param}_databases")
    url = databases.create(sandbox)
    with World.on(url) as world:
        world.issue(1, 9_000)
        yield world
    databases.give_back(url)


numbers = count(100)


def in_state(world: World, transaction_type: int, state: int) -> str:
    number = next(numbers)
    return world.reach(state, transaction_type, f"GB{number}", 10 * (number - 99), 10 * (number - 99) + 8)


STATES = [(CANCELLATION, state) for state in INTERNAL_TABLE] + [(EXTERNAL, state) for state in EXTERNAL_TABLE]
UNREPEATED = {"party_type": 2}
"""Makes a saying another message than the ones that led to the state, so that it is not answered as their repeat."""


@pytest.mark.parametrize(("transaction_type", "state"), STATES)
def test_what_notifications_are_answered(crowded: World, transaction_type: int, state: int) -> None:
    external = transaction_type == EXTERNAL
    roles = {"GB": "initiator", "FR": "acquirer" if external else None, "JP": None}
    expected = {(who, said): answer(external, state, role, said) for who, role in roles.items() for said in STATUSES}
    identifier = in_state(crowded, transaction_type, state)
    before = crowded.transaction(identifier), crowded.history(identifier)
    without_effect = {saying: code for saying, code in expected.items() if code != OK or saying[1] == state}
    if state == 4 and transaction_type == EXTERNAL:
        del without_effect["FR", 4]  # it confirms
    for _ in range(2):
        told = {(who, said): crowded.notify(who, identifier, said, **UNREPEATED) for who, said in without_effect}
        assert told == {saying: OK if code == OK else (code,) for saying, code in without_effect.items()}
    assert (crowded.transaction(identifier), crowded.history(identifier)) == before

    for who, said in expected.keys() - without_effect.keys():
        identifier = in_state(crowded, transaction_type, state)
        for _ in range(2):
            assert crowded.notify(who, identifier, said, **UNREPEATED) == OK
        assert crowded.status(identifier) == said
        reached = len(crowded.history(identifier))
        crowded.settle()
        assert len(crowded.history(identifier)) == reached


def test_unknown_transaction(world: World) -> None:
    assert world.notify("GB", "GB999", 4) == (3002,)
    assert world.say(status_query("GB", "GB999")) == (3002,)


@pytest.mark.parametrize("said", [0, 11, 99, -1])
def test_status_that_the_code_list_does_not_have(world: World, said: int) -> None:
    world.issue(1, 50)
    assert world.notify("GB", "GB1", said) == (2004,)


def test_status_query_is_for_parties_only(world: World) -> None:
    world.issue(1, 50)
    world.reach(8, EXTERNAL, "GB2")
    for code in ("GB", "FR"):
        answer = world.call(status_query(code, "GB2"))
        assert (answer.result_identifier, answer.transaction_status) == (1, 8)
        assert answer.transaction_status_date_time == world.transaction("GB2").status_at
    assert world.say(status_query("JP", "GB2")) == (3014,)
    assert world.say(status_query("FR", "GB1")) == (3014,)


def test_notification_that_is_refused_leaves_nothing_behind(world: World) -> None:
    world.issue(1, 50)
    world.reach(2, EXTERNAL, "GB2")
    tables = (t.transactions, t.status_history, t.outbox, t.inbox, t.reservations)
    before = [world.rows(table) for table in tables]
    for who, said in (("GB", 4), ("FR", 4), ("JP", 8), ("GB", 8)):
        assert isinstance(world.notify(who, "GB2", said), tuple)
        world.settle()
    assert [world.rows(table) for table in tables] == before
