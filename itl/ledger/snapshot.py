"""The part of the ledger that a batch of proposals touches, kept up to date while the batch is judged."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from itl.errors import LedgerError
from itl.ledger.block import HeldBlock, Reservation, SerialRange
from itl.ledger.operations import Change
from itl.ledger.ranges import by_serial, union

Item = TypeVar("Item", HeldBlock, Reservation)


class Snapshot:
    """Held blocks and reservations by serial; what a verdict does to them is seen by the next (`View.units`).

    Built from what the store loaded, in any order. No unit may be held twice or reserved twice: LedgerError.
    """

    def __init__(self, held: Iterable[HeldBlock] = (), reserved: Iterable[Reservation] = ()) -> None:
        self._held: _Index[HeldBlock] = _Index(held)
        reservations = tuple(reserved)
        self._reserved: _Index[Reservation] = _Index(reservations)
        self._by_transaction: defaultdict[str, list[Reservation]] = defaultdict(list)
        for reservation in reservations:
            self._by_transaction[reservation.transaction].append(reservation)

    def held(self, wanted: SerialRange) -> list[HeldBlock]:
        """The parts of held blocks that lie in `wanted`, cut to it, by serial."""
        return [
            block if _lies_in(block.range, wanted) else replace(block, range=_clip(block.range, wanted))
            for block in self._held.touching(wanted)
        ]

    def reserved(self, wanted: SerialRange) -> list[Reservation]:
        """The parts of reservations that lie in `wanted`, cut to it, by serial."""
        return [
            reservation
            if _lies_in(reservation.range, wanted)
            else replace(reservation, range=_clip(reservation.range, wanted))
            for reservation in self._reserved.touching(wanted)
        ]

    def rows(self, wanted: Iterable[SerialRange]) -> list[HeldBlock]:
        """The held blocks that have a unit in `wanted`, whole, by serial, each once: what an operation closes."""
        found = {block.range: block for part in union(wanted) for block in self._held.touching(part)}
        return list(found.values())

    def reserve(self, ranges: Iterable[SerialRange], transaction: str) -> None:
        """Keep `ranges` for `transaction`; LedgerError where one of their units is reserved already."""
        reservations = [Reservation(wanted, transaction) for wanted in union(ranges)]
        for reservation in reservations:
            for other in self._reserved.touching(reservation.range):
                raise LedgerError(
                    f"{transaction} cannot reserve {reservation.range}: {other.transaction} keeps {other.range}"
                )
        for reservation in reservations:
            self._reserved.add(reservation)
        self._by_transaction[transaction].extend(reservations)

    def release(self, transaction: str) -> None:
        """Free what `transaction` keeps; nothing if it keeps nothing."""
        for reservation in self._by_transaction.pop(transaction, ()):
            self._reserved.remove(reservation)

    def apply(self, changes: Iterable[Change]) -> None:
        """Replace closed rows by opened ones; LedgerError where a closed row is not held or an opened one overlaps."""
        for change in changes:
            for block in change.closed:
                self._held.remove(block)
            for block in change.opened:
                self._held.add(block)


class _Index(Generic[Item]):
    """Items whose ranges are disjoint, found by bisection; per registry two parallel lists sorted by start."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._starts: defaultdict[str, list[int]] = defaultdict(list)
        self._items: defaultdict[str, list[Item]] = defaultdict(list)
        last: SerialRange | None = None
        for item in sorted(items, key=lambda each: by_serial(each.range)):
            units = item.range
            if last and last.originating_registry == units.originating_registry and units.start <= last.end:
                raise LedgerError(f"{last} and {units} overlap: a unit is in one place")
            self._starts[units.originating_registry].append(units.start)
            self._items[units.originating_registry].append(item)
            last = units

    def touching(self, wanted: SerialRange) -> Sequence[Item]:
        items = self._items.get(wanted.originating_registry)
        if not items:
            return ()
        starts = self._starts[wanted.originating_registry]
        first = bisect_right(starts, wanted.start) - 1
        if first < 0 or items[first].range.end < wanted.start:
            first += 1
        return items[first : bisect_right(starts, wanted.end, lo=first)]

    def add(self, item: Item) -> None:
        for other in self.touching(item.range):
            raise LedgerError(f"{item.range} overlaps {other.range}: a unit is in one place")
        starts = self._starts[item.range.originating_registry]
        at = bisect_left(starts, item.range.start)
        starts.insert(at, item.range.start)
        self._items[item.range.originating_registry].insert(at, item)

    def remove(self, item: Item) -> None:
        starts = self._starts[item.range.originating_registry]
        items = self._items[item.range.originating_registry]
        at = bisect_left(starts, item.range.start)
        if at == len(items) or items[at] != item:
            raise LedgerError(f"{item.range} cannot be taken out: it does not stand there as it was read")
        del starts[at], items[at]


def _lies_in(inner: SerialRange, outer: SerialRange) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _clip(units: SerialRange, wanted: SerialRange) -> SerialRange:
    return SerialRange(units.originating_registry, max(units.start, wanted.start), min(units.end, wanted.end))
