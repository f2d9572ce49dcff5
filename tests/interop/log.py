"""A log that says what it is told to say, over our own wire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from itl.clock import system_clock
from itl.wire import endpoint
from itl.wire.canonical import to_canonical
from itl.wire.contract import OPERATIONS, Port
from itl.wire.endpoint import Call, Credentials
from itl.wire.server import serve

USER = "gb"
PASSWORD = "secret of gb"


class ScriptedPort:
    """A port that keeps what it was asked; each operation gives its `answers` in turn, raised if they are errors."""

    def __init__(self, answers: Iterable[tuple[str, object]] = ()) -> None:
        self._answers = [*answers]
        self.calls: list[Call] = []
        self.requests: list[dict[str, Any]] = []

    def answer(self, call: Call, request: object) -> object:
        self.calls.append(call)
        self.requests.append(to_canonical(call.operation, request))
        place = next(place for place, (operation, _) in enumerate(self._answers) if operation == call.operation)
        _, answer = self._answers.pop(place)
        if isinstance(answer, Exception):
            raise answer
        return answer


def authenticate(credentials: Credentials) -> str | None:
    return USER if (credentials.user, credentials.password) == (USER, PASSWORD) else None


@contextmanager
def served(port: Port, script: ScriptedPort) -> Iterator[str]:
    """URL of the endpoint of `port`, served over HTTP with our own wire."""
    handlers = dict.fromkeys(OPERATIONS[port], script.answer)
    with serve(endpoint.build(port, handlers, authenticate=authenticate, clock=system_clock)) as server:
        yield f"{server.url}/{port.value}"
