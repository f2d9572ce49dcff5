"""What both sides of a rehearsal hold: the same units, cut into blocks in two ways. Pure, and the same for a seed.

Units come in runs: serials in a row, of one kind, in one account. A run follows from its number alone, so that either
side makes its blocks one after the other, and nobody holds them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import product
from random import Random

from itl.codes import ACCOUNTS_WITHOUT_PERIOD, UnitType
from itl.ledger.block import SerialRange

REGISTRY = "GB"
LOG_BLOCKS = 4
"""Blocks of the log in a run."""
LONGEST = 500
"""Most units of a block of the log."""
SPAN = 10_000
"""Serials from the start of a run to the start of the next: between two runs there are some that are nobody's."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the units of a run are, and where they lie."""

    originating_registry: str
    unit_type: int
    original_period: int
    applicable_period: int
    account_type: int
    account_identifier: int
    lulucf_activity: int | None = None
    project: int | None = None
    track: int | None = None
    expiry_date: date | None = None

    @property
    def counts_by_period(self) -> bool:
        return self.account_type not in ACCOUNTS_WITHOUT_PERIOD


_EXPIRY = date(2017, 12, 31)
_UNITS = (
    ("GB", UnitType.AAU, 1, 1, None, None, None, None),
    ("GB", UnitType.AAU, 2, 2, None, None, None, None),
    ("FR", UnitType.AAU, 1, 1, None, None, None, None),
    ("GB", UnitType.RMU, 1, 1, 3, None, None, None),
    ("GB", UnitType.ERU_FROM_AAU, 1, 1, None, 21, 1, None),
    ("JP", UnitType.ERU_FROM_RMU, 2, 2, 1, 22, 2, None),
    ("BR", UnitType.CER, 1, 1, None, 31, None, None),
    ("CN", UnitType.CER, 1, 2, None, 32, None, None),
    ("IN", UnitType.TCER, 1, 1, 1, 33, None, _EXPIRY),
    ("CN", UnitType.LCER, 2, 2, 1, 34, None, _EXPIRY),
)
ACCOUNTS = ((100, 1001), (120, 1002), (121, 1003), (130, 1004), (230, 1005), (250, 1006), (300, 1007))
KINDS = tuple(
    Kind(origin, unit_type, original, applicable, account_type, identifier, activity, project, track, expiry)
    for (origin, unit_type, original, applicable, activity, project, track, expiry), (
        account_type,
        identifier,
    ) in product(_UNITS, ACCOUNTS)
)
"""Every kind of unit in every account."""


@dataclass(frozen=True, slots=True)
class Run:
    """Units in a row that are alike. `log` and `registry` are the blocks of each side, which make up the same units."""

    kind: Kind
    range: SerialRange
    log: tuple[SerialRange, ...]
    registry: tuple[SerialRange, ...]


def runs(seed: int, blocks: int) -> Iterator[Run]:
    """As many runs as make up `blocks` blocks of the log, in the order of their numbers."""
    return (run(seed, blocks, number) for number in range(count(blocks)))


def count(blocks: int) -> int:
    """How many runs make up so many blocks of the log."""
    return -(-blocks // LOG_BLOCKS)


def run(seed: int, blocks: int, number: int) -> Run:
    """One of `runs(seed, blocks)`."""
    draw = Random(seed * 1_000_003 + number)
    kind = KINDS[draw.randrange(len(KINDS))]
    lengths = [1 + draw.randrange(LONGEST) for _ in range(min(LOG_BLOCKS, blocks - number * LOG_BLOCKS))]
    start, units = number * SPAN + 1, sum(lengths)
    cuts = sorted({draw.randrange(units) for _ in range(draw.randrange(2 * LOG_BLOCKS))} - {0})
    return Run(
        kind,
        SerialRange(kind.originating_registry, start, start + units - 1),
        _cut(kind, start, lengths),
        _cut(kind, start, [end - begin for begin, end in zip([0, *cuts], [*cuts, units], strict=True)]),
    )


def _cut(kind: Kind, start: int, lengths: list[int]) -> tuple[SerialRange, ...]:
    made = []
    for length in lengths:
        made.append(SerialRange(kind.originating_registry, start, start + length - 1))
        start += length
    return tuple(made)
