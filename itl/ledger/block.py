"""A unit block of the ledger: a range of serials of one originating registry with equal attributes, in one place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date


@dataclass(frozen=True, slots=True, order=True)
class SerialRange:
    """Serials `start` to `end`, both included, of one originating registry."""

    originating_registry: str
    start: int
    end: int

    @property
    def quantity(self) -> int:
        return self.end - self.start + 1


@dataclass(frozen=True, slots=True)
class Attributes:
    """What units are: equal for all units of a block. `issued_unit_type` is what they were at issuance."""

    unit_type: int
    supp_unit_type: int | None
    original_commit_period: int
    applicable_commit_period: int
    lulucf_activity: int | None
    project_identifier: int | None
    track: int | None
    expiry_date: date | None
    issued_unit_type: int
    replaced: bool = False
    """A tCER or lCER that other units were moved into a replacement account for; it stays where it is."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where units are: registry, account type, and the account's identifier where it was told."""

    registry: str
    account_type: int
    account_identifier: int | None = None


@dataclass(frozen=True, slots=True)
class HeldBlock:
    """A block as the ledger holds it."""

    range: SerialRange
    attributes: Attributes
    place: Place

    def cut(self, start: int, end: int) -> HeldBlock:
        """The part of this block from `start` to `end`, which lie inside it."""
        return replace(self, range=SerialRange(self.range.originating_registry, start, end))


@dataclass(frozen=True, slots=True)
class Reservation:
    """Units that a transaction which is not final keeps from every other."""

    range: SerialRange
    transaction: str
    """Identifier of the transaction, e.g. GB100001."""


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """Units for which a reconciliation found registry and log to differ, not resolved yet."""

    range: SerialRange
    log: str
    """Code of the log that the registry differs with: this one, or an STL."""
