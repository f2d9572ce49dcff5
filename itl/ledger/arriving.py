"""Units as another log, or a registry that this log does not see, tells them: what becomes of the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from itl.ledger.block import HeldBlock, SerialRange
from itl.ledger.operations import Alteration, Change, alter
from itl.ledger.ranges import by_serial, parts_in, subtraction, union


def arrive(told: Sequence[HeldBlock], rows: Sequence[HeldBlock]) -> Change:
    """Units become just what `told` has of them: those that are not in `rows` are new, the others change.

    `rows`: the held rows that have a unit in `told`, whole. What units were issued as is known here, if anywhere.
    LedgerError where a unit is told twice.
    """
    known = union(row.range for row in rows)
    new = cut(told, subtraction((block.range for block in told), known))
    done = alter(rows, [(each.range, _as_told(each)) for each in cut(told, known)])
    return Change(done.closed, tuple(sorted((*done.opened, *new), key=lambda each: by_serial(each.range))))


def arrived(change: Change) -> list[SerialRange]:
    """The units that a change brings into the ledger."""
    return subtraction((block.range for block in change.opened), (block.range for block in change.closed))


def cut(blocks: Iterable[HeldBlock], within: Sequence[SerialRange]) -> list[HeldBlock]:
    """The parts of `blocks` that lie in `within`, which is in normal form."""
    return [block.cut(part.start, part.end) for block in blocks for part in parts_in(block.range, within)]


def _as_told(told: HeldBlock) -> Alteration:
    def alteration(row: HeldBlock) -> HeldBlock:
        attributes = replace(told.attributes, issued_unit_type=row.attributes.issued_unit_type)
        return replace(row, attributes=attributes, place=told.place)

    return alteration
