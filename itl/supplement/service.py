"""What a supplementary log offers to the transaction log: its proposals, and what became of them.

It goes as at the log's own door: who calls, what stands against it, one commit, the answer. Nothing is timed here: a
transaction that came through the transaction log is ended by that log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from itl.checks import door
from itl.checks.sender import Sender
from itl.checks.sequence import NOT_A_PARTY, UNKNOWN, Refused, Repeat
from itl.clock import Clock
from itl.codes import ResultIdentifier
from itl.errors import ConflictError
from itl.lifecycle.transaction import LogIdentity, TransactionHead, Transition
from itl.messages import (
    MessageRequest,
    MessageResponse,
    NotificationRequest,
    NotificationResponse,
    ProposalRequest,
    ProposalResponse,
    ProvideTimeRequest,
    ProvideTimeResponse,
    TransactionStatusRequest,
    TransactionStatusResponse,
)
from itl.reference import Reference
from itl.services.service import ACCEPTED, Service, content_of
from itl.services.transaction import STATUS_UNKNOWN
from itl.store import tables as t
from itl.store.acceptance import (
    Acceptance,
    Content,
    accept_message,
    accept_proposal,
    find_for_notification,
    inbox_row,
    log_answer,
    stands,
)
from itl.store.arrival import Arrival, log_arrival
from itl.store.database import Database
from itl.store.record import end_waiting
from itl.store.reference_data import ReferenceData
from itl.store.transitions import apply, find, head_of
from itl.supplement.door import HEAD, TEXT, against
from itl.supplement.lifecycle import log_said
from itl.wake import Wake
from itl.wire.endpoint import Call


class SupplementaryLogService(Service):
    """The side of the supplementary log of what the transaction log calls."""

    def __init__(
        self,
        database: Database,
        reference: ReferenceData,
        clock: Clock,
        identity: LogIdentity,
        wake_worker: Wake,
    ) -> None:
        super().__init__(database, reference, clock, identity)
        self._wake_worker = wake_worker

    def handlers(self) -> Mapping[str, Callable[[Call, Any], Any]]:
        """What serves each operation."""
        return {
            "acceptProposal": self.accept_proposal,
            "acceptNotification": self.accept_notification,
            "acceptMessage": self.accept_message,
            "provideTime": self.provide_time,
            "getTransactionStatus": self.get_transaction_status,
        }

    def accept_proposal(self, call: Call, request: ProposalRequest) -> ProposalResponse:
        """A relayed proposal is kept, and judged by the worker; the answer is a notification with 9 or 10."""

        answer = self._take(
            call,
            request,
            ProposalResponse,
            partial(self._against, HEAD, request),
            lambda arrival, content, reference, now: accept_proposal(
                self._database, arrival, request, content, occupies=True, deadline=None, now=now, stamp=reference.stamp
            ),
            transaction=request.proposed_transaction.transaction_identifier,
        )
        self._wake_worker.ring()
        return answer

    def accept_notification(self, call: Call, request: NotificationRequest) -> NotificationResponse:
        """What has become of a transaction at the transaction log becomes of it here, before the answer."""

        def attempt() -> NotificationResponse | None:
            reference, now = self._reference.current, self._clock()
            arrival, sender = self._arrival(call, request, request.transaction_identifier)
            content = content_of(call, request)
            codes = self._against(HEAD, request, sender, reference, now)
            if codes:
                return self._refuse(NotificationResponse, arrival, content, reference.stamp, codes)
            known, row = find_for_notification(self._database, request.transaction_identifier, request.sender, content)
            if known:
                log_answer(self._database, arrival, "repeat", now)
                return NotificationResponse(**ACCEPTED)
            if row is None:
                return self._refuse(NotificationResponse, arrival, content, reference.stamp, (UNKNOWN,))
            with self._database.read() as connection:
                relayed = _proposed_by(connection, row.id) == request.sender
            head = head_of(row)
            step = log_said(head, request.transaction_status) if relayed else Refused(NOT_A_PARTY)
            if isinstance(step, Refused):
                return self._refuse(NotificationResponse, arrival, content, reference.stamp, (step.code,))
            if isinstance(step, Repeat):
                log_answer(self._database, arrival, "repeat", now)
                return NotificationResponse(**ACCEPTED)
            outcome = _carry_out(self._database, arrival, content, row.id, head, step, now, reference.stamp)
            if outcome is Acceptance.STALE:
                return None
            self._wake_worker.ring()
            return NotificationResponse(**ACCEPTED)

        return self._until_it_stands(call, attempt)

    def accept_message(self, call: Call, request: MessageRequest) -> MessageResponse:
        """The text is kept."""

        return self._take(
            call,
            request,
            MessageResponse,
            partial(self._against, TEXT, request),
            lambda arrival, content, reference, now: accept_message(
                self._database, arrival, content, now=now, stamp=reference.stamp
            ),
        )

    def provide_time(self, call: Call, request: ProvideTimeRequest) -> ProvideTimeResponse:
        """The time of this log; what the transaction log's is, its message says."""
        arrival, codes, now = self._asked(call, request, None)
        log_answer(self._database, arrival, "refused" if codes else "accepted", now, codes)
        return ProvideTimeResponse(system_time=now, **_result(codes))

    def get_transaction_status(self, call: Call, request: TransactionStatusRequest) -> TransactionStatusResponse:
        """Where a relayed transaction stands here; 3002 where this log does not know it."""
        arrival, codes, now = self._asked(call, request, request.transaction_identifier)
        with self._database.read() as connection:
            row = None if codes else find(connection, request.transaction_identifier)
            relayed = row is not None and _proposed_by(connection, row.id) == request.sender
        if not codes and not relayed:
            codes = self._override.tell((UNKNOWN if row is None else NOT_A_PARTY,))
        log_answer(self._database, arrival, "refused" if codes else "accepted", now, codes)
        answered = row if relayed else None
        return TransactionStatusResponse(
            transaction_identifier=request.transaction_identifier,
            transaction_status=answered.status if answered else STATUS_UNKNOWN,
            transaction_status_date_time=answered.status_at if answered else now,
            **_result(codes),
        )

    def _asked(self, call: Call, request: Any, transaction: str | None) -> tuple[Arrival, tuple[int, ...], datetime]:
        now = self._clock()
        with self._database.read() as connection:
            reference = self._reference.fresh(connection)
        arrival, sender = self._arrival(call, request, transaction)
        return arrival, self._override.tell(self._against((door.AUTHENTICATION,), request, sender, reference, now)), now

    def _against(
        self,
        stages: Sequence[Sequence[int]],
        request: object,
        sender: Sender,
        reference: Reference,
        now: datetime,
    ) -> tuple[int, ...]:
        """The codes of the first stage that fails; last, whether the sender is the transaction log at all."""
        return against(stages, request, sender, reference, now, self._override.off)


