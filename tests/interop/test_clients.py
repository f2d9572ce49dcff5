"""Registries on foreign SOAP stacks call the log: each side reads exactly what the other meant."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from itl.messages import ProposalResponse
from itl.wire.contract import Port
from itl.wire.limits import LIMITS
from tests.interop.conftest import PASSWORDS, ScriptedPort, served
from tests.interop.conversation import EXCHANGES, FAULT, Exchange, many_blocks, proposal
from tests.interop.foreign import Outcome

pytestmark = pytest.mark.interop

USER = "gb"


@dataclass(frozen=True, slots=True)
class Dialect:
    """A way in which a stack (the fixture's name) writes messages; whether it refers to values by href."""

    stack: str
    options: dict[str, Any]
    references: bool


DIALECTS = {
    "PHP": Dialect("php", {"shared": False}, references=False),
    "PHP, equal objects shared": Dialect("php", {"shared": True}, references=True),
    "Axis": Dialect("axis", {"multirefs": True}, references=True),
    "Axis, inline": Dialect("axis", {"multirefs": False}, references=False),
    "gSOAP": Dialect("gsoap", {"shared": False}, references=False),
    "gSOAP, equal objects shared": Dialect("gsoap", {"shared": True}, references=True),
    "SOAP::Lite": Dialect("perl", {}, references=False),
    "node soap": Dialect("node", {}, references=False),
}


@dataclass(frozen=True, slots=True)
class Conversation:
    """All of EXCHANGES, and a last call answered by FAULT."""

    dialect: Dialect
    log: ScriptedPort
    outcomes: list[Outcome]


@pytest.fixture(scope="module", params=DIALECTS.values(), ids=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param


@pytest.fixture(scope="module")
def conversation(dialect: Dialect, request: pytest.FixtureRequest) -> Conversation:
    stack = request.getfixturevalue(dialect.stack)
    log = ScriptedPort([*(exchange.answer for exchange in EXCHANGES), FAULT])
    calls = [*(exchange.call for exchange in EXCHANGES), EXCHANGES[0].call]
    with served(Port.TRANSACTION_LOG, log) as url:
        outcomes = stack.call(url, USER, PASSWORDS[USER], calls, **dialect.options)
    return Conversation(dialect, log, outcomes)


@pytest.fixture(params=enumerate(EXCHANGES), ids=[exchange.meaning for exchange in EXCHANGES])
def exchange(request: pytest.FixtureRequest) -> tuple[int, Exchange]:
    return request.param


def test_the_log_reads_what_the_registry_means(conversation: Conversation, exchange: tuple[int, Exchange]) -> None:
    place, expected = exchange
    assert conversation.log.requests[place] == expected.call


def test_the_registry_reads_what_the_log_answers(conversation: Conversation, exchange: tuple[int, Exchange]) -> None:
    place, expected = exchange
    assert conversation.outcomes[place] == expected.read


def test_the_registry_reads_a_fault_with_its_errors(conversation: Conversation) -> None:
    fault = conversation.outcomes[-1]["fault"]
    assert fault["code"].rpartition(":")[2] == FAULT.kind
    assert fault["string"] == FAULT.reason
    for entry in FAULT.entries:
        for said in (str(entry.code), entry.path, entry.reason):
            assert said in json.dumps(fault["detail"], ensure_ascii=False)


def test_the_dialect_is_the_one_it_is_called(conversation: Conversation) -> None:
    place = next(place for place, exchange in enumerate(EXCHANGES) if exchange.meaning.startswith("equal blocks"))
    assert (b'href="#' in conversation.log.calls[place].body) is conversation.dialect.references


def test_the_registry_is_known_by_its_password(conversation: Conversation) -> None:
    assert {call.identity for call in conversation.log.calls} == {USER}


def test_a_wrong_password_is_told_to_the_registry(dialect: Dialect, request: pytest.FixtureRequest) -> None:
    stack = request.getfixturevalue(dialect.stack)
    log = ScriptedPort()
    with served(Port.TRANSACTION_LOG, log) as url:
        [outcome] = stack.call(url, USER, "wrong", [EXCHANGES[0].call], **dialect.options)
    assert re.search("Unauthorized|user and password", json.dumps(outcome["fault"]))
    assert log.calls == []


def test_the_largest_proposal_is_read(dialect: Dialect, request: pytest.FixtureRequest) -> None:
    stack = request.getfixturevalue(dialect.stack)
    call = {"operation": "acceptProposal", "request": proposal("GB100001", *many_blocks(LIMITS.unit_blocks))}
    log = ScriptedPort([ProposalResponse(result_identifier=1)])
    with served(Port.TRANSACTION_LOG, log) as url:
        [outcome] = stack.call(url, USER, PASSWORDS[USER], [call], **dialect.options)
    assert outcome == {"reply": {"resultIdentifier": 1}}
    assert log.requests == [call]
