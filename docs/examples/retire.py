"""Retire what a person surrendered: the oldest units of a kind in the person's account first."""

from itl.codes import UnitType
from registry_client.registry import Registry
from registry_client.transactions import State
from registry_client.units import Account, Wanted


def retire(registry: Registry, quantity: int, account: Account) -> bool:
    """Whether they are retired."""
    units = Wanted(quantity=quantity, unit_type=UnitType.AAU, period=2, account=account)
    return registry.wait(registry.retire(units), 30.0).state is State.COMPLETED
