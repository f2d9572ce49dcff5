"""The log's side in a few lines: takes calls, gives verdicts as told, and relays what registries must hear."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from itl.messages import (
    EvaluationResult,
    MessageRequest,
    MessageResponse,
    NotificationRequest,
    NotificationResponse,
    ProposalRequest,
    ProposalResponse,
    ProposalTransaction,
    ReceiveAuditTrailRequest,
    ReceiveAuditTrailResponse,
    ReceiveTotalsRequest,
    ReceiveTotalsResponse,
    ReceiveUnitBlocksRequest,
    ReceiveUnitBlocksResponse,
    TransactionStatusRequest,
    TransactionStatusResponse,
)
from registry_client.delivery import Response
from registry_client.errors import HubError
from registry_client.queues import Incoming, Outgoing
from registry_client.registry import Registry

NOON = datetime(2012, 11, 22, 12, 0, tzinfo=UTC)

TERMINATES = {3, 6, 10}


def notification(addressee: str, identifier: str, status: int, *codes: int, sender: str = "ITL") -> NotificationRequest:
    return NotificationRequest(
        sender=sender,
        addressee=addressee,
        major_version=1,
        minor_version=1,
        transaction_identifier=identifier,
        transaction_status=status,
        party_type=3,
        evaluation_result=tuple(EvaluationResult(response_code=code) for code in codes),
    )


class Log:
    """A hub for `Registry`: `errors` are raised by the next calls, before or after they had their effect."""

    def __init__(self) -> None:
        self.statuses: dict[str, int] = {}
        self.proposals: dict[str, ProposalTransaction] = {}
        self.calls: list[Outgoing] = []
        self.waiting: list[tuple[str, Incoming]] = []
        self.registries: dict[str, Registry] = {}
        self.refusal: Callable[[ProposalTransaction], tuple[int, ...]] = lambda proposal: ()
        self.discrepancies: Callable[[ProposalTransaction], tuple[int, ...]] = lambda proposal: ()
        self.errors_before: list[HubError | None] = []
        self.errors_after: list[HubError | None] = []
        self._lock = threading.Lock()

    def send(self, request: Outgoing) -> Response:
        with self._lock:
            before = self.errors_before.pop(0) if self.errors_before else None
            if before is not None:
                raise before
            response = self._take(request)
            self.calls.append(request)
            after = self.errors_after.pop(0) if self.errors_after else None
            if after is not None:
                raise after
            return response

    def relay(self) -> int:
        """Hand everything that waits to the registries, each message twice: repeats must be harmless."""
        relayed = 0
        while self.waiting:
            addressee, message = self.waiting[0]
            assert self.registries[addressee].receive(message) == ()
            assert self.registries[addressee].receive(message) == ()
            del self.waiting[0]
            relayed += 1
        return relayed

    def settle(self) -> None:
        """Let all registries and the log talk until nobody has anything to say."""
        while True:
            for registry in self.registries.values():
                registry.settle()
            if not self.relay():
                return

    def notified(self, identifier: str) -> list[tuple[str, int]]:
        """The notifications that came for a transaction: sender and status."""
        return [
            (call.sender, call.transaction_status)
            for call in self.calls
            if isinstance(call, NotificationRequest) and call.transaction_identifier == identifier
        ]

    def _take(self, request: Outgoing) -> Response:
        match request:
            case ProposalRequest(proposed_transaction=proposal):
                return self._propose(proposal)
            case NotificationRequest():
                return self._notify(request)
            case TransactionStatusRequest(transaction_identifier=identifier):
                status = self.statuses.get(identifier)
                return TransactionStatusResponse(
                    transaction_identifier=identifier,
                    transaction_status=status or 0,
                    transaction_status_date_time=NOON,
                    result_identifier=0 if status is None else 1,
                    response_codes=(3002,) if status is None else None,
                )
            case MessageRequest():
                return MessageResponse(result_identifier=1)
            case ReceiveTotalsRequest():
                return ReceiveTotalsResponse(result_identifier=1)
            case ReceiveUnitBlocksRequest():
                return ReceiveUnitBlocksResponse(result_identifier=1)
            case ReceiveAuditTrailRequest():
                return ReceiveAuditTrailResponse(result_identifier=1)

    def _propose(self, proposal: ProposalTransaction) -> ProposalResponse:
        identifier = proposal.transaction_identifier
        if identifier in self.proposals:
            same = self.proposals[identifier] == proposal
            return ProposalResponse(result_identifier=int(same), response_codes=None if same else (3001,))
        refusal = self.refusal(proposal)
        if refusal:
            return ProposalResponse(result_identifier=0, response_codes=refusal)
        self.proposals[identifier] = proposal
        codes = self.discrepancies(proposal)
        self.statuses[identifier] = 3 if codes else 2
        initiator, acquirer = proposal.transferring_registry_code, proposal.acquiring_registry_code
        if codes or initiator == acquirer:
            self.waiting.append((initiator, notification(initiator, identifier, 3 if codes else 2, *codes)))
        else:
            relayed = ProposalRequest(
                sender="ITL", addressee=acquirer, major_version=1, minor_version=1, proposed_transaction=proposal
            )
            self.waiting.append((acquirer, relayed))
        return ProposalResponse(result_identifier=1)

    def _notify(self, request: NotificationRequest) -> NotificationResponse:
        identifier, status = request.transaction_identifier, request.transaction_status
        if identifier not in self.statuses:
            return NotificationResponse(result_identifier=0, response_codes=(3002,))
        proposal, now = self.proposals[identifier], self.statuses[identifier]
        initiator, acquirer = proposal.transferring_registry_code, proposal.acquiring_registry_code
        codes = [result.response_code for result in request.evaluation_result]
        match now, status:
            case (2, 8 | 6) if request.sender == acquirer != initiator:
                self.waiting.append((initiator, notification(initiator, identifier, status, *codes)))
            case (2, 4) if initiator == acquirer:
                pass
            case (8, 4) if request.sender == initiator:
                self.waiting.append((acquirer, notification(acquirer, identifier, 4)))
            case ((3 | 6 | 10), 5):
                pass
            case _ if now == status or (now, status) == (4, 4):
                return NotificationResponse(result_identifier=1)
            case _:
                return NotificationResponse(result_identifier=0, response_codes=(3013,))
        self.statuses[identifier] = status
        return NotificationResponse(result_identifier=1)
