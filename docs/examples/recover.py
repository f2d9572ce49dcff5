"""After a crash: open the same database again. What was proposed, received or owed goes on by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from itl.wire.server import serve
from registry_client.client import RegistryClient
from registry_client.endpoint import application
from registry_client.registry import Registry
from registry_client.settings import Settings
from registry_client.transactions import State, Transaction


@contextmanager
def running(hub: str, port: int, database: str) -> Iterator[Registry]:
    """The registry JP, at work. It may be killed at any instruction."""
    client = RegistryClient(hub, code="JP", user="jp", password="jp", timeout=20)
    registry = Registry(Settings(code="JP"), client, database=database)
    with serve(application(registry), "127.0.0.1", port):
        registry.start()  # sends what waits, takes up what was stored, asks the log about what is silent
        yield registry
    registry.close()
    client.close()


def recover(hub: str, port: int, database: str) -> list[Transaction]:
    """All that was open when the registry died, as it ended."""
    with running(hub, port, database) as registry:
        silent = [*registry.transactions(state=State.PROPOSED), *registry.transactions(state=State.ACCEPTED)]
        return [registry.wait(each.identifier, 30.0) for each in silent]
