"""The transaction service: what the log does with a call before it answers.

Each operation goes the same way: the checks at the door; what follows is written in one commit; then the answer. What
was decided on reference data that has changed meanwhile is decided again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import structlog

from itl.checks import door
from itl.checks.data_integrity import is_well_formed
from itl.checks.sender import Sender
from itl.checks.sequence import IDENTIFIER_USED, NOT_A_PARTY, UNKNOWN, Refused, Repeat
from itl.clock import Clock
from itl.codes import ResultIdentifier
from itl.errors import StoreError
from itl.lifecycle.sending import Send
from itl.lifecycle.transaction import LogIdentity, Practice, notified, refusal
from itl.messages import (
    MessageRequest,
    MessageResponse,
    NotificationRequest,
    NotificationResponse,
    ProposalRequest,
    ProposalResponse,
    TransactionStatusRequest,
    TransactionStatusResponse,
    content_digest,
    dump,
)
from itl.services.identity import Identity, identify
from itl.store.acceptance import (
    Acceptance,
    Content,
    accept_message,
    accept_notification,
    accept_proposal,
    find_for_notification,
    is_repeat,
    log_answer,
)
from itl.store.arrival import Arrival
from itl.store.database import Database
from itl.store.reference_data import ReferenceData, stamp_of
from itl.store.transitions import find, head_of
from itl.wake import Wake
from itl.wire.endpoint import Call, Credentials

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

ATTEMPTS = 20
"""How often a decision is made anew because what it rested on changed meanwhile, before the call fails."""

STATUS_UNKNOWN = 0
"""What a status query that cannot be answered carries in the place of the status, which the contract requires."""


class TransactionService:
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
        self._database, self._reference, self._clock = database, reference, clock
        self._identity, self._practice = identity, practice
        self._override = identity.override
        self._wake_worker, self._wake_relay = wake_worker, wake_relay

    def handlers(self) -> Mapping[str, Callable[[Call, Any], Any]]:
        """What serves each operation."""
        return {
            "acceptProposal": self.accept_proposal,
            "acceptNotification": self.accept_notification,
            "acceptMessage": self.accept_message,
            "getTransactionStatus": self.get_transaction_status,
        }

    def authenticate(self, shown: Credentials) -> Identity | None:
        """Who calls; None asks for user and password. A caller who seems unknown may have been enrolled just now."""
        identity = identify(shown, self._reference.access, self._clock())
        if identity is None or identity.registry is None or not identity.valid:
            with self._database.read() as connection:
                self._reference.fresh(connection)
            identity = identify(shown, self._reference.access, self._clock())
        return identity

    def accept_proposal(self, call: Call, request: ProposalRequest) -> ProposalResponse:
        """Checks of stages 1 to 3 and 3001; what passes is judged by the worker, and answered by a notification."""

        def attempt() -> ProposalResponse | None:
            reference, now = self._reference.current, self._clock()
            arrival, sender = self._arrival(call, request, request.proposed_transaction.transaction_identifier)
            content = _content(call, request)
            codes = door.proposal(request, sender, reference, now, self._override.off)
            if codes:
                return self._refuse(ProposalResponse, arrival, content, reference.stamp, codes, request)
            outcome = accept_proposal(
                self._database,
                arrival,
                request,
                content,
                occupies=is_well_formed(arrival.transaction_identifier or "", request.sender),
                deadline=now + self._practice.cleanup,
                now=now,
                stamp=reference.stamp,
            )
            if outcome is Acceptance.STALE:
                return None
            if outcome is Acceptance.IDENTIFIER_USED:
                return self._refuse(ProposalResponse, arrival, content, reference.stamp, (IDENTIFIER_USED,), request)
            if outcome is Acceptance.REPEAT:
                log_answer(self._database, arrival, "repeat", now)
            self._wake_worker.ring()
            return ProposalResponse(**_ACCEPTED)

        return self._until_it_stands(call, attempt)

    def accept_notification(self, call: Call, request: NotificationRequest) -> NotificationResponse:
        """Stages 1 to 5, answered here; what the notification changes is written before the answer."""

        def attempt() -> NotificationResponse | None:
            reference, now = self._reference.current, self._clock()
            arrival, sender = self._arrival(call, request, request.transaction_identifier)
            content = _content(call, request)
            codes = door.notification(request, sender, reference, now, self._override.off)
            if codes:
                return self._refuse(NotificationResponse, arrival, content, reference.stamp, codes)
            known, row = find_for_notification(self._database, request.transaction_identifier, request.sender, content)
            if known:
                log_answer(self._database, arrival, "repeat", now)
                return NotificationResponse(**_ACCEPTED)
            if row is None:
                return self._refuse(NotificationResponse, arrival, content, reference.stamp, (UNKNOWN,))
            head = head_of(row)
            step = notified(
                head,
                request.sender,
                request.transaction_status,
                request.evaluation_result,
                self._identity,
            )
            if isinstance(step, Refused):
                return self._refuse(NotificationResponse, arrival, content, reference.stamp, (step.code,))
            if isinstance(step, Repeat):
                log_answer(self._database, arrival, "repeat", now)
                return NotificationResponse(**_ACCEPTED)
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
            return NotificationResponse(**_ACCEPTED)

        return self._until_it_stands(call, attempt)

    def accept_message(self, call: Call, request: MessageRequest) -> MessageResponse:
        """Stages 1 to 3; the text is kept."""

        def attempt() -> MessageResponse | None:
            reference, now = self._reference.current, self._clock()
            arrival, sender = self._arrival(call, request, None)
            content = _content(call, request)
            codes = door.message(request, sender, reference, now, self._override.off)
            if codes:
                return self._refuse(MessageResponse, arrival, content, reference.stamp, codes)
            outcome = accept_message(self._database, arrival, content, now=now, stamp=reference.stamp)
            if outcome is Acceptance.STALE:
                return None
            if outcome is Acceptance.REPEAT:
                log_answer(self._database, arrival, "repeat", now)
            return MessageResponse(**_ACCEPTED)

        return self._until_it_stands(call, attempt)

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

    def _arrival(self, call: Call, request: Any, transaction: str | None) -> tuple[Arrival, Sender]:
        identity: Identity = call.identity
        if identity.stamp is None or identity.stamp != self._reference.access.stamp:
            shown = identity.shown
            identity = identify(shown, self._reference.access, self._clock()) or Identity(None, True, shown)
        arrival = Arrival(
            operation=call.operation,
            sender=identity.registry,
            addressee=request.addressee,
            transaction_identifier=transaction,
            body=call.body,
            received_at=call.received_at,
            remote_address=call.remote_address,
        )
        return arrival, Sender(identity.registry, identity.valid)

    def _refuse(
        self,
        response: Callable[..., Answer],
        arrival: Arrival,
        content: Content,
        stamp: int,
        codes: tuple[int, ...],
        proposal: ProposalRequest | None = None,
    ) -> Answer | None:
        """Log the refusal and give the answer; what was accepted before is no refusal but a repeat.

        None where it rests on reference data, as of `stamp`, that has changed meanwhile.
        """
        now = self._clock()
        with self._database.read() as connection:
            if stamp_of(connection) != stamp:
                return None
            repeated = codes[0] not in door.AUTHENTICATION and is_repeat(connection, arrival.sender, content)
        if repeated:
            log_answer(self._database, arrival, "repeat", now)
            return response(**_ACCEPTED)
        told = self._override.tell(codes)
        send = None if proposal is None or IDENTIFIER_USED in codes else self._told_again(arrival, proposal, told)
        log_answer(self._database, arrival, "refused", now, told, send=send)
        if send is not None:
            self._wake_relay.ring()
        log.info("refused at the door", sender=arrival.sender, operation=arrival.operation, codes=list(told))
        return response(result_identifier=int(ResultIdentifier.REJECTED), response_codes=told)

    def _told_again(self, arrival: Arrival, request: ProposalRequest, codes: tuple[int, ...]) -> Send | None:
        """The refusal as a notification too, for a registry that is enrolled as one that reads no reply.

        Not for a used identifier: it would speak of the other transaction.
        """
        registry = self._reference.current.registries.get(arrival.sender or "")
        if registry is None or not registry.notify_refusals:
            return None
        identifier = request.proposed_transaction.transaction_identifier
        return refusal(registry.code, identifier, codes, self._identity)

    def _until_it_stands(self, call: Call, attempt: Callable[[], Answer | None]) -> Answer:
        """Decide again while what was decided on has moved on: reference data, or the transaction's status."""
        for _ in range(ATTEMPTS):
            answer = attempt()
            if answer is not None:
                return answer
            self._reference.reload()
        raise StoreError(f"{call.operation}: what it rests on changed {ATTEMPTS} times in a row; send it again")


_ACCEPTED: dict[str, Any] = {"result_identifier": int(ResultIdentifier.ACCEPTED)}


def _content(call: Call, request: object) -> Content:
    content = dump(request)
    return Content(content, content_digest(call.operation or "", content))
