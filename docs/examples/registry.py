"""A registry in Python: it issues 100 AAU through the log and waits for the end. Give the log's address, and a port."""

import sys

from itl.codes import UnitType
from itl.wire.server import serve
from registry_client.client import RegistryClient
from registry_client.endpoint import application
from registry_client.registry import Registry
from registry_client.settings import Settings


def issue(hub: str, port: int, database: str = "sqlite:///gb.db") -> str:
    """The state that the issuance ended in."""
    client = RegistryClient(hub, code="GB", user="gb", password="gb")
    registry = Registry(Settings(code="GB"), client, database=database)
    with serve(application(registry), "127.0.0.1", port):  # what the log calls
        registry.start()
        identifier = registry.issue(UnitType.AAU, 100, period=2, start=200_001)
        state = registry.wait(identifier, timeout=30).state
    registry.close()
    client.close()
    return f"{identifier} {state}"


if __name__ == "__main__":
    print(issue(sys.argv[1], int(sys.argv[2])))
