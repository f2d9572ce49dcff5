"""The algebra of serial ranges, held against plain sets of (registry, serial)."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from itl.ledger.block import SerialRange
from itl.ledger.ranges import by_serial, intersection, overlaps, parts_in, quantity, subtraction, uncovered, union

serials = st.integers(1, 40)
ranges = st.builds(
    lambda registry, a, b: SerialRange(registry, min(a, b), max(a, b)), st.sampled_from(["FR", "GB"]), serials, serials
)
several = st.lists(ranges, max_size=12)


def units(of):
    return {(each.originating_registry, serial) for each in of for serial in range(each.start, each.end + 1)}


def in_normal_form(result):
    return sorted(result, key=by_serial) == result and all(
        left.originating_registry != right.originating_registry or left.end + 1 < right.start
        for left, right in pairwise(result)
    )


@given(several)
def test_union_holds_each_unit_once(given_ranges):
    result = union(given_ranges)
    assert units(result) == units(given_ranges)
    assert in_normal_form(result)
    assert quantity(result) == len(units(given_ranges))


@given(several, several)
def test_intersection_and_subtraction_part_a_set(left, right):
    common, rest = intersection(left, right), subtraction(left, right)
    assert units(common) == units(left) & units(right)
    assert units(rest) == units(left) - units(right)
    assert in_normal_form(common)
    assert in_normal_form(rest)


@given(several, several)
def test_what_is_uncovered_is_what_a_subtraction_leaves(left, right):
    assert list(uncovered(union(left), iter(union(right)))) == subtraction(left, right)


@given(ranges, several)
def test_parts_of_one_range_are_its_intersection(wanted, within):
    assert parts_in(wanted, union(within)) == intersection([wanted], within)


@given(several)
def test_overlaps_are_the_units_that_lie_in_two_ranges(given_ranges):
    counted = {}
    for unit in (unit for each in given_ranges for unit in units([each])):
        counted[unit] = counted.get(unit, 0) + 1
    assert units(overlaps(given_ranges)) == {unit for unit, count in counted.items() if count > 1}
    assert in_normal_form(overlaps(given_ranges))


def test_ranges_of_different_registries_never_meet():
    assert overlaps([SerialRange("FR", 1, 9), SerialRange("GB", 1, 9)]) == []
    assert union([SerialRange("FR", 1, 9), SerialRange("GB", 10, 19)]) == [
        SerialRange("FR", 1, 9),
        SerialRange("GB", 10, 19),
    ]
