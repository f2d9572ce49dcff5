"""Carry over what is left of the first period: AAU into the surplus reserve account (130), CER where they are."""

from itl.codes import UnitType
from registry_client.errors import UnitsError
from registry_client.registry import Registry
from registry_client.units import Wanted


def carry_over(registry: Registry, wishes: dict[UnitType, int]) -> dict[UnitType, tuple[int, ...]]:
    """The codes that each kind of unit was refused with: none if it was carried over."""
    codes = {}
    for unit_type, quantity in wishes.items():
        try:
            identifier = registry.carry_over(Wanted(quantity=quantity, unit_type=unit_type, period=1))
        except UnitsError:  # there are not so many free
            continue
        codes[unit_type] = registry.wait(identifier, 30.0).codes
    return codes
