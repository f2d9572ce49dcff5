"""Running a command in the test's process, as a terminal would."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

Command = Callable[..., str]


def command(module: ModuleType, capsys: pytest.CaptureFixture[str], *fixed: str) -> Command:
    """What `itl` of this module's commands prints; `fixed` arguments come last, and the exit code must be `code`."""

    def run(*arguments: str, code: int = 0) -> str:
        parser = ArgumentParser()
        module.register(parser.add_subparsers(required=True))
        parsed = parser.parse_args([*arguments, *fixed])
        capsys.readouterr()
        assert parsed.run(parsed) == code
        return capsys.readouterr().out

    return run


def as_json(text: str) -> Any:
    return json.loads(text)
