"""The scheme's rules: each has samples of both kinds, and none is also the log's."""

from importlib.resources import files

import pytest

from itl.checks import door, explain, judge  # noqa: F401 (each registers the log's checks)
from itl.checks.catalogue import JudgedBy, catalogue
from itl.checks.engine import CHECKS, FUNCTIONS, Outcome
from itl.checks.situation import message_of
from itl.errors import ReferenceDataError
from itl.supplement.rules import judge as scheme_judge
from itl.supplement.rules.engine import RULES, rule
from itl.supplement.sample import samples, view_of

CODES = [code for code, row in catalogue().items() if row.judged is JudgedBy.SUPPLEMENTARY_LOG]


def test_every_code_of_a_supplementary_log_is_a_rule_and_no_other():
    assert sorted(RULES) == CODES
    assert len(CODES) == 17


def test_no_rule_is_also_judged_by_the_log():
    assert not RULES.keys() & CHECKS.keys()
    assert not RULES.keys() & FUNCTIONS.keys()
    asked_here = {check.question for check in RULES.values()}
    assert asked_here.isdisjoint(check.question for check in CHECKS.values())


def test_the_verdict_of_a_scheme_asks_its_rules_and_nothing_else():
    situation = {"proposal": {"transaction_type": 3, "acquiring_registry_code": "GB", "blocks": [{"units": "GB 1-10"}]}}
    judged = scheme_judge.proposal(message_of(situation), view_of(situation))
    assert [result.code for result in judged.results] == CODES


@pytest.mark.parametrize(
    "sample", [each for code in CODES for each in samples(code)], ids=lambda s: f"{s.code} {s.title}"
)
def test_a_rule_answers_as_its_sample_says(sample):
    assert sample.judged() == (sample.outcome, sample.fails)


@pytest.mark.parametrize("code", CODES)
def test_a_rule_has_samples_of_each_kind_and_says_what_it_is(code):
    assert {Outcome.PASSED, Outcome.FAILED} <= {sample.outcome for sample in samples(code)}
    assert RULES[code].question.__doc__


def test_every_sample_file_belongs_to_a_rule():
    names = [each.name for each in (files("itl.supplement") / "samples").iterdir()]
    assert sorted(names) == [f"{code}.toml" for code in CODES]


def test_a_rule_that_is_off_is_not_asked():
    situation = {"members": [{"code": "GB", "may_propose": False}], "proposal": {"transaction_type": 10}}
    message, view = message_of(situation), view_of(situation)
    assert [finding.code for finding in scheme_judge.proposal(message, view).findings] == [7005]
    assert scheme_judge.proposal(message, view, frozenset({7005})).passed


@pytest.mark.parametrize("code", [4003, 7999])
def test_a_code_that_is_not_left_to_a_supplementary_log_is_no_rule(code):
    with pytest.raises(ReferenceDataError, match=str(code)):
        rule(code)(lambda proposal, scheme: ())


def test_a_rule_is_claimed_once():
    with pytest.raises(ReferenceDataError, match="initiator_may_not_propose is 7005 already"):
        rule(7005)(lambda proposal, scheme: ())
