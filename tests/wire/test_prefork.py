"""Several processes at one address: real processes, really killed."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from itl.errors import UsageError
from itl.wire import server

DEADLINE = 30.0  # seconds for what must come to pass

# Answers with the number of its process; a path with a number in it makes the answer wait so long.
PROGRAM = """
import os, signal, sys, threading
from itl.wire import prefork, server

def app(environ, start_response):
    threading.Event().wait(float(environ["PATH_INFO"].strip("/") or 0))
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

signal.signal(signal.SIGTERM, signal.default_int_handler)
listening = server.listen_shared("127.0.0.1", 0, int(sys.argv[1]))
print(listening[0].getsockname()[1], flush=True)
prefork.run(lambda taken: server.run(app, taken), listening)
"""


class Parent:
    """The process that watches over the others."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.port = int(process.stdout.readline())

    def call(self, path: str = "/") -> int:
        """The number of the process that answers one call, on a connection of its own."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)) as connection:
            connection.request("GET", path)
            return int(connection.getresponse().read())

    def call_until(self, enough: Callable[[set[int]], bool]) -> set[int]:
        """Who answered, until that is enough; every call must be answered."""
        deadline = time.monotonic() + DEADLINE
        seen: set[int] = set()
        while not enough(seen):
            assert time.monotonic() < deadline, f"only {seen} answered"
            seen.add(self.call())
        return seen


@contextmanager
def running(processes: int) -> Iterator[Parent]:
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(processes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield Parent(process)
        finally:
            process.kill()


def is_refused(parent: Parent) -> bool:
    try:
        parent.call()
    except OSError:
        return True
    return False


@pytest.mark.kill
def test_calls_go_on_when_a_process_is_killed_and_another_takes_its_place() -> None:
    with running(2) as parent:
        first = parent.call_until(lambda seen: len(seen) == 2)
        victim = min(first)
        os.kill(victim, signal.SIGKILL)
        # A call that had been given to the dead one is broken off; all that come from now on are answered.
        deadline = time.monotonic() + DEADLINE
        while is_refused(parent):
            assert time.monotonic() < deadline
        after = parent.call_until(lambda seen: bool(seen - first))
        assert len(after - first) == 1
        assert victim not in after


def test_who_is_asked_to_end_answers_what_it_has_in_hand() -> None:
    with running(2) as parent, closing(http.client.HTTPConnection("127.0.0.1", parent.port, timeout=DEADLINE)) as slow:
        slow.request("GET", "/0.5")
        parent.call_until(lambda seen: len(seen) == 2)  # by then the first call has been taken, too
        parent.process.send_signal(signal.SIGTERM)
        response = slow.getresponse()
        assert response.status == 200
        assert int(response.read()) > 0
        assert parent.process.wait(DEADLINE) == 0
        assert is_refused(parent)


@pytest.mark.kill
def test_processes_do_not_outlive_a_parent_that_is_killed() -> None:
    with running(2) as parent:
        parent.call_until(lambda seen: len(seen) == 2)
        parent.process.kill()
        deadline = time.monotonic() + DEADLINE
        while not is_refused(parent):
            assert time.monotonic() < deadline


def test_the_address_is_shared_with_no_other_server() -> None:
    with running(2) as parent, pytest.raises(UsageError, match=f"port {parent.port}"):
        server.listen_shared("127.0.0.1", parent.port, 2)
