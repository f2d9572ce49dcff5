"""A registry on PHP's SoapClient, driven by `registry.php`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.interop.foreign import Call, Outcome, lacking, run

PROGRAM = Path(__file__).with_name("registry.php")


@dataclass(frozen=True, slots=True)
class Php:
    """The interpreter at `php`."""

    php: str

    def call(self, endpoint: str, user: str, password: str, calls: Sequence[Call], *, shared: bool) -> list[Outcome]:
        """What a registry reads back for `calls`; `shared` sends equal objects once and refers to them."""
        objects = "shared" if shared else "separate"
        printed = run(self.php, PROGRAM, f"{endpoint}?wsdl", user, password, objects, given=json.dumps(calls))
        return json.loads(printed)


def find() -> Php:
    php = shutil.which("php")
    if not php or "soap" not in run(php, "-m").split():
        lacking("PHP with its SOAP extension", "php-cli php-soap")
    return Php(php)
