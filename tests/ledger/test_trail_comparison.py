"""Audit trails beside each other: which transactions both sides do not have alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from itl.ledger.block import SerialRange
from itl.ledger.trail_comparison import Period, TrailDifferenceKind, TrailTransaction, differing_transactions

BEGIN, END = datetime(2015, 5, 1, tzinfo=UTC), datetime(2015, 6, 1, tzinfo=UTC)
SLACK = timedelta(minutes=10)
PERIOD = Period(BEGIN, END, SLACK)
MIDDLE = datetime(2015, 5, 15, tzinfo=UTC)
MISSING, UNKNOWN, OTHERWISE = TrailDifferenceKind


def one(identifier: str = "GB1", *blocks: tuple[int, int], **more: Any) -> TrailTransaction:
    plain = {"transaction_type": 3, "transferring_registry": "GB", "acquiring_registry": "FR", "at": MIDDLE}
    units = tuple(SerialRange("GB", *block) for block in blocks or ((1, 100),))
    return TrailTransaction(identifier, blocks=units, **(plain | more))


CASES: dict[str, tuple[list[TrailTransaction], list[TrailTransaction], list[tuple[str, TrailDifferenceKind]]]] = {
    "nothing": ([], [], []),
    "the same": ([one()], [one()], []),
    "cut otherwise": ([one("GB1", (1, 100))], [one("GB1", (51, 100), (1, 50))], []),
    "told in two pieces": ([one("GB1", (1, 100))], [one("GB1", (1, 50)), one("GB1", (51, 100))], []),
    "at another time": ([one(at=BEGIN + SLACK)], [one(at=MIDDLE)], []),
    "missing": ([one("GB2")], [], [("GB2", MISSING)]),
    "unknown": ([], [one("GB2")], [("GB2", UNKNOWN)]),
    "of another type": ([one()], [one(transaction_type=4)], [("GB1", OTHERWISE)]),
    "to another registry": ([one()], [one(acquiring_registry="JP")], [("GB1", OTHERWISE)]),
    "a unit less": ([one("GB1", (1, 100))], [one("GB1", (1, 99))], [("GB1", OTHERWISE)]),
    "sorted": ([one("GB9"), one("GB10")], [one("GB2")], [("GB10", MISSING), ("GB2", UNKNOWN), ("GB9", MISSING)]),
    "at the edges either may miss one": (
        [one("GB1", at=BEGIN), one("GB2", at=END), one("GB3", at=END - SLACK + timedelta(seconds=1))],
        [one("GB4", at=BEGIN + SLACK - timedelta(seconds=1))],
        [],
    ),
    "just inside the edges none may": (
        [one("GB1", at=BEGIN + SLACK), one("GB2", at=END - SLACK)],
        [],
        [("GB1", MISSING), ("GB2", MISSING)],
    ),
}


@pytest.mark.parametrize(("log", "registry", "expected"), CASES.values(), ids=CASES)
def test_differences(
    log: list[TrailTransaction], registry: list[TrailTransaction], expected: list[tuple[str, TrailDifferenceKind]]
) -> None:
    found = differing_transactions(log, registry, [], PERIOD)
    assert [(each.identifier, each.kind) for each in found] == expected


@pytest.mark.parametrize(
    ("asked", "differs"),
    [([], True), ([SerialRange("GB", 1, 50)], False), ([SerialRange("GB", 90, 200)], True)],
    ids=["of all units", "of units that both have", "of units that one has"],
)
def test_only_units_in_question_count(asked: list[SerialRange], differs: bool) -> None:
    found = differing_transactions([one("GB1", (1, 100))], [one("GB1", (1, 95))], asked, PERIOD)
    assert bool(found) is differs
