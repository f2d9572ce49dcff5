"""Which differences of a reconciliation are none, for a transaction was on its way when the snapshots were taken.

A registry carries a transaction out when it hears of the verdict, the log when it hears of the completion: for a while
one of them has the units where they were, the other where they go. Either is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from itl.ledger.block import HeldBlock, SerialRange
from itl.ledger.comparison import Difference, differences
from itl.ledger.operations import Change
from itl.ledger.placement import PlacedUnits, Placement, placement_in
from itl.ledger.ranges import by_serial


@dataclass(frozen=True, slots=True)
class Movement:
    """Units that a transaction in flight around the instant moves, or turns into others, as one registry sees it."""

    range: SerialRange
    before: Placement | None
    """None: the registry does not hold them before."""
    after: Placement | None
    transaction: str
    """Its identifier."""

    def accounts_for(self, view: Placement | None) -> bool:
        """Whether a registry has the units so that has carried the transaction out, or has not yet."""
        return any(
            side is view if side is None or view is None else side.agrees(view) for side in (self.before, self.after)
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference, with the transactions that explain it."""

    difference: Difference
    explained_by: tuple[str, ...]
    """Identifiers, sorted; none: it is not explained."""


def movements(registry: str, transaction: str, change: Change) -> Iterator[Movement]:
    """What `change`, which is what a transaction does to the ledger, does to the units that `registry` holds.

    Sorted. Units that stay where and what they are for the registry are left out.
    """
    before, after = (_placed(registry, blocks) for blocks in (change.closed, change.opened))
    for moved in differences(before, after, by_account=True):
        yield Movement(moved.range, moved.log, moved.registry[0] if moved.registry else None, transaction)


def _placed(registry: str, blocks: Iterable[HeldBlock]) -> Iterator[PlacedUnits]:
    for block in sorted(blocks, key=lambda each: by_serial(each.range)):
        placed = placement_in(registry, block)
        if placed is not None:
            yield PlacedUnits(block.range, placed)


def explain(found: Iterable[Difference], in_flight: Iterable[Movement]) -> Iterator[Finding]:
    """Each difference with the transactions that explain it, cut where just a part of it is explained.

    A transaction explains units when the registry has them as they are before it, or after it; units that a registry
    names twice are never explained. `found` is sorted and disjoint (`differences`); movements may come in any order,
    and several may be about the same units: one registry may be several transactions behind. One pass over `found`.
    """
    waiting = sorted(in_flight, key=lambda each: by_serial(each.range), reverse=True)
    near: list[Movement] = []
    for difference in found:
        units = difference.range
        while waiting and by_serial(waiting[-1].range)[:2] <= (units.originating_registry, units.end):
            near.append(waiting.pop())
        near = [each for each in near if (units.originating_registry, units.start) <= by_serial(each.range)[::2]]
        yield from _joined(_parts(difference, near))


def _parts(difference: Difference, near: Sequence[Movement]) -> Iterator[Finding]:
    """`difference` cut where a movement begins or ends, each part with what explains it."""
    units = difference.range
    starts = {units.start}
    for each in near:
        starts |= {each.range.start, each.range.end + 1}
    cuts = [*sorted(start for start in starts if units.start <= start <= units.end), units.end + 1]
    view = difference.registry[0] if difference.registry else None
    for start, behind in pairwise(cuts):
        explained_by = {
            each.transaction
            for each in near
            if each.range.start <= start <= each.range.end and not difference.double and each.accounts_for(view)
        }
        part = replace(difference, range=SerialRange(units.originating_registry, start, behind - 1))
        yield Finding(part, tuple(sorted(explained_by)))


def _joined(parts: Iterable[Finding]) -> Iterator[Finding]:
    """Neighbouring parts of one difference that the same transactions explain are one."""
    for explained_by, alike in groupby(parts, key=lambda part: part.explained_by):
        first, *others = (part.difference for part in alike)
        end = others[-1].range.end if others else first.range.end
        whole = SerialRange(first.range.originating_registry, first.range.start, end)
        yield Finding(replace(first, range=whole), explained_by)
