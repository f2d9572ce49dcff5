"""The directive `interop-matrix`: what works with which SOAP stack, from the record that the tests write and hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

RECORD = Path(__file__).with_name("interop.json")
WORKS = "works"


class InteropMatrix(SphinxDirective):
    """`.. interop-matrix:: clients`, `registries` or `versions`"""

    required_arguments = 1

    def run(self) -> list[object]:
        self.env.note_dependency(str(RECORD))
        (side,) = self.arguments
        content = json.loads(RECORD.read_text(encoding="utf-8"))[side]
        lines = versions(content) if side == "versions" else matrix(content)
        self.state_machine.insert_input(StringList(list(lines), source=RECORD.name), RECORD.name)
        return []


def matrix(ways: dict[str, dict[str, str]]) -> Iterator[str]:
    """A table with a row for each operation and a column for each way of a stack; below it, why what fails does."""
    rows = list(dict.fromkeys(row for outcomes in ways.values() for row in outcomes))
    yield from (".. list-table::", "   :header-rows: 1", "")
    yield from _row(["", *ways])
    for row in rows:
        yield from _row([row, *("yes" if outcomes.get(row) == WORKS else "**no**" for outcomes in ways.values())])
    yield ""
    for way, outcomes in ways.items():
        for row, outcome in outcomes.items():
            if outcome != WORKS:
                yield f"- {way}, {row}: {outcome}"
    yield ""


def versions(stacks: dict[str, Any]) -> Iterator[str]:
    yield from (*(f"- {version}" for version in stacks.values()), "")


def _row(cells: list[str]) -> Iterator[str]:
    for place, cell in enumerate(cells):
        yield f"   {'* -' if place == 0 else '  -'} {cell}".rstrip()
