"""The registry of a rehearsal: the reference registry with its faults, on a database of its own, stepped by hand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from itl.clock import SetClock
from itl.rehearsal.filling import fill_registry
from itl.rehearsal.holdings import REGISTRY, runs
from itl.rehearsal.memory import peak
from itl.wire import server
from registry_client.client import RegistryClient
from registry_client.endpoint import application
from registry_client.faults import Misbehaviour
from registry_client.reconciliation import replies
from registry_client.registry import Registry
from registry_client.settings import Settings


class RegistrySide:
    """A registry at the SQLite URL `database` that calls the log at `hub_url`; its clock stands at `at`."""

    def __init__(self, database: str, at: datetime, hub_url: str, misbehave: tuple[Misbehaviour, ...]) -> None:
        self._clock = SetClock(at)
        self._client = RegistryClient(
            hub_url, code=REGISTRY, user=REGISTRY.lower(), password=REGISTRY.lower(), timeout=600
        )
        settings = Settings(code=REGISTRY, misbehave=misbehave)
        self._registry = Registry(settings, self._client, database=database, durable=False, clock=self._clock)
        self._server = server.serve(application(self._registry))
        self._maker = ThreadPoolExecutor(1)

    def fill(self, seed: int, blocks: int) -> None:
        with self._registry.store.write() as connection:
            fill_registry(connection, runs(seed, blocks), self._clock() - timedelta(days=1))

    def address(self) -> str:
        return self._server.url

    def stand_at(self, at: datetime) -> None:
        self._clock.set(at)

    def work(self) -> int:
        """Do what is due now; how much there was. The next part of an answer is made while one is sent."""
        making = self._maker.submit(self._registry.process)
        sent = self._registry.deliver()
        return making.result() + sent

    def next_time(self) -> datetime | None:
        """When a snapshot or an answer is due by itself."""
        with self._registry.store.read() as connection:
            return replies.next_due(connection)

    def peak(self) -> int:
        return peak()

    def close(self) -> None:
        self._maker.shutdown()
        self._server.close()
        self._registry.close()
        self._client.close()
