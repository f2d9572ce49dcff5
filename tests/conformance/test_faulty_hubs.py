"""Each hub with one thing wrong is caught, and what it breaks is named: that requirement, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from itl.cli.sandbox import prepare
from itl.settings import Settings
from registry_client.conformance.requirements import Subject, requirements
from registry_client.conformance.results import Outcome, Result
from tests.conformance.faulty.hub import FaultyHub, Running, Wrong, running
from tests.conformance.faulty.hubs import HUBS


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the sandbox's parties."""
    file: Path = tmp_path_factory.mktemp("template") / "itl.db"
    prepare(Settings(database=f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="module")
def shared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A right hub, to be made wrong at the wire for a while."""
    with running(Wrong(), template, tmp_path_factory.mktemp("shared")) as hub:
        yield hub


def results_of(faulty: FaultyHub, template: Path, folder: Path, shared: Running) -> list[Result]:
    if faulty.alone:
        with running(faulty.made(), template, folder, faulty.certificate) as hub:
            return hub.carry_out(faulty.tests, faulty.patience)
    shared.wrong = faulty.made()
    return shared.carry_out(faulty.tests, faulty.patience)


@pytest.mark.parametrize("faulty", HUBS, ids=lambda faulty: faulty.name)
def test_a_faulty_hub_is_caught_and_its_fault_named(
    faulty: FaultyHub, template: Path, tmp_path: Path, shared: Running
) -> None:
    results = results_of(faulty, template, tmp_path, shared)
    told = {each.number: (each.outcome.value, each.detail) for each in results}
    broken = {each.identifier for result in results for each in result.broken}
    assert broken == set(faulty.breaks), told
    assert not [each for each in results if each.outcome is Outcome.ERROR], told
    assert any(re.search(faulty.says, each.detail) for each in results if each.outcome is Outcome.FAILED), told


def test_a_hub_without_a_fault_passes_in_its_place(template: Path, tmp_path: Path) -> None:
    with running(Wrong(), template, tmp_path) as hub:
        results = hub.carry_out(("100", "102", "11*", "120", "150", "600"), 10)
    assert {each.number: each.detail for each in results if each.outcome is not Outcome.PASSED} == {}


def test_names_are_unlike() -> None:
    names = [faulty.name for faulty in HUBS]
    assert len(names) == len(set(names))


def test_each_requirement_that_is_tested_is_broken_by_a_hub() -> None:
    tested = {each.identifier for each in requirements().values() if each.subject is Subject.HUB and not each.untested}
    assert tested == {identifier for faulty in HUBS for identifier in faulty.breaks}
