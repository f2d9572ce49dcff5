"""Closed and open loops: when the next message is due, and what falls behind."""

from __future__ import annotations

import pytest

from itl.bench.pace import Pace

# pace, sent so far, seconds since the begin -> due since, seconds to wait, over
CASES = [
    (Pace(10.0, begun=0.0), 0, 0.0, 0.0, 0.0, False),
    (Pace(10.0, begun=0.0), 900, 9.9, 9.9, 0.0, False),
    (Pace(10.0, begun=0.0), 900, 10.0, None, 0.0, True),
    (Pace(10.0, 3, begun=0.0), 2, 1.0, 1.0, 0.0, False),
    (Pace(10.0, 3, begun=0.0), 3, 1.0, None, 0.0, True),
    (Pace(10.0, rate=4.0, begun=0.0), 0, 0.0, 0.0, 0.0, False),
    (Pace(10.0, rate=4.0, begun=0.0), 1, 0.1, None, 0.15, False),
    (Pace(10.0, rate=4.0, begun=0.0), 1, 0.25, 0.25, 0.0, False),
    (Pace(10.0, rate=4.0, begun=0.0), 1, 3.0, 0.25, 0.0, False),  # late: counted since it was due
    (Pace(10.0, rate=4.0, begun=0.0), 41, 9.9, None, 0.1, False),
    (Pace(10.0, rate=4.0, begun=0.0), 1, 10.0, None, 0.0, True),
]


@pytest.mark.parametrize(("pace", "sent", "at", "due", "wait", "over"), CASES)
def test_what_is_due_when(pace: Pace, sent: int, at: float, due: float | None, wait: float, over: bool) -> None:
    pace.sent = sent
    assert pace.due(at) == due
    assert pace.wait(at) == pytest.approx(wait)
    assert pace.is_over(at) is over


@pytest.mark.parametrize(
    ("pace", "sent", "unsent"),
    [
        (Pace(10.0, begun=0.0), 5, 0),
        (Pace(10.0, rate=4.0, begun=0.0), 40, 0),
        (Pace(10.0, rate=4.0, begun=0.0), 12, 28),
        (Pace(10.0, 20, rate=4.0, begun=0.0), 12, 8),
    ],
)
def test_an_open_loop_tells_what_it_could_not_send(pace: Pace, sent: int, unsent: int) -> None:
    pace.sent = sent
    assert pace.unsent == unsent
