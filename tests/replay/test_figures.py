"""What the reports make of the holdings, and how a difference is told."""

from __future__ import annotations

from dataclasses import replace

from itl.replay.figures import Difference, differences, expected
from itl.replay.reports import Row
from itl.store.holdings import Holding

HOLDINGS = [
    Holding("BR", "CER", 1, issued=9000, held=8889, cancelled=111),
    Holding("IN", "lCER", 1, issued=2000, held=1000, cancelled=1000),
    Holding("IN", "tCER", 1, issued=2600, held=600, cancelled=2000),
    Holding("MW", "CER", 2, issued=31303, held=30248, cancelled=1055),
    Holding("PH", "CER", 2, issued=33465, held=33464, cancelled=1),
    Holding("RO", "ERU", 2, converted_in=171350, cancelled=171350),
    Holding("RO", "RMU", 2, issued=171350, converted_out=171350),
]


def test_holdings_are_what_was_issued_and_not_cancelled(rows: list[Row]) -> None:
    assert expected(rows) == HOLDINGS
    assert all(holding.is_balanced for holding in HOLDINGS)


def test_equal_holdings_have_no_difference() -> None:
    assert differences(HOLDINGS, reversed(HOLDINGS)) == []


def test_every_figure_that_differs_is_told() -> None:
    log = [replace(HOLDINGS[0], held=8888, cancelled=112), *HOLDINGS[2:], Holding("ZA", "CER", 1, issued=5, held=5)]
    assert differences(HOLDINGS, log) == [
        Difference("BR", "CER", 1, "held", 8889, 8888),
        Difference("BR", "CER", 1, "cancelled", 111, 112),
        Difference("IN", "lCER", 1, "issued", 2000, 0),
        Difference("IN", "lCER", 1, "held", 1000, 0),
        Difference("IN", "lCER", 1, "cancelled", 1000, 0),
        Difference("ZA", "CER", 1, "issued", 0, 5),
        Difference("ZA", "CER", 1, "held", 0, 5),
    ]
