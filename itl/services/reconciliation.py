"""The reconciliation service: what registries answer. It is kept and acknowledged; the comparing is the worker's.

The log's port has the questions of a reconciliation as well, and its result, for the traffic between logs: a registry
has nothing to ask and nothing to rule there, so what is right with the message is still not asked for (6209).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from itl.checks.reconciliation import Message, ReconciliationDoor, judge
from itl.clock import Clock
from itl.errors import StoreError
from itl.lifecycle.transaction import LogIdentity
from itl.messages import (
    ProvideAuditTrailResponse,
    ProvideTotalsResponse,
    ProvideUnitBlocksResponse,
    ReceiveAuditTrailRequest,
    ReceiveAuditTrailResponse,
    ReceiveTotalsRequest,
    ReceiveTotalsResponse,
    ReceiveUnitBlocksRequest,
    ReceiveUnitBlocksResponse,
    ReconciliationResultResponse,
)
from itl.services.service import ACCEPTED, Service, content_of
from itl.store.acceptance import Acceptance, log_answer
from itl.store.database import Database
from itl.store.reconciliation_acceptance import accept_answer
from itl.store.reconciliations import Reconciliation, find, note
from itl.store.reference_data import ReferenceData
from itl.wake import Wake
from itl.wire.endpoint import Call

RESPONSES: Mapping[str, Callable[..., Any]] = {
    "receiveTotals": ReceiveTotalsResponse,
    "receiveUnitBlocks": ReceiveUnitBlocksResponse,
    "receiveAuditTrail": ReceiveAuditTrailResponse,
    "receiveReconciliationResult": ReconciliationResultResponse,
    "provideTotals": ProvideTotalsResponse,
    "provideUnitBlocks": ProvideUnitBlocksResponse,
    "provideAuditTrail": ProvideAuditTrailResponse,
}


class ReconciliationService(Service):
    """The log's side of the operations on reconciliations."""

    def __init__(
        self,
        database: Database,
        reference: ReferenceData,
        clock: Clock,
        identity: LogIdentity,
        wake: Wake,
    ) -> None:
        super().__init__(database, reference, clock, identity)
        self._wake = wake

    def handlers(self) -> Mapping[str, Callable[[Call, Any], Any]]:
        """What serves each operation."""
        return dict.fromkeys(RESPONSES, self.receive)

    def receive(self, call: Call, request: Message) -> Any:
        """Stages 1 to 3 and 8, answered here. What a refusal says of a reconciliation is on record with it."""
        response = RESPONSES[call.operation or ""]

        def attempt() -> Any | None:
            reference, now = self._reference.current, self._clock()
            arrival, sender = self._arrival(call, request, reconciliation=request.reconciliation_identifier)
            content = content_of(call, request)
            with self._database.read() as connection:
                found = find(connection, request.reconciliation_identifier)
            expected = None if found is None else found.head.expected
            entrance = ReconciliationDoor(sender, reference, now, expected)
            codes = judge(request, entrance, self._override.off)
            if codes:
                own = found if found is not None and found.head.registry == arrival.sender else None
                also = self._noted(own, call.operation or "", codes)
                return self._refuse(response, arrival, content, reference.stamp, codes, also=also)
            answer = (ReceiveTotalsRequest, ReceiveUnitBlocksRequest, ReceiveAuditTrailRequest)
            if found is None or not isinstance(request, answer):
                raise StoreError(f"{call.operation}: checks 6202 and 6209 are off, and nothing else takes it")
            outcome = accept_answer(
                self._database,
                arrival,
                content,
                request,
                found.head,
                self._identity,
                now=now,
                stamp=reference.stamp,
            )
            if outcome is Acceptance.STALE:
                return None
            if outcome is Acceptance.REPEAT:
                log_answer(self._database, arrival, "repeat", now)
            self._wake.ring()
            return response(**ACCEPTED)

        return self._until_it_stands(call, attempt)

    def _noted(
        self, found: Reconciliation | None, operation: str, codes: tuple[int, ...]
    ) -> Callable[[Connection, int], None]:
        def noted(connection: Connection, message: int) -> None:
            if found is not None:
                registry = found.head.registry
                note(connection, found, f"{operation} was refused", self._clock(), registry, message, codes)

        return noted
