"""What a completed transaction does to the ledger of a supplementary log, which does not see all there is.

Its own log's table says what each type does (`itl.ledger.carrying_out`). Beside it: what comes from a registry outside
the scheme, or was never told here, comes into this ledger as the transaction has it; whatever befell the units outside
is not this log's to know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from itl.ledger.arriving import arrive, cut
from itl.ledger.block import HeldBlock
from itl.ledger.carrying_out import SettledPart
from itl.ledger.operations import Change
from itl.ledger.ranges import by_serial, subtraction, union

CarryOut = Callable[[Sequence[SettledPart]], Change]
"""The log's own way, for units that are all in the ledger."""


def follow(
    blocks: Sequence[SettledPart], rows: Sequence[HeldBlock], *, enters: bool, issues: bool, own: CarryOut
) -> Change:
    """The rows that close and open. `enters`: the units come from outside the scheme; `issues`: they are new."""
    if issues:
        return own(blocks)
    if enters:
        return arrive([each.block for each in blocks], rows)
    known = union(row.range for row in rows)
    unknown = subtraction((each.block.range for each in blocks), known)
    arriving = cut((each.block for each in blocks if not each.is_replaced), unknown)
    there = [replace(each, block=part) for each in blocks for part in cut([each.block], known)]
    done = own(there) if there else Change((), ())
    return Change(done.closed, tuple(sorted((*done.opened, *arriving), key=lambda each: by_serial(each.range))))
