"""Limits of Parties: worked examples from figures that Parties published, and their bounds to the unit."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itl.checks import limits
from itl.checks.world import REFERENCE
from itl.reference import PartyPeriod

NZ_ASSIGNED, NZ_RESERVE = 309_564_733, 278_608_260
RU_ASSIGNED, RU_INVENTORY, RU_RESERVE = 16_617_095_319, 2_297_151_798, 11_485_758_990
UA_ASSIGNED, UA_INVENTORY, UA_RESERVE = 4_604_184_663, 402_665_950, 2_013_329_750


def reference(party="XX", period=1, base_year=None, **facts):
    entry = PartyPeriod(party, period, **facts)
    base = {} if base_year is None else {party: base_year}
    return replace(REFERENCE, party_periods={(party, period): entry}, base_year_emissions=base)


@pytest.mark.parametrize(
    ("facts", "reserve"),
    [
        ({"assigned_amount": NZ_ASSIGNED}, NZ_RESERVE),
        ({"assigned_amount": RU_ASSIGNED, "reviewed_inventory": RU_INVENTORY}, RU_RESERVE),
        ({"assigned_amount": UA_ASSIGNED, "reviewed_inventory": UA_INVENTORY}, UA_RESERVE),
        ({"reviewed_inventory": UA_INVENTORY}, UA_RESERVE),
        ({"assigned_amount": 1000, "reviewed_inventory": 180}, 900),
        ({"assigned_amount": 1000, "reviewed_inventory": 179}, 895),
        ({"assigned_amount": 1001}, 901),
        ({"assigned_amount": NZ_ASSIGNED, "recorded_reserve": 7}, 7),
        ({"recorded_reserve": 0}, 0),
        ({}, None),
    ],
    ids=[
        "New Zealand: 90 %, rounded up", "Russian Federation: five inventories", "Ukraine: five inventories",
        "no assigned amount", "both the same", "the inventory is lower", "a part of a unit is a unit",
        "what is recorded goes first", "even nought", "nothing is recorded",
    ],
)  # fmt: skip
def test_reserve_of_the_first_period(facts, reserve):
    assert limits.reserve(reference(**facts), "XX", 1) == reserve


def test_the_second_period_has_eight_years_and_the_periods_are_data():
    assert limits.reserve(reference(period=2, reviewed_inventory=UA_INVENTORY), "XX", 2) == 8 * UA_INVENTORY
    assert [limits.years(REFERENCE, period) for period in (1, 2, 3)] == [5, 8, 0]
    assert limits.reserve(reference(period=3, reviewed_inventory=UA_INVENTORY), "XX", 3) is None


def test_a_party_of_which_nothing_is_recorded_has_no_limits():
    nothing = replace(REFERENCE, party_periods={}, base_year_emissions={})
    for limit in (limits.assigned_amount, limits.reserve, limits.lulucf_limit, limits.carry_over_limit):
        assert limit(nothing, "XX", 1) is None
    assert limits.surplus_limit(nothing, "XX", 2) is None


@pytest.mark.parametrize(
    ("limit", "period", "expected"),
    [
        (limits.carry_over_limit, 1, 415_427_382),
        (limits.surplus_limit, 2, 332_341_906),
        (limits.surplus_limit, 1, None),
        (limits.carry_over_limit, 2, None),
    ],
    ids=["2.5 % of Russia's assigned amount", "2 % of it, in the period after", "none before", "none for the second"],
)
def test_shares_of_the_assigned_amount(limit, period, expected):
    assert limit(reference(assigned_amount=RU_ASSIGNED), "XX", period) == expected


@pytest.mark.parametrize(("period", "expected"), [(1, 500), (2, 801)])
def test_one_percent_of_the_base_year_times_the_years(period, expected):
    assert limits.lulucf_limit(reference(base_year=10_019), "XX", period) == expected


@given(st.integers(0, 10**13))
def test_the_reserve_is_the_least_whole_level_that_is_not_below_90_percent(assigned):
    level = limits.reserve(reference(assigned_amount=assigned), "XX", 1)
    assert 10 * level >= 9 * assigned > 10 * (level - 1)


@given(st.integers(0, 10**13))
def test_the_other_shares_are_the_greatest_that_are_not_above(amount):
    facts = reference(assigned_amount=amount, base_year=amount)
    most = limits.carry_over_limit(facts, "XX", 1)
    assert 1000 * most <= 25 * amount < 1000 * (most + 1)
    most = limits.surplus_limit(facts, "XX", 2)
    assert 100 * most <= 2 * amount < 100 * (most + 1)
    most = limits.lulucf_limit(facts, "XX", 1)
    assert 100 * most <= 5 * amount < 100 * (most + 1)


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (datetime(2015, 11, 19, tzinfo=UTC), datetime(2015, 11, 19, tzinfo=UTC)),
        (None, datetime(2013, 1, 1, tzinfo=UTC)),
        (datetime(2012, 1, 1, tzinfo=UTC), datetime(2013, 1, 1, tzinfo=UTC)),
    ],
    ids=["as recorded", "not recorded", "never before the period ends"],
)
def test_end_of_true_up(recorded, expected):
    assert limits.true_up_end(reference(true_up_end=recorded), "XX", 1) == expected


def test_end_of_true_up_of_others_and_of_no_period():
    assert limits.true_up_end(reference(), "YY", 1) == datetime(2013, 1, 1, tzinfo=UTC)
    assert limits.true_up_end(reference(), "XX", 3) is None
