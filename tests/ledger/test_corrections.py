"""Corrections: units stay in one place each, and are just what the correction says."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itl.errors import LedgerError
from itl.ledger.block import Attributes, HeldBlock, Place, SerialRange
from itl.ledger.corrections import (
    Piece,
    added,
    altered,
    came_into_being,
    change,
    corrected_units,
    moved_to,
    removed,
)
from itl.ledger.ranges import quantity, union
from itl.ledger.snapshot import Snapshot
from itl.ledger.totals import TotalKey, TotalKind

AAU = Attributes(1, None, 1, 1, None, None, None, None, 1)
RMU = Attributes(2, None, 1, 1, 3, None, None, None, 2)
CER = Attributes(5, None, 1, 1, None, 77, None, None, 5)
GB, FR, CANCELLED = Place("GB", 100, 1), Place("FR", 100, 2), Place("GB", 230, 3)


def gb(start: int, end: int) -> SerialRange:
    return SerialRange("GB", start, end)


def held(start: int, end: int, place: Place = GB, what: Attributes = AAU) -> HeldBlock:
    return HeldBlock(gb(start, end), what, place)


ROWS = [held(1, 10), held(11, 20, CANCELLED)]


def to_second_period(block: HeldBlock) -> HeldBlock:
    return replace(block, attributes=replace(block.attributes, applicable_commit_period=2))


def shown(block: HeldBlock) -> tuple[int, int, str, int, int]:
    place = block.place
    return (
        block.range.start,
        block.range.end,
        place.registry,
        place.account_type,
        block.attributes.applicable_commit_period,
    )


CHANGES = {
    "a part goes to another registry": (
        altered(ROWS, [gb(4, 6)], moved_to(FR)),
        [(1, 3, "GB", 100, 1), (4, 6, "FR", 100, 1), (7, 10, "GB", 100, 1)],
    ),
    "units of two rows go to one place; what is there already stays": (
        altered(ROWS, [gb(8, 15)], moved_to(CANCELLED)),
        [(1, 7, "GB", 100, 1), (8, 10, "GB", 230, 1)],
    ),
    "units are of another period": (
        altered(ROWS, [gb(10, 11)], to_second_period),
        [(1, 9, "GB", 100, 1), (10, 10, "GB", 100, 2), (11, 11, "GB", 230, 2), (12, 20, "GB", 230, 1)],
    ),
    "units never were": (removed(ROWS, [gb(5, 12)]), [(1, 4, "GB", 100, 1), (13, 20, "GB", 230, 1)]),
    "a whole row never was": (removed(ROWS, [gb(1, 10)]), []),
    "units were forgotten": (
        added([], [held(21, 30), held(31, 40, CANCELLED)]),
        [(21, 30, "GB", 100, 1), (31, 40, "GB", 230, 1)],
    ),
    "units of the same serials, but of other attributes, in the place of others": (
        [*removed(ROWS, [gb(1, 10)]), *added([], [held(41, 50)])],
        [(41, 50, "GB", 100, 1)],
    ),
}


@pytest.mark.parametrize(("pieces", "opened"), CHANGES.values(), ids=CHANGES)
def test_rows_that_open(pieces: list[Piece], opened: list[tuple[int, int, str, int, int]]) -> None:
    assert [shown(block) for block in change(pieces, ROWS).opened] == opened


REFUSED = {
    "units that the log does not have, moved": (lambda: altered(ROWS, [gb(20, 21)], moved_to(FR)), "GB 21-21"),
    "units that the log does not have, removed": (lambda: removed(ROWS, [gb(19, 25)]), "GB 21-25"),
    "units that the log has already, added": (lambda: added(ROWS, [held(20, 25)]), "GB 20-20"),
    "units added twice": (lambda: added([], [held(21, 25), held(25, 26)]), "twice"),
    "nothing would change": (lambda: altered(ROWS, [gb(1, 5)], moved_to(GB)), "nothing to correct"),
}


@pytest.mark.parametrize(("make", "why"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_corrected(make, why) -> None:
    with pytest.raises(LedgerError, match=why):
        make()


MOVED_ON = {
    "moved meanwhile": (altered(ROWS, [gb(4, 6)], moved_to(FR)), [held(1, 4), held(5, 10, CANCELLED)]),
    "converted meanwhile": (removed(ROWS, [gb(4, 6)]), [held(1, 10, what=RMU)]),
    "removed meanwhile": (removed(ROWS, [gb(4, 6)]), [held(1, 4)]),
    "issued meanwhile": (added([], [held(21, 30)]), [held(30, 35)]),
}


@pytest.mark.parametrize(("pieces", "rows"), MOVED_ON.values(), ids=MOVED_ON)
def test_a_correction_of_what_changed_since_is_refused(pieces: list[Piece], rows: list[HeldBlock]) -> None:
    with pytest.raises(LedgerError, match="changed in the log since"):
        change(pieces, rows)


def test_rows_cut_in_another_way_are_the_same_units() -> None:
    pieces = altered(ROWS, [gb(2, 12)], moved_to(FR))
    cut = [held(1, 4), held(5, 10), held(11, 11, CANCELLED), held(12, 20, CANCELLED)]
    there = {unit: place for block in change(pieces, cut).opened for unit, place in by_unit([block]).items()}
    assert there == {serial: ("FR" if serial in range(2, 13) else "GB", AAU) for serial in range(1, 21)}


ISSUED = {
    "units that move add nothing": (altered(ROWS, [gb(4, 6)], moved_to(FR)), {}),
    "units that come": (added([], [held(21, 30)]), {TotalKey(TotalKind.ISSUED, "GB", 1, 1): 10}),
    "units that go": (removed(ROWS, [gb(5, 12)]), {TotalKey(TotalKind.ISSUED, "GB", 1, 1): -8}),
    "RMU count by activity": (
        added([], [held(21, 30, what=RMU)]),
        {TotalKey(TotalKind.ISSUED, "GB", 1, 2): 10, TotalKey(TotalKind.RMU_ISSUED, "GB", 1, 3): 10},
    ),
    "CER are issued by the CDM registry, and count for their project": (
        added([], [held(21, 30, what=CER)]),
        {TotalKey(TotalKind.ISSUED, "CDM", 1, 5): 10, TotalKey(TotalKind.PROJECT_ISSUED, "GB/77", 1, 5): 10},
    ),
    "units that were issued for another period": (
        altered(ROWS, [gb(1, 5)], lambda block: replace(block, attributes=replace(AAU, original_commit_period=2))),
        {TotalKey(TotalKind.ISSUED, "GB", 1, 1): -5, TotalKey(TotalKind.ISSUED, "GB", 2, 1): 5},
    ),
}


@pytest.mark.parametrize(("pieces", "totals"), ISSUED.values(), ids=ISSUED)
def test_totals_of_what_was_issued_follow(pieces: list[Piece], totals: dict[TotalKey, int]) -> None:
    assert came_into_being(change(pieces, ROWS)) == totals


# The model: a ledger as a dictionary of units ------------------------------------------------------------------------

Units = dict[int, tuple[str, Attributes]]


def by_unit(blocks: list[HeldBlock]) -> Units:
    found: Units = {}
    for block in blocks:
        for serial in range(block.range.start, block.range.end + 1):
            assert serial not in found, "a unit is in one place"
            found[serial] = (block.place.registry, block.attributes)
    return found


spans = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 15)).map(lambda each: gb(each[0], each[0] + each[1])),
    min_size=1,
    max_size=3,
)
steps = st.lists(
    st.tuples(st.sampled_from(["move to GB", "move to FR", "second period", "remove", "add"]), spans), max_size=8
)


def make(step: str, rows: list[HeldBlock], wanted: list[SerialRange]) -> list[Piece]:
    if step == "add":
        return added(rows, [HeldBlock(each, CER, FR) for each in union(wanted)])
    return removed(rows, wanted) if step == "remove" else altered(rows, wanted, _HOW[step])


_HOW = {"move to GB": moved_to(GB), "move to FR": moved_to(FR), "second period": to_second_period}


def expected(step: str, model: Units, named: set[int]) -> Units | None:
    """What becomes of the units; None where it cannot be done."""
    if step == "add":
        return None if named & model.keys() else model | dict.fromkeys(named, ("FR", CER))
    if not named <= model.keys():
        return None
    if step == "remove":
        return {serial: what for serial, what in model.items() if serial not in named}
    places = {"move to GB": "GB", "move to FR": "FR"}
    becoming = dict(model)
    for serial in named:
        registry, what = model[serial]
        period = 2 if step == "second period" else what.applicable_commit_period
        becoming[serial] = places.get(step, registry), replace(what, applicable_commit_period=period)
    return None if becoming == model else becoming


@given(steps)
def test_units_are_conserved_and_only_those_named_change(told) -> None:
    rows = [held(1, 30), held(31, 40, FR, RMU)]
    ledger, model, changes = Snapshot(rows), by_unit(rows), []
    for step, wanted in told:
        there = ledger.rows(wanted)
        named = {serial for each in wanted for serial in range(each.start, each.end + 1)}
        becoming = expected(step, model, named)
        if becoming is None:
            with pytest.raises(LedgerError):
                make(step, there, wanted)
            continue
        changed = change(make(step, there, wanted), there)
        ledger.apply([changed])
        changes.append(changed)
        model = becoming
        assert by_unit(ledger.rows([gb(1, 100)])) == model
    gained, lost = corrected_units(changes)
    assert quantity(gained) - quantity(lost) == len(model) - 40
    issued = [units for each in changes for key, units in came_into_being(each).items() if key.kind is TotalKind.ISSUED]
    assert sum(issued) == len(model) - 40
