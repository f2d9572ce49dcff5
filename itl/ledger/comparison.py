"""Comparing what a registry says it holds with what the log says, unit by unit, by one pass over both.

Both sides come as streams sorted by originating registry and first serial, are cut as they like, and are never held
whole: memory grows neither with their length nor with how often a registry names a serial. A result depends on which
unit is where on each side, not on how either cuts its blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from itl.errors import LedgerError
from itl.ledger.block import SerialRange
from itl.ledger.placement import PlacedUnits, Placement

LOG, REGISTRY = "the log", "the registry"


class DifferenceKind(StrEnum):
    """How registry and log differ about units."""

    MISSING = "missing"
    """The log holds them for the registry, which does not name them."""
    UNKNOWN = "unknown"
    """The registry names them, and the log does not hold them for it."""
    ELSEWHERE = "elsewhere"
    """Both have them, in different placements."""
    DOUBLE = "double"
    """The registry names them more than once, whatever the log says."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A range of units about which both sides differ in one way: neighbours of the same two views are in one."""

    range: SerialRange
    log: Placement | None
    """None: not held for this registry."""
    registry: tuple[Placement, ...]
    """Empty: not named. Of units named more than once each placement once, sorted, without accounts' identifiers."""
    double: bool = False

    @property
    def kind(self) -> DifferenceKind:
        if self.double:
            return DifferenceKind.DOUBLE
        if self.log is None:
            return DifferenceKind.UNKNOWN
        return DifferenceKind.ELSEWHERE if self.registry else DifferenceKind.MISSING


class _Stretch(NamedTuple):
    """Units in a row that one side has alike; stretches of a side do not overlap."""

    originating_registry: str
    start: int
    end: int
    placements: tuple[Placement, ...]
    double: bool


def differences(
    log: Iterable[PlacedUnits], registry: Iterable[PlacedUnits], *, by_account: bool = False
) -> Iterator[Difference]:
    """Where `registry` differs from `log`, sorted, in the fewest ranges.

    Both sorted by originating registry and first serial: LedgerError where they are not, and where the log's side has a
    unit twice. `by_account`: identifiers of accounts are compared, where both sides tell them. One pass, constant
    memory (given that account types, periods and unit types are of the code lists).
    """
    last: Difference | None = None
    for found in _pieces(_stretches(log, by_account, LOG), _stretches(registry, by_account, REGISTRY)):
        if last is not None and _continues(last, found):
            units = SerialRange(last.range.originating_registry, last.range.start, found.range.end)
            last = Difference(units, last.log, last.registry, last.double)
            continue
        if last is not None:
            yield last
        last = found
    if last is not None:
        yield last


def _continues(last: Difference, following: Difference) -> bool:
    return (
        last.range.originating_registry == following.range.originating_registry
        and last.range.end + 1 == following.range.start
        and (last.log, last.registry, last.double) == (following.log, following.registry, following.double)
    )


def _pieces(log: Iterator[_Stretch], registry: Iterator[_Stretch]) -> Iterator[Difference]:
    """The units about which both differ, cut where either cuts."""
    ours, theirs = next(log, _END), next(registry, _END)
    while ours is not _END or theirs is not _END:
        if ours.start == theirs.start and ours.originating_registry == theirs.originating_registry:
            end = min(ours.end, theirs.end)
            if theirs.double or not ours.placements[0].agrees(theirs.placements[0]):
                yield _difference(ours, end, ours.placements[0], theirs)
            ours, theirs = _behind(ours, end, log), _behind(theirs, end, registry)
        elif ours[:2] < theirs[:2]:
            end = _until(ours, theirs)
            yield _difference(ours, end, ours.placements[0], None)
            ours = _behind(ours, end, log)
        else:
            end = _until(theirs, ours)
            yield _difference(theirs, end, None, theirs)
            theirs = _behind(theirs, end, registry)


_END = _Stretch("\U0010ffff", 0, 0, (), False)
"""Behind all stretches of a side."""