def _result(codes: tuple[int, ...]) -> dict[str, Any]:
    result = ResultIdentifier.REJECTED if codes else ResultIdentifier.ACCEPTED
    return {"result_identifier": int(result), "response_codes": codes or None}


def _proposed_by(connection: Connection, transaction_id: int) -> str | None:
    """Who sent the proposal: the transaction log, or a direct member."""
    history = t.status_history.c
    first = select(history.set_by).where(history.transaction_id == transaction_id).order_by(history.id).limit(1)
    found: str | None = connection.execute(first).scalar()
    return found


def _carry_out(
    database: Database,
    arrival: Arrival,
    content: Content,
    transaction_id: int,
    head: TransactionHead,
    step: Transition,
    now: datetime,
    stamp: int,
) -> Acceptance:
    """The notification and all that it changes in one commit; what waited for it here is looked at again."""
    try:
        with database.write() as connection:
            if not stands(connection, stamp):
                return Acceptance.STALE
            message = log_arrival(connection, arrival, "accepted", now)
            apply(connection, transaction_id, head, step, now, arrival.sender or "", message)
            work = "settle" if step.settle else None
            connection.execute(t.inbox.insert(), inbox_row(arrival, content, now, message, transaction_id, work))
            end_waiting(connection)
    except (ConflictError, IntegrityError):  # the same from another process was first
        return Acceptance.STALE
    return Acceptance.ACCEPTED
