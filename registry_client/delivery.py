"""Outgoing calls: one pass takes what is due, sends it, and records what came back.

Nothing is given up. A call without answer is tried again; while the hub cannot be reached, all calls wait together for
one to get through. A transaction that is open and silent for too long is enquired about, as a call like the others.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from itl.codes import OPEN_STATUSES, ResultIdentifier, TransactionStatus
from itl.messages import (
    MessageRequest,
    MessageResponse,
    NotificationRequest,
    NotificationResponse,
    ProposalRequest,
    ProposalResponse,
    ReceiveAuditTrailRequest,
    ReceiveAuditTrailResponse,
    ReceiveTotalsRequest,
    ReceiveTotalsResponse,
    ReceiveUnitBlocksRequest,
    ReceiveUnitBlocksResponse,
    TransactionStatusRequest,
    TransactionStatusResponse,
)
from registry_client import journal, queues
from registry_client.errors import HubError, HubFault, HubUnreachable
from registry_client.incoming import restate
from registry_client.proposing import queue_proposal, refuse
from registry_client.queues import Call, Outgoing
from registry_client.settings import Settings
from registry_client.transactions import Role, State
from registry_client.work import Work, apply_status

TRANSACTION_UNKNOWN = 3002

Response = (
    ProposalResponse
    | NotificationResponse
    | MessageResponse
    | TransactionStatusResponse
    | ReceiveTotalsResponse
    | ReceiveUnitBlocksResponse
    | ReceiveAuditTrailResponse
)


class Hub(Protocol):
    """What delivery needs of a client."""

    def send(self, request: Outgoing) -> Response:
        """The hub's answer; HubError if there is none."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A call and what came of it; `outcome` None: not tried, since another call found the hub unreachable."""

    call: Call
    outcome: Response | HubError | None


def enquire_about_silent(work: Work) -> None:
    """Let the log be asked about open transactions that were silent for too long."""
    for identifier in journal.to_enquire(work.connection, work.now, work.settings.batch):
        enquire(work, identifier)


def enquire(work: Work, identifier: str) -> None:
    """Let the log be asked where a transaction stands."""
    settings = work.settings
    request = TransactionStatusRequest(
        sender=settings.code,
        addressee=settings.hub_code,
        major_version=settings.versions[0],
        minor_version=settings.versions[1],
        transaction_identifier=identifier,
    )
    queues.queue(work.connection, identifier, request, work.now)
    journal.postpone_enquiry(work.connection, identifier, work.enquire_at)


def send(hub: Hub, calls: Sequence[Call], executor: Executor) -> list[Sent]:
    """Send the calls, which are of different transactions, some at the same time."""
    unreachable = threading.Event()

    def send_one(call: Call) -> Sent:
        if unreachable.is_set():
            return Sent(call, None)
        try:
            return Sent(call, hub.send(call.message))
        except HubError as error:
            if isinstance(error, HubUnreachable):
                unreachable.set()
            return Sent(call, error)

    if len(calls) == 1:
        return [send_one(calls[0])]
    return list(executor.map(send_one, calls))


def record(work: Work, sent: Sequence[Sent]) -> None:
    """Write down what came of each call, and follow it."""
    unreachable = [entry for entry in sent if isinstance(entry.outcome, HubUnreachable)]
    if unreachable:
        attempts = max(entry.call.attempts for entry in unreachable)
        queues.postpone(work.connection, work.now + pause(work.settings, attempts))
    elif any(not isinstance(entry.outcome, HubError) for entry in sent):
        queues.resume(work.connection, work.now)
    for entry in sent:
        outcome, call = entry.outcome, entry.call
        if isinstance(outcome, HubFault) and outcome.is_final:
            _refused_by_fault(work, call, outcome)
        elif isinstance(outcome, HubError):
            due_at = work.now + pause(work.settings, call.attempts)
            queues.retry(work.connection, call, due_at, str(outcome), faulted=isinstance(outcome, HubFault))
            work.tell("unsent", f"{describe(call.message)}: {outcome}", call.transaction)
        elif outcome is not None:
            _answered(work, call, outcome)


