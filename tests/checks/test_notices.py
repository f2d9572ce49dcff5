"""Which notices are answered by which transactions, into which accounts, with which units."""

import pytest

from itl.checks import judge
from itl.checks.engine import Outcome
from itl.checks.notices import ANSWERS
from itl.checks.situation import message_of, view_of
from itl.codes import NoticeType, TransactionType

# Columns: notice type, transaction type and account that answer it, last unit type that may be used.
TABLE = """
1   4  210  5
2   4  220  5
3   6  411  7
3   6  421  7
4   4  250  7
4   6  422  7
5   4  250  7
5   6  423  7
6   3  240  7
6  10  any  7
9   8  any  7
12  3  241  5
13  3  242  5
"""
LINES = [line.split() for line in TABLE.strip().splitlines()]


def test_the_table_is_all():
    answered = {(int(notice), int(kind)) for notice, kind, _, _ in LINES}
    assert answered == {(notice, kind) for notice, answer in ANSWERS.items() for kind in answer.into}
    assert {notice for notice, _ in answered} == set(NoticeType) - {7, 8, 10, 11, 51}


@pytest.mark.parametrize(("notice", "kind", "account", "last"), LINES, ids=map(" ".join, LINES))
def test_accounts_and_units(notice, kind, account, last):
    answer = ANSWERS[int(notice)]
    assert max(answer.units) == int(last)
    assert min(answer.units) == (6 if notice == "9" else 1)
    assert (int(account) in answer.into[int(kind)]) if account != "any" else not answer.into[int(kind)]


@pytest.mark.parametrize("kind", TransactionType)
@pytest.mark.parametrize("notice", [*NoticeType, 99])
def test_4016_is_this_table(notice, kind):
    situation = {
        "notices": [{"identifier": 7, "notice_type": int(notice)}],
        "proposal": {"transaction_type": int(kind), "notification_identifier": 7},
    }
    answers = any((int(line[0]), int(line[1])) == (notice, kind) for line in LINES)
    expected = Outcome.PASSED if answers else Outcome.FAILED
    assert judge.one(4016, message_of(situation), view_of(situation)).outcome is expected


@pytest.mark.parametrize(
    ("answered", "fits"), [(0, True), (90, True), (91, False), (100, False)], ids=["none", "all but ten", "nine", "all"]
)
@pytest.mark.parametrize("part", ["completed", "open"])
def test_what_is_outstanding_lessens_with_what_is_completed_and_open(part, answered, fits):
    situation = {
        "notices": [{"identifier": 7, "notice_type": 2, "target_value": 100}],
        "totals": [{"kind": "notice", "subject": "7", part: answered}],
        "proposal": {
            "transaction_type": 4,
            "acquiring_registry_account_type": 220,
            "notification_identifier": 7,
            "blocks": [{"units": "GB 1-10"}],
        },
    }
    result = judge.one(5156, message_of(situation), view_of(situation))
    assert (result.outcome is Outcome.PASSED) == fits
