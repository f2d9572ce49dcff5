"""What supplementary transactions do to units beside moving them, as far as the log follows.

By its main type each one moves what it names, which splits blocks. These set or remove the mark of a scheme as well, so
that this log and the scheme's hold the same (Regulation (EC) 2216/2004 as amended by 916/2007: AAU become allowances by
10-52, and stop being such by 10-61 and 10-62). All else about them is for the scheme's supplementary log to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from itl.codes import UnitType


@dataclass(frozen=True, slots=True)
class Marking:
    """What a transaction makes of units of one type: their supplementary unit type before and after it, 0 for plain."""

    unit_type: int
    before: int
    after: int


_MADE_ALLOWANCES = Marking(UnitType.AAU, 0, 1)
_NO_LONGER_ALLOWANCES = Marking(UnitType.AAU, 1, 0)

MARKINGS: Mapping[tuple[int, int], Marking] = {
    (10, 52): _MADE_ALLOWANCES,
    (10, 61): _NO_LONGER_ALLOWANCES,
    (10, 62): _NO_LONGER_ALLOWANCES,
}
"""By transaction type and supplementary type."""


def marking_of(transaction_type: int, supp_transaction_type: int | None) -> Marking | None:
    """What the transaction makes of units beside moving them; None: nothing."""
    return MARKINGS.get((transaction_type, supp_transaction_type or 0))