def pause(settings: Settings, attempts: int) -> timedelta:
    """How long to wait after so many earlier attempts: exponential, with jitter so that not all come back at once."""
    longest: timedelta = min(settings.last_retry, settings.first_retry * 2.0 ** min(attempts, 30))
    return longest * random.uniform(0.5, 1)


def describe(message: Outgoing) -> str:
    """A call in a few words."""
    match message:
        case ProposalRequest():
            return "proposal"
        case NotificationRequest(transaction_status=status):
            return f"notification {status}"
        case TransactionStatusRequest():
            return "enquiry"
        case MessageRequest():
            return "message"
        case ReceiveTotalsRequest(reconciliation_identifier=identifier):
            return f"totals of {identifier}"
        case ReceiveUnitBlocksRequest(reconciliation_identifier=identifier, unit_blocks=blocks):
            return f"{len(blocks)} unit blocks of {identifier}"
        case ReceiveAuditTrailRequest(reconciliation_identifier=identifier, transactions=transactions):
            return f"trail of {len(transactions)} transactions of {identifier}"


def _answered(work: Work, call: Call, response: Response) -> None:
    result, codes = response.result_identifier, response.response_codes or ()
    accepted = result == ResultIdentifier.ACCEPTED

    def follow() -> str | None:
        if isinstance(response, TransactionStatusResponse):
            return _follow_enquiry(work, call.lane, response)
        if isinstance(call.message, ProposalRequest) and not accepted:
            return _refuse(work, call, codes, "the log refused the proposal")
        return None

    about = describe(call.message)
    outcome = "accepted" if accepted else "refused " + " ".join(map(str, codes))
    work.tell("sent", f"{about}: {outcome.strip()}", call.transaction, codes=codes)
    note = work.guarded(follow, f"the answer to {about} of {call.lane}", call.transaction)
    queues.done(work.connection, call, work.now, result, codes, note)


def _refused_by_fault(work: Work, call: Call, fault: HubFault) -> None:
    """The hub cannot read the message: sending it again brings nothing."""
    work.tell("failed", f"{describe(call.message)}: {fault}", call.transaction)
    queues.done(work.connection, call, work.now, None, (), str(fault))
    if isinstance(call.message, ProposalRequest):
        if call.attempts:
            enquire(work, call.lane)  # an earlier attempt without answer may have been accepted
        else:
            _refuse(work, call, (), str(fault))


def _refuse(work: Work, call: Call, codes: tuple[int, ...], cause: str) -> str | None:
    if queues.is_another(work.connection, call):
        return "not the transaction's proposal, but another one under its identifier"
    transaction = journal.get(work.connection, call.lane)
    if transaction.state is State.PROPOSED:
        refuse(work, transaction, codes, cause)
    return None


def _follow_enquiry(work: Work, identifier: str, response: TransactionStatusResponse) -> str | None:
    """Go on where the log stands: send again what it never got, follow what was missed, or wait."""
    transaction = journal.get(work.connection, identifier)
    if transaction.is_final:
        return None
    codes = response.response_codes or ()
    if response.result_identifier != ResultIdentifier.ACCEPTED:
        if TRANSACTION_UNKNOWN in codes and transaction.role is Role.INITIATOR:
            journal.note(work.connection, identifier, transaction.state, "unknown to the log: sent again", work.now)
            queue_proposal(work, transaction.proposal)
            return None
        return "the log does not say: " + " ".join(map(str, codes))
    status = response.transaction_status
    unheard = OPEN_STATUSES - {TransactionStatus.ACCEPTED}
    if transaction.state is State.ACCEPTED and status in unheard:
        restate(work, transaction)
        return None
    return apply_status(work, transaction, status, "enquired")
