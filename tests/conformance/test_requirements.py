"""The list of requirements is what the tests cover, and says why where they do not."""

from __future__ import annotations

import pytest

from itl.checks.catalogue import catalogue
from registry_client.conformance.hub.groups import GROUPS as HUB_GROUPS
from registry_client.conformance.registry.groups import GROUPS as REGISTRY_GROUPS
from registry_client.conformance.reports.reference import page
from registry_client.conformance.requirements import Requirement, Subject, requirements

CASES = {
    Subject.HUB: [case for group in HUB_GROUPS for case in group.cases],
    Subject.REGISTRY: [case for group in REGISTRY_GROUPS for case in group.cases],
}


def covered(subject: Subject) -> set[str]:
    return {each.identifier for case in CASES[subject] for each in case.requirements}


@pytest.mark.parametrize("requirement", requirements().values(), ids=lambda each: each.identifier)
def test_a_requirement_is_tested_or_says_why_not(requirement: Requirement) -> None:
    tested = requirement.identifier in covered(requirement.subject)
    assert tested != (requirement.untested is not None), (
        "it is tested: take `untested` away" if tested else "no test names it: add one, or say why in `untested`"
    )


def test_every_check_of_the_log_is_a_requirement() -> None:
    # those from 7000 on are of supplementary logs
    codes = {f"CHECK-{code}" for code in catalogue() if code < 7000}
    assert codes == {each for each in requirements() if each.startswith("CHECK-")}


@pytest.mark.parametrize("subject", Subject)
def test_a_test_covers_what_binds_its_subject(subject: Subject) -> None:
    assert all(each.subject is subject for case in CASES[subject] for each in case.requirements)
    assert all(case.requirements for case in CASES[subject])


@pytest.mark.parametrize("subject", Subject)
def test_numbers_are_unlike(subject: Subject) -> None:
    numbers = [case.number for case in CASES[subject]]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("subject", Subject)
def test_the_documentation_has_every_test_and_requirement(subject: Subject) -> None:
    rows = [line.strip() for line in page(subject).splitlines() if line.startswith("   * - ")]
    expected = [case.number for case in CASES[subject]]
    expected += [each.identifier for each in requirements().values() if each.subject is subject]
    assert [row.removeprefix("* - ") for row in rows if row not in ("* - test", "* - requirement")] == expected


def test_the_documentation_says_why_a_requirement_is_not_tested() -> None:
    untested = [each for each in requirements().values() if each.untested is not None]
    assert untested
    assert [each.identifier for each in untested if f"not tested: {each.untested}" not in page(each.subject)] == []
