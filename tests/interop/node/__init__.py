"""Registries on node soap."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.interop.foreign import Call, Identity, Outcome, Registry, lacking, run, running, words

SOURCES = Path(__file__).parent
CLIENT = SOURCES / "client.js"
ENDPOINT = SOURCES / "endpoint.js"
INSTALLED = SOURCES / "node_modules" / "soap" / "package.json"


@dataclass(frozen=True, slots=True)
class Node:
    """node soap, which reads the registry's interface at the URL `registry_wsdl`."""

    version: str
    registry_wsdl: str

    def call(self, endpoint: str, identity: Identity, calls: Sequence[Call]) -> list[Outcome]:
        """What a registry reads back for `calls`."""
        return json.loads(run("node", CLIENT, endpoint, *words(identity), given=json.dumps(calls)))

    @contextmanager
    def registry(self, directory: Path) -> Iterator[Registry]:
        """A registry on node's HTTP server."""
        with running(["node", ENDPOINT, self.registry_wsdl], directory) as url:
            yield Registry(f"{url}/RegistryPort", directory)


def find(registry_wsdl: str) -> Node:
    """node soap; skip or fail unless it is here."""
    if not shutil.which("node"):
        lacking("Node.js", "apt-get install nodejs npm")
    if not INSTALLED.exists():
        lacking("node soap", "npm ci --prefix tests/interop/node")
    version = json.loads(INSTALLED.read_text(encoding="utf-8"))["version"]
    return Node(f"soap {version} on Node.js {run('node', '--version').strip().lstrip('v')}", registry_wsdl)
