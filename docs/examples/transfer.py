"""Send AAU to another registry. The share of proceeds is paid first: it lets 49 times as many units leave (5107)."""

from itl.codes import UnitType
from registry_client.identifiers import AccountNumber
from registry_client.registry import Registry
from registry_client.transactions import Transaction
from registry_client.units import Account, Wanted

PATIENCE = 30.0
SHARE_OF_PROCEEDS = Account(100, 1100)


def transfer(registry: Registry, quantity: int, to: str) -> Transaction:
    """How the transfer ended: completed, or terminated with the codes of the log or of the other registry."""
    share = Wanted(quantity=-(-quantity // 49), unit_type=UnitType.AAU, period=2)
    registry.wait(registry.transfer(share, "CDM", SHARE_OF_PROCEEDS), PATIENCE)
    number = AccountNumber.parse(to)  # an IdentifierError for mistyped check digits
    account = Account(number.account_type, number.identifier)
    units = Wanted(quantity=quantity, unit_type=UnitType.AAU, period=2)
    return registry.wait(registry.transfer(units, number.registry, account), PATIENCE)
