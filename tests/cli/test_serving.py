"""`itl serve` with several processes: for PostgreSQL, and one may die."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import pytest

from itl.bench import counts, databases, servers
from itl.bench.connection import Address, LoadError
from itl.bench.load import load
from itl.bench.proposals import Dialect, prepare
from itl.cli.main import main
from tests.databases import FreshDatabase

DEADLINE = 60.0


def serving(database: str) -> Iterator[int]:
    """The numbers of the processes that serve `database`, the one that watches over the others first."""
    for directory in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            command = (directory / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"serve" in command and database.encode() in command:
            yield int(directory.name)


@pytest.mark.kill
def test_proposals_are_accepted_on_when_a_process_is_killed(fresh_database: FreshDatabase) -> None:
    url = fresh_database("postgresql", databases.prepare)
    message, numbers = prepare(1, Dialect.INLINE), count()
    with servers.log(url, processes=2, threads=2) as at:
        log = Address(at, "gb", "gb")
        before = load(log, message.requests(numbers), clients=8, seconds=DEADLINE, most=20).accepted
        _, *workers = serving(url)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        after = 0
        # A connection that had been given to the dead process is reset; its client, as any, comes again.
        for number in islice(numbers, 20):
            try:
                after += load(log, message.requests(iter([number])), clients=1, seconds=DEADLINE, most=1).accepted
            except LoadError:
                after += load(log, message.requests(iter([number])), clients=1, seconds=DEADLINE, most=1).accepted
    assert (before, after) == (20, 20)
    assert counts.accepted(url) == 40


def test_sqlite_has_one_process(fresh_database: FreshDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    url = fresh_database("sqlite", databases.prepare)
    assert main(["serve", "--database", url, "--port", "0", "--processes", "2"]) == 2
    assert "SQLite wants one" in capsys.readouterr().err


def test_no_process_is_too_few(fresh_database: FreshDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    url = fresh_database("sqlite", databases.prepare)
    assert main(["serve", "--database", url, "--port", "0", "--processes", "0"]) == 2
    assert "at least 1" in capsys.readouterr().err


def test_a_port_that_is_taken_is_said(fresh_database: FreshDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    url = fresh_database("sqlite", databases.prepare)
    with servers.log(url, processes=1, threads=1) as log:
        port = log.rpartition(":")[2].partition("/")[0]
        assert main(["serve", "--database", url, "--port", port]) == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in capsys.readouterr().err
