"""Each hub with one thing wrong is caught, and what it breaks is named: that requirement, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from itl.cli.sandbox import prepare
from itl.settings import Settings
from registry_client.conformance.hub.groups import GROUPS
from registry_client.conformance.results import Outcome, Result
from registry_client.conformance.suite import chosen, run
from tests.conformance.faulty.hub import FaultyHub, Wrong, running
from tests.conformance.faulty.hubs import HUBS


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the sandbox's parties."""
    file: Path = tmp_path_factory.mktemp("template") / "itl.db"
    prepare(Settings(database=f"sqlite:///{file}"))
    return file


def carried_out(wrong: Wrong, tests: tuple[str, ...], patience: float, template: Path, folder: Path) -> list[Result]:
    with running(wrong, template, folder, patience) as tester:
        return list(run(chosen(GROUPS, tests), tester, tester.evidence))


@pytest.mark.parametrize("faulty", HUBS, ids=lambda faulty: faulty.name)
def test_a_faulty_hub_is_caught_and_its_fault_named(faulty: FaultyHub, template: Path, tmp_path: Path) -> None:
    results = carried_out(faulty.made(), faulty.tests, faulty.patience, template, tmp_path)
    told = {each.number: (each.outcome.value, each.detail) for each in results}
    broken = {each.identifier for result in results for each in result.broken}
    assert broken == set(faulty.breaks), told
    assert not [each for each in results if each.outcome is Outcome.ERROR], told
    assert any(re.search(faulty.says, each.detail) for each in results if each.outcome is Outcome.FAILED), told


def test_a_hub_without_a_fault_passes_in_its_place(template: Path, tmp_path: Path) -> None:
    results = carried_out(Wrong(), ("1[0-2]*", "15[0-5]", "60*"), 10, template, tmp_path)
    assert {each.number: each.detail for each in results if each.outcome is not Outcome.PASSED} == {}


def test_names_are_unlike() -> None:
    names = [faulty.name for faulty in HUBS]
    assert len(names) == len(set(names))
