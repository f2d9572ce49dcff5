"""Ranges of units, as the tests count them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registry_client.conformance.making import joined, without

Ranges = list[tuple[str, int, int]]

_RANGES = st.lists(
    st.tuples(st.sampled_from(["FR", "GB"]), st.integers(1, 30), st.integers(0, 8)).map(
        lambda each: (each[0], each[1], each[1] + each[2])
    ),
    max_size=8,
)


def units(ranges: Ranges) -> set[tuple[str, int]]:
    return {(code, serial) for code, start, end in ranges for serial in range(start, end + 1)}


@given(_RANGES, _RANGES)
def test_without_takes_just_the_units_away(ranges: Ranges, taken: Ranges) -> None:
    left = without(ranges, taken)
    assert units(left) == units(ranges) - units(taken)
    assert joined(left) == left


@given(_RANGES)
def test_joined_names_each_unit_once(ranges: Ranges) -> None:
    found = joined(ranges)
    assert units(found) == units(ranges)
    assert sum(end - start + 1 for _, start, end in found) == len(units(ranges))
