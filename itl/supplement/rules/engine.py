"""How the scheme's rules are registered and asked: as the log's own checks are, in a register of their own.

So that neither log ever asks what is the other's to judge. A rule gets the proposal and the scheme's view.
"""

from __future__ import annotations

from collections.abc import Callable

from itl.checks.catalogue import JudgedBy, catalogue
from itl.checks.engine import Check, Question
from itl.errors import ReferenceDataError

RULES: dict[int, Check] = {}
"""The scheme's rules by code."""


def rule(
    code: int, applies: Callable[..., bool] | None = None, in_effect: Callable[..., bool] | None = None
) -> Callable[[Question], Question]:
    """Register a function as the rule `code`, which the catalogue leaves to a supplementary log."""

    def register(question: Question) -> Question:
        row = catalogue().get(code)
        if row is None or row.judged is not JudgedBy.SUPPLEMENTARY_LOG:
            raise ReferenceDataError(f"{question.__qualname__}: the catalogue gives {code} to no supplementary log")
        if code in RULES:
            raise ReferenceDataError(f"{question.__qualname__}: {RULES[code].question.__qualname__} is {code} already")
        RULES[code] = Check(row, question, applies, in_effect)
        return question

    return register
