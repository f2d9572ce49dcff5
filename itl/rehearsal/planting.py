"""Which faults a rehearsal plants, and where: drawn from the seed, each in a run of its own. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import count as numbers
from random import Random

from itl.errors import UsageError
from itl.ledger.block import SerialRange
from itl.ledger.comparison import DifferenceKind
from itl.ledger.placement import Placement, placement
from itl.rehearsal.holdings import LOG_BLOCKS, Kind, Run, count, run
from registry_client.faults import Fault, Misbehaviour
from registry_client.identifiers import SerialRange as RegistryRange
from registry_client.reconciliation.planting import OTHER_ACCOUNT_TYPE

FOUND_AS = {
    Fault.LOST_BLOCK: DifferenceKind.MISSING,
    Fault.LOST_PART: DifferenceKind.MISSING,
    Fault.EXTRA_BLOCK: DifferenceKind.UNKNOWN,
    Fault.DOUBLE_BLOCK: DifferenceKind.DOUBLE,
    Fault.WRONG_PERIOD: DifferenceKind.ELSEWHERE,
    Fault.WRONG_ACCOUNT_TYPE: DifferenceKind.ELSEWHERE,
    Fault.WRONG_UNIT_TYPE: DifferenceKind.ELSEWHERE,
}
"""The faults that are planted, and as what a log must find each."""

GAP = 100
"""Serials between a run and units that are told of without being there."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Units that differ, and how."""

    kind: str
    originating_registry: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What the registry is to get wrong: the faults, the cuts that are none, and what must be found of it."""

    misbehave: tuple[Misbehaviour, ...]
    expected: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Planted:
    fault: Fault
    units: SerialRange
    kind: Kind


def plan(seed: int, blocks: int, faults: int) -> Plan:
    """`faults` faults and a fifth as many harmless cuts, or one, at different runs; UsageError if there is no room.

    Where units that are too many in a place make up for others that are too few there, a comparison that begins with
    totals sees neither: such draws are drawn again. (One that begins with unit blocks sees both.)
    """
    decoys = max(1, faults // 5)
    if faults + decoys > count(blocks):
        raise UsageError(
            f"{blocks} blocks have no room for {faults} faults and {decoys} cuts, one in {LOG_BLOCKS} blocks: "
            "give more blocks, or fewer faults"
        )
    for attempt in numbers():
        draw = Random(f"{seed} {blocks} {faults} {attempt}")
        places = draw.sample(range(count(blocks)), faults + decoys)
        planted = [_draw(draw, run(seed, blocks, number)) for number in places[:faults]]
        if 0 not in _shifts(planted).values():
            break
    cuts = [
        Misbehaviour(Fault.OTHER_CUT, _named(draw.choice(run(seed, blocks, at).registry))) for at in places[faults:]
    ]
    return Plan(
        (*(Misbehaviour(each.fault, _named(each.units)) for each in planted), *cuts),
        tuple(sorted(_finding(each) for each in planted)),
    )


def _draw(draw: Random, of: Run) -> _Planted:
    """A fault that suits the run, at one of the registry's blocks."""
    block = draw.choice(of.registry)
    suits = [
        fault
        for fault in FOUND_AS
        if (fault is not Fault.LOST_PART or block.quantity >= 3)
        and (fault is not Fault.WRONG_PERIOD or of.kind.counts_by_period)
    ]
    fault = draw.choice(suits)
    start, end = block.start, block.end
    if fault is Fault.LOST_PART:
        start = draw.randrange(start + 1, end)
        end = draw.randrange(start, end)
    elif fault is Fault.EXTRA_BLOCK:
        start = of.range.end + GAP
        end = start + draw.randrange(1_000)
    return _Planted(fault, SerialRange(block.originating_registry, start, end), of.kind)


def _shifts(planted: list[_Planted]) -> Counter[Placement]:
    """By how many units the registry's totals are moved."""
    moved = Counter[Placement]()
    for each in planted:
        kind, quantity = each.kind, each.units.quantity
        right = placement(kind.account_type, kind.applicable_period, kind.unit_type)
        if each.fault in (Fault.EXTRA_BLOCK, Fault.DOUBLE_BLOCK):
            moved[right] += quantity
            continue
        moved[right] -= quantity
        match each.fault:
            case Fault.WRONG_PERIOD:
                period = 1 if kind.applicable_period == 2 else 2
                moved[placement(kind.account_type, period, kind.unit_type)] += quantity
            case Fault.WRONG_ACCOUNT_TYPE:
                account_type = OTHER_ACCOUNT_TYPE.get(kind.account_type, 100)
                moved[placement(account_type, kind.applicable_period, kind.unit_type)] += quantity
            case Fault.WRONG_UNIT_TYPE:
                unit_type = 2 if kind.unit_type == 1 else 1
                moved[placement(kind.account_type, kind.applicable_period, unit_type)] += quantity
    return moved


def _finding(planted: _Planted) -> Finding:
    units = planted.units
    return Finding(str(FOUND_AS[planted.fault]), units.originating_registry, units.start, units.end)


def _named(units: SerialRange) -> RegistryRange:
    return RegistryRange(units.originating_registry, units.start, units.end)