def _difference(at: _Stretch, end: int, log: Placement | None, registry: _Stretch | None) -> Difference:
    units = SerialRange(at.originating_registry, at.start, end)
    return Difference(units, log, ()) if registry is None else Difference(units, log, *registry[3:])


def _until(stretch: _Stretch, other: _Stretch) -> int:
    """The last serial of `stretch` before `other` begins, which begins later."""
    same_registry = other.originating_registry == stretch.originating_registry
    return min(stretch.end, other.start - 1) if same_registry else stretch.end


def _behind(stretch: _Stretch, end: int, more: Iterator[_Stretch]) -> _Stretch:
    """What of `stretch` lies behind the serial `end`, or else the next."""
    return next(more, _END) if stretch.end == end else stretch._replace(start=end + 1)


def _stretches(blocks: Iterable[PlacedUnits], by_account: bool, side: str) -> Iterator[_Stretch]:
    """The units of one side without overlaps. Only the log's side must not have any."""
    alone: _Stretch | None = None  # the last block, while no other overlaps it
    crowd: _Crowd | None = None  # what came instead
    origin, start, reach = "", 0, 0
    for block in blocks:
        units, placed = block.range, block.placement if by_account else block.placement.bare
        following, first = units.originating_registry, units.start
        if following != origin or first > reach:
            if following < origin:
                raise _unsorted(side, units, origin, start)
            if crowd is not None:
                yield from crowd.before(None)
                crowd = None
            elif alone is not None:
                yield alone
            alone = _Stretch(following, first, units.end, (placed,), False)
            origin, start, reach = following, first, units.end
            continue
        if first < start:
            raise _unsorted(side, units, origin, start)
        if side == LOG:
            raise LedgerError(f"{side} has {units} twice, at least in part: a unit is in one place; run `itl audit`")
        if crowd is None and alone is not None:
            crowd = _Crowd(origin)
            crowd.add(alone.start, alone.end, alone.placements[0])
        if crowd is not None:
            yield from crowd.before(first)
            crowd.add(first, units.end, placed)
        start, reach = first, max(reach, units.end)
    if crowd is not None:
        yield from crowd.before(None)
    elif alone is not None:
        yield alone


def _unsorted(side: str, units: SerialRange, origin: str, start: int) -> LedgerError:
    return LedgerError(f"{side} has {units} behind {origin} {start}; sort by registry and first serial")


class _Crowd:
    """Blocks of one side that overlap, one begun before the last has ended; as little of them as is needed."""

    def __init__(self, originating_registry: str) -> None:
        self._registry = originating_registry
        self._at = 1
        self._reach = 0
        """The last serial of the block that reaches furthest."""
        self._alone: tuple[Placement, ...] = ()
        """Its placement: it is alone behind all others."""
        self._second = 0
        """The last serial of the block that reaches second furthest: up to there units are named twice."""
        self._ends: dict[Placement, int] = {}
        """By placement, where its blocks end."""

    def add(self, start: int, end: int, placed: Placement) -> None:
        """A block that begins at `start`; what lies before it was taken (`before`)."""
        self._at = start
        self._ends[placed.bare] = max(self._ends.get(placed.bare, 0), end)
        if end > self._reach:
            self._alone, self._reach, self._second = (placed,), end, self._reach
        else:
            self._second = max(self._second, end)

    def before(self, serial: int | None) -> Iterator[_Stretch]:
        """The stretches from where the pass stands to before `serial`, or to the end of all blocks."""
        limit = self._reach if serial is None else min(self._reach, serial - 1)
        while self._at <= limit:
            end, double, placements = limit, self._second >= self._at, self._alone
            if double:
                self._ends = {placed: reach for placed, reach in self._ends.items() if reach >= self._at}
                end, placements = min(limit, self._second, *self._ends.values()), tuple(sorted(self._ends))
            yield _Stretch(self._registry, self._at, end, placements, double)
            self._at = end + 1
