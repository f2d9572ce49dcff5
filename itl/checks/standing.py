"""Where the units of a proposal stand in the ledger: for each that is not where the proposal says, the one cause."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from itl.codes import (
    CANCELLATION_ACCOUNTS,
    REPLACED_ROLE,
    REPLACEMENT_ACCOUNTS,
    RETIREMENT_ACCOUNTS,
    TransactionType,
)
from itl.ledger.block import HeldBlock, SerialRange
from itl.ledger.ranges import subtraction, union
from itl.messages import TransactionUnitBlock

NEVER_ISSUED, NOT_HELD, CANCELLED, RETIRED, USED_FOR_REPLACEMENT = 4002, 4003, 4011, 4013, 4014

Expected = tuple[TransactionUnitBlock, int | None, Sequence[HeldBlock]]
"""A proposed block, the account type it is said to lie in (None: not said), and the held parts in it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a comparison of proposal and ledger gives."""

    causes: Mapping[int, Sequence[SerialRange]]
    """By code, the units for which it is the cause: per block sorted, adjacent ones together."""
    sound: Sequence[tuple[TransactionUnitBlock, Sequence[HeldBlock]]]
    """Each block with the parts that are where the proposal says."""


def standing(transaction_type: int, registry: str, expected: Iterable[Expected]) -> Standing:
    """Compare proposed blocks with the ledger; `registry` is the one that should hold them."""
    causes: defaultdict[int, list[SerialRange]] = defaultdict(list)
    sound = []
    for block, account_type, parts in expected:
        replaced = block.block_role == REPLACED_ROLE
        asked = _asked(transaction_type, replaced)
        failing: defaultdict[int, list[SerialRange]] = defaultdict(list)
        rest = []
        for part in parts:
            cause = next((code for code, is_so in asked if is_so(part)), None)
            if cause is None and not _lies_in(part, registry, None if replaced else account_type):
                cause = NOT_HELD
            if cause is None:
                rest.append(part)
            else:
                failing[cause].append(part.range)
        missing = _missing(block, parts)
        if missing:
            failing[NEVER_ISSUED] = missing
        for code, ranges in failing.items():
            causes[code] += union(ranges)
        sound.append((block, rest))
    return Standing(causes, sound)


Cause = tuple[int, Callable[[HeldBlock], bool]]

CAUSES: Sequence[Cause] = (
    (CANCELLED, lambda part: part.place.account_type in CANCELLATION_ACCOUNTS),
    (RETIRED, lambda part: part.place.account_type in RETIREMENT_ACCOUNTS),
    (USED_FOR_REPLACEMENT, lambda part: part.place.account_type in REPLACEMENT_ACCOUNTS),
)
"""What befell an issued unit, in order of precedence; before them stands NEVER_ISSUED, after them NOT_HELD."""

_NOT_FOR_REPLACED = frozenset({RETIRED, USED_FOR_REPLACEMENT})
"""Not asked of blocks that are replaced, nor in a change of expiry date: both reach units that were retired or used."""


def _asked(transaction_type: int, replaced: bool) -> Sequence[Cause]:
    if replaced or transaction_type == TransactionType.EXPIRY_DATE_CHANGE:
        return tuple(cause for cause in CAUSES if cause[0] not in _NOT_FOR_REPLACED)
    return CAUSES


def _lies_in(part: HeldBlock, registry: str, account_type: int | None) -> bool:
    return part.place.registry == registry and account_type in (None, part.place.account_type)


def _missing(block: TransactionUnitBlock, parts: Sequence[HeldBlock]) -> list[SerialRange]:
    """The gaps between held parts."""
    quantity = block.unit_serial_block_end - block.unit_serial_block_start + 1
    if sum(part.range.quantity for part in parts) == quantity:
        return []
    wanted = SerialRange(block.originating_registry_code, block.unit_serial_block_start, block.unit_serial_block_end)
    return subtraction([wanted], [part.range for part in parts])
