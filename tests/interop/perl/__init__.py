"""Registries on Perl's SOAP::Lite."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.interop.foreign import Call, Identity, Outcome, Registry, lacking, run, running, words

CLIENT = Path(__file__).with_name("client.pl")
ENDPOINT = Path(__file__).with_name("endpoint.pl")


@dataclass(frozen=True, slots=True)
class Perl:
    """SOAP::Lite, which is not told of the WSDL: its stub writes no structs."""

    version: str

    def call(self, endpoint: str, identity: Identity, calls: Sequence[Call]) -> list[Outcome]:
        """What a registry reads back for `calls`."""
        return json.loads(run("perl", CLIENT, endpoint, *words(identity), given=json.dumps(calls)))

    @contextmanager
    def registry(self, directory: Path) -> Iterator[Registry]:
        """A registry on SOAP::Lite's own daemon."""
        with running(["perl", ENDPOINT], directory) as url:
            yield Registry(f"{url}/RegistryPort", directory)


def find() -> Perl:
    """SOAP::Lite; skip or fail unless it is here."""
    if not shutil.which("perl"):
        lacking("Perl", "apt-get install perl libsoap-lite-perl")
    asked = subprocess.run(
        ["perl", "-MSOAP::Lite", "-e", "print $SOAP::Lite::VERSION"], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        lacking("SOAP::Lite", "apt-get install libsoap-lite-perl")
    return Perl(f"SOAP::Lite {asked.stdout}")
