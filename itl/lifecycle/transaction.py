"""What an event makes of a transaction: the next status, and what follows from it as values.

Sequences: DES message sequences; settled readings in `docs/rules`. What real registries do decides some of it: a
registry carries out a transaction on 2 as well as on 8, so the initiator of an external transfer hears nothing before
the acquirer's answer; a list of evaluation results is never absent, and never empty where something is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from itl.checks.override import PLAIN, Override
from itl.checks.sequence import Accepted, Confirmed, Refused, Repeat, Role, judge_notification
from itl.codes import OPEN_STATUSES, PartyType, TransactionStatus, TransactionType
from itl.lifecycle.reconciliation_events import USUAL
from itl.lifecycle.reconciliation_events import Practice as ReconciliationPractice
from itl.lifecycle.sending import Send
from itl.messages import EvaluationResult, NotificationRequest, ProposalRequest, ProposalTransaction
from itl.reference import Scheme

UNSTATED_REJECTION = 5904
"""What the initiator is told where the acquirer rejected without a code: inconsistent with the policy of the Party."""


@dataclass(frozen=True, slots=True)
class TransactionHead:
    """A transaction without its blocks, as far as decisions rest on it."""

    identifier: str
    transaction_type: int
    transferring_registry: str
    acquiring_registry: str
    status: int
    confirmed: bool = False
    """The acquirer confirmed the completion."""
    asked: tuple[str, ...] = ()
    """Codes of the supplementary logs that were asked about it."""
    supp_transaction_type: int | None = None

    @property
    def is_external(self) -> bool:
        return self.transaction_type == TransactionType.EXTERNAL_TRANSFER

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def awaits_supplementary_logs(self) -> bool:
        """The log has checked it, and nobody but supplementary logs has been told of it."""
        return bool(self.asked) and self.status == TransactionStatus.CHECKED_NO_DISCREPANCY

    def role(self, registry: str) -> Role | None:
        """The registry's or supplementary log's part in it; None for one that is no party to it."""
        if registry in self.asked:
            return Role.SUPPLEMENTARY_LOG
        if registry == self.transferring_registry:
            return Role.INITIATOR
        if self.is_external and registry == self.acquiring_registry:
            return Role.ACQUIRER
        return None


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """What this log writes into the head of its messages, and the practice it follows."""

    code: str = "ITL"
    major_version: int = 1
    minor_version: int = 1
    tell_acquirer_of_termination: bool = True
    override: Override = PLAIN
    """What becomes of codes that are its own to change."""
    reconciliation: ReconciliationPractice = USUAL
    """Times of reconciliations, and what is told at their end."""
    led: Mapping[tuple[Any, type], Any] = dataclasses.field(default_factory=dict)
    """What events make of a reconciliation that another log leads, as `lifecycle.reconciliation.TABLE` has it: from the
    role of this log. The transaction log leads all of its own."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A supplementary log that is asked about a transaction. `answer`: 9 or 10, None as long as it has not answered."""

    stl: str
    answer: int | None = None
    answer_by: datetime | None = None
    """By when it has to answer, where its scheme says so."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a supplementary log answered: 9, or 10 with its codes."""

    stl: str
    status: int
    codes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """What becomes of the transaction. `status` None: it stays. `settle`: the ledger must carry the completion out.

    `confirmed`: the acquirer confirmed the completion. `ended`: nothing more is expected of anybody.
    """

    status: int | None = None
    sends: tuple[Send, ...] = ()
    settle: bool = False
    confirmed: bool = False
    ended: bool = False
    flagged: bool = False
    timer: timedelta | None = None
    """Time from now until the clean-up looks again."""
    keeps_timer: bool = False
    """The clean-up's timer runs on as it was set at the proposal; without it and without `timer`, it stops."""
    asks: tuple[Asked, ...] = ()
    """Supplementary logs that are asked from now on."""
    answer: Answer | None = None
    """What one of them has answered."""


