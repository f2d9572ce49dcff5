"""A registry that dies before or after any of its commits, and starts again: nothing lost, nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from itl.clock import SetClock
from itl.codes import UnitType
from registry_client.registry import Registry
from registry_client.settings import Settings
from registry_client.store import Store
from registry_client.transactions import Role
from registry_client.units import Account, Wanted
from tests.registry_client.log import NOON, Log


class Killed(BaseException):
    """The process ends here; no `except Exception` may see it."""


class Death:
    """Kills whoever makes the commit number `at` of all stores, before or after it is made."""

    def __init__(self, at: int, *, before: bool) -> None:
        self.at = at
        self.before = before
        self.commits = 0

    @contextmanager
    def around(self) -> Iterator[None]:
        yield
        self.commits += 1
        if self.commits == self.at and self.before:
            raise Killed


PLANS = {
    "GB": (
        lambda gb: gb.issue(UnitType.AAU, 100, period=1),
        lambda gb: gb.transfer(aau(40), "FR", Account(100, 1001)),
    ),
    "FR": (lambda fr: fr.cancel(aau(5)),),
}


def aau(quantity: int) -> Wanted:
    return Wanted(quantity=quantity, unit_type=UnitType.AAU)


def opened(directory: Path, code: str, log: Log) -> Registry:
    """It is the process that dies, not the machine: nothing needs to be forced to the disk."""
    database = f"sqlite:///{directory}/{code}.db"
    return Registry(Settings(code=code), log, database=database, durable=False, clock=SetClock(NOON))


def follow_plans(directory: Path, log: Log) -> None:
    """Start the registries where they stand and do what is left of the plans, as people do who look before they act."""
    log.registries = {code: opened(directory, code, log) for code in PLANS}
    for code, plan in PLANS.items():
        log.settle()
        registry = log.registries[code]
        done = sum(transaction.role is Role.INITIATOR for transaction in registry.transactions())
        for propose in plan[done:]:
            propose(registry)
            log.settle()


def live(directory: Path, log: Log, death: Death, monkeypatch: pytest.MonkeyPatch) -> int:
    """Follow the plans to their end through deaths; how many there were."""
    write = Store.write

    @contextmanager
    def deadly(of: Store) -> Iterator[sa.Connection]:
        with write(of) as connection, death.around():
            yield connection
        if death.commits == death.at and not death.before:
            death.at = 0
            raise Killed

    monkeypatch.setattr(Store, "write", deadly)
    deaths = 0
    while True:
        try:
            follow_plans(directory, log)
        except Killed:
            deaths += 1
            continue
        finally:
            for registry in log.registries.values():
                registry.close()
        return deaths


@pytest.mark.parametrize(("before", "step"), [(True, 1), (False, 3)], ids=["before", "after"])
def test_death_at_any_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool, step: int) -> None:
    """After one commit is before the next, but for the calls between: a sample of them is enough."""
    at, deaths = 1 - step, 1
    while deaths:
        at += step
        directory = tmp_path / str(at)
        directory.mkdir()
        log = Log()
        with monkeypatch.context() as patch:
            deaths = live(directory, log, Death(at, before=before), patch)
        assert deaths in (0, 1)
        assert set(log.statuses.values()) == {4}
        assert sorted(log.statuses) == ["FR100001", "GB100001", "GB100002"]
        for code, expected in {"GB": {100: 60}, "FR": {100: 35, 230: 5}}.items():
            registry = opened(directory, code, log)
            assert {h.account.account_type: h.quantity for h in registry.holdings()} == expected, f"commit {at}"
            assert all(transaction.is_settled for transaction in registry.transactions())
            registry.close()
    assert at > 25, "the plans take more commits than that"


def test_two_processes_share_a_database(tmp_path: Path) -> None:
    """One proposes, as a command does; the other, as a server does, delivers: each sees what the other commits."""
    log = Log()
    command, server = (opened(tmp_path, "GB", log) for _ in range(2))
    version = server.store.version()
    assert server.store.version() == version
    identifier = command.issue(UnitType.AAU, 100, period=1)
    assert server.store.version() != version
    log.registries["GB"] = server
    log.settle()
    assert command.transaction(identifier).is_settled
    command.close()
    server.close()
