"""What a registry holds, in few words."""

from __future__ import annotations

from itl.codes import UnitType
from registry_client.registry import Registry
from registry_client.units import Account, Wanted

HOLDING = Account(100, 1001)


def held(registry: Registry) -> dict[tuple[int, str], int]:
    """Units by account type and originating registry."""
    sums: dict[tuple[int, str], int] = {}
    for holding in registry.holdings():
        key = holding.account.account_type, holding.originating_registry
        sums[key] = sums.get(key, 0) + holding.quantity
    return sums


def reserved(registry: Registry) -> int:
    return sum(holding.reserved for holding in registry.holdings())


def aau(quantity: int) -> Wanted:
    return Wanted(quantity=quantity, unit_type=UnitType.AAU)
