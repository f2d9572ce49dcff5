"""Comparing two sides by one pass, held against a model that looks at every unit on its own."""

import tracemalloc
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itl.errors import LedgerError
from itl.ledger.block import SerialRange
from itl.ledger.comparison import Difference, differences
from itl.ledger.placement import PlacedUnits, Placement, placement
from itl.ledger.ranges import by_serial

HELD, OTHER, RETIRED = placement(100, 1, 1), placement(100, 1, 5), placement(300, 1, 1)


def blocks(*given_blocks: tuple[str, Placement]) -> list[PlacedUnits]:
    """`("GB 1-9", HELD)`: blocks, sorted as a side must be."""

    def read(text: str) -> SerialRange:
        registry, _, serials = text.partition(" ")
        start, _, end = serials.partition("-")
        return SerialRange(registry, int(start), int(end or start))

    return in_order(PlacedUnits(read(text), placed) for text, placed in given_blocks)


def in_order(side: Iterable[PlacedUnits]) -> list[PlacedUnits]:
    return sorted(side, key=lambda each: by_serial(each.range))


def shown(found: list[Difference]) -> list[tuple[str, str]]:
    return [(f"{each.range.originating_registry} {each.range.start}-{each.range.end}", each.kind) for each in found]


CASES = {
    "the same units, cut in another way": ([("GB 1-9", HELD)], [("GB 1-4", HELD), ("GB 5-9", HELD)], []),
    "nothing on either side": ([], [], []),
    "units that the registry does not name": (
        [("GB 1-9", HELD)],
        [("GB 1-3", HELD), ("GB 8-9", HELD)],
        [("GB 4-7", "missing")],
    ),
    "units that the log does not hold there": (
        [("GB 4-7", HELD)],
        [("GB 1-9", HELD)],
        [("GB 1-3", "unknown"), ("GB 8-9", "unknown")],
    ),
    "neighbours that differ alike, however they are cut, are one": (
        [("GB 1-3", HELD), ("GB 4-9", HELD)],
        [("GB 1-5", RETIRED), ("GB 6-9", RETIRED)],
        [("GB 1-9", "elsewhere")],
    ),
    "neighbours that differ in different ways are two": (
        [("GB 1-9", HELD)],
        [("GB 1-5", RETIRED), ("GB 6-9", OTHER)],
        [("GB 1-5", "elsewhere"), ("GB 6-9", "elsewhere")],
    ),
    "equal serials of other originating registries are other units": (
        [("FR 1-9", HELD)],
        [("GB 1-9", HELD)],
        [("FR 1-9", "missing"), ("GB 1-9", "unknown")],
    ),
    "a serial named twice, also where it is as it should be": (
        [("GB 1-9", HELD)],
        [("GB 1-9", HELD), ("GB 3-4", HELD)],
        [("GB 3-4", "double")],
    ),
    "a serial named twice that the log does not hold there": (
        [],
        [("GB 1-2", HELD), ("GB 2-3", RETIRED)],
        [
            ("GB 1-1", "unknown"),
            ("GB 2-2", "double"),
            ("GB 3-3", "unknown"),
        ],
    ),
    "named twice and thrice in the same placement is one way to differ": (
        [("GB 1-9", HELD)],
        [("GB 1-9", HELD), ("GB 1-9", HELD), ("GB 5-6", HELD)],
        [("GB 1-9", "double")],
    ),
}


@pytest.mark.parametrize(("log", "registry", "found"), CASES.values(), ids=CASES)
def test_differences_are_the_fewest_ranges(log, registry, found):
    assert shown(list(differences(blocks(*log), blocks(*registry)))) == found


TOLERATED = {
    "the account period of a holding account": (placement(100, 2, 1), placement(100, 0, 1), True),
    "of an account for persons": (placement(121, 1, 1), placement(121, 3, 1), True),
    "of a retirement account it counts": (placement(300, 1, 1), placement(300, 2, 1), False),
    "of the surplus reserve it counts": (placement(130, 2, 1), placement(130, 0, 1), False),
    "the account, when accounts are not compared": (placement(100, 0, 1, 5), placement(100, 0, 1, 6), True),
    "the unit type counts": (placement(100, 0, 1), placement(100, 0, 5), False),
}


@pytest.mark.parametrize(("log", "registry", "equal"), TOLERATED.values(), ids=TOLERATED)
def test_what_both_sides_may_tell_differently(log, registry, equal):
    assert (list(differences(blocks(("GB 1-9", log)), blocks(("GB 1-9", registry)))) == []) is equal


@pytest.mark.parametrize(
    ("log", "registry", "equal"), [(5, 5, True), (5, 6, False), (5, None, True), (None, 6, True), (None, None, True)]
)
def test_accounts_count_where_they_are_compared_and_both_tell_them(log, registry, equal):
    ours, theirs = (blocks(("GB 1-9", placement(100, 0, 1, account))) for account in (log, registry))
    assert (list(differences(ours, theirs, by_account=True)) == []) is equal


