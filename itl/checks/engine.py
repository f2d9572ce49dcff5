"""How checks are registered, asked, and what they answer.

A check is a function that yields what fails: the units (as proposed, cut to the failing part), or WHOLE where no block
is at fault by itself. It yields nothing where it passes. Title, stage, basis and types stand in the catalogue alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, TypeVar

from itl.checks.catalogue import Row, catalogue
from itl.errors import ReferenceDataError
from itl.ledger.block import SerialRange
from itl.messages import UnitBlockIdentifier


class Whole(Enum):
    """The message as a whole is at fault, not one of its blocks."""

    MESSAGE = "message"


WHOLE: Final = Whole.MESSAGE

Failures = Iterable[SerialRange | Whole]
Question = Callable[..., Failures]
"""A check: (proposal, log) for the worker's stages, (message, door) for those at the door."""
Function = TypeVar("Function", bound=Callable[..., object])


class Outcome(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"
    NOT_IN_EFFECT = "not in effect"
    SKIPPED = "skipped"
    """An earlier stage stopped."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A code that fails, and the units it fails for; no units where the message as a whole is at fault."""

    code: int
    blocks: tuple[UnitBlockIdentifier, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A registered check: its row, its question, and whether it can be asked of the message at hand."""

    row: Row
    question: Question
    applies: Callable[..., bool] | None = None
    in_effect: Callable[..., bool] | None = None

    def ask(self, *about: object) -> Finding | None:
        """The finding about a message, or None where it passes. Units are named once, in the order found."""
        failures = dict.fromkeys(self.question(*about))
        if not failures:
            return None
        return Finding(self.row.code, tuple(_identifier(units) for units in failures if isinstance(units, SerialRange)))


CHECKS: dict[int, Check] = {}
"""The checks that yield failures, by code."""
FUNCTIONS: dict[int, Callable[..., object]] = {}
"""The function behind every code that this package judges, those of tables included."""


def check(
    code: int, applies: Callable[..., bool] | None = None, in_effect: Callable[..., bool] | None = None
) -> Callable[[Question], Question]:
    """Register a function as the check `code`.

    `applies` says when there is anything to judge (else: not applicable), `in_effect` when what it rests on is recorded
    (else: not in effect).
    """

    def register(question: Question) -> Question:
        CHECKS[code] = Check(_claim(code, question), question, applies, in_effect)
        return question

    return register


def decides(*codes: int) -> Callable[[Function], Function]:
    """Register a function that answers with one of several codes itself, such as the table of states."""

    def register(function: Function) -> Function:
        for code in codes:
            _claim(code, function)
        return function

    return register


def _claim(code: int, function: Callable[..., object]) -> Row:
    if code not in catalogue():
        raise ReferenceDataError(f"{function.__qualname__}: the catalogue of checks has no row {code}")
    if code in FUNCTIONS:
        raise ReferenceDataError(f"{function.__qualname__}: {FUNCTIONS[code].__qualname__} is check {code} already")
    FUNCTIONS[code] = function
    return catalogue()[code]


def _identifier(units: SerialRange) -> UnitBlockIdentifier:
    return UnitBlockIdentifier(
        unit_serial_block_start=units.start,
        unit_serial_block_end=units.end,
        originating_registry_code=units.originating_registry,
    )
