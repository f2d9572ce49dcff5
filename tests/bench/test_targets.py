"""Targets and tables: each target meets its row and compares the right way round; figures are written to be read."""

from __future__ import annotations

import pytest

from itl.bench.page import tables, target_table
from itl.bench.rows import Part, Row, Spread, ratios, row_of, spread
from itl.bench.targets import TARGETS, Judged, Target, judge

AT_LEAST = Target("fast", Part.ACCEPT, {"blocks": 1}, "ratio", 1.5)
AT_MOST = Target("flat", Part.ACCEPT, {"blocks": 1}, "ratio", 1.5, at_most=True)


def row(value: float, rounds: int = 7, part: Part = Part.ACCEPT, figure: str = "ratio", **of: str | int) -> Row:
    return Row(part, {"blocks": 1, **of}, {figure: Spread(value, value / 2, value * 2)}, rounds)


@pytest.mark.parametrize(
    ("target", "rows", "value", "reached"),
    [
        (AT_LEAST, [row(1.49)], 1.49, False),
        (AT_LEAST, [row(1.5)], 1.5, True),
        (AT_LEAST, [row(2.0)], 2.0, True),
        (AT_MOST, [row(1.51)], 1.51, False),
        (AT_MOST, [row(1.5)], 1.5, True),
        (AT_MOST, [row(1.0)], 1.0, True),
        (AT_LEAST, [row(2.0, rounds=6)], 2.0, None),
        (AT_LEAST, [], None, None),
        (AT_LEAST, [row(2.0, blocks=2)], None, None),
        (AT_LEAST, [row(2.0, part=Part.LEDGER)], None, None),
        (AT_LEAST, [row(2.0, figure="other")], None, None),
        (AT_LEAST, [row(2.0, blocks=2), row(1.0, message="inline")], 1.0, False),
    ],
)
def test_what_is_reached(target: Target, rows: list[Row], value: float | None, reached: bool | None) -> None:
    assert judge(rows, [target]) == [Judged(target.name, 1.5, value, reached)]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_target_meets_the_row_that_it_is_of(target: Target) -> None:
    over, under = (Row(target.part, {**target.of, "more": "x"}, {target.figure: spread([target.value + by])}, 7)
                   for by in (0.01, -0.01))  # fmt: skip
    assert [judge([each], [target])[0].reached for each in (over, under)] == [not target.at_most, target.at_most]


def test_names_of_targets_are_their_own() -> None:
    assert len({target.name for target in TARGETS}) == len(TARGETS)


def test_ratios_are_those_of_the_pairs() -> None:
    assert ratios([10.0, 30.0, 8.0], [5.0, 10.0, 8.0]) == Spread(2.0, 1.0, 3.0)
    assert spread([3.0, 1.0, 2.0, 10.0]) == Spread(2.5, 1.0, 10.0)


def test_rows_of_a_kind_are_one_table_and_extremes_stand_in_brackets() -> None:
    rows = [
        row(0.5, message="inline"),
        row(2.0, figure="ms", message="inline"),
        Row(Part.ACCEPT, {"blocks": 1000, "message": "multiRef"}, {"ratio": spread([12345.6])}, 7),
    ]
    found = [table for _, table in tables(rows)]
    assert found == [
        [
            ("blocks", "message", "ratio"),
            ("1", "inline", "0.50 (0.25 to 1)"),
            ("1,000", "multiRef", "12,346"),
        ],
        [("blocks", "message", "ms"), ("1", "inline", "2 (1 to 4)")],
    ]


def test_a_table_of_targets_tells_what_was_not_measured() -> None:
    judged = [Judged("a", 1.5, 1.6, True), Judged("b", 1.5, 1.4, False), Judged("c", 1.5, 12.34, None),
              Judged("d", 50.0, None, None)]  # fmt: skip
    assert target_table(judged)[1:] == [
        ("a", "1.5", "1.60", "yes"), ("b", "1.5", "1.40", "NO"), ("c", "1.5", "12.3", "too few rounds"),
        ("d", "50", "not measured", ""),
    ]  # fmt: skip


def test_a_row_that_was_written_is_read_as_it_was() -> None:
    written = {"part": "long", "of": {"minutes": "10"}, "rounds": 1,
               "figures": {"last": {"median": 1.0, "least": 0.5, "most": 2.0}}}  # fmt: skip
    assert row_of(written) == Row(Part.LONG, {"minutes": "10"}, {"last": Spread(1.0, 0.5, 2.0)}, 1)
