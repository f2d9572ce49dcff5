"""What the answer of a supplementary log makes of a transaction.

The log has checked the transaction before, and asked all of them at the same time (`transaction.proposal_checked`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from itl.checks.sequence import STL_DISCREPANCY, Accepted, Refused, Repeat, judge_supplementary_log
from itl.codes import TransactionStatus
from itl.lifecycle.transaction import Answer, Asked, LogIdentity, TransactionHead, Transition, go_on, tell
from itl.messages import EvaluationResult, ProposalTransaction


@dataclass(frozen=True, slots=True)
class Inquiry:
    """How it stands with those that were asked about one transaction."""

    asked: tuple[Asked, ...]
    cleanup_at: datetime
    """When the clean-up ends a transaction of this age."""
    proposal: ProposalTransaction | None = None
    """What they were asked about; needed of an external transfer, which goes on to its acquirer."""


def answered(
    head: TransactionHead,
    stl: str,
    status: int,
    evaluation: tuple[EvaluationResult, ...],
    inquiry: Inquiry,
    log: LogIdentity,
    now: datetime,
) -> Transition | Repeat | Refused:
    """`stl` has said 9, or 10 with its codes. All of them must say 9 before the transaction goes on; one 10 ends it."""
    step = _judged(head, stl, status, inquiry.asked)
    if isinstance(step, (Repeat, Refused)):
        return step
    if status == TransactionStatus.STL_CHECKED_DISCREPANCY:
        return _stopped(head, stl, evaluation, log)
    answer = Answer(stl, status)
    missing = [each for each in inquiry.asked if each.answer is None and each.stl != stl]
    rings = min([each.answer_by for each in missing if each.answer_by] + [inquiry.cleanup_at])
    if missing:
        return Transition(timer=rings - now, answer=answer)
    return Transition(status, (go_on(log, head, status, inquiry.proposal),), timer=rings - now, answer=answer)


def refused(
    head: TransactionHead, stl: str, codes: Sequence[int], asked: Sequence[Asked], log: LogIdentity
) -> Transition | None:
    """It answered the relayed proposal with result 0 and codes: a 10 with these codes; None where it comes too late."""
    if not isinstance(_judged(head, stl, TransactionStatus.STL_CHECKED_DISCREPANCY, asked), Accepted):
        return None
    return _stopped(head, stl, tuple(EvaluationResult(response_code=code) for code in codes), log)


def _judged(head: TransactionHead, stl: str, status: int, asked: Sequence[Asked]) -> Accepted | Repeat | Refused:
    return judge_supplementary_log(head.status, {each.stl: each.answer for each in asked}, stl, status)


def _stopped(head: TransactionHead, stl: str, evaluation: tuple[EvaluationResult, ...], log: LogIdentity) -> Transition:
    """The initiator and the other supplementary logs are told, with the codes of the one that stopped it."""
    status = TransactionStatus.STL_CHECKED_DISCREPANCY
    told = evaluation or (EvaluationResult(response_code=STL_DISCREPANCY),)
    receivers = (head.transferring_registry, *(each for each in head.asked if each != stl))
    codes = tuple(result.response_code for result in evaluation)
    sends = tuple(tell(log, head, receiver, status, told) for receiver in receivers)
    return Transition(status, sends, keeps_timer=True, answer=Answer(stl, status, codes))
