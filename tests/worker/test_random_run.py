"""Random transactions of every type, right and wrong, that end in every way: what is kept equals a recount."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from itl.codes import CDM_UNITS, TransactionType, UnitType
from itl.messages import TransactionUnitBlock
from itl.reference import Notice
from itl.store import access
from itl.store import tables as t
from itl.store.fact_kinds import FactName
from tests.databases import FreshDatabase
from tests.hub.world import DAY, START, World, sandbox, units
from tests.worker.world import differences, enter_notice, tell

PARTIES = ("GB", "FR", "JP")
STEPS = 60
WAYS = ("complete", "complete", "complete", "reject", "reject", "reject", "terminate", "leave", "expire")
EXPIRY = date(2020, 12, 31)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    with patch.dict(access._COST, n=2), World.on(fresh_database(request.param, sandbox)) as made:
        yield made


class Walk:
    """Proposes at random; most proposals are about units that are there, some of them are not allowed."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, Random(seed)
        self.number = 0
        self.next_serial: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.types: Counter[int] = Counter()

    def step(self) -> None:
        kinds = (self.issue, self.move, self.move, self.convert, self.replace, self.carry_over, self.redate)
        self.propose(*(self.random.choice(kinds)() or self.issue()))

    def begin(self) -> None:
        """Every registry has something, and GB has units of the CDM registry, to replace and to be replaced."""
        for party in PARTIES:
            self.next_serial[party] = 1000
            self.propose(party, TransactionType.ISSUANCE, None, [units(1, 1000, party)], {}, "complete")
        expiring = {"unit_type": 6, "project_identifier": 7, "lulucf_activity": 1, "expiry_date": EXPIRY}
        for origin, attributes in (("IN", expiring), ("BR", {"unit_type": 5, "project_identifier": 8})):
            self.next_serial[origin] = 1000
            came, left = {"accounts": (None, 110)}, {"accounts": (110, 100)}
            issued, forwarded = units(1, 1000, origin, **attributes), units(1, 600, origin, **attributes)
            self.propose("CDM", TransactionType.ISSUANCE, None, [issued], came, "complete")
            self.propose("CDM", TransactionType.EXTERNAL_TRANSFER, "GB", [forwarded], left, "complete")

    def propose(
        self,
        sender: str,
        transaction_type: int,
        to: str | None,
        blocks: list[TransactionUnitBlock],
        more: dict[str, Any],
        way: str | None = None,
    ) -> None:
        self.number += 1
        identifier = f"{sender}{self.number}"
        assert self.world.propose(sender, identifier, transaction_type, *blocks, to=to, **more) == 1
        if self.random.random() < 0.7:
            self.world.settle()
        self.end(identifier, sender, to or sender, way or self.random.choice(WAYS))
        self.statuses[self.world.status(identifier)] += 1
        if self.world.status(identifier) == 4:
            self.types[transaction_type] += 1

    def end(self, identifier: str, sender: str, to: str, way: str) -> None:
        """Bring the transaction on, or leave it where it is."""
        self.world.settle()
        if way in ("complete", "reject") and to != sender:
            self.world.notify(to, identifier, 8 if way == "complete" else 6)
            self.world.settle()
        if way == "complete" and self.world.status(identifier) in (2, 8):
            self.world.notify(sender, identifier, 4)
            if self.random.random() < 0.7:
                self.world.settle()
        if way == "terminate":
            self.world.notify(sender, identifier, 5)
        if way == "expire":
            self.world.later(DAY + timedelta(minutes=1))

    def issue(self) -> tuple[str, int, None, list[TransactionUnitBlock], dict[str, Any]]:
        unit_type = self.random.choice([UnitType.AAU, UnitType.RMU, UnitType.CER, UnitType.TCER, UnitType.LCER])
        from_cdm = unit_type in CDM_UNITS
        sender = "CDM" if from_cdm else self.random.choice(PARTIES)
        origin = self.random.choice(("IN", "BR")) if from_cdm else sender
        start = self.next_serial[origin] + 1
        end = start + self.random.choice((1, 50, 1000))
        if self.random.random() < 0.9:
            self.next_serial[origin] = end
        attributes: dict[str, Any] = {"unit_type": int(unit_type)}
        if from_cdm:
            attributes["project_identifier"] = self.random.choice((7, 8))
        if unit_type in (UnitType.RMU, UnitType.TCER, UnitType.LCER):
            attributes["lulucf_activity"] = 1
        if unit_type in (UnitType.TCER, UnitType.LCER):
            attributes["expiry_date"] = EXPIRY
        accounts = (None, 110 if from_cdm else 100)
        return sender, TransactionType.ISSUANCE, None, [units(start, end, origin, **attributes)], {"accounts": accounts}

    def _held(self, *types: int) -> Any:
        """A row of the ledger, in a Party's registry or the CDM registry."""
        rows = [row for row in self.world.rows(t.unit_blocks) if not types or row.unit_type in types]
        return self.random.choice(rows) if rows else None

    def _block(self, row: Any, **more: Any) -> TransactionUnitBlock:
        start = self.random.randint(row.serial_start, row.serial_end)
        end = min(row.serial_end, start + self.random.choice((0, 5, 400)))
        names = ("unit_type", "original_commit_period", "applicable_commit_period", "lulucf_activity")
        more_names = ("project_identifier", "track", "expiry_date")
        return units(
            start, end, row.originating_registry, **{name: getattr(row, name) for name in names + more_names} | more
        )

    def move(self) -> Any:
        row = self._held()
        if row is None:
            return None
        kind, target = self.random.choice(
            [
                (TransactionType.EXTERNAL_TRANSFER, 100),
                (TransactionType.EXTERNAL_TRANSFER, 100),
                (TransactionType.CANCELLATION, 230),
                (TransactionType.CANCELLATION, 210),
                (TransactionType.RETIREMENT, 300),
                (TransactionType.INTERNAL_TRANSFER, 121),
            ]
        )
        to = None
        if kind == TransactionType.EXTERNAL_TRANSFER:
            to = self.random.choice([party for party in PARTIES if party != row.registry])
        more: dict[str, Any] = {"accounts": (row.account_type, target)}
        if target == 210:
            more["notification_identifier"] = 1
        return row.registry, kind, to, [self._block(row)], more

    def convert(self) -> Any:
        row = self._held(UnitType.AAU, UnitType.RMU)
        if row is None:
            return None
        becomes = UnitType.ERU_FROM_AAU if row.unit_type == UnitType.AAU else UnitType.ERU_FROM_RMU
        block = self._block(row, unit_type=int(becomes), project_identifier=7, track=self.random.choice((1, 2)))
        return row.registry, TransactionType.CONVERSION, None, [block], {"accounts": (row.account_type, 100)}

    def replace(self) -> Any:
        replaced, by = self._held(UnitType.TCER), self._held(UnitType.AAU, UnitType.CER)
        if replaced is None or by is None or replaced.registry != by.registry:
            return None
        size = min(replaced.serial_end - replaced.serial_start, by.serial_end - by.serial_start, 20)
        blocks = [
            self._part(replaced, size, block_role="REP"),
            self._part(by, size),
        ]
        accounts = (by.account_type, 411)
        return replaced.registry, TransactionType.REPLACEMENT, None, blocks, {"accounts": accounts}

    def _part(self, row: Any, size: int, **more: Any) -> TransactionUnitBlock:
        block = self._block(row, **more)
        return units(
            row.serial_start,
            row.serial_start + size,
            row.originating_registry,
            **{
                name: getattr(block, name)
                for name in (
                    "unit_type original_commit_period applicable_commit_period lulucf_activity project_identifier "
                    "track expiry_date block_role"
                ).split()
            },
        )

    def carry_over(self) -> Any:
        row = self._held(UnitType.AAU, UnitType.CER)
        if row is None:
            return None
        block = self._block(row, applicable_commit_period=row.applicable_commit_period + 1)
        target = 130 if row.unit_type == UnitType.AAU else row.account_type
        return row.registry, TransactionType.CARRY_OVER, None, [block], {"accounts": (row.account_type, target)}

    def redate(self) -> Any:
        row = self._held(UnitType.TCER, UnitType.LCER)
        if row is None:
            return None
        block = self._block(row, expiry_date=date(2036, 12, 31))
        more = {"accounts": (row.account_type, row.account_type), "notification_identifier": 9}
        return row.registry, TransactionType.EXPIRY_DATE_CHANGE, None, [block], more


def test_what_is_kept_equals_a_recount_after_any_transactions(world: World) -> None:
    walk = Walk(world, seed=1 if world.hub.database.is_sqlite else 2)
    tell(world.hub.database, FactName.TRUE_UP_END, START - DAY, "GB", period=1)
    with world.hub.database.write() as connection:
        enter_notice(connection, Notice(1, 1, 1, "GB", target_value=5000, lulucf_activity=1, commit_period=1))
        for number, registry in ((9, "CDM"), (10, "GB")):
            notice = Notice(number, 9, 1, registry, project=("IN", 7), target_date=date(2036, 12, 31))
            enter_notice(connection, notice)
    walk.begin()
    for number in range(STEPS):
        walk.step()
        if number % 20 == 19:
            assert differences(world.hub.database) == []
    world.settle()
    assert differences(world.hub.database) == []
    assert {3, 4, 5, 6, 7} <= walk.statuses.keys()
    assert len(walk.types) >= 5, walk.types
    assert len(world.rows(t.totals)) > 10
