"""Notices: what is looked up for a batch, and how their status follows from what answers them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from unittest.mock import patch

import pytest

from itl.codes import TransactionType
from itl.errors import ReferenceDataError
from itl.ledger.block import SerialRange
from itl.reference import Notice, NoticeStatus
from itl.store import access
from itl.store.database import Database
from itl.store.notices import RecordedNotice, load, put_notice, recorded
from tests.databases import FreshDatabase
from tests.hub.world import CANCELLATION, EXTERNAL, ISSUANCE, World, sandbox, units
from tests.worker.world import SOURCE, enter_notice

NET_SOURCE = Notice(1, 1, NoticeStatus.OPEN, "GB", target_value=100)
REVERSAL = Notice(4, 4, NoticeStatus.OPEN, "FR", project=("IN", 7), blocks=(SerialRange("IN", 1, 50),))
TCER: dict[str, Any] = {
    "unit_type": 6, "project_identifier": 7, "lulucf_activity": 1, "expiry_date": date(2020, 12, 31),
}  # fmt: skip


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    with patch.dict(access._COST, n=2), World.on(fresh_database(request.param, sandbox)) as made:
        yield made


def enter(database: Database, *notices: Notice) -> None:
    with database.write() as connection:
        for notice in notices:
            assert enter_notice(connection, notice)


def test_notices_named_and_those_that_bar_a_project_are_loaded(database: Database) -> None:
    done = Notice(5, 5, NoticeStatus.COMPLETED, "FR", project=("IN", 7))
    other = Notice(6, 5, NoticeStatus.INCOMPLETE, "FR", project=("IN", 8))
    excess = Notice(7, 6, NoticeStatus.OPEN, "CDM", project=("IN", 7))
    enter(database, NET_SOURCE, REVERSAL, done, other, excess)
    with database.read() as connection:
        assert load(connection, [1, 99], []) == {1: NET_SOURCE}
        assert load(connection, [], [("IN", 7)]) == {4: REVERSAL}
        assert load(connection, [5], [("IN", 7), ("IN", 8)]) == {4: REVERSAL, 5: done, 6: other}
        assert load(connection, [], []) == {}


def test_a_notice_can_be_corrected_until_it_is_being_answered(database: Database) -> None:
    listed = Notice(4, 4, NoticeStatus.OPEN, "FR", project=("IN", 7), blocks=(SerialRange("IN", 1, 60),))
    enter(
        database, REVERSAL, listed, Notice(4, 4, NoticeStatus.INCOMPLETE, "FR", project=("IN", 7), blocks=listed.blocks)
    )
    with database.write() as connection:
        assert [each.notice.blocks for each in recorded(connection, "FR")] == [listed.blocks]
        with pytest.raises(ReferenceDataError, match="being answered"):
            enter_notice(connection, REVERSAL)


def test_the_same_file_again_does_not_set_a_notice_back(database: Database) -> None:
    enter(database, Notice(1, 1, NoticeStatus.INCOMPLETE, "GB", target_value=100))
    with database.write() as connection:
        again = RecordedNotice(NET_SOURCE, None, SOURCE, status_given=False)
        assert not put_notice(connection, again)
        assert put_notice(connection, RecordedNotice(NET_SOURCE, date(2014, 3, 1), SOURCE, status_given=False))
        [found] = recorded(connection)
    assert (found.notice.status, found.action_due_date) == (NoticeStatus.INCOMPLETE, date(2014, 3, 1))


def cancelled(world: World, identifier: str, start: int, end: int, *, complete: bool = True) -> int:
    """The status of a cancellation that answers notice 1."""
    world.propose("GB", identifier, CANCELLATION, units(start, end), accounts=(100, 210), notification_identifier=1)
    world.settle()
    if complete:
        world.notify("GB", identifier, 4)
        world.settle()
    return world.status(identifier)


def status(world: World, identifier: int = 1) -> int:
    with world.hub.database.read() as connection:
        return load(connection, [identifier], [])[identifier].status


def test_a_notice_is_completed_by_what_it_asks_for(world: World) -> None:
    world.issue(1, 1000)
    enter(world.hub.database, NET_SOURCE)
    assert cancelled(world, "GB2", 1, 40, complete=False) == 2
    assert status(world) == NoticeStatus.OPEN
    world.notify("GB", "GB2", 4)
    world.settle()
    assert status(world) == NoticeStatus.INCOMPLETE
    # 60 are outstanding: more are refused, as long as another has them open as well.
    assert cancelled(world, "GB3", 101, 161) == 3
    assert cancelled(world, "GB4", 101, 150, complete=False) == 2
    assert cancelled(world, "GB5", 201, 211) == 3
    world.notify("GB", "GB4", 5)
    assert cancelled(world, "GB6", 201, 260) == 4
    assert status(world) == NoticeStatus.COMPLETED
    assert cancelled(world, "GB7", 301, 301) == 3


def test_a_notice_that_is_completed_in_a_batch_cannot_be_answered_later_in_it(world: World) -> None:
    world.issue(1, 1000)
    enter(world.hub.database, NET_SOURCE)
    assert cancelled(world, "GB2", 1, 100, complete=False) == 2
    world.notify("GB", "GB2", 4)
    assert cancelled(world, "GB3", 101, 101) == 3


def test_a_change_of_expiry_dates_is_complete_when_all_units_of_the_project_have_the_date(world: World) -> None:
    later = date(2036, 12, 31)
    enter(world.hub.database, Notice(9, 9, NoticeStatus.OPEN, "CDM", project=("IN", 7), target_date=later))
    world.propose("CDM", "CDM1", ISSUANCE, units(1, 100, "IN", **TCER), accounts=(None, 110))
    world.settle()
    world.notify("CDM", "CDM1", 4)
    for identifier, start, end, expected in (
        ("CDM2", 1, 60, NoticeStatus.INCOMPLETE),
        ("CDM3", 61, 100, NoticeStatus.COMPLETED),
    ):
        block = units(start, end, "IN", **TCER | {"expiry_date": later})
        world.propose(
            "CDM", identifier, TransactionType.EXPIRY_DATE_CHANGE, block, accounts=(110, 110), notification_identifier=9
        )
        world.settle()
        assert world.notify("CDM", identifier, 4) == 1
        world.settle()
        assert status(world, 9) == expected


def test_an_outstanding_notice_bars_the_transfer_of_lcer_of_its_project(world: World) -> None:
    lcer = TCER | {"unit_type": 7}
    for start, code in ((1, 2), (51, 3)):
        block = units(start, start + 49, "IN", **lcer)
        world.propose("CDM", f"CDM{start}", ISSUANCE, block, accounts=(None, 110))
        world.settle()
        world.notify("CDM", f"CDM{start}", 4)
        world.propose("CDM", f"CDM{start + 1}", EXTERNAL, block, to="GB", accounts=(110, 100))
        world.settle()
        assert world.status(f"CDM{start + 1}") == code
        if code == 2:
            enter(world.hub.database, Notice(4, 4, NoticeStatus.OPEN, "FR", project=("IN", 7), target_value=10))
    assert world["CDM"].codes("CDM52", 3) == [4017]
