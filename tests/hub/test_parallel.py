"""Several workers on one PostgreSQL database at the same time: one of two rivals wins, and nothing is put off."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any
from unittest.mock import patch

import pytest

from itl.hub import Hub
from itl.store import gather
from itl.store import tables as t
from tests.databases import FreshDatabase
from tests.hub.world import CANCELLATION, EXTERNAL, ISSUANCE, RETIREMENT, World, proposal, sandbox, units

ROUNDS = 12
WORKERS = 2


class Workers:
    """Hubs of their own on the world's database, as processes would have them, each with a thread."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.hubs = [Hub(world.settings, world.clock) for _ in range(WORKERS)]
        self.pool = ThreadPoolExecutor(WORKERS)

    def work(self) -> None:
        """All of them start at once, and work until none has anything to do."""
        start = Barrier(WORKERS)

        def run(hub: Hub) -> None:
            start.wait(60)
            while hub.worker.once():
                pass

        for done in [self.pool.submit(run, hub) for hub in self.hubs]:
            done.result(120)
        self.world.settle()  # what one left to the other while that one held it
        unfinished = self.world.rows(t.inbox, t.inbox.c.work.is_not(None) | (t.inbox.c.failures > 0))
        assert [(row.work, row.problem) for row in unfinished] == []

    def close(self) -> None:
        self.pool.shutdown()
        for hub in self.hubs:
            hub.close()


@pytest.fixture(params=[1, 3], ids=lambda batch: f"batches of {batch}")
def workers(request: pytest.FixtureRequest, fresh_database: FreshDatabase, claims_of_any: None) -> Iterator[Workers]:
    with World.on(fresh_database("postgresql", sandbox), batch=request.param) as world:
        workers = Workers(world)
        yield workers
        workers.close()


def test_of_rival_proposals_one_passes(workers: Workers) -> None:
    """Round by round two proposals of overlapping units, of several kinds, judged by whichever worker comes first."""
    world = workers.world
    world.issue(1, 100 * ROUNDS + 99)
    rivals = []
    for number in range(1, ROUNDS + 1):
        start = 100 * number
        rivals += [
            proposal("GB", f"GB{10 * number}", CANCELLATION, units(start, start + 49)),
            proposal("GB", f"GB{10 * number + 1}", EXTERNAL, units(start + 49, start + 99), to="FR"),
            proposal("GB", f"GB{10 * number + 2}", ISSUANCE, units(10_000 + start, 10_000 + start + 49)),
            proposal("GB", f"GB{10 * number + 3}", ISSUANCE, units(10_000 + start + 20, 10_000 + start + 29)),
        ]
    for rival in rivals:
        assert world.say(rival) == 1
    workers.work()
    for number in range(1, ROUNDS + 1):
        for first, second in ((0, 1), (2, 3)):
            statuses = {world.status(f"GB{10 * number + each}") for each in (first, second)}
            assert statuses == {2, 3}
    reserved = [(start, serial) for _, start, end in world.reserved() for serial in range(start, end + 1)]
    assert len({serial for _, serial in reserved}) == len(reserved)


def test_completions_and_proposals_of_the_same_units_meet(workers: Workers) -> None:
    """Each round's transfers are completed, and at once the acquirer proposes the units: it holds them by then.

    So the judge of the one needs the completion that another worker has in hand.
    """
    world = workers.world
    world.issue(1, 10 * ROUNDS + 9)
    for number in range(1, ROUNDS + 1):
        world.reach(8, EXTERNAL, f"GB{100 + number}", 10 * number, 10 * number + 9)
    for number in range(1, ROUNDS + 1):
        assert world.notify("GB", f"GB{100 + number}", 4) == 1
        onward = (RETIREMENT, None) if number % 2 else (EXTERNAL, "JP")
        assert world.propose("FR", f"FR{number}", onward[0], units(10 * number, 10 * number + 9), to=onward[1]) == 1
    workers.work()
    assert [world.status(f"FR{number}") for number in range(1, ROUNDS + 1)] == [2] * ROUNDS
    assert [(start, end) for _, start, end, code, _ in world.places() if code == "FR"] == [
        (10 * number, 10 * number + 9) for number in range(1, ROUNDS + 1)
    ]


def test_several_originating_registries_in_one_transaction(workers: Workers) -> None:
    """Proposals that touch the units of several Parties, named in different orders: no worker waits for another."""
    world = workers.world
    for code in ("GB", "FR", "JP"):
        world.issue(1, 10 * ROUNDS + 9, code)
    for number, (code, origin) in enumerate([("FR", "FR"), ("JP", "JP")], 50):
        identifier = f"{code}{number}"
        world.propose(code, identifier, EXTERNAL, units(1, 10 * ROUNDS + 9, origin), to="GB")
        world.settle()
        world.notify("GB", identifier, 8)
        world.notify(code, identifier, 4)
        world.settle()
    for number in range(1, ROUNDS + 1):
        blocks = [units(10 * number, 10 * number + 9, origin) for origin in ("GB", "FR", "JP")]
        order = blocks if number % 2 else blocks[::-1]
        assert world.propose("GB", f"GB{100 + number}", EXTERNAL, *order, to="FR") == 1
        assert world.propose("GB", f"GB{200 + number}", CANCELLATION, order[-1]) == 1
    workers.work()
    for number in range(1, ROUNDS + 1):
        assert {world.status(f"GB{100 + number}"), world.status(f"GB{200 + number}")} == {2, 3}
    for number in range(1, ROUNDS + 1):
        if world.status(f"GB{100 + number}") == 2:
            assert world.notify("FR", f"GB{100 + number}", 8) == 1
            assert world.notify("GB", f"GB{100 + number}", 4) == 1
        else:
            assert world.notify("GB", f"GB{200 + number}", 4) == 1
    workers.work()
    assert all(holding.is_balanced for holding in world.holdings())
    assert world.reserved() == []


def test_worker_that_pauses_after_its_claim_holds_nobody_up(fresh_database: FreshDatabase) -> None:
    """One worker has claimed a completion; another carries it out for the proposal that rests on it, and goes on."""
    with World.on(fresh_database("postgresql", sandbox), batch=1) as world:
        workers = Workers(world)
        world.issue(1, 100)
        world.reach(8, EXTERNAL, "GB2")
        world.notify("GB", "GB2", 4)
        world.propose("FR", "FR1", RETIREMENT, units(1, 50))
        first, second = workers.hubs
        claimed, go_on = Event(), Event()
        lock_ledger = gather.lock_ledger

        def paused(*what: Any) -> None:
            if not claimed.is_set():
                claimed.set()
                assert go_on.wait(60)
            lock_ledger(*what)

        with patch("itl.store.gather.lock_ledger", paused):
            pausing = workers.pool.submit(first.worker.once)
            assert claimed.wait(60)
            try:
                assert workers.pool.submit(second.worker.once).result(60) == 1
                assert world.status("FR1") == 2
                assert world.transaction("GB2").settled_at is not None
            finally:
                go_on.set()
            assert pausing.result(60) == 1
        workers.close()
        assert [(row.work, row.failures) for row in world.rows(t.inbox)] == [(None, 0)] * 6
        assert world.places() == [("GB", 1, 50, "FR", 100), ("GB", 51, 100, "GB", 100)]
