"""Who is who, where something takes two persons."""

from __future__ import annotations


def is_same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, however they are spaced and capitalized."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
