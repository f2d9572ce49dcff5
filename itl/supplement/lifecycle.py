"""What becomes of a transaction at a supplementary log: its own answer, and what the transaction log tells.

The transaction log has the last word: whatever it says has become of a transaction becomes of it here, so that both
logs end in the same state. What contradicts what stands here is refused with the code of the state, and left to
reconciliation.
"""

from __future__ import annotations

from collections.abc import Mapping

from itl.checks.sequence import STATES, Refused, Repeat
from itl.codes import TransactionStatus
from itl.lifecycle.transaction import LogIdentity, TransactionHead, Transition, tell
from itl.messages import EvaluationResult

_S = TransactionStatus

ENDS: Mapping[int, frozenset[int]] = {
    _S.PROPOSED: frozenset({_S.TERMINATED, _S.REJECTED, _S.CANCELLED, _S.STL_CHECKED_DISCREPANCY}),
    _S.STL_CHECKED_NO_DISCREPANCY: frozenset(
        {_S.COMPLETED, _S.TERMINATED, _S.REJECTED, _S.CANCELLED, _S.STL_CHECKED_DISCREPANCY}
    ),
    _S.REJECTED: frozenset({_S.TERMINATED}),
    _S.STL_CHECKED_DISCREPANCY: frozenset({_S.TERMINATED, _S.CANCELLED}),
}
"""What the transaction log may say has become of a transaction, by where it stands here.

At 1 it has not waited for this log's answer; at 10 it had cancelled before that came, or its registry has terminated.
"""


def checked(
    head: TransactionHead, receiver: str, evaluation: tuple[EvaluationResult, ...], own: LogIdentity
) -> Transition:
    """This log has judged by the scheme's rules, and says so to `receiver`; nothing is timed here.

    Whether a transaction that came through the transaction log is over is that log's to say.
    """
    status = _S.STL_CHECKED_DISCREPANCY if evaluation else _S.STL_CHECKED_NO_DISCREPANCY
    return Transition(status, (tell(own, head, receiver, status, evaluation),), keeps_timer=True)


def log_said(head: TransactionHead, status: int) -> Transition | Repeat | Refused:
    """The transaction log says what has become of a transaction that it relayed."""
    if status == head.status:
        return Repeat()
    if status not in ENDS.get(head.status, frozenset()):
        return Refused(STATES[head.status, True].otherwise)
    completed = status == _S.COMPLETED
    waits = status in (_S.REJECTED, _S.STL_CHECKED_DISCREPANCY)
    return Transition(_S(status), settle=completed, ended=not waits)
