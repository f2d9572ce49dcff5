"""Issuing and moving units: which rows close, which open, and that no unit is lost or doubled."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itl.errors import LedgerError
from itl.ledger.block import Attributes, HeldBlock, Place, SerialRange
from itl.ledger.operations import Change, issue, move, relocate
from itl.ledger.ranges import quantity, union

AAU = Attributes(1, None, 2, 2, None, None, None, None, 1)
HOLDING, RETIRED, FRENCH = Place("GB", 100, 1001), Place("GB", 300, 3001), Place("FR", 121, 7)


def row(start, end, place=HOLDING, registry="GB"):
    return HeldBlock(SerialRange(registry, start, end), AAU, place)


def gb(start, end):
    return SerialRange("GB", start, end)


@pytest.mark.parametrize(
    ("held", "wanted", "closed", "opened"),
    [
        ([row(1, 10)], [gb(1, 10)], [row(1, 10)], [row(1, 10, RETIRED)]),
        ([row(1, 10)], [gb(1, 4)], [row(1, 10)], [row(1, 4, RETIRED), row(5, 10)]),
        ([row(1, 10)], [gb(7, 10)], [row(1, 10)], [row(1, 6), row(7, 10, RETIRED)]),
        ([row(1, 10)], [gb(5, 5)], [row(1, 10)], [row(1, 4), row(5, 5, RETIRED), row(6, 10)]),
        ([row(1, 10)], [gb(4, 5), gb(6, 7)], [row(1, 10)], [row(1, 3), row(4, 7, RETIRED), row(8, 10)]),
        (
            [row(1, 10), row(11, 20)],
            [gb(10, 11)],
            [row(1, 10), row(11, 20)],
            [row(1, 9), row(10, 10, RETIRED), row(11, 11, RETIRED), row(12, 20)],
        ),
        ([row(1, 10), row(11, 20)], [gb(1, 10)], [row(1, 10)], [row(1, 10, RETIRED)]),
        ([row(1, 10, RETIRED), row(11, 20)], [gb(1, 20)], [row(11, 20)], [row(11, 20, RETIRED)]),
        ([row(1, 10, RETIRED)], [gb(3, 4)], [], []),
        ([row(1, 10)], [], [], []),
    ],
    ids=[
        "a whole row", "its beginning", "its end", "out of its middle", "adjacent parts open as one", "across two rows",
        "the other row stays", "what is there already stays", "all there already", "nothing",
    ],
)  # fmt: skip
def test_move(held, wanted, closed, opened):
    assert move(held, wanted, RETIRED) == Change(tuple(closed), tuple(opened))


def test_one_row_to_two_places():
    change = relocate([row(1, 10)], [(gb(6, 10), FRENCH), (gb(1, 3), RETIRED)])
    assert change.opened == (row(1, 3, RETIRED), row(4, 5), row(6, 10, FRENCH))


@pytest.mark.parametrize(
    ("held", "wanted"),
    [([], [gb(1, 1)]), ([row(1, 10)], [gb(10, 11)]), ([row(1, 4), row(6, 9)], [gb(3, 7)]),
     ([row(1, 10, registry="FR")], [gb(1, 10)])],
    ids=["nothing held", "beyond the end", "a gap", "another originating registry"],
)  # fmt: skip
def test_what_is_not_fully_held_is_not_moved(held, wanted):
    with pytest.raises(LedgerError, match="not held"):
        move(held, wanted, RETIRED)


def test_a_unit_has_one_destination():
    with pytest.raises(LedgerError, match="altered twice"):
        relocate([row(1, 10)], [(gb(1, 5), RETIRED), (gb(5, 6), FRENCH)])


def test_issue_opens_blocks_by_serial_and_refuses_a_unit_twice():
    assert issue([row(11, 20), row(1, 10)]) == Change((), (row(1, 10), row(11, 20)))
    with pytest.raises(LedgerError, match="issued twice"):
        issue([row(1, 10), row(10, 12)])


@st.composite
def partitions(draw):
    """Disjoint rows of two registries with gaps, and parts of them to move."""
    rows, wanted = [], []
    for registry in ("FR", "GB"):
        serial = 1
        for gap, length, place in draw(
            st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9), st.sampled_from([HOLDING, FRENCH])), max_size=6)
        ):
            start = serial + gap
            rows.append(row(start, start + length - 1, place, registry))
            serial = start + length
            first = draw(st.integers(start, serial - 1))
            if draw(st.booleans()):
                wanted.append(SerialRange(registry, first, draw(st.integers(first, serial - 1))))
    return draw(st.permutations(rows)), draw(st.permutations(wanted))


@given(partitions())
def test_opened_rows_cover_exactly_what_closed_rows_covered(case):
    held, wanted = case
    change = move(held, wanted, RETIRED)
    opened, closed = [block.range for block in change.opened], [block.range for block in change.closed]
    assert union(opened) == union(closed)
    assert quantity(opened) == quantity(closed)
    assert set(change.closed) <= set(held)
    assert not set(change.closed) & set(change.opened)
    after = [*(set(held) - set(change.closed)), *change.opened]
    assert union(block.range for block in after if block.place == RETIRED) == union(wanted)


def test_three_thousand_blocks_cost_no_more_each_than_three_hundred():
    def seconds(count):
        held = [row(10 * n + 1, 10 * n + 10) for n in range(count)]
        wanted = [gb(10 * n + 3, 10 * n + 5) for n in range(count)]
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            assert len(move(held, wanted, RETIRED).opened) == 3 * count
            best = min(best, time.process_time() - start)
        return best

    assert seconds(3000) < 40 * seconds(300)
