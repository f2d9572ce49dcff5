"""Registries on PHP's SoapClient and SoapServer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.interop.foreign import Call, Identity, Outcome, Registry, lacking, run, running, words

CLIENT = Path(__file__).with_name("client.php")
ENDPOINT = Path(__file__).with_name("endpoint.php")


@dataclass(frozen=True, slots=True)
class Php:
    """PHP, which reads the registry's interface at the URL `registry_wsdl`."""

    version: str
    registry_wsdl: str

    def call(self, endpoint: str, identity: Identity, calls: Sequence[Call], *, shared: bool) -> list[Outcome]:
        """What a registry reads back for `calls`; `shared` sends equal objects once and refers to them."""
        objects = "shared" if shared else "separate"
        return json.loads(run("php", CLIENT, endpoint, objects, *words(identity), given=json.dumps(calls)))

    @contextmanager
    def registry(self, directory: Path) -> Iterator[Registry]:
        """A registry on PHP's server."""
        (directory / "wsdl").write_text(self.registry_wsdl)
        with running(["php", "-S", "127.0.0.1:0", ENDPOINT], directory) as url:
            yield Registry(f"{url}/RegistryPort", directory)


def find(registry_wsdl: str) -> Php:
    """PHP; skip or fail unless it is here."""
    if not shutil.which("php") or "soap" not in run("php", "-m").split():
        lacking("PHP with its SOAP extension", "apt-get install php-cli php-soap")
    return Php(f"PHP {run('php', '-r', 'echo PHP_VERSION;')}", registry_wsdl)
