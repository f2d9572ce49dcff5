"""kill -9 of web and worker at random moments under load: nothing that was acknowledged is lost, nothing done twice."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from itl.clock import system_clock
from itl.store import access
from itl.store import tables as t
from itl.store.database import Database
from itl.store.enrolment import put_sandbox
from itl.store.holdings import holdings
from tests.databases import FreshDatabase
from tests.hub.load import Chain, Registries

CHAINS = [Chain(number) for number in range(1, 21)]
KILLS = 6
PATIENCE = 120.0
"""Seconds; a deadline for waiting, on a machine that does something else as well."""

COST = dict(access._COST)
"""Of passwords, as the processes hash them; the other tests of this package have it cheaper."""

SETTINGS = {
    "ITL_POLL": "0.05",
    "ITL_RETRY_FIRST": "0.05",
    "ITL_RETRY_MOST": "0.5",
    "ITL_DELIVERY_TIMEOUT": "10",
}

PROCESSES = {
    "sqlite": {"log": ("sandbox", "--port", "{port}")},
    "postgresql": {"web": ("serve", "--port", "{port}"), "worker": ("worker",)},
}


class Processes:
    """The log's processes on one database, to be killed and started again."""

    def __init__(self, engine: str, url: str, port: int, output: Path) -> None:
        self._commands = {
            name: [sys.executable, "-m", "itl.cli.main", "--log-level", "warning"]
            + [part.format(port=port) for part in command]
            + ["--database", url]
            for name, command in PROCESSES[engine].items()
        }
        self._output = output.open("ab")
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        for name in self._commands:
            self.start(name)

    @property
    def names(self) -> list[str]:
        return list(self._commands)

    def start(self, name: str) -> None:
        self._running[name] = subprocess.Popen(
            self._commands[name], env=os.environ | SETTINGS, stdout=self._output, stderr=self._output
        )

    def kill(self, name: str) -> None:
        process = self._running.pop(name)
        assert process.poll() is None, f"{name} had ended by itself, with {process.returncode}"
        process.send_signal(signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        for name in list(self._running):
            self.kill(name)
        self._output.close()


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def registries_of(url: str) -> Iterator[Registries]:
    """The registries, enrolled with their address in the database at `url`."""
    registries = Registries()
    database = Database(url)
    with patch.dict(access._COST, COST), database.write() as connection:
        put_sandbox(connection, system_clock(), dict.fromkeys(("GB", "FR", "JP"), registries.url))
    database.close()
    yield registries
    registries.close()


def rows(database: Database, statement: sa.Select[Any]) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(statement))


@pytest.mark.kill
@pytest.mark.parametrize(("engine", "seed"), [("sqlite", 1), ("postgresql", 2)])
def test_killed_at_random_moments(fresh_database: FreshDatabase, tmp_path: Path, engine: Any, seed: int) -> None:
    url, port, random = fresh_database(engine), free_port(), Random(seed)
    expected_heard = set().union(*(chain.heard() for chain in CHAINS))
    with registries_of(url) as registries:
        registries.hub_url = f"http://127.0.0.1:{port}/TransactionLogService"
        processes = Processes(engine, url, port, tmp_path / "output")
        try:
            for chain in CHAINS:
                registries.begin(chain)
            for _ in range(KILLS):
                calls = registries.heard.total() + len(registries.said) + random.randint(1, 60)
                registries.wait_until(partial(_has_happened, registries, calls), PATIENCE, f"{calls} calls")
                name = random.choice(processes.names)
                processes.kill(name)
                processes.start(name)
            registries.wait_until(
                lambda: registries.heard.keys() == expected_heard and len(registries.said) == _sayings(),
                PATIENCE,
                "everybody has heard and said all",
            )
            database = Database(url)
            registries.wait_until(lambda: _is_drained(database), PATIENCE, "the log has nothing left to do")
        finally:
            processes.close()
        try:
            _nothing_lost_nothing_twice(database, registries)
        finally:
            database.close()


def _has_happened(registries: Registries, calls: int) -> bool:
    return registries.heard.total() + len(registries.said) >= calls


def _sayings() -> int:
    """How many messages the registries have to say: each transaction's proposal, and an answer to all they hear."""
    return sum(len(chain.statuses()) + len(chain.heard()) for chain in CHAINS)


def _is_drained(database: Database) -> bool:
    undelivered = sa.select(t.outbox.c.id).where(t.outbox.c.delivered_at.is_(None))
    undone = sa.select(t.inbox.c.id).where(t.inbox.c.work.is_not(None))
    return not rows(database, undelivered) and not rows(database, undone)


def _nothing_lost_nothing_twice(database: Database, registries: Registries) -> None:
    # Every transaction that was proposed went through its statuses, each once, and no other is there.
    history: dict[str, list[int]] = {}
    for row in rows(
        database,
        sa.select(t.transactions.c.identifier, t.status_history.c.status)
        .join(t.transactions, t.transactions.c.id == t.status_history.c.transaction_id)
        .order_by(t.status_history.c.id),
    ):
        history.setdefault(row.identifier, []).append(row.status)
    assert history == {name: statuses for chain in CHAINS for name, statuses in chain.statuses().items()}
    assert len(rows(database, sa.select(t.transactions.c.id))) == len(history)

    # The ledger is the sum of the completed transactions.
    blocks = rows(database, sa.select(t.unit_blocks))
    places = sorted(
        (row.originating_registry, row.serial_start, row.serial_end, row.registry, row.account_type) for row in blocks
    )
    assert places == sorted(place for chain in CHAINS for place in chain.places())
    assert rows(database, sa.select(t.reservations.c.id)) == []
    with database.read() as connection:
        [holding] = holdings(connection)
    moved = sum(not chain.rejects for chain in CHAINS)
    assert (holding.issued, holding.cancelled, holding.retired) == (100 * len(CHAINS), 10 * moved, 20 * moved)
    assert holding.is_balanced

    # Each thing that was said had one effect, and each answer of the log is on record.
    assert len(rows(database, sa.select(t.inbox.c.id))) == _sayings()
    accepted = rows(database, sa.select(t.messages).where(t.messages.c.direction == "in"))
    outcomes = Counter(row.outcome for row in accepted)
    assert outcomes["accepted"] == _sayings()
    assert outcomes.keys() <= {"accepted", "repeat"}

    # The log told each thing once in its outbox; a registry may have heard it more often.
    sent = rows(database, sa.select(t.outbox))
    assert len(sent) == len(registries.heard)
    assert {row.outcome for row in sent} == {"accepted"}
