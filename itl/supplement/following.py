"""What a completed transaction does to the ledger of a supplementary log, which does not see all there is.

Its own log's table says what each type does (`itl.ledger.carrying_out`). Beside it: what comes from a registry outside
the scheme, or was never told here, comes into this ledger as the transaction has it; whatever befell the units outside
is not this log's to know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from itl.ledger.block import HeldBlock, SerialRange
from itl.ledger.carrying_out import SettledPart
from itl.ledger.operations import Alteration, Change, alter
from itl.ledger.ranges import by_serial, parts_in, subtraction, union

CarryOut = Callable[[Sequence[SettledPart]], Change]
"""The log's own way, for units that are all in the ledger."""


def follow(
    blocks: Sequence[SettledPart], rows: Sequence[HeldBlock], *, enters: bool, issues: bool, own: CarryOut
) -> Change:
    """The rows that close and open. `enters`: the units come from outside the scheme; `issues`: they are new."""
    if issues:
        return own(blocks)
    known = union(row.range for row in rows)
    unknown = subtraction((each.block.range for each in blocks), known)
    arriving = [part.block for part in _cut(blocks, unknown) if not part.is_replaced]
    there = _cut(blocks, known)
    if enters:
        done = alter(rows, [(part.block.range, _as_told(part.block)) for part in there])
    else:
        done = own(there) if there else Change((), ())
    return Change(done.closed, tuple(sorted((*done.opened, *arriving), key=lambda each: by_serial(each.range))))


def _cut(blocks: Sequence[SettledPart], within: Sequence[SerialRange]) -> list[SettledPart]:
    """The parts of `blocks` that lie in `within`, which is in normal form."""
    return [
        replace(each, block=each.block.cut(part.start, part.end))
        for each in blocks
        for part in parts_in(each.block.range, within)
    ]


def _as_told(told: HeldBlock) -> Alteration:
    """In the place and with the attributes told; what the units were issued as is known here, if anywhere."""

    def alteration(row: HeldBlock) -> HeldBlock:
        attributes = replace(told.attributes, issued_unit_type=row.attributes.issued_unit_type)
        return replace(row, attributes=attributes, place=told.place)

    return alteration
