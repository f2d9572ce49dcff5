"""Each hub with one thing wrong is caught, and what it breaks is named: that requirement, and no other.

Those of reconciliation and those of checks have files of their own, which another process can take.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from registry_client.conformance.requirements import Subject, requirements
from registry_client.conformance.results import Outcome
from tests.conformance.conftest import Caught
from tests.conformance.faulty import administration, ledger, sequences, wire
from tests.conformance.faulty.hub import FaultyHub, Wrong, running
from tests.conformance.faulty.hubs import HUBS


@pytest.mark.parametrize(
    "faulty", [*wire.HUBS, *sequences.HUBS, *ledger.HUBS, *administration.HUBS], ids=lambda faulty: faulty.name
)
def test_a_faulty_hub_is_caught_and_its_fault_named(faulty: FaultyHub, caught: Caught) -> None:
    caught(faulty)


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
