"""Do what the log's open notices ask for: with AAU, where units must be cancelled or take the place of others."""

from itl.codes import UnitType
from registry_client.errors import RegistryError
from registry_client.notices import NoticeStatus
from registry_client.registry import Registry
from registry_client.units import Wanted


def answer_notices(registry: Registry) -> dict[int, str]:
    """By the identifier of the notice, how its transaction ended, or why there is none."""
    done = {}
    for notice in registry.notices():
        if notice.status != NoticeStatus.OPEN:
            continue
        quantity = notice.newest.target_value
        units = Wanted(quantity=quantity, unit_type=UnitType.AAU, period=2) if quantity else None
        try:
            identifier = registry.fulfil(notice.identifier, units)
        except RegistryError as error:  # too few units, or a notice that no transaction answers
            done[notice.identifier] = str(error)
        else:
            done[notice.identifier] = str(registry.wait(identifier, 30.0).state)
    return done
