"""Comparing sums: what a registry says it holds by account type, account period and unit type, beside the log's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from itl.ledger.placement import Filter, Placement

Sums = Mapping[Placement, int]
"""Units by placement; a placement with an account's identifier is that account's sum."""


@dataclass(frozen=True, slots=True)
class TotalDifference:
    """A placement in which both sides have different quantities of units; 0 where a side has none."""

    placement: Placement
    log: int
    registry: int


def differing_totals(log: Sums, registry: Sums, *, by_account: bool = False) -> list[TotalDifference]:
    """Where the sums differ, in the order of account type, account period and unit type (status 3).

    `by_account`: accounts are compared one by one where both sides tell every one of them in a placement; elsewhere,
    and without it, all accounts of a placement are one sum.
    """
    untold = {placed.bare for side in (log, registry) for placed in side if placed.account_identifier is None}
    ours, theirs = (_summed(side, by_account, untold) for side in (log, registry))
    keys = sorted(ours.keys() | theirs.keys(), key=_order)
    return [
        TotalDifference(key, ours.get(key, 0), theirs.get(key, 0))
        for key in keys
        if ours.get(key, 0) != theirs.get(key, 0)
    ]


def _summed(side: Sums, by_account: bool, untold: set[Placement]) -> dict[Placement, int]:
    sums: dict[Placement, int] = defaultdict(int)
    for placed, quantity in side.items():
        sums[placed if by_account and placed.bare not in untold else placed.bare] += quantity
    return sums


def _order(placed: Placement) -> tuple[int, int, int, int]:
    return placed.account_type, placed.account_period, placed.unit_type, placed.account_identifier or 0


def differing_account_types(log: Sums, registry: Sums) -> list[int]:
    """Account types whose sums over all periods and unit types differ (status 98), in their order.

    Fewer than those of `differing_totals`: what one placement has too many and another of the type too few evens out.
    """
    sums: dict[int, int] = defaultdict(int)
    for sign, side in ((1, log), (-1, registry)):
        for placed, quantity in side.items():
            sums[placed.account_type] += sign * quantity
    return sorted(account_type for account_type, quantity in sums.items() if quantity)


def filters(found: Iterable[TotalDifference]) -> list[Filter]:
    """What to ask unit blocks for, to see just the placements that differ.

    They are disjoint, for registries concatenate what each entry of a request asks for. Accounts are not named, since
    registries do not heed them.
    """
    bare = {each.placement.bare for each in found}
    return [Filter(each.account_type, each.account_period, each.unit_type) for each in sorted(bare, key=_order)]
