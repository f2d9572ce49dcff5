"""A role adds to the log what it says it adds, and a hub without one is the log alone."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from typing import Any
from unittest.mock import patch

import pytest

from itl import roles
from itl.cli.main import parser
from itl.errors import UsageError
from itl.hub import Hub
from itl.settings import Settings
from itl.store.schema import migrate
from itl.worker.judging import log_bench


class Idle:
    def run(self) -> None: ...

    def close(self) -> None: ...


class Echo:
    """A role of another name, with something of each kind."""

    name = "echo"
    migrations = ()
    led: Mapping[Any, Any] = {}
    bench = staticmethod(log_bench)

    def applications(self, _hub: Any) -> Any:
        def application(_environ: Any, start_response: Any) -> list[bytes]:
            start_response("200 OK", [])
            return [b"echo"]

        return {"EchoService": application}

    def loops(self, _hub: Any) -> Any:
        return {"echo": Idle()}

    def beside(self, _running: Any, _folder: Any) -> Any:
        raise AssertionError

    def tell(self, _running: Any, _folder: Any) -> list[str]:
        return []

    def register(self, commands: Any) -> None:
        commands.add_parser("echo").set_defaults(run=lambda _arguments: 7)


@pytest.fixture
def installed() -> Iterator[None]:
    with patch.object(roles, "roles", lambda: {"echo": Echo()}), patch("itl.cli.main.roles", lambda: {"echo": Echo()}):
        yield


def asked(hub: Hub, path: str) -> bytes:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "REMOTE_ADDR": "", "wsgi.url_scheme": "http"}
    environ |= {"SERVER_NAME": "itl.test", "SERVER_PORT": "80"}
    return b"".join(hub.application()(environ, lambda _status, _headers: None))


@pytest.fixture
def url(tmp_path: Any) -> str:
    url = f"sqlite:///{tmp_path}/itl.db"
    migrate(url)
    return url


def test_a_role_adds_endpoints_and_loops(installed: None, url: str) -> None:
    hub = Hub(Settings(database=url, role="echo"))
    assert asked(hub, "/EchoService") == b"echo"
    assert asked(hub, "/TransactionLogService").startswith(b"TransactionLogPort")
    assert "echo" in hub.loops
    hub.close()


def test_the_log_itself_has_nothing_of_it(installed: None, url: str) -> None:
    hub = Hub(Settings(database=url))
    assert asked(hub, "/EchoService").startswith(b"TransactionLogPort")
    assert "echo" not in hub.loops
    hub.close()


def test_a_role_brings_commands(installed: None) -> None:
    assert isinstance(parser(), ArgumentParser)
    assert parser().parse_args(["echo"]).run(None) == 7


def test_a_role_that_is_not_installed_is_refused(installed: None, url: str) -> None:
    with pytest.raises(UsageError, match="'stl' is not installed here; known are itl, echo"):
        Hub(Settings(database=url, role="stl"))
