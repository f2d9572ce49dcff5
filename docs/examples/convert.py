"""Convert AAU into ERU of a joint implementation project (track 1: the Party verifies it), and show them."""

from itl.codes import Track, UnitType
from registry_client.registry import Registry
from registry_client.units import Wanted


def convert(registry: Registry, quantity: int, project: int) -> list[str]:
    """The serials of the project's ERU; they are those that the AAU had."""
    units = Wanted(quantity=quantity, unit_type=UnitType.AAU, period=2)
    registry.wait(registry.convert(units, project=project, track=Track.PARTY_VERIFIED), 30.0)
    return [str(block.range) for block in registry.blocks() if block.attributes.project == project]
