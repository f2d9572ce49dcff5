"""The record of what works, and the table that shows it."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from tests.interop import measure
from tests.interop.record import FILE
from tests.interop.stacks import CLIENTS, REGISTRIES

RECORD = json.loads(FILE.read_text(encoding="utf-8"))
LOCK = Path(__file__).parent / "node" / "package-lock.json"


@pytest.mark.parametrize(
    ("side", "ways", "rows"),
    [("clients", CLIENTS, measure.CLIENT_ROWS), ("registries", REGISTRIES, measure.REGISTRY_ROWS)],
)
def test_the_record_has_every_way_and_row_and_no_other(side: str, ways: object, rows: tuple[str, ...]) -> None:
    assert [*RECORD[side]] == [*ways]
    assert {tuple(outcomes) for outcomes in RECORD[side].values()} == {rows}


def test_the_record_names_the_version_of_every_stack() -> None:
    assert RECORD["versions"].keys() == {way.stack for ways in (CLIENTS, REGISTRIES) for way in ways.values()}


def test_the_table_says_what_does_not_work_and_why() -> None:
    matrix = runpy.run_path(str(FILE.parent / "interop_matrix.py"))["matrix"]
    lines = [*matrix({"A": {"x": "works", "y": "/to 1 was meant, 2 read"}, "B": {"x": "works", "y": "works"}})]
    assert [*"-AB"] == [line.split()[-1] for line in lines[3:6]]
    assert lines[6:12] == ["   * - x", "     - yes", "     - yes", "   * - y", "     - **no**", "     - yes"]
    assert "- A, y: /to 1 was meant, 2 read" in lines


@pytest.mark.parametrize(
    ("read", "said"),
    [
        ({"a": [1, {"b": 2}]}, measure.WORKS),
        ({"a": [1, {"b": 3}]}, "/a/2/b 2 was meant, 3 read"),
        ({"a": [1, {}]}, "/a/2/b 2 was meant, None read"),
        ({"a": [1]}, "/a [1, {'b': 2}] was meant, [1] read"),
        ({"a": [1, {"b": 2}], "c": 4}, "/c None was meant, 4 read"),
    ],
)
def test_a_difference_is_told_with_its_place(read: object, said: str) -> None:
    assert measure.difference({"a": [1, {"b": 2}]}, read) == said


def test_the_lock_file_says_what_is_installed_and_not_from_where() -> None:
    packages = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
    assert packages["node_modules/soap"]["version"] == "1.13.0"
    assert [name for name, package in packages.items() if "resolved" in package] == []
