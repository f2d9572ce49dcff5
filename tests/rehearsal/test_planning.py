"""What a rehearsal is made of: both sides hold the same units, faults are apart from each other, and can be found."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itl.errors import UsageError
from itl.ledger.block import SerialRange
from itl.ledger.placement import Placement, placement
from itl.rehearsal.holdings import KINDS, Run, count, run, runs
from itl.rehearsal.planting import FOUND_AS, plan
from registry_client.faults import Fault
from registry_client.identifiers import SerialRange as RegistryRange

SEEDS = st.integers(0, 2**32)
SIZES = st.integers(1, 300)


def covers(run: Run, blocks: tuple[SerialRange, ...]) -> bool:
    """Whether the blocks make up the run, each serial once."""
    return (
        blocks[0].start == run.range.start
        and blocks[-1].end == run.range.end
        and all(first.end + 1 == second.start for first, second in pairwise(blocks))
        and all(block.quantity > 0 for block in blocks)
    )


@given(SEEDS, SIZES)
def test_both_sides_hold_the_same_units(seed: int, blocks: int) -> None:
    made = list(runs(seed, blocks))
    assert sum(len(each.log) for each in made) == blocks
    assert all(covers(each, each.log) and covers(each, each.registry) for each in made)
    assert all(first.range.end < second.range.start for first, second in pairwise(made))


@given(SEEDS, SIZES, st.data())
def test_a_run_follows_from_its_number(seed: int, blocks: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, count(blocks) - 1))
    assert list(runs(seed, blocks))[number] == run(seed, blocks, number)


def test_a_draw_is_of_many_kinds_and_cuts() -> None:
    made = list(runs(1, 4_000))
    assert len({each.kind for each in made}) == len(KINDS)
    assert sum(each.log != each.registry for each in made) > len(made) * 0.9
    assert [each.range for each in made] != [each.range for each in runs(2, 4_000)]


@settings(deadline=None)
@given(SEEDS, st.integers(40, 400), st.integers(1, 8))
def test_faults_are_apart_and_at_blocks_that_suit(seed: int, blocks: int, faults: int) -> None:
    made = plan(seed, blocks, faults)
    held = {block for each in runs(seed, blocks) for block in each.registry}
    places = [each.units for each in made.misbehave]
    touched = [run(seed, blocks, (each.start - 1) // 10_000) for each in places if each is not None]
    assert len({each.range for each in touched}) == len(places) == faults + max(1, faults // 5)
    for each, of in zip(made.misbehave, touched, strict=True):
        assert isinstance(each.units, RegistryRange)
        inside = [block for block in held if block.start <= each.units.start and each.units.end <= block.end]
        assert len(inside) == (0 if each.fault is Fault.EXTRA_BLOCK else 1)
        assert each.fault is not Fault.LOST_PART or inside[0].start < each.units.start <= each.units.end < inside[0].end
        assert each.fault is not Fault.WRONG_PERIOD or of.kind.counts_by_period
    planted = Counter(each.fault for each in made.misbehave if each.fault is not Fault.OTHER_CUT)
    assert Counter(each.kind for each in made.expected) == sum(
        (Counter({str(FOUND_AS[fault]): number}) for fault, number in planted.items()), Counter[str]()
    )


@settings(deadline=None)
@given(SEEDS)
def test_no_fault_hides_behind_another(seed: int) -> None:
    """In each placement that a fault touches, the registry's total is another than the log's."""
    blocks = 60
    made = plan(seed, blocks, 10)
    log, registry = Counter[Placement](), Counter[Placement]()
    touched: set[Placement] = set()
    at = {(each.units.start - 1) // 10_000: each for each in made.misbehave if each.units is not None}
    for number, each in enumerate(runs(seed, blocks)):
        kind = each.kind
        right = placement(kind.account_type, kind.applicable_period, kind.unit_type)
        log[right] += each.range.quantity
        registry[right] += each.range.quantity
        fault = at.get(number)
        if fault is None or fault.units is None or fault.fault is Fault.OTHER_CUT:
            continue
        touched.add(right)
        quantity = fault.units.quantity
        if fault.fault in (Fault.EXTRA_BLOCK, Fault.DOUBLE_BLOCK):
            registry[right] += quantity
            continue
        registry[right] -= quantity
        other = {
            Fault.WRONG_PERIOD: placement(kind.account_type, 3 - kind.applicable_period, kind.unit_type),
            Fault.WRONG_UNIT_TYPE: placement(
                kind.account_type, kind.applicable_period, 2 if kind.unit_type == 1 else 1
            ),
            Fault.WRONG_ACCOUNT_TYPE: placement(
                {100: 230, 230: 300}.get(kind.account_type, 100), kind.applicable_period, kind.unit_type
            ),
        }.get(fault.fault)
        if other is not None:
            touched.add(other)
            registry[other] += quantity
    assert [placed for placed in touched if log[placed] == registry[placed]] == []


def test_a_draw_depends_on_the_seed_alone() -> None:
    assert plan(7, 400, 8) == plan(7, 400, 8) != plan(8, 400, 8)


def test_too_many_faults_have_no_room() -> None:
    with pytest.raises(UsageError, match="no room for 10 faults and 2 cuts"):
        plan(1, 40, 10)
