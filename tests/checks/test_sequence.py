"""The table of states, case by case: who may say what, and what becomes of it."""

import pytest

from itl.checks.sequence import Accepted, Confirmed, Refused, Repeat, judge_notification, judge_party

INTERNAL = (1, 2, 4, 5, 6, 7, 8, 10)
SAID = range(1, 11)
I, A = "initiator", "acquirer"  # noqa: E741 (the table reads best with one letter)

# Columns: status, what the initiator's 4 and 5 become. A number is a refusal, a word what happens.
INTERNAL_TABLE = """
1   3013 3013
2   ->4  ->5
9   ->4  ->5
3   3005 ->5
10  3006 ->5
4   same 3003
5   3007 same
7   3008 3008
"""

# Columns: status, the initiator's 4 and 5, the acquirer's 8, 6 and 4.
EXTERNAL_TABLE = """
1   3013 3013  3013 3013 3013
2   3013 ->5   ->8  ->6  3012
9   3013 ->5   ->8  ->6  3012
8   ->4  3009  same 3012 3012
6   3004 ->5   3004 same 3004
3   3005 ->5   3005 3005 3005
10  3006 ->5   3006 3006 3006
4   same 3003  3003 3003 confirmed
5   3007 same  3007 3007 3007
7   3008 3008  3008 3008 3008
"""


def cases(table, external, columns):
    for line in table.strip().splitlines():
        status, *cells = line.split()
        for (role, said), cell in zip(columns, cells, strict=True):
            yield pytest.param(external, int(status), role, said, cell, id=f"{status} {role} {said} {cell}")


def step(cell):
    if cell.startswith("->"):
        return Accepted(int(cell[2:]))
    return {"same": Repeat(), "confirmed": Confirmed()}.get(cell) or Refused(int(cell))


@pytest.mark.parametrize(
    ("external", "status", "role", "said", "cell"),
    [
        *cases(INTERNAL_TABLE, False, [(I, 4), (I, 5)]),
        *cases(EXTERNAL_TABLE, True, [(I, 4), (I, 5), (A, 8), (A, 6), (A, 4)]),
    ],
)
def test_what_the_state_allows(external, status, role, said, cell):
    for kind in (3,) if external else INTERNAL:
        assert judge_notification(kind, status, role, said) == step(cell)


@pytest.mark.parametrize("status", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
@pytest.mark.parametrize("said", SAID)
def test_who_may_say_it_comes_before_the_state(status, said):
    if said not in (4, 5):
        assert judge_notification(3, status, I, said) == Refused(3011)
    if said not in (8, 6, 4):
        assert judge_notification(3, status, A, said) == Refused(3012)
    for kind in INTERNAL:
        if said in (6, 8):
            assert judge_notification(kind, status, I, said) == Refused(3010)
        elif said not in (4, 5):
            assert judge_notification(kind, status, I, said) == Refused(3011)


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("kind", [3, 5])
def test_known_and_a_party_comes_first(kind, said):
    assert judge_notification(kind, None, I, said) == Refused(3002)
    assert judge_notification(kind, None, None, said) == Refused(3002)
    assert judge_notification(kind, 2, None, said) == Refused(3014)


def test_a_confirmation_counts_once():
    assert judge_notification(3, 4, A, 4, confirmed=False) == Confirmed()
    assert judge_notification(3, 4, A, 4, confirmed=True) == Repeat()
    assert judge_notification(3, 8, I, 4, confirmed=True) == Accepted(4)


@pytest.mark.parametrize(
    ("status", "role", "code"), [(None, None, 3002), (None, I, 3002), (4, None, 3014), (4, I, None), (4, A, None)]
)
def test_who_asks_for_the_status(status, role, code):
    assert judge_party(status, role) == code