@dataclass(frozen=True, slots=True)
class Practice:
    """Time-outs of the clean-up."""

    cleanup: timedelta = timedelta(hours=24)
    flag_accepted: timedelta = timedelta(hours=48)


def proposal_checked(
    head: TransactionHead,
    proposal: ProposalTransaction,
    evaluation: tuple[EvaluationResult, ...],
    log: LogIdentity,
    proposer: str,
    schemes: Sequence[Scheme] = (),
    deadline: datetime | None = None,
    now: datetime | None = None,
) -> Transition:
    """The log has judged: `evaluation` is empty where no check failed.

    What failed is told to `proposer`, who sent the proposal: where it named another as the transferring registry (check
    2009), that one must not hear of what it never proposed. What passes goes to the supplementary logs of `schemes`
    (`routing`), if there are any, and then on as by `go_on`. `deadline` is when the clean-up's timer rings, None where
    none runs.
    """
    if evaluation:
        return Transition(
            TransactionStatus.CHECKED_DISCREPANCY,
            (tell(log, head, proposer, TransactionStatus.CHECKED_DISCREPANCY, evaluation),),
            keeps_timer=True,
        )
    checked = TransactionStatus.CHECKED_NO_DISCREPANCY
    if not schemes:
        return Transition(checked, (go_on(log, head, checked, proposal),), keeps_timer=True)
    asks = tuple(
        Asked(each.stl, answer_by=now + each.answer_within if now and each.answer_within else None) for each in schemes
    )
    sends = tuple(Send(each.stl, _relayed(log, each.stl, proposal)) for each in schemes)
    soonest = min((each.answer_by for each in asks if each.answer_by), default=None)
    if now is None or soonest is None or (deadline is not None and deadline <= soonest):
        return Transition(checked, sends, asks=asks, keeps_timer=True)
    return Transition(checked, sends, asks=asks, timer=soonest - now)


def notified(
    head: TransactionHead,
    sender: str,
    status: int,
    evaluation: tuple[EvaluationResult, ...],
    log: LogIdentity,
) -> Transition | Repeat | Refused:
    """A registry's notification. `Repeat` is harmless: result 1, no effect; `Refused` carries the code."""
    step = judge_notification(
        head.transaction_type,
        head.status,
        head.role(sender),
        status,
        confirmed=head.confirmed,
        asked=bool(head.asked),
    )
    if isinstance(step, Confirmed):
        return Transition(confirmed=True, ended=True)
    if not isinstance(step, Accepted):
        return step
    return _moved_to(head, step.status, evaluation, log)


def relay_refused(head: TransactionHead, codes: Sequence[int], log: LogIdentity) -> Transition | None:
    """The acquirer answered the relayed proposal with result 0 and codes: it will not answer later, so it rejected."""
    if not _acquirer_is_asked(head):
        return None
    evaluation = tuple(EvaluationResult(response_code=code) for code in codes)
    return _moved_to(head, TransactionStatus.REJECTED, evaluation, log)


def timed_out(
    head: TransactionHead, log: LogIdentity, practice: Practice, proposed_at: datetime, now: datetime
) -> Transition:
    """The clean-up's timer rang: open transactions are cancelled; an accepted transfer is flagged, never cancelled."""
    if head.status == TransactionStatus.ACCEPTED:
        left = proposed_at + practice.flag_accepted - now
        return Transition(timer=left) if left > timedelta(0) else Transition(flagged=True)
    if not head.is_open:
        return Transition(ended=True)
    cancelled = TransactionStatus.CANCELLED
    receivers = [head.transferring_registry, *head.asked]
    if _acquirer_is_asked(head):
        receivers.append(head.acquiring_registry)
    return Transition(cancelled, tuple(tell(log, head, receiver, cancelled) for receiver in receivers), ended=True)


def refusal(receiver: str, identifier: str, codes: Sequence[int], log: LogIdentity) -> Send:
    """The door's refusal of a proposal as a notification with status 3."""
    head = TransactionHead(identifier, 0, receiver, receiver, TransactionStatus.PROPOSED)
    evaluation = tuple(EvaluationResult(response_code=code) for code in codes)
    return tell(log, head, receiver, TransactionStatus.CHECKED_DISCREPANCY, evaluation)


