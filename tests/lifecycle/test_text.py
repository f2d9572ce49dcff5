"""What free text may be that goes to registries."""

from __future__ import annotations

import pytest

from itl.errors import UsageError
from itl.lifecycle.text import is_long, require_sendable


@pytest.mark.parametrize("text", ["a", "x" * 2000, "ü\n\tŝ\U0001f30d", "<b>&amp;</b>"])
def test_what_registries_can_store_is_sent(text: str) -> None:
    require_sendable(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "says nothing"),
        (" \n", "says nothing"),
        ("x" * 2001, "2001 characters"),
        ("a\x00", r"U\+0000"),
        ("\x0b", r"says nothing"),
        ("a\x0b", r"U\+000B"),
        ("\ud800", r"U\+D800"),
        ("\uffff", r"U\+FFFF"),
    ],
)
def test_what_they_cannot_is_refused(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        require_sendable(text)


@pytest.mark.parametrize(("length", "long"), [(1024, False), (1025, True)])
def test_a_text_longer_than_user_interfaces_is_called_long(length: int, long: bool) -> None:
    assert is_long("x" * length) is long
