"""How long a loop that finds nothing waits."""

from __future__ import annotations

import pytest

from itl.wake import Pause


@pytest.mark.parametrize(
    ("most", "waits"),
    [
        (1.0, [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 1.0]),
        (0.05, [0.01, 0.02, 0.04, 0.05, 0.05]),
        (0.001, [0.001, 0.001]),
    ],
)
def test_pauses_grow_to_the_longest_and_begin_anew_when_something_was_found(most: float, waits: list[float]) -> None:
    pause = Pause(most)
    for _ in range(2):
        assert [pause.take() for _ in waits] == pytest.approx(waits)
        pause.found()
