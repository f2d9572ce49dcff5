"""The foreign stacks as fixtures, and a log that says what it is told to say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from itl.clock import system_clock
from itl.wire import endpoint
from itl.wire.canonical import to_canonical
from itl.wire.contract import OPERATIONS, Port
from itl.wire.endpoint import Call, Credentials
from itl.wire.server import serve
from tests.interop import axis as axis_stack
from tests.interop import gsoap as gsoap_stack
from tests.interop import node as node_stack
from tests.interop import perl as perl_stack
from tests.interop import php as php_stack

PASSWORDS = {"gb": "secret of gb"}


class ScriptedPort:
    """A port whose operations give the `answers` in turn (raised if errors), and that keeps what it was asked."""

    def __init__(self, answers: Iterable[object] = ()) -> None:
        self._answers = iter(answers)
        self.calls: list[Call] = []
        self.requests: list[dict[str, Any]] = []

    def answer(self, call: Call, request: object) -> object:
        self.calls.append(call)
        self.requests.append(to_canonical(call.operation, request))
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def authenticate(credentials: Credentials) -> str | None:
    known = PASSWORDS.get(credentials.user or "")
    return credentials.user if known is not None and credentials.password == known else None


@contextmanager
def served(port: Port, script: ScriptedPort) -> Iterator[str]:
    """URL of the endpoint of `port`, served over HTTP with our own wire."""
    handlers = dict.fromkeys(OPERATIONS[port], script.answer)
    with serve(endpoint.build(port, handlers, authenticate=authenticate, clock=system_clock)) as server:
        yield f"{server.url}/{port.value}"


@pytest.fixture(scope="session")
def wsdl() -> Iterator[dict[Port, str]]:
    """URL of each port's WSDL, as our endpoints publish it."""
    with served(Port.TRANSACTION_LOG, ScriptedPort()) as log, served(Port.REGISTRY, ScriptedPort()) as registry:
        yield {Port.TRANSACTION_LOG: f"{log}?wsdl", Port.REGISTRY: f"{registry}?wsdl"}


@pytest.fixture(scope="session")
def php(wsdl: dict[Port, str]) -> php_stack.Php:
    php_stack.find()
    return php_stack.Php(wsdl[Port.REGISTRY])


@pytest.fixture(scope="session")
def axis(wsdl: dict[Port, str], tmp_path_factory: pytest.TempPathFactory) -> axis_stack.Axis:
    class_path = axis_stack.find()
    return axis_stack.build(
        class_path, wsdl[Port.TRANSACTION_LOG], wsdl[Port.REGISTRY], tmp_path_factory.mktemp("axis")
    )


@pytest.fixture(scope="session")
def gsoap(wsdl: dict[Port, str], pytestconfig: pytest.Config) -> gsoap_stack.Gsoap:
    version = gsoap_stack.find()
    assert pytestconfig.cache is not None
    kept = pytestconfig.cache.mkdir("gsoap") / gsoap_stack.key(version)
    return gsoap_stack.build(version, wsdl[Port.TRANSACTION_LOG], wsdl[Port.REGISTRY], kept)


@pytest.fixture(scope="session")
def perl() -> perl_stack.Perl:
    return perl_stack.find()


@pytest.fixture(scope="session")
def node(wsdl: dict[Port, str]) -> node_stack.Node:
    return node_stack.find(wsdl[Port.REGISTRY])
