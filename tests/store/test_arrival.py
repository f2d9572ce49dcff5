"""How bodies are kept: compressed where that saves something, and always given back as they were."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from itl.store.arrival import compressed, restored


@given(st.binary(max_size=3000))
@example(b"")
@example(b"x" * 10)
@example(zlib.compress(b"a message that came compressed"))
@example(b"<a>" * 1000)
def test_a_body_is_given_back_as_it_was(body: bytes) -> None:
    assert restored(compressed(body)) == body


@pytest.mark.parametrize(("size", "is_kept_plain"), [(1, True), (1023, True), (1024, False), (100_000, False)])
def test_what_is_short_stays_as_it_is(size: int, is_kept_plain: bool) -> None:
    body = b"<" * size
    assert (compressed(body) == body) is is_kept_plain
