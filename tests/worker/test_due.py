"""A worker asks in one look whether there is anything to do, and begins nothing where there is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from itl.clock import SetClock
from itl.hub import Hub
from itl.settings import Settings
from itl.store import gather
from itl.store import tables as t
from itl.store.gather import Due
from tests.databases import FreshDatabase
from tests.worker.test_batch import NOW, accepted, cancellation, counted, issued, sandbox


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[Hub]:
    hub = Hub(Settings(database=fresh_database(request.param, sandbox)), SetClock(NOW))
    yield hub
    hub.close()


def due(hub: Hub, later: timedelta = timedelta(0)) -> Due:
    return gather.due(hub.database, NOW + later)


def test_work_is_due_until_it_is_done_and_a_timer_when_its_time_comes(hub: Hub) -> None:
    issued(hub, 1)
    assert due(hub) == Due(work=False, timers=False)
    accepted(hub, cancellation("GB1", [(1, 5)]))
    assert due(hub) == Due(work=True, timers=False)
    hub.worker.once()
    assert due(hub) == Due(work=False, timers=False)
    day = timedelta(hours=24)
    assert due(hub, day - timedelta(microseconds=1)) == Due(work=False, timers=False)
    assert due(hub, day) == Due(work=False, timers=True)


def test_a_task_that_was_put_off_is_due_when_its_time_comes(hub: Hub) -> None:
    accepted(hub, cancellation("GB1", [(1, 5)]))
    with hub.database.write() as connection:
        connection.execute(update(t.inbox).values(not_before=NOW + timedelta(seconds=5)))
    assert due(hub, timedelta(seconds=4)).work is False
    assert due(hub, timedelta(seconds=5)).work is True


def test_nothing_is_begun_where_nothing_is_due(hub: Hub) -> None:
    with counted(hub) as seen:
        assert hub.worker.once() == 0
    assert [statement for statement in seen if not statement.startswith("BEGIN")] in ([], ["due_work"])