def _acquirer_is_asked(head: TransactionHead) -> bool:
    """Whether the proposal has gone to the acquirer, which has not answered it."""
    checked = (TransactionStatus.CHECKED_NO_DISCREPANCY, TransactionStatus.STL_CHECKED_NO_DISCREPANCY)
    return head.is_external and head.status in checked and not head.awaits_supplementary_logs


def _moved_to(
    head: TransactionHead, status: int, evaluation: tuple[EvaluationResult, ...], log: LogIdentity
) -> Transition:
    """What a registry's word makes of it; supplementary logs hear what ends it, so that they end where the log does."""
    transition = _moved_by_registry(head, status, evaluation, log)
    if not head.asked or status == TransactionStatus.ACCEPTED:
        return transition
    told = _told_rejection(evaluation) if status == TransactionStatus.REJECTED else ()
    also = tuple(tell(log, head, stl, status, told) for stl in head.asked)
    return dataclasses.replace(transition, sends=transition.sends + also)


def _moved_by_registry(
    head: TransactionHead, status: int, evaluation: tuple[EvaluationResult, ...], log: LogIdentity
) -> Transition:
    match status:
        case TransactionStatus.ACCEPTED:
            return Transition(status, (tell(log, head, head.transferring_registry, status),), keeps_timer=True)
        case TransactionStatus.REJECTED:
            told = _told_rejection(evaluation)
            return Transition(status, (tell(log, head, head.transferring_registry, status, told),), keeps_timer=True)
        case TransactionStatus.COMPLETED:
            sends = (tell(log, head, head.acquiring_registry, status),) if head.is_external else ()
            return Transition(status, sends, settle=True, ended=not head.is_external)
        case TransactionStatus.TERMINATED:
            if _acquirer_is_asked(head) and log.tell_acquirer_of_termination:
                cancelled = TransactionStatus.CANCELLED
                return Transition(status, (tell(log, head, head.acquiring_registry, cancelled),), ended=True)
            return Transition(status, ended=True)
        case _:
            raise ValueError(f"{head.identifier}: no notification leads to status {status}")


def _told_rejection(evaluation: tuple[EvaluationResult, ...]) -> tuple[EvaluationResult, ...]:
    return evaluation or (EvaluationResult(response_code=UNSTATED_REJECTION),)


def tell(
    log: LogIdentity,
    head: TransactionHead,
    receiver: str,
    status: int,
    evaluation: tuple[EvaluationResult, ...] = (),
) -> Send:
    """A notification of the log."""
    return Send(
        receiver,
        NotificationRequest(
            sender=log.code,
            addressee=receiver,
            major_version=log.major_version,
            minor_version=log.minor_version,
            transaction_identifier=head.identifier,
            transaction_status=int(status),
            party_type=int(PartyType.TRANSACTION_LOG),
            evaluation_result=evaluation,
        ),
    )


def go_on(log: LogIdentity, head: TransactionHead, status: int, proposal: ProposalTransaction | None) -> Send:
    """All checks are passed: a transfer goes to the acquirer, anything else is told to its registry.

    The acquirer does not get the supplementary type, which a registry would not know.
    """
    if not head.is_external:
        return tell(log, head, head.transferring_registry, status)
    if proposal is None:
        raise ValueError(f"{head.identifier}: the transfer cannot go on to its acquirer without the proposal")
    receiver = head.acquiring_registry
    return Send(receiver, _relayed(log, receiver, replace(proposal, supp_transaction_type=None)))


def _relayed(log: LogIdentity, receiver: str, proposal: ProposalTransaction) -> ProposalRequest:
    return ProposalRequest(
        sender=log.code,
        addressee=receiver,
        major_version=log.major_version,
        minor_version=log.minor_version,
        proposed_transaction=proposal,
    )
