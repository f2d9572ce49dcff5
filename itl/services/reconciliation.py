"""The reconciliation service: what registries answer. It is kept and acknowledged; the comparing is the worker's.

The log's port has the questions of a reconciliation as well, and its result, for the traffic with supplementary logs: a
registry has nothing to ask and nothing to rule there, so what is right with the message is still not asked for (6209).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from itl.checks.reconciliation import Expected, Message, ReconciliationDoor, judge, judge_supplementary_log
from itl.checks.sender import Sender
from itl.clock import Clock
from itl.errors import StoreError
from itl.ledger.block import SerialRange
from itl.ledger.placement import Filter
from itl.lifecycle.reconciliation_events import Asked
from itl.lifecycle.supplementary_reconciliation import (
    NOT_ASKED,
    AskedBlocks,
    AskedTrail,
    PartEvent,
    Said,
    refusal,
)
from itl.lifecycle.transaction import LogIdentity
from itl.messages import (
    ProvideAuditTrailRequest,
    ProvideAuditTrailResponse,
    ProvideTotalsResponse,
    ProvideUnitBlocksRequest,
    ProvideUnitBlocksResponse,
    ReceiveAuditTrailRequest,
    ReceiveAuditTrailResponse,
    ReceiveTotalsRequest,
    ReceiveTotalsResponse,
    ReceiveUnitBlocksRequest,
    ReceiveUnitBlocksResponse,
    ReconciliationResultRequest,
    ReconciliationResultResponse,
)
from itl.reference import Reference, RegistryKind
from itl.services.service import ACCEPTED, Service, content_of
from itl.store.acceptance import Acceptance, Content, log_answer
from itl.store.arrival import Arrival
from itl.store.database import Database
from itl.store.reconciliation_acceptance import accept_answer, accept_of_supplementary_log
from itl.store.reconciliations import Reconciliation, find, note
from itl.store.reference_data import ReferenceData
from itl.store.supplementary_reconciliations import part_of
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

ANSWERS = (ReceiveTotalsRequest, ReceiveUnitBlocksRequest, ReceiveAuditTrailRequest, ReconciliationResultRequest)
"""What changes a reconciliation; a result only one that another log leads."""


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
            if reference.is_kind(arrival.sender or "", RegistryKind.STL):
                return self._of_supplementary_log(arrival, sender, content, request, reference, now)
            with self._database.read() as connection:
                found = find(connection, request.reconciliation_identifier)
            codes = self._judged(request, sender, reference, now, found)
            if codes:
                own = found if found is not None and found.head.peer == arrival.sender else None
                also = self._noted(own, call.operation or "", codes)
                return self._refuse(response, arrival, content, reference.stamp, codes, also=also)
            if found is None or not isinstance(request, ANSWERS):
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

    def _judged(
        self, request: Message, sender: Sender, reference: Reference, now: datetime, found: Reconciliation | None
    ) -> tuple[int, ...]:
        """The codes of the first stage that fails."""
        expected = None if found is None else found.head.expected
        return judge(request, ReconciliationDoor(sender, reference, now, expected), self._override.off)

    def _of_supplementary_log(
        self,
        arrival: Arrival,
        sender: Sender,
        content: Content,
        request: Message,
        reference: Reference,
        now: datetime,
    ) -> Any | None:
        """What a supplementary log asks and says in its part of a reconciliation."""
        operation, stl = arrival.operation or "", arrival.sender or ""
        response = RESPONSES[operation]
        with self._database.read() as connection:
            found = find(connection, request.reconciliation_identifier)
            part = None if found is None else part_of(connection, found.id, stl)
        expected = None if found is None or part is None else Expected(stl, found.head.snapshot_at)
        codes = judge_supplementary_log(
            request, ReconciliationDoor(sender, reference, now, expected), self._override.off
        )
        event = _event(request)
        if not codes and part is not None and event is not None:
            against = refusal(part, event)
            codes = () if against is None else (against,)
        if codes or found is None or part is None or event is None:
            also = self._noted(found if part else None, operation, codes, stl)
            return self._refuse(response, arrival, content, reference.stamp, codes or (NOT_ASKED,), also=also)
        identifier = found.head.identifier
        outcome = accept_of_supplementary_log(
            self._database, arrival, content, identifier, part, event, self._identity, now=now, stamp=reference.stamp
        )
        if outcome is Acceptance.STALE:
            return None
        if outcome is Acceptance.REPEAT:
            log_answer(self._database, arrival, "repeat", now)
        self._wake.ring()
        return response(**ACCEPTED)

    def _noted(
        self, found: Reconciliation | None, operation: str, codes: tuple[int, ...], stl: str | None = None
    ) -> Callable[[Connection, int], None]:
        def noted(connection: Connection, message: int) -> None:
            if found is not None:
                said = f"{operation} was refused"
                note(connection, found, said, self._clock(), stl or found.head.peer, message, codes, stl)

        return noted


def _event(request: Message) -> PartEvent | None:
    """What a message of a supplementary log means for its part."""
    match request:
        case ReconciliationResultRequest():
            return Said(request.reconciliation_status, request.response_codes or ())
        case ProvideUnitBlocksRequest():
            filters = (
                Filter(each.account_type, each.account_commit_period, each.unit_type)
                for each in request.unit_block_requests
            )
            return AskedBlocks(tuple(filters))
        case ProvideAuditTrailRequest():
            units = (
                SerialRange(each.originating_registry_code, each.unit_serial_block_start, each.unit_serial_block_end)
                for each in request.unit_block_identifiers or ()
            )
            period = request.audit_trail_begin_datetime, request.audit_trail_end_datetime
            return AskedTrail(Asked((), *period, tuple(units)))
        case _:
            return None
