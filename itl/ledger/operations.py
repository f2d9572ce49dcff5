"""What transactions do to held blocks, as values: which rows go to history, and which take their place.

The store closes and inserts exactly these rows. Each operation is near linear in the number of blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from itl.errors import LedgerError
from itl.ledger.block import HeldBlock, Place, SerialRange
from itl.ledger.ranges import by_serial, overlaps, subtraction


@dataclass(frozen=True, slots=True)
class Change:
    """Rows of the ledger that change, and nothing else."""

    closed: tuple[HeldBlock, ...]
    """Rows that go to history as they were."""
    opened: tuple[HeldBlock, ...]
    """Rows that take their place, by serial: of exactly the same units, or new ones where nothing is closed."""


def issue(blocks: Iterable[HeldBlock]) -> Change:
    """Units come into being as `blocks`; LedgerError if one of them would be twice."""
    opened = tuple(sorted(blocks, key=lambda block: by_serial(block.range)))
    twice = overlaps(block.range for block in opened)
    if twice:
        raise LedgerError(f"issued twice in one operation: {twice[0]}")
    return Change((), opened)


def move(held: Iterable[HeldBlock], wanted: Iterable[SerialRange], place: Place) -> Change:
    """The units `wanted` go to `place`: `relocate` with one destination."""
    return relocate(held, ((units, place) for units in wanted))


def relocate(held: Iterable[HeldBlock], destinations: Iterable[tuple[SerialRange, Place]]) -> Change:
    """Units go where `destinations` say, which cover each unit at most once.

    `held` are the rows that have a unit in the destinations, whole; others may be among them and stay as they are, as
    does a row that is there already. LedgerError where a unit is not in `held`, or has two destinations.
    """
    rows = sorted(held, key=lambda block: by_serial(block.range))
    targets = sorted(destinations, key=lambda target: by_serial(target[0]))
    wanted = [units for units, _ in targets]
    for twice in overlaps(wanted):
        raise LedgerError(f"two destinations for {twice}")
    for missing in subtraction(wanted, (row.range for row in rows)):
        raise LedgerError(f"not held, so it cannot be moved: {missing}")

    closed: list[HeldBlock] = []
    opened: list[HeldBlock] = []
    at = 0
    for row in rows:
        while at < len(targets) and _ends_before(targets[at][0], row.range):
            at += 1
        parts = _parts(row, targets, at)
        if len(parts) > 1 or parts[0] != row:
            closed.append(row)
            opened.extend(parts)
    return Change(tuple(closed), tuple(opened))


def _parts(row: HeldBlock, targets: Sequence[tuple[SerialRange, Place]], first: int) -> list[HeldBlock]:
    """`row` cut where the targets from index `first` ask for it; neighbours with one place are one part."""
    parts: list[HeldBlock] = []
    start = row.range.start
    for at in range(first, len(targets)):
        units, place = targets[at]
        if _ends_before(row.range, units):
            break
        if place == row.place:
            continue
        if start < units.start:
            parts.append(row.cut(start, units.start - 1))
            start = units.start
        end = min(units.end, row.range.end)
        if parts and parts[-1].place == place:
            parts[-1] = parts[-1].cut(parts[-1].range.start, end)
        else:
            parts.append(replace(row.cut(start, end), place=place))
        start = end + 1
    if start <= row.range.end:
        parts.append(row.cut(start, row.range.end))
    return parts


def _ends_before(earlier: SerialRange, later: SerialRange) -> bool:
    return (earlier.originating_registry, earlier.end) < (later.originating_registry, later.start)
