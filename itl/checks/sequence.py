"""Stage 5: what may be said about a transaction, by who says it and where the transaction stands.

Three steps, the first that fails answers: the transaction is known and the sender a party to it; this party may say
this at all; the state allows it. The third is a table; so is its result, for every case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from itl.checks.engine import decides
from itl.codes import TransactionStatus, TransactionType

IDENTIFIER_USED = 3001
"""Judged by the store in the statement that records a proposal."""
UNKNOWN, NOT_A_PARTY = 3002, 3014
ANSWER_TO_INTERNAL, NOT_FOR_INITIATOR, NOT_FOR_ACQUIRER = 3010, 3011, 3012
STL_DISCREPANCY = 3006
NOT_FOR_SUPPLEMENTARY_LOG, ANOTHER_ANSWER = 3015, 3016


class Role(StrEnum):
    """A sender's part in a transaction. The two registries of one that is not external are one: its initiator."""

    INITIATOR = "initiator"
    ACQUIRER = "acquirer"
    SUPPLEMENTARY_LOG = "supplementary log"
    """One of those that were asked about it."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The transaction goes to `status`."""

    status: int


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The acquirer confirms the completion; the status stays."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """Harmless: answered with result 1, without effect."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Answered with result 0 and `code`."""

    code: int


SUPPLEMENTARY_ANSWERS = frozenset(
    {TransactionStatus.STL_CHECKED_NO_DISCREPANCY, TransactionStatus.STL_CHECKED_DISCREPANCY}
)

Step = Accepted | Confirmed | Repeat | Refused
Saying = tuple[Role, int]
"""Who says which status."""


@dataclass(frozen=True, slots=True)
class State:
    """A row of the table: what is answered to what may be said; `otherwise` is the code for everything else."""

    otherwise: int
    steps: Mapping[Saying, Step] = field(default_factory=dict)


_I, _A = Role.INITIATOR, Role.ACQUIRER
_DISCREPANCY = {(_I, 5): Accepted(5)}
_TOLD_TO_INITIATOR = State(3013, {(_I, 4): Accepted(4), (_I, 5): Accepted(5)})
_RELAYED_TO_ACQUIRER = State(
    3013, {(_A, 8): Accepted(8), (_A, 6): Accepted(6), (_I, 5): Accepted(5), (_A, 4): Refused(NOT_FOR_ACQUIRER)}
)

AWAITS_SUPPLEMENTARY_LOGS = State(3013, {(_I, 5): Accepted(5)})
"""Third step at status 2 while a supplementary log is asked: nobody else has been told anything yet."""

STATES: Mapping[tuple[int, bool], State] = {
    **dict.fromkeys([(1, False), (1, True)], State(3013)),
    **dict.fromkeys([(2, False), (9, False)], _TOLD_TO_INITIATOR),
    **dict.fromkeys([(2, True), (9, True)], _RELAYED_TO_ACQUIRER),
    **dict.fromkeys([(3, False), (3, True)], State(3005, _DISCREPANCY)),
    **dict.fromkeys([(10, False), (10, True)], State(3006, _DISCREPANCY)),
    (8, True): State(NOT_FOR_ACQUIRER, {(_I, 4): Accepted(4), (_I, 5): Refused(3009), (_A, 8): Repeat()}),
    (6, True): State(3004, {(_I, 5): Accepted(5), (_A, 6): Repeat()}),
    (4, False): State(3003, {(_I, 4): Repeat()}),
    (4, True): State(3003, {(_I, 4): Repeat(), (_A, 4): Confirmed()}),
    **dict.fromkeys([(5, False), (5, True)], State(3007, {(_I, 5): Repeat()})),
    **dict.fromkeys([(7, False), (7, True)], State(3008)),
}
"""Third step, by status and whether the transfer is external. Only an external one is ever accepted or rejected."""


@decides(3003, 3004, 3005, 3006, 3007, 3008, 3009, 3010, 3011, 3012, 3013)
def judge_notification(
    transaction_type: int,
    status: int | None,
    role: str | None,
    said: int,
    *,
    confirmed: bool = False,
    asked: bool = False,
) -> Step:
    """What becomes of a notification that says `said`.

    `status` is where the transaction stands (None: unknown to the log), `role` the sender's (None: not a party), and
    `confirmed` whether the acquirer has confirmed the completion before. `asked`: supplementary logs were asked about
    it. What one of those says is judged by `judge_supplementary_log`.
    """
    if status is None or role is None:
        return Refused(UNKNOWN if status is None else NOT_A_PARTY)
    external = transaction_type == TransactionType.EXTERNAL_TRANSFER
    who = Role(role)
    unfit = _unfit(external, who, said)
    if unfit is not None:
        return Refused(unfit)
    waits = asked and status == TransactionStatus.CHECKED_NO_DISCREPANCY
    state = AWAITS_SUPPLEMENTARY_LOGS if waits else STATES[status, external]
    step = state.steps.get((who, said), Refused(state.otherwise))
    return Repeat() if confirmed and isinstance(step, Confirmed) else step


@decides(NOT_FOR_SUPPLEMENTARY_LOG, ANOTHER_ANSWER)
def judge_supplementary_log(
    status: int, answers: Mapping[str, int | None], stl: str, said: int
) -> Accepted | Repeat | Refused:
    """What becomes of the notification of a supplementary log; `answers` are those so far of all that were asked."""
    if stl not in answers:
        return Refused(NOT_A_PARTY)
    if said not in SUPPLEMENTARY_ANSWERS:
        return Refused(NOT_FOR_SUPPLEMENTARY_LOG)
    before = answers[stl]
    if before is not None:
        return Repeat() if said == before else Refused(ANOTHER_ANSWER)
    if status == TransactionStatus.CHECKED_NO_DISCREPANCY:
        return Accepted(said)
    return Refused(STATES[status, True].otherwise)


@decides(UNKNOWN, NOT_A_PARTY)
def judge_party(status: int | None, role: str | None) -> int | None:
    """First step, also of a status query: the code for who speaks of an unknown or another's transaction."""
    if status is None:
        return UNKNOWN
    return NOT_A_PARTY if role is None else None


def _unfit(external: bool, who: Role, said: int) -> int | None:
    """Second step: may this party say this at all? The code if not."""
    if not external and said in (TransactionStatus.ACCEPTED, TransactionStatus.REJECTED):
        return ANSWER_TO_INTERNAL
    if who is Role.INITIATOR:
        return None if said in (TransactionStatus.COMPLETED, TransactionStatus.TERMINATED) else NOT_FOR_INITIATOR
    allowed = (TransactionStatus.ACCEPTED, TransactionStatus.REJECTED, TransactionStatus.COMPLETED)
    return None if said in allowed else NOT_FOR_ACQUIRER
