"""What an event makes of a transaction: the next status, and what follows from it as values.

Sequences: DES message sequences; settled readings in `docs/rules`. What real registries do decides some of it: a
registry carries out a transaction on 2 as well as on 8, so the initiator of an external transfer hears nothing before
the acquirer's answer; a list of evaluation results is never absent, and never empty where something is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from itl.checks.override import PLAIN, Override
from itl.checks.sequence import Accepted, Confirmed, Refused, Repeat, Role, judge_notification
from itl.codes import OPEN_STATUSES, PartyType, TransactionStatus, TransactionType
from itl.lifecycle.reconciliation_events import USUAL
from itl.lifecycle.reconciliation_events import Practice as ReconciliationPractice
from itl.lifecycle.sending import Send
from itl.messages import EvaluationResult, NotificationRequest, ProposalRequest, ProposalTransaction

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

    @property
    def is_external(self) -> bool:
        return self.transaction_type == TransactionType.EXTERNAL_TRANSFER

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    def role(self, registry: str) -> Role | None:
        """The registry's part in it; None for a registry that is no party to it."""
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
) -> Transition:
    """The log has judged: `evaluation` is empty where no check failed.

    What failed is told to `proposer`, who sent the proposal: where it named another as the transferring registry (check
    2009), that one must not hear of what it never proposed. A transfer that passes goes on to the acquirer, without its
    supplementary type, which a registry would not know.
    """
    if evaluation:
        return Transition(
            TransactionStatus.CHECKED_DISCREPANCY,
            (_tell(log, head, proposer, TransactionStatus.CHECKED_DISCREPANCY, evaluation),),
            keeps_timer=True,
        )
    checked = TransactionStatus.CHECKED_NO_DISCREPANCY
    if head.is_external:
        send = Send(head.acquiring_registry, _relayed(log, head, proposal))
    else:
        send = _tell(log, head, head.transferring_registry, checked)
    return Transition(checked, (send,), keeps_timer=True)


def notified(
    head: TransactionHead,
    sender: str,
    status: int,
    evaluation: tuple[EvaluationResult, ...],
    log: LogIdentity,
) -> Transition | Repeat | Refused:
    """A registry's notification. `Repeat` is harmless: result 1, no effect; `Refused` carries the code."""
    step = judge_notification(head.transaction_type, head.status, head.role(sender), status, confirmed=head.confirmed)
    if isinstance(step, Confirmed):
        return Transition(confirmed=True, ended=True)
    if not isinstance(step, Accepted):
        return step
    return _moved_to(head, step.status, evaluation, log)


def relay_refused(head: TransactionHead, codes: Sequence[int], log: LogIdentity) -> Transition | None:
    """The acquirer answered the relayed proposal with result 0 and codes: it will not answer later, so it rejected."""
    if not head.is_external or head.status not in (
        TransactionStatus.CHECKED_NO_DISCREPANCY,
        TransactionStatus.STL_CHECKED_NO_DISCREPANCY,
    ):
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
    receivers = [head.transferring_registry]
    if head.is_external and head.status != TransactionStatus.PROPOSED:
        receivers.append(head.acquiring_registry)
    return Transition(cancelled, tuple(_tell(log, head, receiver, cancelled) for receiver in receivers), ended=True)


def refusal(receiver: str, identifier: str, codes: Sequence[int], log: LogIdentity) -> Send:
    """The door's refusal of a proposal as a notification with status 3."""
    head = TransactionHead(identifier, 0, receiver, receiver, TransactionStatus.PROPOSED)
    evaluation = tuple(EvaluationResult(response_code=code) for code in codes)
    return _tell(log, head, receiver, TransactionStatus.CHECKED_DISCREPANCY, evaluation)


def _moved_to(
    head: TransactionHead, status: int, evaluation: tuple[EvaluationResult, ...], log: LogIdentity
) -> Transition:
    match status:
        case TransactionStatus.ACCEPTED:
            return Transition(status, (_tell(log, head, head.transferring_registry, status),), keeps_timer=True)
        case TransactionStatus.REJECTED:
            told = evaluation or (EvaluationResult(response_code=UNSTATED_REJECTION),)
            return Transition(status, (_tell(log, head, head.transferring_registry, status, told),), keeps_timer=True)
        case TransactionStatus.COMPLETED:
            sends = (_tell(log, head, head.acquiring_registry, status),) if head.is_external else ()
            return Transition(status, sends, settle=True, ended=not head.is_external)
        case TransactionStatus.TERMINATED:
            relayed = head.is_external and head.is_open
            if relayed and log.tell_acquirer_of_termination:
                cancelled = TransactionStatus.CANCELLED
                return Transition(status, (_tell(log, head, head.acquiring_registry, cancelled),), ended=True)
            return Transition(status, ended=True)
        case _:
            raise ValueError(f"{head.identifier}: no notification leads to status {status}")


def _tell(
    log: LogIdentity,
    head: TransactionHead,
    receiver: str,
    status: int,
    evaluation: tuple[EvaluationResult, ...] = (),
) -> Send:
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


def _relayed(log: LogIdentity, head: TransactionHead, proposal: ProposalTransaction) -> ProposalRequest:
    return ProposalRequest(
        sender=log.code,
        addressee=head.acquiring_registry,
        major_version=log.major_version,
        minor_version=log.minor_version,
        proposed_transaction=replace(proposal, supp_transaction_type=None),
    )
