"""Which differences a transaction in flight explains."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itl.ledger.block import Attributes, HeldBlock, Place, SerialRange
from itl.ledger.comparison import differences
from itl.ledger.explanation import Movement, explain, movements
from itl.ledger.operations import Change, issue, move
from itl.ledger.placement import Placement, placement
from tests.ledger.test_comparison import HELD, RETIRED, blocks, by_unit, cut, disjoint, sides

CANCELLED = placement(230, 1, 1)


def units(start: int, end: int) -> SerialRange:
    return SerialRange("GB", start, end)


def moving(start: int, end: int, before: Placement | None, after: Placement | None, by: str = "GB7") -> Movement:
    return Movement(units(start, end), before, after, by)


CASES = {
    "the registry has carried it out, the log not yet": (
        [("GB 1-9", HELD)],
        [("GB 1-9", RETIRED)],
        [moving(1, 9, HELD, RETIRED)],
        [(1, 9, ("GB7",))],
    ),
    "the log has carried it out, the registry not yet": (
        [("GB 1-9", RETIRED)],
        [("GB 1-9", HELD)],
        [moving(1, 9, HELD, RETIRED)],
        [(1, 9, ("GB7",))],
    ),
    "units that leave the registry, and have left it there": (
        [("GB 1-9", HELD)],
        [],
        [moving(1, 9, HELD, None)],
        [(1, 9, ("GB7",))],
    ),
    "units that come, or are issued, and are there already": (
        [],
        [("GB 1-9", HELD)],
        [moving(1, 9, None, HELD)],
        [(1, 9, ("GB7",))],
    ),
    "the registry has them where no transaction leads": (
        [("GB 1-9", HELD)],
        [("GB 1-9", CANCELLED)],
        [moving(1, 9, HELD, RETIRED)],
        [(1, 9, ())],
    ),
    "just a part is explained": (
        [("GB 1-9", HELD)],
        [("GB 1-9", RETIRED)],
        [moving(3, 5, HELD, RETIRED), moving(20, 30, HELD, RETIRED)],
        [(1, 2, ()), (3, 5, ("GB7",)), (6, 9, ())],
    ),
    "two blocks of one transaction explain one range": (
        [("GB 1-9", HELD)],
        [("GB 1-9", RETIRED)],
        [moving(1, 5, HELD, RETIRED), moving(6, 12, HELD, RETIRED)],
        [(1, 9, ("GB7",))],
    ),
    "the registry is two transactions behind": (
        [("GB 1-9", CANCELLED)],
        [("GB 1-9", HELD)],
        [moving(1, 9, HELD, RETIRED, "GB1"), moving(1, 9, RETIRED, CANCELLED, "GB2")],
        [(1, 9, ("GB1",))],
    ),
    "units named twice are never explained": (
        [("GB 1-9", HELD)],
        [("GB 1-9", HELD), ("GB 4", RETIRED)],
        [moving(1, 9, HELD, RETIRED)],
        [(4, 4, ())],
    ),
    "the same serials of another originating registry": (
        [("FR 1-9", HELD)],
        [],
        [moving(1, 9, HELD, None)],
        [(1, 9, ())],
    ),
}


@pytest.mark.parametrize(("log", "registry", "in_flight", "found"), CASES.values(), ids=CASES)
def test_what_explains_a_difference(log, registry, in_flight, found):
    told = explain(differences(blocks(*log), blocks(*registry)), in_flight)
    assert [(each.difference.range.start, each.difference.range.end, each.explained_by) for each in told] == found


def test_accounts_that_one_side_leaves_out_do_not_stand_in_the_way():
    told = Placement(300, 1, 1, 12)
    sides = blocks(("GB 1-9", HELD)), blocks(("GB 1-9", told))
    [found] = explain(differences(*sides, by_account=True), [moving(1, 9, HELD, RETIRED)])
    assert found.explained_by == ("GB7",)
    [found] = explain(
        differences(*sides, by_account=True), [moving(1, 9, HELD, replace(RETIRED, account_identifier=4))]
    )
    assert found.explained_by == ()


@given(
    sides.map(disjoint),
    sides,
    st.lists(
        st.builds(
            lambda start, length, before, after, by: moving(start, start + length, before, after, by),
            st.integers(1, 40),
            st.integers(0, 9),
            st.sampled_from([None, HELD, RETIRED]),
            st.sampled_from([None, HELD, RETIRED]),
            st.sampled_from(["GB1", "GB2"]),
        ),
        max_size=6,
    ),
    st.sets(st.integers(1, 40)),
)
def test_every_unit_is_explained_as_if_it_were_alone(log, registry, in_flight, cuts):
    """However differences are cut, each unit of theirs is in one finding, with just the transactions that match it."""
    found = list(differences(log, registry))
    told = {}
    for finding in explain(found, in_flight):
        part = finding.difference
        for serial in range(part.range.start, part.range.end + 1):
            assert told.setdefault((part.range.originating_registry, serial), finding) is finding
    assert told.keys() == by_unit(found).keys()
    for (origin, serial), finding in told.items():
        view = finding.difference.registry[0] if finding.difference.registry else None
        expected = {
            each.transaction
            for each in in_flight
            if origin == "GB"
            and each.range.start <= serial <= each.range.end
            and not finding.difference.double
            and (view in (each.before, each.after) or (view is not None and view.bare in (each.before, each.after)))
        }
        assert finding.explained_by == tuple(sorted(expected))


# What a change of the ledger does to one registry's units ------------------------------------------------------------

AAU = Attributes(1, None, 1, 1, None, None, None, None, 1)
GB, GB_RETIRED, FR = Place("GB", 100, 1), Place("GB", 300, 2), Place("FR", 100, 3)


def held(start: int, end: int, place: Place) -> HeldBlock:
    return HeldBlock(units(start, end), AAU, place)


OF_CHANGES = {
    "units that stay are left out": ("GB", move([held(1, 9, GB)], [units(4, 6)], GB_RETIRED), [(4, 6, 100, 300)]),
    "units that leave": ("GB", move([held(1, 9, GB)], [units(4, 6)], FR), [(4, 6, 100, None)]),
    "the same units come to the other": ("FR", move([held(1, 9, GB)], [units(4, 6)], FR), [(4, 6, None, 100)]),
    "nothing to a third": ("JP", move([held(1, 9, GB)], [units(4, 6)], FR), []),
    "units that are issued": ("GB", issue([held(1, 9, GB)]), [(1, 9, None, 100)]),
    "nothing": ("GB", Change((), ()), []),
}


@pytest.mark.parametrize(("registry", "change", "expected"), OF_CHANGES.values(), ids=OF_CHANGES)
def test_movements_of_a_change(registry, change, expected):
    found = [
        (
            each.range.start,
            each.range.end,
            each.before and each.before.account_type,
            each.after and each.after.account_type,
        )
        for each in movements(registry, "GB7", change)
    ]
    assert found == expected


@given(sides.map(disjoint), st.sets(st.integers(1, 40)))
def test_equal_sides_have_nothing_to_explain(log, cuts):
    assert list(explain(differences(log, cut(log, cuts)), ())) == []
