"""What both directions make up for their tests: identifiers and serials of their own, and units of every type."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from datetime import date
from typing import Any

from msgspec.structs import replace

from itl.codes import CDM_UNITS, EXPIRING_UNITS, LULUCF_UNITS, PROJECT_UNITS, TRACK_UNITS, UnitType
from itl.messages import TransactionUnitBlock
from registry_client.conformance.profile import Periods, Project


class Fresh:
    """Numbers that no run used before: transaction identifiers and serials grow with the time at which a run begins.

    A run may take half a million serials a second; the serials come round after 57 years.
    """

    def __init__(self, seconds: float | None = None) -> None:
        begun = int((time.time() if seconds is None else seconds) * 10)
        self._transactions = itertools.count(begun * 1_000)
        self._serial = begun * 50_000 % 900_000_000_000_000 + 1

    def number(self) -> int:
        return next(self._transactions)

    def transaction(self, code: str) -> str:
        return f"{code}{self.number()}"

    def serials(self, quantity: int) -> tuple[int, int]:
        start, self._serial = self._serial, self._serial + quantity
        return start, self._serial - 1


def made(
    kind: UnitType,
    serials: tuple[int, int],
    originating: str,
    project: Project,
    periods: Periods,
    *,
    period: int | None = None,
    **other: Any,
) -> TransactionUnitBlock:
    """A block of units that never were, with all attributes that its type must have."""
    if period is None:
        period = periods.later if kind in EXPIRING_UNITS else periods.earlier
    expiry = {UnitType.TCER: project.tcer_expiry, UnitType.LCER: project.lcer_expiry}.get(kind)
    number = project.number if kind in CDM_UNITS else project.party_number
    attributes: dict[str, Any] = {
        "unit_serial_block_start": serials[0],
        "unit_serial_block_end": serials[1],
        "originating_registry_code": originating,
        "unit_type": int(kind),
        "supp_unit_type": 0,
        "original_commit_period": period,
        "applicable_commit_period": period,
        "lulucf_activity": 1 if kind in LULUCF_UNITS else None,
        "project_identifier": number if kind in PROJECT_UNITS else None,
        "track": project.track if kind in TRACK_UNITS else None,
        "expiry_date": None if expiry is None else date.fromisoformat(expiry),
    }
    return TransactionUnitBlock(**(attributes | other))


def part(block: TransactionUnitBlock, first: int, count: int) -> TransactionUnitBlock:
    """`count` units of a block, from its `first`-th (0 is the first) on."""
    start = block.unit_serial_block_start + first
    return replace(block, unit_serial_block_start=start, unit_serial_block_end=start + count - 1)


def joined(ranges: Sequence[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Ranges in order, those that touch as one: how units are cut is no matter."""
    found: list[tuple[str, int, int]] = []
    for code, start, end in sorted(ranges):
        if found and found[-1][0] == code and found[-1][2] + 1 >= start:
            found[-1] = (code, found[-1][1], max(end, found[-1][2]))
        else:
            found.append((code, start, end))
    return found


def without(
    ranges: Sequence[tuple[str, int, int]], taken: Sequence[tuple[str, int, int]]
) -> list[tuple[str, int, int]]:
    """What of `ranges` is in none of `taken`, joined."""
    left: list[tuple[str, int, int]] = []
    others, at = joined(taken), 0
    for code, first, end in joined(ranges):
        start = first
        while at < len(others) and (others[at][0], others[at][2]) < (code, start):
            at += 1
        near = at
        while near < len(others) and others[near][0] == code and others[near][1] <= end:
            _, begin, last = others[near]
            if begin > start:
                left.append((code, start, begin - 1))
            start, near = last + 1, near + 1
        if start <= end:
            left.append((code, start, end))
    return left
