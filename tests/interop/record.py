"""The record of what works with which stack: docs/interop.json, which the page docs/interop.rst shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "docs" / "interop.json"


class Record:
    """The record as it stands; or, to be written, a new one."""

    def __init__(self, *, writing: bool) -> None:
        self._writing = writing
        empty: dict[str, Any] = {"versions": {}, "clients": {}, "registries": {}}
        self.content = empty if writing else json.loads(FILE.read_text(encoding="utf-8"))

    def saw(self, side: str, way: str, stack: str, version: str, outcomes: dict[str, str]) -> None:
        """Hold what went how against the record, whatever the stack's version; or put it there."""
        if self._writing:
            self.content["versions"][stack] = version
            self.content[side][way] = outcomes
        assert outcomes == self.content[side].get(way)

    def close(self) -> None:
        if self._writing:
            FILE.write_text(f"{json.dumps(self.content, indent=1, ensure_ascii=False)}\n", encoding="utf-8")
