"""The list of requirements is what the tests cover, and says why where they do not."""

from __future__ import annotations

import pytest

from itl.checks.catalogue import catalogue
from registry_client.conformance.hub.groups import GROUPS
from registry_client.conformance.requirements import Requirement, Subject, requirements

CASES = [case for group in GROUPS for case in group.cases]


def covered(subject: Subject) -> set[str]:
    cases = {Subject.HUB: CASES, Subject.REGISTRY: []}[subject]
    return {each.identifier for case in cases for each in case.requirements}


@pytest.mark.parametrize("requirement", requirements().values(), ids=lambda each: each.identifier)
def test_a_requirement_is_tested_or_says_why_not(requirement: Requirement) -> None:
    if requirement.subject is Subject.REGISTRY:
        pytest.skip("no test of a registry yet")
    tested = requirement.identifier in covered(requirement.subject)
    assert tested != (requirement.untested is not None), (
        "it is tested: take `untested` away" if tested else "no test names it: add one, or say why in `untested`"
    )


def test_every_check_of_the_log_is_a_requirement() -> None:
    # those from 7000 on are of supplementary logs
    codes = {f"CHECK-{code}" for code in catalogue() if code < 7000}
    assert codes == {each for each in requirements() if each.startswith("CHECK-")}


def test_a_test_covers_what_binds_its_subject() -> None:
    assert all(each.subject is Subject.HUB for case in CASES for each in case.requirements)
    assert all(case.requirements for case in CASES)


def test_numbers_are_unlike() -> None:
    numbers = [case.number for case in CASES]
    assert len(numbers) == len(set(numbers))
