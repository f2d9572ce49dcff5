"""What the transaction log may say of a transaction, by where it stands at the supplementary log: the whole table."""

from __future__ import annotations

import pytest

from itl.checks.sequence import Refused, Repeat
from itl.codes import TransactionStatus
from itl.lifecycle.transaction import TransactionHead, Transition
from itl.supplement.lifecycle import log_said

FOLLOWED = {
    1: {5, 6, 7, 10},
    9: {4, 5, 6, 7, 10},
    10: {5, 7},
    6: {5},
    4: set(),
    5: set(),
    7: set(),
}
REFUSED = {1: 3013, 9: 3013, 10: 3006, 6: 3004, 4: 3003, 5: 3007, 7: 3008}


def head(status: int) -> TransactionHead:
    return TransactionHead("GB1", 3, "GB", "FR", status)


@pytest.mark.parametrize("said", list(TransactionStatus))
@pytest.mark.parametrize("stands", FOLLOWED)
def test_the_log_has_the_last_word_where_it_contradicts_nothing(stands: int, said: int) -> None:
    step = log_said(head(stands), said)
    if said == stands:
        assert isinstance(step, Repeat)
    elif said in FOLLOWED[stands]:
        assert isinstance(step, Transition)
        assert step.status == said
        assert step.settle == (said == 4)
        assert step.sends == ()
        assert step.ended == (said not in (6, 10))
    else:
        assert step == Refused(REFUSED[stands])
