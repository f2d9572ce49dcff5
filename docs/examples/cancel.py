"""Cancel units by their serials, into the voluntary cancellation account (230)."""

from registry_client.errors import UnitsError
from registry_client.identifiers import SerialRange
from registry_client.registry import Registry


def cancel(registry: Registry, serials: str) -> str:
    """What became of it, in a line."""
    try:
        identifier = registry.cancel([SerialRange.parse(serials)])
    except UnitsError as error:  # not here, or reserved for another transaction: nothing was proposed
        return str(error)
    ended = registry.wait(identifier, 30.0)
    return f"{identifier} {ended.state} {ended.codes}"
