"""Back-off between attempts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itl.relay.backoff import wait


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 2), (2, 4), (3, 8), (8, 256), (9, 512), (10, 900), (11, 900), (10**6, 900)]
)
def test_it_doubles_up_to_the_most(failures: int, seconds: float) -> None:
    assert wait(failures, 2, 900, draw=0).total_seconds() == seconds


@given(st.integers(1, 10**9), st.floats(0, 1, exclude_max=True))
def test_jitter_takes_off_at_most_a_half(failures: int, draw: float) -> None:
    full = wait(failures, 2, 900, draw=0).total_seconds()
    assert full / 2 <= wait(failures, 2, 900, draw=draw).total_seconds() <= full
