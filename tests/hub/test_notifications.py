"""Every notification in every state, through the door of a whole log: the table of states as registries meet it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from itl.store import tables as t
from tests.hub.world import CANCELLATION, EXTERNAL, World, sandbox, status_query

STATUSES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
OK = 1

# What GB (the initiator) is answered when it says 4 and when it says 5, by the state; all else is 3011, or 3010.
INTERNAL_TABLE = {
    1: (3013, 3013),
    2: (OK, OK),
    3: (3005, OK),
    4: (OK, 3003),
    5: (3007, OK),
    7: (3008, 3008),
    9: (OK, OK),
    10: (3006, OK),
}

# By the state of an external transfer: what GB is answered to 4 and 5, and FR (the acquirer) to 4, 6 and 8.
EXTERNAL_TABLE = {
    1: (3013, 3013, 3013, 3013, 3013),
    2: (3013, OK, 3012, OK, OK),
    3: (3005, OK, 3005, 3005, 3005),
    4: (OK, 3003, OK, 3003, 3003),
    5: (3007, OK, 3007, 3007, 3007),
    6: (3004, OK, 3004, OK, 3004),
    7: (3008, 3008, 3008, 3008, 3008),
    8: (OK, 3009, 3012, 3012, OK),
    9: (3013, OK, 3012, OK, OK),
    10: (3006, OK, 3006, 3006, 3006),
}


def answers(transaction_type: int, state: int) -> dict[tuple[str, int], int]:
    """What is answered to each saying of each registry, JP being no party to the transaction."""
    expected = {("JP", said): 3014 for said in STATUSES}
    if transaction_type == EXTERNAL:
        gb_4, gb_5, fr_4, fr_6, fr_8 = EXTERNAL_TABLE[state]
        expected |= {("GB", said): 3011 for said in STATUSES} | {("GB", 4): gb_4, ("GB", 5): gb_5}
        expected |= {("FR", said): 3012 for said in STATUSES} | {("FR", 4): fr_4, ("FR", 6): fr_6, ("FR", 8): fr_8}
    else:
        gb_4, gb_5 = INTERNAL_TABLE[state]
        expected |= {("GB", said): 3011 for said in STATUSES} | {("GB", 4): gb_4, ("GB", 5): gb_5}
        expected |= {("GB", 6): 3010, ("GB", 8): 3010} | {("FR", said): 3014 for said in STATUSES}
    return expected


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def crowded(request: pytest.FixtureRequest) -> Iterator[World]:
    """One log for all the cases, whose transactions are about units of their own (`Numbers`)."""
    databases = request.getfixturevalue(f"{request.param}_databases")
    url = databases.create(sandbox)
    with World.on(url) as world:
        world.issue(1, 9_000)
        yield world
    databases.drop(url)


numbers = count(100)


def in_state(world: World, transaction_type: int, state: int) -> str:
    number = next(numbers)
    return world.reach(state, transaction_type, f"GB{number}", 10 * (number - 99), 10 * (number - 99) + 8)


STATES = [(CANCELLATION, state) for state in INTERNAL_TABLE] + [(EXTERNAL, state) for state in EXTERNAL_TABLE]
UNREPEATED = {"party_type": 2}
"""Makes a saying another message than the ones that led to the state, so that it is not answered as their repeat."""


@pytest.mark.parametrize(("transaction_type", "state"), STATES)
def test_what_notifications_are_answered(crowded: World, transaction_type: int, state: int) -> None:
    expected = answers(transaction_type, state)
    identifier = in_state(crowded, transaction_type, state)
    before = crowded.transaction(identifier), crowded.history(identifier)
    without_effect = {saying: answer for saying, answer in expected.items() if answer != OK or saying[1] == state}
    if state == 4 and transaction_type == EXTERNAL:
        del without_effect["FR", 4]  # it confirms
    for _ in range(2):
        told = {(who, said): crowded.notify(who, identifier, said, **UNREPEATED) for who, said in without_effect}
        assert told == {saying: OK if answer == OK else (answer,) for saying, answer in without_effect.items()}
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
