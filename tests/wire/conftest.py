"""A log behind a real socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from itl.wire.server import Server, serve
from tests.wire.log import Log, build


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def server(log: Log) -> Iterator[Server]:
    with serve(build(log)) as running:
        yield running


@pytest.fixture
def line(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection((server.host, server.port), timeout=20) as connection:
        yield connection
