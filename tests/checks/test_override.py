"""The local override file: what it may say, what is told then, and the errors that it can have."""

import pytest

from itl.checks import door, judge
from itl.checks.catalogue import catalogue
from itl.checks.engine import CHECKS, Outcome
from itl.checks.explain import coverage, explain
from itl.checks.override import INDISPENSABLE, PLAIN, load, parse
from itl.checks.sender import Sender
from itl.checks.situation import message_of, view_of
from itl.checks.world import NOW, REFERENCE
from itl.errors import UsageError

BOTH = "[renumber]\n1001 = 1901\n5108 = 5199\n[off]\ncodes = [5105, 1005]\n"


def test_a_code_is_told_as_the_file_says_and_found_by_that_number():
    override = parse(BOTH)
    assert override.tell((1001, 4003, 5108)) == (1901, 4003, 5199)
    assert [override.canonical(number) for number in (1901, 5199, 4003, 1001)] == [1001, 5108, 4003, 1001]
    assert override.off == {5105, 1005}
    assert PLAIN.tell((1001, 4003)) == (1001, 4003)
    assert PLAIN.canonical(1001) == 1001


def test_numbers_may_be_exchanged():
    override = parse("[renumber]\n5101 = 5102\n5102 = 5101\n")
    assert override.tell((5101, 5102)) == (5102, 5101)
    assert override.canonical(5101) == 5102


def test_a_verdict_keeps_the_numbers_of_the_catalogue_and_is_told_by_those_of_the_file():
    override = parse(BOTH)
    situation = {
        "held": [{"units": "GB 1-100", "place": "GB 130"}],
        "proposal": {"transferring_registry_account_type": 130, "acquiring_registry_account_type": 300},
    }
    message, view = message_of(situation), view_of(situation)
    assert [each.code for each in judge.proposal(message, view).findings] == [5105, 5108]
    found = judge.proposal(message, view, override.off)
    assert [each.code for each in found.findings] == [5108]
    assert next(each.outcome for each in found.results if each.code == 5105) is Outcome.NOT_IN_EFFECT
    told = override.tell_evaluation(found.evaluation_results)
    assert [each.response_code for each in told] == [5199]
    assert [each.unit_block_identifiers for each in told] == [found.findings[0].blocks]
    skipping = judge.proposal(message_of({"proposal": {"transaction_type": 9}}), view, override.off)
    assert next(each.outcome for each in skipping.results if each.code == 5105) is Outcome.NOT_APPLICABLE


def test_a_check_at_the_door_that_is_off_is_not_asked():
    override = parse(BOTH)
    message = message_of({"proposal": {"addressee": "CITL", "minor_version": 7}})
    assert door.proposal(message, Sender("GB"), REFERENCE, NOW) == (1005, 1032)
    assert door.proposal(message, Sender("GB"), REFERENCE, NOW, override.off) == (1032,)
    for kind, judged in (
        ("notification", door.notification),
        ("text", door.message),
        ("status_query", door.status_query),
    ):
        message = message_of({kind: {"addressee": "CITL"}})
        assert judged(message, Sender("GB"), REFERENCE, NOW) == (1005,)
        assert judged(message, Sender("GB"), REFERENCE, NOW, override.off) == ()


def test_what_is_explained_bears_the_number_that_is_told():
    override = parse(BOTH)
    assert (explain(1901, override).row.code, explain(1901, override).told) == (1001, 1901)
    assert explain(5105, override).off
    assert explain(5105, override).reason == "switched off by the local override file"
    assert explain(1001).told == 1001
    codes = [row.code for row in coverage(override)]
    assert 1901 in codes
    assert 1001 not in codes
    with pytest.raises(UsageError, match="no code 1901"):
        explain(1901)


@pytest.mark.parametrize("text", ["", "[renumber]\n", "[off]\ncodes = []\n", "[off]\n"])
def test_a_file_that_says_nothing_changes_nothing(text):
    override = parse(text)
    assert override.tell(catalogue()) == tuple(catalogue())
    assert not override.off


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[renumber]\n1234 = 5678", "no code 1234"),
        ("[off]\ncodes = [1234]", "no code 1234"),
        ("[renumber]\n4003 = 4903", "4003 has evidence M"),
        ("[off]\ncodes = [5008]", "5008 has evidence S"),
        ("[renumber]\n1001 = 1002", "1001 and 1002 would both be told as 1002"),
        ("[renumber]\n1001 = 4003", "1001 and 4003 would both be told as 4003"),
        ("[renumber]\n1001 = 1901\n1002 = 1901", "1001 and 1002 would both be told as 1901"),
        ("[renumber]\n1001 = 0", "0 is no code"),
        ("[renumber]\n1001 = 10000", "10000 is no code"),
        ("[renumber]\n1001 = 99999999999999999999", "is no code"),
        ("[renumber]\n1001 = true", "True is no code"),
        ("[renumber]\n1001 = 'x'", "'x' is no code"),
        ("[renumber]\none = 1901", "'one' is no code"),
        ("[renumber]\n1001 = -5", "-5 is no code"),
        ("[off]\ncodes = 5108", "codes of .off. is a list"),
        ("[off]\ncode = [5108]", "nothing else"),
        ("[of]\ncodes = [5108]", "nothing else"),
        ("off = [5108]", "nothing else"),
        ("renumber = 7", "nothing else"),
        ("[renumber]\n1001 1901", "override file: .*line 2"),
        ("[off]\ncodes = [3013]", "3013 cannot be off: no check of its own"),
        ("[off]\ncodes = [1101]", "1101 cannot be off: no check of its own"),
        ("[off]\ncodes = [6301]", "what differs would go for agreed"),
        ("[off]\ncodes = [2009]", "anyone could speak for a registry"),
        ("[off]\ncodes = [5010]", "a unit could be in two places"),
    ],
)
def test_a_file_that_cannot_be_followed_says_why(text, complaint):
    with pytest.raises(UsageError, match=complaint):
        parse(text)


def test_every_other_check_of_ours_can_be_off():
    assert set(INDISPENSABLE) == {
        *(1001, 1002, 1003, 1502, 2009, 2023, 5010),
        *(6202, 6204, 6206, 6208, 6209, 6301, 6302, 6303),
    }
    for code, check in CHECKS.items():
        ours = check.row.evidence in "AC" and code not in INDISPENSABLE
        if ours:
            assert parse(f"[off]\ncodes = [{code}]").off == {code}
        else:
            with pytest.raises(UsageError, match=str(code)):
                parse(f"[off]\ncodes = [{code}]")


def test_a_file_is_read_and_named_in_its_errors(tmp_path):
    path = tmp_path / "codes.toml"
    with pytest.raises(UsageError, match=r"codes\.toml: cannot be read"):
        load(path)
    path.write_text(BOTH, encoding="utf-8")
    assert load(path) == parse(BOTH)
    path.write_text("[off]\ncodes = [1]", encoding="utf-8")
    with pytest.raises(UsageError, match=r"codes\.toml: .*no code 1"):
        load(path)
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"codes\.toml: cannot be read"):
        load(path)


def test_coverage_has_a_row_for_every_code():
    rows = {row.code: row for row in coverage()}
    assert list(rows) == list(catalogue())
    for row in rows.values():
        if row.code in CHECKS:
            assert (row.implemented, row.reason) == (True, "")
            assert row.samples_pass
            assert row.samples_fail
        elif not row.implemented:
            assert row.reason
            assert (row.samples_pass, row.samples_fail) == (0, 0)
    assert (rows[5104].samples_pass, rows[5104].samples_fail) == (4, 7)
    assert rows[5104].evidence == "C"
