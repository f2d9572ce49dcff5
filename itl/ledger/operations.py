"""What transactions do to held blocks, as values: which rows go to history, and which take their place.

The store closes and inserts exactly these rows. Each operation is near linear in the number of blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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


Alteration = Callable[[HeldBlock], HeldBlock]
"""What becomes of a block: the same units with another place, other attributes, or as they were."""


def move(held: Iterable[HeldBlock], wanted: Iterable[SerialRange], place: Place) -> Change:
    """The units `wanted` go to `place`: `relocate` with one destination."""
    return relocate(held, ((units, place) for units in wanted))


def relocate(held: Iterable[HeldBlock], destinations: Iterable[tuple[SerialRange, Place]]) -> Change:
    """Units go where `destinations` say, and stay what they are: `alter` by place alone."""
    return alter(held, ((units, _placed(place)) for units, place in destinations))


def alter(held: Iterable[HeldBlock], alterations: Iterable[tuple[SerialRange, Alteration]]) -> Change:
    """Units become what `alterations` make of the rows they lie in; they cover each unit at most once.

    `held` are the rows that have a unit in the alterations, whole; others may be among them and stay as they are, as
    does a row that an alteration leaves as it is. LedgerError where a unit is not in `held`, or is altered twice.
    """
    rows = sorted(held, key=lambda block: by_serial(block.range))
    targets = sorted(alterations, key=lambda target: by_serial(target[0]))
    wanted = [units for units, _ in targets]
    for twice in overlaps(wanted):
        raise LedgerError(f"altered twice in one operation: {twice}")
    for missing in subtraction(wanted, (row.range for row in rows)):
        raise LedgerError(f"not held, so it cannot be altered: {missing}")

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


def _placed(place: Place) -> Alteration:
    return lambda block: block if block.place == place else replace(block, place=place)


def _parts(row: HeldBlock, targets: Sequence[tuple[SerialRange, Alteration]], first: int) -> list[HeldBlock]:
    """`row` cut where the targets from index `first` ask for it; neighbours that become equal are one part."""
    parts: list[HeldBlock] = []
    start = row.range.start
    for at in range(first, len(targets)):
        units, alteration = targets[at]
        if _ends_before(row.range, units):
            break
        altered = alteration(row)
        if altered == row:
            continue
        if start < units.start:
            parts.append(row.cut(start, units.start - 1))
            start = units.start
        end = min(units.end, row.range.end)
        last = parts[-1] if parts else None
        if last and (last.attributes, last.place) == (altered.attributes, altered.place):
            parts[-1] = last.cut(last.range.start, end)
        else:
            parts.append(altered.cut(start, end))
        start = end + 1
    if start <= row.range.end:
        parts.append(row.cut(start, row.range.end))
    return parts


def _ends_before(earlier: SerialRange, later: SerialRange) -> bool:
    return (earlier.originating_registry, earlier.end) < (later.originating_registry, later.start)
