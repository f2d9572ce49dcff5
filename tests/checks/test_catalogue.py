"""The registry of checks itself: a row has a function and samples, is judged elsewhere, or says what it waits for."""

from importlib.resources import files
from inspect import getdoc

import pytest

from itl.checks import door, engine, judge, reconciliation, sequence, viability
from itl.checks.catalogue import ELSEWHERE, JudgedBy, catalogue, parse
from itl.checks.engine import CHECKS, FUNCTIONS, Outcome, check
from itl.checks.explain import explain
from itl.errors import ReferenceDataError, UsageError
from itl.lifecycle.reconciliation import BLOCKS_CODE, TOTALS_CODE, TRAIL_CODE

CODES = list(catalogue())
ROWS = list(catalogue().values())
IMPLEMENTED = sorted(FUNCTIONS)
SHOWN = sorted(FUNCTIONS | dict.fromkeys(row.code for row in ROWS if row.judged in (JudgedBy.WIRE, JudgedBy.STORE)))
"""Implemented codes, and those that the wire and the store judge."""

WAITING = {1004}
OF_OTHERS = {code for code in CODES if 5900 <= code < 6000 or code >= 7000}


def test_what_is_implemented():
    elsewhere = {row.code for row in ROWS if row.judged in (JudgedBy.WIRE, JudgedBy.STORE)}
    assert set(FUNCTIONS) | elsewhere == set(CODES) - WAITING - OF_OTHERS
    assert {row.code for row in ROWS if row.planned} == WAITING
    assert {row.code for row in ROWS if row.judged in (JudgedBy.ACQUIRER, JudgedBy.SUPPLEMENTARY_LOG)} == OF_OTHERS
    assert (len(CODES), len(WAITING), len(OF_OTHERS)) == (182, 1, 21)
    assert not set(FUNCTIONS) & elsewhere
    assert elsewhere == {1101, 1102, 1103, 1105, viability.RELAY_IDENTIFIER_USED, sequence.IDENTIFIER_USED}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_a_row_is_implemented_or_says_why_not(row):
    ways = [row.code in FUNCTIONS, row.judged in ELSEWHERE, bool(row.planned)]
    assert ways.count(True) == 1


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_a_row_is_complete(row):
    assert row.title
    assert row.passes_when
    assert row.basis
    assert row.applies_to
    assert row.evidence in {"S", "M", "A", "C"}
    assert row.transaction_types <= {1, 2, 3, 4, 5, 6, 7, 8, 10}
    assert row.stage_number in (None, 1, 2, 3, 4, 5, 6, 7, 8)


def test_titles_tell_checks_apart_and_rows_stand_in_order_of_precedence():
    assert len({(row.stage, row.applies_to, row.title) for row in ROWS}) == len(ROWS)
    stages = [row.stage_number for row in ROWS if row.stage_number]
    assert stages == sorted(stages)


@pytest.mark.parametrize("code", SHOWN)
def test_an_implemented_code_has_a_sample_of_each_kind(code):
    outcomes = {sample.outcome for sample in explain(code).samples}
    assert {Outcome.PASSED, Outcome.FAILED} <= outcomes


@pytest.mark.parametrize("code", IMPLEMENTED)
def test_an_implemented_code_explains_itself(code):
    explanation = explain(code)
    assert explanation.implemented
    assert explanation.reason == ""
    assert explanation.doc == getdoc(FUNCTIONS[code])
    assert explanation.doc
    assert FUNCTIONS[code].__name__ in explanation.source
    assert explanation.function.startswith("itl.checks.")


def test_a_code_that_is_not_implemented_says_why():
    assert explain(1004).reason == catalogue()[1004].planned
    assert not explain(1004).implemented
    assert explain(5902).reason == "judged elsewhere: acquirer"
    assert not explain(5902).implemented
    assert explain(1101).reason == "judged elsewhere: wire"
    assert explain(1101).implemented
    with pytest.raises(UsageError, match="no code 1234"):
        explain(1234)


def test_every_sample_file_belongs_to_an_implemented_code():
    names = [each.name for each in (files("itl.checks") / "samples").iterdir()]
    assert sorted(names) == [f"{code}.toml" for code in SHOWN]


def test_every_check_is_asked_somewhere():
    at_the_door = {code for stages in (door.PROPOSAL, door.NOTIFICATION, door.MESSAGE, door.STATUS_QUERY, door.RELAY)
                   for stage in stages for code in stage}  # fmt: skip
    by_the_worker = {each.row.code for group in judge._groups() for each in group}
    in_reconciliation = {code for stage in reconciliation.STAGES for code in stage} - at_the_door
    in_reconciliation |= {TOTALS_CODE, BLOCKS_CODE, TRAIL_CODE}
    assert {code for code in CHECKS if catalogue()[code].judged is JudgedBy.RECONCILIATION} == in_reconciliation
    assert at_the_door | by_the_worker | in_reconciliation == set(CHECKS)
    assert not at_the_door & by_the_worker
    assert {code for code in CHECKS if catalogue()[code].judged is JudgedBy.DOOR} == at_the_door


def test_a_code_has_one_function_and_no_function_is_without_a_row():
    def another(proposal, log):
        raise AssertionError

    with pytest.raises(ReferenceDataError, match="units_not_held is check 4003 already"):
        check(4003)(another)
    with pytest.raises(ReferenceDataError, match="no row 4999"):
        check(4999)(another)
    assert engine.CHECKS[4003].question is not another


HEAD = "code,stage,applies_to,transaction_types,periods,versions,judged,title,passes_when,evidence,basis,planned"
ROW = "4003,6 general,every proposal,2 3,1 2,1.1 1.2,worker,Title,passes,M,basis,"


def test_a_row_is_read():
    row = parse(f"{HEAD}\n{ROW}")[4003]
    assert (row.transaction_types, row.periods, row.versions) == ({2, 3}, {1, 2}, {(1, 1), (1, 2)})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"{HEAD}\n{ROW}\n{ROW}", "line 3: code 4003 has a row already"),
        (f"{HEAD}\n{ROW.replace('worker', 'nobody')}", "line 2.*nobody"),
        (f"{HEAD}\n{ROW.replace('2 3', 'two')}", "line 2.*two"),
        (f"{HEAD}\n{ROW.replace('1.2', '12')}", "line 2"),
        (f"{HEAD}\n4003", "line 2"),
    ],
    ids=["a code twice", "an unknown judge", "no number", "no version", "a short line"],
)
def test_a_catalogue_that_cannot_be_read_says_where(text, complaint):
    with pytest.raises(ReferenceDataError, match=complaint):
        parse(text)
