"""The algebra of serial ranges: sets of units, written as ranges that may lie in several originating registries.

Every function takes ranges in any order, reads each as `start <= end`, and works in O(n log n). What it returns is in
normal form: sorted, disjoint, and no two ranges adjacent in one registry.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from itl.ledger.block import SerialRange

by_serial = attrgetter("originating_registry", "start", "end")
"""Sort key of a range: registry, start, end (much faster than comparing the ranges themselves)."""
_registry_and_end = attrgetter("originating_registry", "end")


def union(ranges: Iterable[SerialRange]) -> list[SerialRange]:
    """The units that lie in any of `ranges`."""
    joined: list[SerialRange] = []
    for wanted in sorted(ranges, key=by_serial):
        last = joined[-1] if joined else None
        if last and last.originating_registry == wanted.originating_registry and wanted.start <= last.end + 1:
            if wanted.end > last.end:
                joined[-1] = SerialRange(last.originating_registry, last.start, wanted.end)
        else:
            joined.append(wanted)
    return joined


def overlaps(ranges: Iterable[SerialRange]) -> list[SerialRange]:
    """The units that lie in more than one of `ranges`."""
    shared: list[SerialRange] = []
    registry, reach = None, 0
    for wanted in sorted(ranges, key=by_serial):
        if wanted.originating_registry != registry:
            registry, reach = wanted.originating_registry, wanted.end
            continue
        if wanted.start <= reach:
            shared.append(SerialRange(registry, wanted.start, min(wanted.end, reach)))
        reach = max(reach, wanted.end)
    return union(shared)


def intersection(left: Iterable[SerialRange], right: Iterable[SerialRange]) -> list[SerialRange]:
    """The units that lie in both `left` and `right`."""
    return overlaps([*union(left), *union(right)])


def parts_in(wanted: SerialRange, within: Sequence[SerialRange]) -> list[SerialRange]:
    """The parts of `wanted` that lie in `within`, which is in normal form: O(log n) and what is found."""
    registry = wanted.originating_registry
    at = bisect_left(within, (registry, wanted.start), key=_registry_and_end)
    found = []
    while at < len(within) and (within[at].originating_registry, within[at].start) <= (registry, wanted.end):
        found.append(SerialRange(registry, max(within[at].start, wanted.start), min(within[at].end, wanted.end)))
        at += 1
    return found


def subtraction(left: Iterable[SerialRange], right: Iterable[SerialRange]) -> list[SerialRange]:
    """The units of `left` that do not lie in `right`."""
    rest: list[SerialRange] = []
    taken = union(right)
    at = 0
    for wanted in union(left):
        registry, start = wanted.originating_registry, wanted.start
        while at < len(taken) and (taken[at].originating_registry, taken[at].end) < (registry, start):
            at += 1
        behind = at
        while behind < len(taken) and (taken[behind].originating_registry, taken[behind].start) <= (
            registry,
            wanted.end,
        ):
            if start < taken[behind].start:
                rest.append(SerialRange(registry, start, taken[behind].start - 1))
            start = taken[behind].end + 1
            behind += 1
        if start <= wanted.end:
            rest.append(SerialRange(registry, start, wanted.end))
    return rest


def quantity(ranges: Iterable[SerialRange]) -> int:
    """How many units `ranges` hold together, one that lies in two of them counted twice."""
    return sum(wanted.quantity for wanted in ranges)


def uncovered(wanted: Iterable[SerialRange], within: Iterable[SerialRange]) -> Iterator[SerialRange]:
    """The parts of `wanted` that lie in none of `within`, without holding either: both come by serial, disjoint."""
    there = iter(within)
    cover = next(there, None)
    for each in wanted:
        at = each.start
        while at <= each.end:
            origin = each.originating_registry
            while cover is not None and (cover.originating_registry, cover.end) < (origin, at):
                cover = next(there, None)
            if cover is not None and cover.originating_registry == origin and cover.start <= at:
                at = cover.end + 1
                continue
            reaches = cover is not None and cover.originating_registry == origin and cover.start <= each.end
            end = cover.start - 1 if cover is not None and reaches else each.end
            yield SerialRange(origin, at, end)
            at = end + 1
