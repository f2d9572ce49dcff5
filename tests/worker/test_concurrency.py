"""Two proposals that pass alone but not together never both pass, however many workers judge at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from itl.hub import Hub
from itl.messages import ProposalRequest
from itl.reference import Project
from itl.settings import Settings
from itl.store import access
from itl.store import tables as t
from itl.store.enrolment import put_projects
from itl.store.fact_kinds import FactName
from itl.worker import batch
from itl.worker.batch import work_once
from tests.databases import FreshDatabase
from tests.hub.world import CANCELLATION, EXTERNAL, ISSUANCE, World, proposal, sandbox, units
from tests.worker.world import differences, tell

DEADLINE = 30.0
CER: dict[str, Any] = {"unit_type": 5, "project_identifier": 7}
TCER: dict[str, Any] = CER | {"unit_type": 6, "lulucf_activity": 1, "expiry_date": date(2020, 12, 31)}


@dataclass(frozen=True)
class Rivals:
    """Two proposals, what must be there before, and the code of whichever is judged last."""

    prepare: Callable[[World], object]
    proposals: tuple[ProposalRequest, ProposalRequest]
    code: int


def _forwarded(world: World, origin: str, to: str, attributes: dict[str, Any], number: int) -> None:
    """100 units of the CDM registry come to a Party."""
    block = units(1, 100, origin, **attributes)
    complete(world, proposal("CDM", f"CDM{number}", ISSUANCE, block, accounts=(None, 110)))
    complete(world, proposal("CDM", f"CDM{number + 1}", EXTERNAL, block, to=to, accounts=(110, 100)))


def complete(world: World, message: ProposalRequest) -> None:
    transaction = message.proposed_transaction
    assert world.say(message) == 1
    world.settle()
    if transaction.transaction_type == EXTERNAL:
        assert world.notify(transaction.acquiring_registry_code, transaction.transaction_identifier, 8) == 1
    assert world.notify(message.sender, transaction.transaction_identifier, 4) == 1
    world.settle()


def _limited(name: FactName, value: int, party: str, **about: int) -> Callable[[World], None]:
    return lambda world: tell(world.hub.database, name, value, party, **about)


def _project_limited(world: World) -> None:
    with world.hub.database.write() as connection:
        put_projects(connection, [Project("IN", 7, frozenset({5}), quantities={(5, 1): 100})])


def _reserve_of_units_from_elsewhere(world: World) -> None:
    """GB holds units of two other originating registries, which nothing but the reserve of GB has in common.

    Some have left already, so that the totals are there: a row that is not yet there would be waited for anyhow.
    """
    _forwarded(world, "IN", "GB", CER, 1)
    _forwarded(world, "BR", "GB", CER, 3)
    complete(world, proposal("GB", "GB1", EXTERNAL, units(91, 100, "IN", **CER), to="FR"))
    _limited(FactName.RECORDED_RESERVE, 100, "GB", period=1)(world)


def _lulucf_limit_of_the_acquirer(world: World) -> None:
    """Units of two origins, held by two registries, which nothing but the limit of FR has in common; it has some."""
    _forwarded(world, "IN", "GB", TCER, 1)
    _forwarded(world, "BR", "JP", TCER, 3)
    complete(world, proposal("GB", "GB1", EXTERNAL, units(91, 100, "IN", **TCER), to="FR"))
    _limited(FactName.BASE_YEAR_EMISSIONS, 2200, "FR")(world)


RIVALS = {
    "same units": Rivals(
        lambda world: world.issue(1, 100),
        (
            proposal("GB", "GB11", CANCELLATION, units(1, 60)),
            proposal("GB", "GB12", CANCELLATION, units(40, 100)),
        ),
        4010,
    ),
    "assigned amount": Rivals(
        _limited(FactName.ASSIGNED_AMOUNT, 100, "GB", period=1),
        (proposal("GB", "GB11", ISSUANCE, units(1, 60)), proposal("GB", "GB12", ISSUANCE, units(61, 120))),
        5008,
    ),
    "project quantity": Rivals(
        _project_limited,
        (
            proposal("CDM", "CDM11", ISSUANCE, units(1, 60, "IN", **CER), accounts=(None, 110)),
            proposal("CDM", "CDM12", ISSUANCE, units(61, 120, "IN", **CER), accounts=(None, 110)),
        ),
        5018,
    ),
    "reserve": Rivals(
        _reserve_of_units_from_elsewhere,
        (
            proposal("GB", "GB11", EXTERNAL, units(1, 60, "IN", **CER), to="FR"),
            proposal("GB", "GB12", EXTERNAL, units(1, 60, "BR", **CER), to="JP"),
        ),
        5104,
    ),
    "tCER that a Party acquires": Rivals(
        _lulucf_limit_of_the_acquirer,
        (
            proposal("GB", "GB11", EXTERNAL, units(1, 60, "IN", **TCER), to="FR"),
            proposal("JP", "JP12", EXTERNAL, units(1, 60, "BR", **TCER), to="FR"),
        ),
        5106,
    ),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    with patch.dict(access._COST, n=2), World.on(fresh_database(request.param, sandbox)) as made:
        yield made


class Gate:
    """In the place of `judge_batch`: the first batch has gathered, and waits with what it has locked."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self._first = threading.Lock()
        self._judge = batch.judge_batch

    def __call__(self, *given: Any) -> Any:
        if self._first.acquire(blocking=False):
            self.reached.set()
            assert self.opened.wait(DEADLINE)
        return self._judge(*given)


