"""A registry that dies at any commit of a reconciliation: started again, it ends with the same answers, in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from itl.clock import SetClock
from itl.codes import UnitType
from itl.messages import ReceiveAuditTrailRequest, ReceiveTotalsRequest, ReceiveUnitBlocksRequest
from registry_client.identifiers import SerialRange
from registry_client.registry import Registry
from registry_client.settings import Settings
from registry_client.store import Store
from tests.registry_client.log import NOON, Log
from tests.registry_client.reconciling import SNAPSHOT, ask_blocks, ask_totals, ask_trail, conclude, initiate
from tests.registry_client.test_crash import Death, Killed

QUESTIONS = (initiate(), ask_totals(), ask_blocks(), ask_trail(("GB", 1, 50)), conclude(99))
ANSWERS = (ReceiveTotalsRequest, ReceiveUnitBlocksRequest, ReceiveAuditTrailRequest)


def opened(directory: Path, log: Log) -> Registry:
    settings = Settings(code="GB", blocks_per_message=1)
    database = f"sqlite:///{directory}/gb.db"
    registry = Registry(settings, log, database=database, durable=False, clock=SetClock(SNAPSHOT))
    log.registries = {"GB": registry}
    return registry


def found(directory: Path, log: Log) -> None:
    """Three blocks, before anything goes wrong."""
    registry = opened(directory, log)
    registry._clock.set(NOON)  # type: ignore[attr-defined]
    registry.issue(UnitType.AAU, 100, period=1)
    log.settle()
    registry.cancel([SerialRange("GB", 41, 50)])
    log.settle()
    registry.close()
    log.calls.clear()


def reconciled(directory: Path, log: Log, death: Death, monkeypatch: pytest.MonkeyPatch) -> int:
    """Ask, as a log does: until it is acknowledged; how often the registry died of it."""
    write, asked, deaths = Store.write, 0, 0

    @contextmanager
    def deadly(of: Store) -> Iterator[sa.Connection]:
        with write(of) as connection, death.around():
            yield connection
        if death.commits == death.at and not death.before:
            death.at = 0
            raise Killed

    monkeypatch.setattr(Store, "write", deadly)
    while True:
        registry = None
        try:
            registry = opened(directory, log)
            log.settle()
            while asked < len(QUESTIONS):
                assert registry.receive(QUESTIONS[asked]) == ()
                asked += 1
                log.settle()
        except Killed:
            deaths += 1
        else:
            return deaths
        finally:
            for running in log.registries.values():
                running.close()


def answers(log: Log) -> list[object]:
    """What the log heard, a repeat (which it takes for one) once."""
    told = [call for call in log.calls if isinstance(call, ANSWERS)]
    return [call for number, call in enumerate(told) if call not in told[:number]]


@pytest.mark.parametrize(("before", "step"), [(True, 1), (False, 3)], ids=["before", "after"])
def test_death_at_any_commit_of_a_reconciliation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool, step: int
) -> None:
    """After one commit is before the next, but for the calls between: a sample of them is enough."""
    expected: list[object] = []
    at, deaths = -step, 1
    while deaths or at <= 0:
        at += step  # at 0 nobody dies: that is how it must be
        directory = tmp_path / str(at)
        directory.mkdir()
        log = Log()
        found(directory, log)
        with monkeypatch.context() as patch:
            deaths = reconciled(directory, log, Death(at, before=before), patch)
        if at == 0:
            expected = answers(log)
            assert [ANSWERS.index(type(answer)) for answer in expected] == [0, 1, 1, 1, 2, 2]
            continue
        assert answers(log) == expected, f"commit {at}"
        registry = opened(directory, log)
        (seen,) = registry.reconciliations()
        assert ([entry.status for entry in seen.history], seen.unanswered) == ([0, 1, 3, 4, 99], 0), f"commit {at}"
        registry.close()
    assert at > 15, "a reconciliation takes more commits than that"
