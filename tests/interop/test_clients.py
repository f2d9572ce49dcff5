"""Registries on foreign SOAP stacks call the log: each side reads exactly what the other meant."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from itl.wire.endpoint import Call
from tests.interop import measure
from tests.interop.conversation import EXCHANGES
from tests.interop.log import USER
from tests.interop.record import Record
from tests.interop.stacks import CLIENTS, Stack, Way

pytestmark = pytest.mark.interop


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a stack and the log said to each other, and how it went."""

    name: str
    way: Way
    version: str
    outcomes: measure.Outcomes
    calls: list[Call]


@pytest.fixture(scope="module", params=CLIENTS)
def conversation(request: pytest.FixtureRequest) -> Conversation:
    way = CLIENTS[request.param]
    stack: Stack = request.getfixturevalue(way.stack)
    return Conversation(request.param, way, stack.version, *measure.calling(stack, way))


@pytest.mark.parametrize("row", measure.CLIENT_ROWS)
def test_registry_and_log_read_what_the_other_means(conversation: Conversation, row: str) -> None:
    assert (conversation.outcomes[row] == measure.WORKS) is (row not in conversation.way.fails), conversation.outcomes[
        row
    ]


def test_the_record_says_so(conversation: Conversation, record: Record) -> None:
    record.saw("clients", conversation.name, conversation.way.stack, conversation.version, conversation.outcomes)


def test_the_dialect_is_the_one_it_is_called(conversation: Conversation) -> None:
    place = next(place for place, exchange in enumerate(EXCHANGES) if exchange.meaning.startswith("equal blocks"))
    assert (b'href="#' in conversation.calls[place].body) is conversation.way.references


def test_the_registry_is_known_by_its_password(conversation: Conversation) -> None:
    assert {call.identity for call in conversation.calls} == {USER}
