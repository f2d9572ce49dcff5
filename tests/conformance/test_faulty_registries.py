"""Each fault that a simulated registry can show is caught, and what it breaks is named, and no other requirement."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from registry_client.conformance.results import Outcome
from registry_client.faults import Fault, Misbehaviour
from tests.conformance.candidate import stand
from tests.conformance.faulty.registries import ELSEWHERE, REGISTRIES, FaultyRegistry
from tests.conformance.faulty.registries_at_the_wire import REGISTRIES as AT_THE_WIRE
from tests.conformance.faulty.registries_at_the_wire import WrongRegistry


@pytest.mark.parametrize("faulty", [*REGISTRIES, *ELSEWHERE], ids=lambda faulty: faulty.name)
def test_a_faulty_registry_is_caught_and_its_fault_named(faulty: FaultyRegistry, tmp_path: Path) -> None:
    fault = Misbehaviour(faulty.fault)
    with stand(tmp_path, misbehave=() if faulty.begins_well else (fault,), slowness=faulty.slowness) as found:
        found.tester.log.patience = faulty.patience
        if faulty.begins_well:
            assert {each.outcome for each in found.carry_out(*faulty.tests)} == {Outcome.PASSED}
            found.registry.misbehave(fault)
        results = found.carry_out(*faulty.tests)
    told = {each.number: (each.outcome.value, each.detail) for each in results}
    broken = {each.identifier for result in results for each in result.broken}
    assert broken == set(faulty.breaks), told
    assert {each.outcome for each in results} <= {Outcome.PASSED, Outcome.FAILED, Outcome.NOT_APPLICABLE}, told
    if faulty.allowed is None:
        assert any(re.search(faulty.says, each.detail) for each in results if each.outcome is Outcome.FAILED), told


def test_every_fault_is_in_the_table() -> None:
    assert [each.fault for each in REGISTRIES] == list(Fault)


@pytest.mark.parametrize("faulty", AT_THE_WIRE, ids=lambda faulty: faulty.name)
def test_a_registry_that_is_wrong_at_the_wire_is_caught(faulty: WrongRegistry, tmp_path: Path) -> None:
    wrong = {"calling" if faulty.calling else "wrong": faulty.made()}
    with stand(tmp_path, enquiry=faulty.enquiry, **wrong) as found:  # type: ignore[arg-type]
        found.tester.log.patience = faulty.patience
        results = found.carry_out(*faulty.tests)
    told = {each.number: (each.outcome.value, each.detail) for each in results}
    assert {each.identifier for result in results for each in result.broken} == set(faulty.breaks), told
    assert any(re.search(faulty.says, each.detail) for each in results if each.outcome is Outcome.FAILED), told