def test_a_side_that_is_not_sorted_is_refused():
    two = blocks(("GB 1-3", HELD), ("GB 4-9", HELD))
    for sides in ((two[::-1], two), (two, two[::-1])):
        with pytest.raises(LedgerError, match="sort"):
            list(differences(*sides))


def test_a_log_that_has_a_unit_twice_is_refused():
    with pytest.raises(LedgerError, match="twice"):
        list(differences(blocks(("GB 1-3", HELD), ("GB 3-9", HELD)), []))


# The model -----------------------------------------------------------------------------------------------------------

places = st.sampled_from([HELD, RETIRED, Placement(100, 0, 1, 7), Placement(100, 0, 1, 8)])
serials = st.integers(1, 30)
placed_ranges = st.builds(
    lambda registry, a, length, placed: PlacedUnits(SerialRange(registry, a, a + length), placed),
    st.sampled_from(["FR", "GB"]),
    serials,
    st.integers(0, 12),
    places,
)
sides = st.lists(placed_ranges, max_size=8).map(in_order)


def disjoint(side):
    """`side` with the units that come twice left out the second time."""
    seen, kept = set(), []
    for each in side:
        units = {(each.range.originating_registry, serial) for serial in range(each.range.start, each.range.end + 1)}
        if not units & seen:
            kept.append(each)
        seen |= units
    return kept


def named(side, by_account):
    """By unit, all placements in which a side names it."""
    found = {}
    for each in side:
        for serial in range(each.range.start, each.range.end + 1):
            placed = each.placement if by_account else each.placement.bare
            found.setdefault((each.range.originating_registry, serial), []).append(placed)
    return found


def model(log, registry, by_account):
    """By unit, how both sides see it where they differ."""
    ours, theirs = named(log, by_account), named(registry, by_account)
    found = {}
    for unit in ours.keys() | theirs.keys():
        held, told = ours.get(unit, [None])[0], theirs.get(unit, [])
        double = len(told) > 1
        if double:
            told = sorted({placed.bare for placed in told})
        elif held is not None and told and held.agrees(told[0]):
            continue
        found[unit] = (held, tuple(told), double)
    return found


def by_unit(found):
    return {
        (each.range.originating_registry, serial): (each.log, each.registry, each.double)
        for each in found
        for serial in range(each.range.start, each.range.end + 1)
    }


@given(sides.map(disjoint), sides, st.booleans())
def test_every_unit_is_judged_as_the_model_judges_it(log, registry, by_account):
    found = list(differences(log, registry, by_account=by_account))
    assert by_unit(found) == model(log, registry, by_account)
    assert sum(each.range.quantity for each in found) == len(by_unit(found))
    assert [each.range for each in found] == sorted((each.range for each in found), key=by_serial)
    for left, right in pairwise(found):
        touch = (left.range.originating_registry, left.range.end + 1) == by_serial(right.range)[:2]
        assert not touch or (left.log, left.registry, left.double) != (right.log, right.registry, right.double)


def cut(side, at):
    """`side` with each block that has one of the serials `at` inside cut there."""
    parts = []
    for each in side:
        edges = [each.range.start, *sorted({serial for serial in at if each.range.start < serial <= each.range.end})]
        for start, behind in pairwise([*edges, each.range.end + 1]):
            parts.append(PlacedUnits(SerialRange(each.range.originating_registry, start, behind - 1), each.placement))
    return in_order(parts)


@given(sides.map(disjoint), sides, st.sets(serials), st.sets(serials), st.booleans())
def test_how_the_sides_cut_their_blocks_does_not_matter(log, registry, our_cuts, their_cuts, by_account):
    plain = list(differences(log, registry, by_account=by_account))
    assert list(differences(cut(log, our_cuts), cut(registry, their_cuts), by_account=by_account)) == plain


# Memory --------------------------------------------------------------------------------------------------------------


def peak_of(size, reach):
    """Bytes that comparing `size` blocks a side needs at most; each of the registry's reaches over `reach` others."""

    def side(length):
        return (PlacedUnits(SerialRange("GB", 10 * at + 1, 10 * at + length), HELD) for at in range(size))

    tracemalloc.start()
    try:
        found = sum(1 for _ in differences(side(9), side(9 + 10 * reach)))
        return found, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("reach", [0, 100], ids=["disjoint", "each named by a hundred blocks"])
def test_memory_does_not_grow_with_the_length_of_the_sides(reach):
    """Blocks of one side that were kept would take 150 bytes each."""
    found, peak = peak_of(5_000, reach)
    assert (found > 5_000) is (reach > 0)
    assert peak < 5_000 * 50
