"""A registry that gets it wrong on request: each fault does what its description says, and nothing else."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from itl.clock import SetClock
from itl.codes import UnitType
from itl.messages import ReceiveUnitBlocksRequest
from registry_client.faults import FAULTS, UNDIFFERENT, Fault, Misbehaviour
from registry_client.identifiers import SerialRange
from registry_client.registry import Registry
from registry_client.transactions import Event
from tests.registry_client.conftest import Found
from tests.registry_client.log import NOON, Log
from tests.registry_client.reconciling import (
    QUARTER,
    SNAPSHOT,
    ask_blocks,
    ask_totals,
    ask_trail,
    initiate,
    told_blocks,
    told_totals,
    told_trail,
)

Unit = tuple[str, int]
Place = tuple[int, int, int]

NOTHING = Counter[tuple[Unit, Place]]()


def units_of(log: Log) -> Counter[tuple[Unit, Place]]:
    """How often each unit was told of at a place: account type, period, unit type."""
    return Counter(
        (
            (block.originating_registry_code, serial),
            (block.account_type, block.applicable_commit_period, block.unit_type),
        )
        for call in log.calls
        if isinstance(call, ReceiveUnitBlocksRequest)
        for block in call.unit_blocks
        for serial in range(block.unit_serial_block_start, block.unit_serial_block_end + 1)
    )


def reconciled(found: Found, log: Log, clock: SetClock, *wanted: Misbehaviour) -> Registry:
    """A registry of three blocks (GB 1-90 held, GB 91-100 cancelled, GB 101-130 retired), asked everything."""
    registry = found("GB", misbehave=wanted, blocks_per_message=2)
    registry.issue(UnitType.AAU, 130, period=1)
    log.settle()
    registry.cancel([SerialRange("GB", 91, 100)])
    registry.retire([SerialRange("GB", 101, 130)])
    log.settle()
    log.calls.clear()
    registry.receive(initiate())
    log.settle()
    clock.set(SNAPSHOT)
    for message in (ask_totals(), ask_blocks(), ask_trail(("GB", 1, 1))):
        registry.receive(message)
        log.settle()
    return registry


RIGHT = [(1, 90, (100, 1, 1)), (91, 100, (230, 1, 1)), (101, 130, (300, 1, 1))]


def at(place: Place, first: int, last: int, times: int = 1) -> Counter[tuple[Unit, Place]]:
    return Counter({(("GB", serial), place): times for serial in range(first, last + 1)})


def gb(first: int, last: int) -> SerialRange:
    return SerialRange("GB", first, last)


HELD, CANCELLED, RETIRED = (place for _, _, place in RIGHT)
RECORD = [
    (Misbehaviour(Fault.LOST_BLOCK), NOTHING, at(CANCELLED, 91, 100)),
    (Misbehaviour(Fault.LOST_BLOCK, gb(5, 6)), NOTHING, at(HELD, 5, 6)),
    (Misbehaviour(Fault.LOST_PART), NOTHING, at(CANCELLED, 94, 97)),
    (Misbehaviour(Fault.LOST_PART, gb(1, 1)), NOTHING, at(HELD, 1, 1)),
    (Misbehaviour(Fault.EXTRA_BLOCK), at(CANCELLED, 1130, 1139), NOTHING),
    (Misbehaviour(Fault.EXTRA_BLOCK, gb(500, 501)), at(RETIRED, 500, 501), NOTHING),
    (Misbehaviour(Fault.DOUBLE_BLOCK), at(CANCELLED, 91, 100), NOTHING),
    (Misbehaviour(Fault.DOUBLE_BLOCK, gb(130, 130)), at(RETIRED, 130, 130), NOTHING),
    (Misbehaviour(Fault.OTHER_CUT), NOTHING, NOTHING),
    (Misbehaviour(Fault.OTHER_CUT, gb(1, 90)), NOTHING, NOTHING),
    (Misbehaviour(Fault.WRONG_PERIOD), at((230, 2, 1), 91, 100), at(CANCELLED, 91, 100)),
    (Misbehaviour(Fault.WRONG_PERIOD, gb(101, 101)), at((300, 2, 1), 101, 101), at(RETIRED, 101, 101)),
    (Misbehaviour(Fault.WRONG_ACCOUNT_TYPE), at((300, 1, 1), 91, 100), at(CANCELLED, 91, 100)),
    (Misbehaviour(Fault.WRONG_ACCOUNT_TYPE, gb(90, 90)), at((230, 1, 1), 90, 90), at(HELD, 90, 90)),
    (Misbehaviour(Fault.WRONG_UNIT_TYPE), at((230, 1, 2), 91, 100), at(CANCELLED, 91, 100)),
]


@pytest.mark.parametrize(("wanted", "more", "less"), RECORD, ids=str)
def test_a_fault_of_the_record_is_in_totals_and_blocks(
    found: Found,
    log: Log,
    clock: SetClock,
    wanted: Misbehaviour,
    more: Counter[tuple[Unit, Place]],
    less: Counter[tuple[Unit, Place]],
) -> None:
    right = sum((at(place, first, last) for first, last, place in RIGHT), NOTHING)
    reconciled(found, log, clock, wanted)
    told = units_of(log)
    assert told - right == more
    assert right - told == less
    counted = Counter[tuple[int, int, int]]()
    for (_, (account_type, period, unit_type)), times in told.items():
        counted[account_type, 0 if account_type == 100 else period, unit_type] += times
    assert told_totals(log) == [dict(counted)]


def test_a_cut_is_told_as_two_blocks(found: Found, log: Log, clock: SetClock) -> None:
    reconciled(found, log, clock, Misbehaviour(Fault.OTHER_CUT, gb(11, 90)))
    assert sorted(block for part in told_blocks(log) for block in part)[:2] == [
        ("GB", 1, 10, 100),
        ("GB", 11, 90, 100),
    ]


def test_several_faults_lie_at_several_blocks(found: Found, log: Log, clock: SetClock) -> None:
    told: list[Event] = []
    wanted = [Misbehaviour(fault) for fault in (Fault.LOST_BLOCK, Fault.DOUBLE_BLOCK, Fault.OTHER_CUT)]
    registry = found("GB", misbehave=tuple(wanted))
    registry.on_event(told.append)
    for first in (1, 101, 201, 301, 401):
        registry.issue(UnitType.AAU, 100, period=1, start=first)
    log.settle()
    clock.set(SNAPSHOT)
    registry.receive(initiate())
    registry.process()
    assert [event.text for event in told if event.kind == "misbehaved"] == [
        "lost-block: GB-101-200",
        "double-block: GB-201-300",
        "other-cut: GB-401-500",
    ]


def test_a_fault_that_suits_no_block_is_told(found: Found, log: Log, clock: SetClock) -> None:
    told: list[Event] = []
    registry = found("GB", misbehave=(Misbehaviour(Fault.WRONG_PERIOD),))
    registry.on_event(told.append)
    registry.issue(UnitType.AAU, 100, period=1)
    log.settle()
    registry.receive(initiate(at=NOON))
    registry.process()
    assert "wrong-period: no block that suits" in [event.text for event in told]


def test_wrong_totals_are_of_totals_alone(found: Found, log: Log, clock: SetClock) -> None:
    reconciled(found, log, clock, Misbehaviour(Fault.WRONG_TOTALS))
    assert told_totals(log) == [{(100, 0, 1): 91, (230, 1, 1): 10, (300, 1, 1): 30}]
    assert units_of(log) == sum((at(place, first, last) for first, last, place in RIGHT), NOTHING)


def test_contradictory_parts(found: Found, log: Log, clock: SetClock) -> None:
    reconciled(found, log, clock, Misbehaviour(Fault.CONTRADICTORY_PARTS))
    assert told_blocks(log) == [
        [("GB", 1, 90, 100), ("GB", 91, 100, 230)],
        [("GB", 101, 130, 300)],
        [("GB", 101, 130, 100)],
    ]


def test_late(found: Found, log: Log, clock: SetClock) -> None:
    registry = reconciled(found, log, clock, Misbehaviour(Fault.LATE))
    assert log.calls == []
    clock.set(SNAPSHOT + registry.settings.lateness - timedelta(seconds=1))
    log.settle()
    assert log.calls == []
    clock.advance(timedelta(seconds=1))
    log.settle()
    assert (len(told_totals(log)), len(told_blocks(log)), len(told_trail(log))) == (1, 2, 1)


def test_no_answer(found: Found, log: Log, clock: SetClock) -> None:
    registry = reconciled(found, log, clock, Misbehaviour(Fault.NO_ANSWER))
    clock.advance(timedelta(days=365))
    log.settle()
    assert log.calls == []
    assert [entry.status for entry in registry.reconciliations()[0].history] == [0, 1, 3, 4]


def test_answers_twice(found: Found, log: Log, clock: SetClock) -> None:
    reconciled(found, log, clock, Misbehaviour(Fault.ANSWERS_TWICE))
    assert log.calls[::2] == log.calls[1::2]
    assert (len(told_totals(log)), len(told_blocks(log)), len(told_trail(log))) == (2, 4, 2)


def test_answers_early(found: Found, log: Log, clock: SetClock) -> None:
    """What it holds at once, before it is asked; and what it held at the snapshot, when it is."""
    registry = found("GB", misbehave=(Misbehaviour(Fault.ANSWERS_EARLY),))
    registry.issue(UnitType.AAU, 130, period=1)
    log.settle()
    log.calls.clear()
    registry.receive(initiate())
    log.settle()
    assert told_totals(log) == [{(100, 0, 1): 130}]
    clock.advance(timedelta(minutes=1))
    registry.cancel([gb(1, 30)])
    log.settle()
    clock.set(SNAPSHOT + QUARTER)
    registry.receive(ask_totals())
    log.settle()
    assert told_totals(log)[1:] == [{(100, 0, 1): 100, (230, 1, 1): 30}]


def test_denies(found: Found, log: Log) -> None:
    registry = found("GB", misbehave=(Misbehaviour(Fault.DENIES),))
    assert registry.receive(initiate()) == (1510,)
    registry.settle()
    assert registry.reconciliations() == []
    assert registry.receive(ask_totals()) == (), "only the beginning is refused"


def test_every_fault_is_described() -> None:
    assert set(FAULTS) == set(Fault)
    assert set(Fault) > UNDIFFERENT
    page = (Path(__file__).parents[2] / "docs" / "registry_client.rst").read_text()
    rows = [f"   * - ``{fault}``\n     - {FAULTS[fault].does}\n     - {FAULTS[fault].finds}\n" for fault in Fault]
    assert [row for row in rows if row not in page] == []
