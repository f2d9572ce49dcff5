"""Nothing is found wrong with a right hub, by whichever tests, once and again."""

from __future__ import annotations

import pytest

from registry_client.conformance.hub.groups import GROUPS
from registry_client.conformance.results import Outcome
from tests.conformance.conftest import Bench


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.title)
def test_a_right_hub_passes(bench: Bench, group: object) -> None:
    numbers = [case.number for each in GROUPS if each is group for case in each.cases]
    results = bench.carry_out(*numbers)
    assert [each.number for each in results] == numbers
    other = {each.number: (each.outcome, each.detail) for each in results if each.outcome is not Outcome.PASSED}
    assert other.keys() <= {"101/certificate"}, other
    assert {outcome for outcome, _ in other.values()} <= {Outcome.NOT_APPLICABLE}, other


def test_it_can_be_tested_again(bench: Bench) -> None:
    again = [result.outcome for _ in range(2) for result in bench.carry_out("12[0-4]", "123/5010")]
    assert again == [Outcome.PASSED] * len(again)