class Workers:
    """Workers as other processes are: each with a hub of its own on the database."""

    def __init__(self, world: World, count: int) -> None:
        self._hubs = [Hub(Settings(database=world.url), world.clock) for _ in range(count)]
        self._threads: list[threading.Thread] = []
        self.failures: list[BaseException] = []

    def start(self, number: int, limit: int = 1, *, until_done: bool = False) -> None:
        hub = self._hubs[number]

        def work() -> None:
            try:
                while work_once(hub.database, hub.reference, hub.clock, hub.identity, limit) and until_done:
                    pass
            except BaseException as error:
                self.failures.append(error)

        self._threads.append(threading.Thread(target=work))
        self._threads[-1].start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(DEADLINE)
            assert not thread.is_alive()
        assert self.failures == []
        for hub in self._hubs:
            hub.close()


def waits_for_a_lock(world: World) -> bool:
    with world.hub.database.read() as connection:
        statement = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(connection.execute(sa.text(statement)).scalar_one())


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not what():
        assert time.monotonic() < end, "it did not come to this"


@pytest.mark.usefixtures("claims_of_any")
@pytest.mark.parametrize("name", RIVALS)
def test_a_worker_judges_when_the_one_before_has_decided(world: World, name: str) -> None:
    rivals = RIVALS[name]
    rivals.prepare(world)
    for each in rivals.proposals:
        assert world.say(each) == 1
    gate, workers = Gate(), Workers(world, 2)
    with patch("itl.worker.batch.judge_batch", gate):
        workers.start(0)
        assert gate.reached.wait(DEADLINE)
        workers.start(1)
        if not world.hub.database.is_sqlite:
            until(lambda: waits_for_a_lock(world))
        gate.opened.set()
        workers.join()
    assert outcome(world, rivals) == ([2, 3], rivals.code)
    assert differences(world.hub.database) == []


def outcome(world: World, rivals: Rivals) -> tuple[list[int], int]:
    world.settle()
    told = [each.proposed_transaction.transaction_identifier for each in rivals.proposals]
    refused = [identifier for identifier in told if world.status(identifier) == 3]
    [code] = {
        code for identifier in refused for code in world[identifier.rstrip("0123456789")].codes(identifier, 3)
    } or {0}
    return sorted(world.status(identifier) for identifier in told), code


def test_workers_share_what_waits_by_registry(fresh_database: FreshDatabase) -> None:
    """Two registries have a batch each waiting, in turns: one worker takes that of one, another the other's."""
    with patch.dict(access._COST, n=2), World.on(fresh_database("postgresql", sandbox)) as world:
        for number in range(1, 4):
            for code in ("GB", "FR"):
                block = units(10 * number, 10 * number + 9, code)
                assert world.propose(code, f"{code}{number}", ISSUANCE, block) == 1
        gate, workers = Gate(), Workers(world, 2)
        with patch("itl.worker.batch.judge_batch", gate):
            workers.start(0, limit=3)
            assert gate.reached.wait(DEADLINE)
            workers.start(1, limit=3, until_done=True)
            until(lambda: judged(world) == {"FR1", "FR2", "FR3"})
            gate.opened.set()
            workers.join()
        assert judged(world) == {f"{code}{number}" for code in ("GB", "FR") for number in range(1, 4)}


def judged(world: World) -> set[str]:
    return {row.identifier for row in world.rows(t.transactions, t.transactions.c.status == 2)}


@pytest.mark.usefixtures("claims_of_any")
def test_many_workers_at_once_never_pass_more_than_there_is(world: World) -> None:
    """Forty issuances of 10 units each under an assigned amount of 105, judged by four workers in small batches."""
    _limited(FactName.ASSIGNED_AMOUNT, 105, "GB", period=1)(world)
    for number in range(40):
        assert world.propose("GB", f"GB{number + 1}", ISSUANCE, units(number * 10 + 1, number * 10 + 10)) == 1
    workers = Workers(world, 4)
    for number in range(4):
        workers.start(number, limit=3, until_done=True)
    workers.join()
    world.settle()
    statuses = [world.status(f"GB{number + 1}") for number in range(40)]
    assert (statuses.count(2), statuses.count(3)) == (10, 30)
    assert differences(world.hub.database) == []


@pytest.mark.usefixtures("claims_of_any")
def test_workers_and_endings_at_once_do_not_wait_for_each_other_in_a_circle(world: World) -> None:
    """While workers judge transfers that share limits, timers and registries end others that have units open there."""
    for number, origin in enumerate(("IN", "BR", "CN"), 1):
        _forwarded(world, origin, "GB", TCER, 2 * number - 1)
    for number in range(24):
        origin = ("IN", "BR", "CN")[number % 3]
        start = 4 * (number // 3) + 1
        to = ("FR", "JP")[number % 2]
        assert world.propose("GB", f"GB{number + 1}", EXTERNAL, units(start, start + 3, origin, **TCER), to=to) == 1
        if number == 11:
            world.settle()
    workers = Workers(world, 3)
    for number in range(3):
        workers.start(number, limit=2, until_done=True)
    for number in range(12):
        assert world.notify(("FR", "JP")[number % 2], f"GB{number + 1}", 6) == 1
    workers.join()
    world.settle()
    statuses = [world.status(f"GB{number + 1}") for number in range(24)]
    assert statuses == [6] * 12 + [2] * 12
    assert differences(world.hub.database) == []
