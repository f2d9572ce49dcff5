"""Sums of both sides, and what blocks to ask for where they differ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itl.ledger.placement import Filter, Placement, placement, taken
from itl.ledger.totals_comparison import differing_account_types, differing_totals, filters

HELD, CER, RETIRED_1, RETIRED_2 = placement(100, 1, 1), placement(100, 1, 5), placement(300, 1, 1), placement(300, 2, 1)

CASES = {
    "equal": ({HELD: 10, CER: 5}, {HELD: 10, CER: 5}, [], []),
    "a sum of nothing is no sum": ({HELD: 10}, {HELD: 10, CER: 0}, [], []),
    "fewer in one account type": ({HELD: 10}, {HELD: 9}, [(HELD, 10, 9)], [100]),
    "a placement that one side does not have": ({}, {CER: 3}, [(CER, 0, 3)], [100]),
    "another unit type evens out within the account type": (
        {HELD: 10, CER: 5},
        {HELD: 8, CER: 7},
        [(HELD, 10, 8), (CER, 5, 7)],
        [],
    ),
    "another period does, too": ({RETIRED_1: 4}, {RETIRED_2: 4}, [(RETIRED_1, 4, 0), (RETIRED_2, 0, 4)], []),
    "accounts are one sum": ({placement(100, 0, 1, 5): 4, placement(100, 0, 1, 6): 6}, {HELD: 10}, [], []),
}


@pytest.mark.parametrize(("log", "registry", "found", "account_types"), CASES.values(), ids=CASES)
def test_sums_that_differ(log, registry, found, account_types):
    told = differing_totals(log, registry)
    assert [(each.placement, each.log, each.registry) for each in told] == found
    assert differing_account_types(log, registry) == account_types


A, B = placement(100, 0, 1, 5), placement(100, 0, 1, 6)


@pytest.mark.parametrize(
    ("log", "registry", "found"),
    [
        ({A: 4, B: 6}, {A: 6, B: 4}, [(A, 4, 6), (B, 6, 4)]),
        ({A: 4, B: 6}, {A: 10}, [(A, 4, 10), (B, 6, 0)]),
        ({A: 4, B: 6}, {HELD: 10}, []),
        ({A: 4, B: 6}, {HELD: 9}, [(HELD, 10, 9)]),
        ({A: 4, HELD: 6}, {A: 9, B: 1}, []),
    ],
    ids=["differ", "one lacks an account", "one tells no accounts", "and differs", "one tells some"],
)
def test_accounts_count_where_both_tell_them_all(log, registry, found):
    assert [
        (each.placement, each.log, each.registry) for each in differing_totals(log, registry, by_account=True)
    ] == found


placements = st.builds(
    placement,
    st.sampled_from([100, 130, 230, 300]),
    st.integers(0, 2),
    st.integers(1, 3),
    st.sampled_from([None, 5, 6]),
)
sums = st.dictionaries(placements, st.integers(0, 3))


@given(sums, sums, st.booleans())
def test_each_placement_that_differs_is_asked_for_once_and_no_other(log, registry, by_account):
    found = differing_totals(log, registry, by_account=by_account)
    asked = filters(found)
    for placed in log.keys() | registry.keys():
        expected = placed.bare in {each.placement.bare for each in found}
        assert sum(each.takes(placed) for each in asked) == expected


def test_a_filter_asks_for_what_it_names():
    placed = Placement(300, 1, 5, 12)
    for each, takes in [
        (Filter(), True),
        (Filter(300), True),
        (Filter(300, 1, 5, 12), True),
        (Filter(100), False),
        (Filter(account_period=2), False),
        (Filter(unit_type=1), False),
        (Filter(account_identifier=13), False),
    ]:
        assert each.takes(placed) is takes
    assert taken(placed, [])
    assert taken(placed, [Filter(100), Filter(300)])
    assert not taken(placed, [Filter(100)])
