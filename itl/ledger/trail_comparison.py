"""Comparing audit trails: the completed transactions that registry and log each have for the units in question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from itl.ledger.block import SerialRange
from itl.ledger.ranges import intersection, union


class TrailDifferenceKind(StrEnum):
    """How both sides differ about a transaction."""

    MISSING = "missing"
    """The log completed it, and the registry does not name it."""
    UNKNOWN = "unknown"
    """The registry names it, and the log did not complete it."""
    OTHERWISE = "otherwise"
    """Both have it, with another type, other registries, or other units."""


@dataclass(frozen=True, slots=True)
class TrailTransaction:
    """A completed transaction as one side has it."""

    identifier: str
    transaction_type: int
    transferring_registry: str
    acquiring_registry: str
    at: datetime
    """When it was completed."""
    blocks: tuple[SerialRange, ...]


@dataclass(frozen=True, slots=True)
class TrailDifference:
    """A transaction that both sides do not have alike."""

    identifier: str
    kind: TrailDifferenceKind
    log: TrailTransaction | None
    registry: TrailTransaction | None


@dataclass(frozen=True, slots=True)
class Period:
    """From `begin` to `end`. Who completes a transaction, and who hears of it, write down times up to `slack` apart."""

    begin: datetime
    end: datetime
    slack: timedelta

    def surely_holds(self, at: datetime) -> bool:
        """Whether a transaction completed at `at` lies inside by any side's clock."""
        return self.begin + self.slack <= at <= self.end - self.slack


def differing_transactions(
    log: Iterable[TrailTransaction],
    registry: Iterable[TrailTransaction],
    asked: Iterable[SerialRange],
    period: Period,
) -> list[TrailDifference]:
    """Where the trails differ, by identifier. Only units of `asked` count (none given: all), however they are cut.

    One that a side alone has is a difference where it lies surely in the period. A registry may name a transaction in
    several pieces.
    """
    wanted = union(asked)
    ours, theirs = _by_identifier(log), _by_identifier(registry)
    return list(_differing(ours, theirs, wanted, period))


def _differing(
    ours: dict[str, TrailTransaction],
    theirs: dict[str, TrailTransaction],
    wanted: list[SerialRange],
    period: Period,
) -> Iterator[TrailDifference]:
    for identifier in sorted(ours.keys() | theirs.keys()):
        own, other = ours.get(identifier), theirs.get(identifier)
        if own is not None and other is not None:
            if _told(own, wanted) != _told(other, wanted):
                yield TrailDifference(identifier, TrailDifferenceKind.OTHERWISE, own, other)
        elif own is not None and period.surely_holds(own.at):
            yield TrailDifference(identifier, TrailDifferenceKind.MISSING, own, None)
        elif other is not None and period.surely_holds(other.at):
            yield TrailDifference(identifier, TrailDifferenceKind.UNKNOWN, None, other)


def _told(transaction: TrailTransaction, wanted: list[SerialRange]) -> tuple[object, ...]:
    units = intersection(transaction.blocks, wanted) if wanted else union(transaction.blocks)
    return (
        transaction.transaction_type,
        transaction.transferring_registry,
        transaction.acquiring_registry,
        tuple(units),
    )


def _by_identifier(transactions: Iterable[TrailTransaction]) -> dict[str, TrailTransaction]:
    known: dict[str, TrailTransaction] = {}
    for each in transactions:
        before = known.get(each.identifier)
        if before is not None:
            blocks = (*before.blocks, *each.blocks)
            each = TrailTransaction(  # noqa: PLW2901 - the pieces put together
                each.identifier,
                each.transaction_type,
                each.transferring_registry,
                each.acquiring_registry,
                each.at,
                blocks,
            )
        known[each.identifier] = each
    return known
