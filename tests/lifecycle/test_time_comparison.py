"""How far a registry's clock is from the log's, as far as the round trip lets it be known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from itl.lifecycle.time_comparison import Drift, drift, verdict

SENT = datetime(2014, 6, 1, 12, tzinfo=UTC)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@pytest.mark.parametrize(
    ("round_trip", "told", "offset", "certain", "said"),
    [
        (0, 0, 0, 0, "within"),
        (0, 10, 10, 10, "within"),
        (0, 10.001, 10.001, 10.001, "warning"),
        (0, -10.001, -10.001, 10.001, "warning"),
        (0, 60, 60, 60, "warning"),
        (0, 60.001, 60.001, 60.001, "alarm"),
        (0, -60.001, -60.001, 60.001, "alarm"),
        # The registry read its clock at some moment of the round trip: that much is not known.
        (4, 2, 0, 0, "within"),
        (4, 0, -2, 0, "within"),
        (4, 4, 2, 0, "within"),
        (4, 14, 12, 10, "within"),
        (4, 14.001, 12.001, 10.001, "warning"),
        (4, -10, -12, 10, "within"),
        (4, -10.001, -12.001, 10.001, "warning"),
        (30, 90, 75, 60, "warning"),
        (30, 90.001, 75.001, 60.001, "alarm"),
    ],
)
def test_only_what_is_certainly_off_is_called_so(
    round_trip: float, told: float, offset: float, certain: float, said: str
) -> None:
    found = drift(SENT, SENT + seconds(round_trip), SENT + seconds(told))
    assert found == Drift(seconds(offset), seconds(round_trip))
    assert found.certain == seconds(certain)
    assert verdict(found, seconds(10), seconds(60)) == said


def test_a_clock_of_the_log_that_was_set_back_meanwhile_is_no_round_trip() -> None:
    assert drift(SENT, SENT - seconds(5), SENT) == Drift(seconds(0), seconds(0))
