"""The transaction service: what the log does with a call before it answers.

Each operation goes the same way: the checks at the door; what follows is written in one commit; then the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from itl.checks import door
from itl.checks.data_integrity import is_well_formed
from itl.checks.sequence import NOT_A_PARTY, UNKNOWN, Refused, Repeat, Role
from itl.clock import Clock
from itl.codes import ResultIdentifier
from itl.lifecycle import supplementary_log
from itl.lifecycle.sending import Send
from itl.lifecycle.supplementary_log import Inquiry
from itl.lifecycle.transaction import LogIdentity, Practice, TransactionHead, Transition, notified, refusal
from itl.messages import (
    MessageRequest,
    MessageResponse,
    NotificationRequest,
    NotificationResponse,
    ProposalRequest,
    ProposalResponse,
    TransactionStatusRequest,
    TransactionStatusResponse,
)
from itl.services.service import ACCEPTED, Service, content_of
from itl.store.acceptance import (
    Acceptance,
    Content,
    accept_answer,
    accept_message,
    accept_notification,
    accept_proposal,
    find_for_notification,
    log_answer,
)
from itl.store.arrival import Arrival
from itl.store.database import Database
from itl.store.reference_data import ReferenceData
from itl.store.supplements import inquiry_of_one
from itl.store.transitions import find, head_of
from itl.wake import Wake
from itl.wire.endpoint import Call

STATUS_UNKNOWN = 0
"""What a status query that cannot be answered carries in the place of the status, which the contract requires."""


class TransactionService(Service):
    """The log's side of the operations on transactions, and of free-text messages."""

    def __init__(
        self,
        database: Database,
        reference: ReferenceData,
        clock: Clock,
        identity: LogIdentity,
        practice: Practice,
        wake_worker: Wake,
        wake_relay: Wake,
    ) -> None:
        super().__init__(database, reference, clock, identity)
        self._practice = practice
        self._wake_worker, self._wake_relay = wake_worker, wake_relay

    def handlers(self) -> Mapping[str, Callable[[Call, Any], Any]]:
        """What serves each operation."""
        return {
            "acceptProposal": self.accept_proposal,
            "acceptNotification": self.accept_notification,
            "acceptMessage": self.accept_message,
            "getTransactionStatus": self.get_transaction_status,
        }

    def accept_proposal(self, call: Call, request: ProposalRequest) -> ProposalResponse:
        """Checks of stages 1 to 3 and 3001; what passes is judged by the worker, and answered by a notification."""

        answer = self._take(
            call,
            request,
            ProposalResponse,
            lambda sender, reference, now: door.proposal(request, sender, reference, now, self._override.off),
            lambda arrival, content, reference, now: accept_proposal(
                self._database,
                arrival,
                request,
                content,
                occupies=is_well_formed(arrival.transaction_identifier or "", request.sender),
                deadline=now + self._practice.cleanup,
                now=now,
                stamp=reference.stamp,
            ),
            transaction=request.proposed_transaction.transaction_identifier,
            tell=lambda arrival, codes: self._told_again(arrival, request, codes),
        )
        (self._wake_worker if answer.result_identifier == ResultIdentifier.ACCEPTED else self._wake_relay).ring()
        return answer

    def accept_notification(self, call: Call, request: NotificationRequest) -> NotificationResponse:
        """Stages 1 to 5, answered here; what the notification changes is written before the answer."""

        def attempt() -> NotificationResponse | None:
            reference, now = self._reference.current, self._clock()
            arrival, sender = self._arrival(call, request, request.transaction_identifier)
            content = content_of(call, request)
            codes = door.notification(request, sender, reference, now, self._override.off)
            if codes:
                return self._refuse(NotificationResponse, arrival, content, reference.stamp, codes)
            known, row = find_for_notification(self._database, request.transaction_identifier, request.sender, content)
            if known:
                log_answer(self._database, arrival, "repeat", now)
                return NotificationResponse(**ACCEPTED)
            if row is None:
                return self._refuse(NotificationResponse, arrival, content, reference.stamp, (UNKNOWN,))
            head = head_of(row)
            if head.role(request.sender) is not Role.SUPPLEMENTARY_LOG:
                step = notified(
                    head,
                    request.sender,
                    request.transaction_status,
                    request.evaluation_result,
                    self._identity,
                )
            elif head.awaits_supplementary_logs and len(head.asked) == 1:
                inquiry = inquiry_of_one(self._database, row.id, head, row.proposed_at, self._practice.cleanup)
                step = self._of_supplementary_log(request, head, inquiry, now)
            else:
                return self._answered(arrival, request, content, reference.stamp, now)
            if isinstance(step, Refused):
                return self._refuse(NotificationResponse, arrival, content, reference.stamp, (step.code,))
            if isinstance(step, Repeat):
                log_answer(self._database, arrival, "repeat", now)
                return NotificationResponse(**ACCEPTED)
            outcome = accept_notification(
                self._database, arrival, content, row.id, head, step, now=now, stamp=reference.stamp
            )
            if outcome is Acceptance.STALE:
                return None
            if outcome is Acceptance.REPEAT:
                log_answer(self._database, arrival, "repeat", now)
            if step.settle:
                self._wake_worker.ring()
            if step.sends:
                self._wake_relay.ring()
            return NotificationResponse(**ACCEPTED)

        return self._until_it_stands(call, attempt)

    def _answered(
        self, arrival: Arrival, request: NotificationRequest, content: Content, stamp: int, now: datetime
    ) -> NotificationResponse | None:
        """What a supplementary log says of a transaction about which others were asked as well, or that moved on."""

        def decide(head: TransactionHead, inquiry: Inquiry) -> Transition | Repeat | Refused:
            return self._of_supplementary_log(request, head, inquiry, now)

        identifier, cleanup = request.transaction_identifier, self._practice.cleanup
        outcome = accept_answer(self._database, arrival, content, identifier, cleanup, decide, now=now, stamp=stamp)
        if outcome is Acceptance.STALE:
            return None
        if isinstance(outcome, Refused):
            return self._refuse(NotificationResponse, arrival, content, stamp, (outcome.code,))
        if outcome is Acceptance.REPEAT:
            log_answer(self._database, arrival, "repeat", now)
        self._wake_relay.ring()
        return NotificationResponse(**ACCEPTED)

    def _of_supplementary_log(
        self, request: NotificationRequest, head: TransactionHead, inquiry: Inquiry, now: datetime
    ) -> Transition | Repeat | Refused:
        status, evaluation = request.transaction_status, request.evaluation_result
        return supplementary_log.answered(head, request.sender, status, evaluation, inquiry, self._identity, now)

    def accept_message(self, call: Call, request: MessageRequest) -> MessageResponse:
        """Stages 1 to 3; the text is kept."""

        return self._take(
            call,
            request,
            MessageResponse,
            lambda sender, reference, now: door.message(request, sender, reference, now, self._override.off),
            lambda arrival, content, reference, now: accept_message(
                self._database, arrival, content, now=now, stamp=reference.stamp
            ),
        )

    def get_transaction_status(self, call: Call, request: TransactionStatusRequest) -> TransactionStatusResponse:
        """Where a transaction of the sender stands; 3002 if the log does not know it, 3014 if it is not the sender's.

        A refusal has no status to tell; the contract wants the fields, so it carries 0 and the log's time.
        """
        now = self._clock()
        with self._database.read() as connection:
            reference = self._reference.fresh(connection)
            row = find(connection, request.transaction_identifier)
        arrival, sender = self._arrival(call, request, request.transaction_identifier)
        codes = door.status_query(request, sender, reference, now, self._override.off)
        if not codes and row is None:
            codes = (UNKNOWN,)
        if not codes and row is not None and head_of(row).role(request.sender) is None:
            codes = (NOT_A_PARTY,)
        codes = self._override.tell(codes)
        log_answer(self._database, arrival, "refused" if codes else "accepted", now, codes)
        answered = row if row is not None and not codes else None
        return TransactionStatusResponse(
            transaction_identifier=request.transaction_identifier,
            transaction_status=answered.status if answered else STATUS_UNKNOWN,
            transaction_status_date_time=answered.status_at if answered else now,
            result_identifier=int(ResultIdentifier.REJECTED if codes else ResultIdentifier.ACCEPTED),
            response_codes=codes or None,
        )

    def _told_again(self, arrival: Arrival, request: ProposalRequest, codes: tuple[int, ...]) -> Send | None:
        """The refusal as a notification too, for a registry that is enrolled as one that reads no reply.

        Not for a used identifier: it would speak of the other transaction.
        """
        registry = self._reference.current.registries.get(arrival.sender or "")
        if registry is None or not registry.notify_refusals:
            return None
        return refusal(registry.code, request.proposed_transaction.transaction_identifier, codes, self._identity)
