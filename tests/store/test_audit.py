"""The audit: silent about a log that is consistent, precise about each thing that is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from itl.reference import Notice, NoticeStatus
from itl.store import access
from itl.store import tables as t
from itl.store.audit import audit
from tests.databases import FreshDatabase
from tests.hub.world import CANCELLATION, World, sandbox, units
from tests.worker.world import differences, enter_notice

Break = Callable[[sa.Connection], object]


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    """GB holds 1-100 but 81-100, which it cancelled in answer to notice 5; 11-50 are on their way to FR."""
    with patch.dict(access._COST, n=2), World.on(fresh_database(request.param, sandbox)) as made:
        with made.hub.database.write() as connection:
            enter_notice(connection, Notice(5, 1, NoticeStatus.OPEN, "GB", target_value=20))
        made.issue(1, 100)
        made.propose("GB", "GB2", CANCELLATION, units(81, 100), accounts=(100, 210), notification_identifier=5)
        made.settle()
        made.notify("GB", "GB2", 4)
        made.settle()
        made.propose("GB", "GB3", 3, units(11, 50), to="FR")
        made.settle()
        yield made


def told(world: World) -> set[tuple[str, str, str, str]]:
    return {(each.rule, each.about, each.must_be, each.found) for each in differences(world.hub.database)}


def test_a_consistent_log_has_no_differences(world: World) -> None:
    assert told(world) == set()


def changed(table: sa.Table, where: Any, **values: Any) -> Break:
    return lambda connection: connection.execute(sa.update(table).where(where).values(values))


def gone(table: sa.Table, where: Any) -> Break:
    return lambda connection: connection.execute(sa.delete(table).where(where))


TOTALS, OPEN = "running totals equal a recount", "what a transaction has open equals its content"
KEEP = "open transactions keep their units, others none"
FIGURES = "issued by type as issuances say"
U, R = t.unit_blocks.c, t.reservations.c

BREAKS: dict[str, tuple[Break, set[tuple[str, str, str, str]]]] = {
    "a completed total": (
        changed(t.totals, t.totals.c.kind == "issued", completed=90),
        {(TOTALS, "issued GB period 1 detail 1", "100 completed, 0 open", "90 completed, 0 open")},
    ),
    "an open total": (
        changed(t.totals, t.totals.c.kind == "leaving", open=0),
        {(TOTALS, "leaving GB period 1", "0 completed, 40 open", "0 completed, 0 open")},
    ),
    "a stock": (
        gone(t.totals, t.totals.c.kind == "counting"),
        {(TOTALS, "counting GB period 1 detail 1", "80 completed, 0 open", "0 completed, 0 open")},
    ),
    "what a transaction has open": (
        changed(t.transaction_totals, t.transaction_totals.c.quantity == 40, quantity=41),
        {(OPEN, "GB3: leaving GB period 1", "40", "41")},
    ),
    "a unit that is gone": (
        changed(t.unit_blocks, U.serial_start == 81, serial_end=99),
        {
            ("every unit issued is somewhere", "GB 100-100", "1 units", "nowhere"),
            (FIGURES, "GB AAU of period 1", "100", "99"),
        },
    ),
    "a unit from nowhere": (
        changed(t.unit_blocks, U.serial_start == 81, serial_end=103),
        {
            ("every unit was issued", "GB 101-103", "issued", "3 units, never issued"),
            (FIGURES, "GB AAU of period 1", "100", "103"),
        },
    ),
    "a unit issued as something else": (
        changed(t.unit_blocks, U.serial_start == 81, issued_unit_type=2),
        {
            (FIGURES, "GB AAU of period 1", "100", "80"),
            (FIGURES, "GB RMU of period 1", "0", "20"),
        },
    ),
    "a reservation that is gone": (
        gone(t.reservations, R.serial_start == 11),
        {(KEEP, "GB3: GB 11-50", "reserved", "free")},
    ),
    "a reservation that is too long": (
        changed(t.reservations, R.serial_start == 11, serial_end=52),
        {(KEEP, "GB3: GB 51-52", "free", "reserved")},
    ),
    "a reservation of a transaction that ended": (
        changed(t.transactions, t.transactions.c.identifier == "GB3", status=5),
        {
            (KEEP, "GB3: GB 11-50", "free", "reserved"),
            (TOTALS, "leaving GB period 1", "0 completed, 0 open", "0 completed, 40 open"),
            (OPEN, "GB3: leaving GB period 1", "0", "40"),
        },
    ),
    "a notice that nobody answered": (
        changed(t.notices, t.notices.c.identifier == 5, status=2),
        {("notices stand where their answers put them", "notice 5", "completed", "incomplete")},
    ),
}


def test_each_thing_that_is_wrong_is_told_precisely(world: World) -> None:
    found = {}
    with world.hub.database.write() as connection:
        for name, (broken, _) in BREAKS.items():
            with connection.begin_nested() as savepoint:
                broken(connection)
                found[name] = {(each.rule, each.about, each.must_be, each.found) for each in audit(connection)}
                savepoint.rollback()
    assert found == {name: expected for name, (_, expected) in BREAKS.items()}


def test_a_unit_in_two_places_is_told_though_the_database_would_not_let_it(world: World) -> None:
    with world.hub.database.write() as connection:
        if world.hub.database.is_sqlite:
            connection.execute(sa.text("DROP TRIGGER tg_unit_blocks_UPDATE"))
        else:
            connection.execute(sa.text("ALTER TABLE unit_blocks DROP CONSTRAINT ex_unit_blocks_serials"))
        connection.execute(sa.update(t.unit_blocks).where(U.serial_start == 81).values(serial_start=80))
    assert ("a unit is in one place", "GB 80-80", "once", "twice") in told(world)
