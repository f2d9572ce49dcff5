"""Running totals: what limits rest on, counted as transactions open and end, so that no check has to sum a ledger.

Two kinds: flows, which follow from transactions (`checks.flows` says which), each with what is completed and what open
transactions would add; and stocks, which follow from the ledger's changes. `itl audit` counts both anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from itl.codes import CANCELLATION_ACCOUNTS
from itl.ledger.block import HeldBlock
from itl.ledger.operations import Change


class TotalKind(StrEnum):
    """What is counted; in brackets what `subject`, `period` and `detail` of a key stand for."""

    ISSUED = "issued"
    """Units issued [issuing Party, original period, unit type] (5008)."""
    RMU_ISSUED = "RMU issued"
    """RMU issued [issuing Party, original period, LULUCF activity] (5009)."""
    PROJECT_ISSUED = "project issued"
    """CER, tCER, lCER issued [HOST/number, original period, unit type] (5018)."""
    PROJECT_CONVERTED = "project converted"
    """ERU converted under track 2 [HOST/number, applicable period, unit type of the ERU] (5056)."""
    CARRIED_OVER = "carried over"
    """Units carried over [Party, the period they come from, unit type] (5312, 5313)."""
    LULUCF_ACQUIRED = "LULUCF acquired"
    """tCER and lCER that came by external transfer [Party, applicable period, -] (5106)."""
    LULUCF_PASSED_ON = "LULUCF passed on"
    """tCER and lCER that left by external transfer [Party, applicable period, -] (5106)."""
    LULUCF_RETIRED = "LULUCF retired"
    """tCER and lCER retired [Party, applicable period, -] (5256)."""
    AAU_LEFT = "AAU left"
    """A Party's own AAU, issued for the second period or later, that left it by external transfer, but to the
    share-of-proceeds account [Party, original period, -] (5107)."""
    AAU_TO_PROCEEDS = "AAU to share of proceeds"
    """The like AAU that went to the share-of-proceeds account [Party, original period, -] (5107)."""
    ERU_LEFT = "ERU left"
    """A Party's own ERU, made of units issued for the second period or later, that left it [Party, original period, -]
    (5107)."""
    ERU_TO_PROCEEDS = "ERU to share of proceeds"
    """The like ERU that went to the share-of-proceeds account [Party, original period, -] (5107)."""
    SURPLUS_ACQUIRED = "surplus acquired"
    """Units acquired into a previous period surplus reserve account [Party, applicable period, -] (5108)."""
    LEAVING = "leaving"
    """Units that leave by external transfer [Party, applicable period, -]: the open ones lessen the reserve (5104)."""
    NOTICE = "notice"
    """Units of transactions that answer a notice, of a replacement the replaced ones [identifier of the notice, -, -]
    (5103, 5156, 5215)."""
    COUNTING = "counting"
    """Stock: units in a registry's accounts, cancellation accounts excepted [registry, applicable period, unit type]
    (5104)."""


STOCKS = frozenset({TotalKind.COUNTING})


@dataclass(frozen=True, slots=True, order=True)
class TotalKey:
    """Names a total; parts that a kind does not use are 0."""

    kind: TotalKind
    subject: str
    period: int = 0
    detail: int = 0


@dataclass(frozen=True, slots=True)
class Total:
    """Quantities in units. A stock has no open part."""

    completed: int = 0
    open: int = 0

    @property
    def both(self) -> int:
        return self.completed + self.open


class TotalsSnapshot:
    """The totals around a batch, kept up to date while it is judged."""

    def __init__(self, loaded: Mapping[TotalKey, Total] | None = None) -> None:
        self._totals = dict(loaded or {})

    def __getitem__(self, key: TotalKey) -> Total:
        return self._totals.get(key, Total())

    def open(self, flows: Mapping[TotalKey, int]) -> None:
        """A proposal passed: what it would add is open."""
        for key, quantity in flows.items():
            total = self[key]
            self._totals[key] = Total(total.completed, total.open + quantity)

    def complete(self, flows: Mapping[TotalKey, int]) -> None:
        """An open transaction was carried out."""
        for key, quantity in flows.items():
            total = self[key]
            self._totals[key] = Total(total.completed + quantity, total.open - quantity)

    def stock(self, changes: Mapping[TotalKey, int]) -> None:
        """The ledger changed."""
        for key, quantity in changes.items():
            self._totals[key] = Total(self[key].completed + quantity)


def stocks(changes: Iterable[Change]) -> dict[TotalKey, int]:
    """What `changes` add to (or take from) the stocks; keys that come out even are left out."""
    sums: dict[TotalKey, int] = {}
    for change in changes:
        for sign, blocks in ((-1, change.closed), (1, change.opened)):
            for block in blocks:
                for key in stock_keys(block):
                    sums[key] = sums.get(key, 0) + sign * block.range.quantity
    return {key: quantity for key, quantity in sums.items() if quantity}


def stock_keys(block: HeldBlock) -> tuple[TotalKey, ...]:
    """The stocks that a held block counts in."""
    if block.place.account_type in CANCELLATION_ACCOUNTS:
        return ()
    what = block.attributes
    return (TotalKey(TotalKind.COUNTING, block.place.registry, what.applicable_commit_period, what.unit_type),)
