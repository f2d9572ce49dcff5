"""Where units count in a reconciliation: the coarser view of the ledger that both sides compare.

What the two sides may tell differently, and still agree on, is told apart here and nowhere else: the account period of
holding accounts, units that a scheme has marked, and identifiers of accounts that one side leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from itl.codes import ACCOUNTS_WITHOUT_PERIOD
from itl.ledger.block import HeldBlock, SerialRange


@dataclass(frozen=True, slots=True, order=True)
class Placement:
    """In which account, and as what, units of a registry count. Make it by `placement`, which writes it one way."""

    account_type: int
    account_period: int
    """0 for the holding accounts that have none, else the applicable commitment period of the units."""
    unit_type: int
    """1 for AAU that a scheme has marked, too: a supplementary unit type does not count."""
    account_identifier: int | None = None
    """None: not told, or not compared."""

    @property
    def bare(self) -> Placement:
        """This without the account's identifier."""
        if self.account_identifier is None:
            return self
        return Placement(self.account_type, self.account_period, self.unit_type)

    def agrees(self, other: Placement) -> bool:
        """Whether both say the same, an identifier that one leaves out being no difference."""
        return self is other or (
            (self.account_type, self.account_period, self.unit_type)
            == (other.account_type, other.account_period, other.unit_type)
            and (self.account_identifier is None or other.account_identifier is None)
        )


@lru_cache(maxsize=10_000)
def placement(account_type: int, period: int, unit_type: int, account_identifier: int | None = None) -> Placement:
    """As either side tells it: `period` is the account's, or the units' applicable one. Made once and kept, as there
    are few of them in many blocks, though a registry may have any number of accounts."""
    return Placement(
        account_type, 0 if account_type in ACCOUNTS_WITHOUT_PERIOD else period, unit_type, account_identifier
    )


def placement_in(registry: str, block: HeldBlock) -> Placement | None:
    """How a held block counts in `registry`; None where another holds it."""
    where, what = block.place, block.attributes
    if where.registry != registry:
        return None
    return placement(where.account_type, what.applicable_commit_period, what.unit_type, where.account_identifier)


@dataclass(frozen=True, slots=True)
class PlacedUnits:
    """Units that one side of a reconciliation has in one placement."""

    range: SerialRange
    placement: Placement


@dataclass(frozen=True, slots=True, order=True)
class Filter:
    """Asks for the units whose placement is as told; None leaves a member open."""

    account_type: int | None = None
    account_period: int | None = None
    unit_type: int | None = None
    account_identifier: int | None = None

    def takes(self, placed: Placement) -> bool:
        """Whether `placed` is asked for. An account that has no identifier on record is not what one asks for by it."""
        return (
            self.account_type in (None, placed.account_type)
            and self.account_period in (None, placed.account_period)
            and self.unit_type in (None, placed.unit_type)
            and self.account_identifier in (None, placed.account_identifier)
        )


def taken(placed: Placement, filters: Iterable[Filter]) -> bool:
    """Whether any of `filters` asks for `placed`; none at all ask for everything."""
    filters = tuple(filters)
    return not filters or any(each.takes(placed) for each in filters)
