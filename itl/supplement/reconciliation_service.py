"""What a supplementary log is told in reconciliations, by the transaction log: the instant, and what a registry has.

It goes as at the log's own door, but for who speaks: base checks of what the registry told are not asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.exc import IntegrityError

from itl.checks.reconciliation import (
    EARLIEST_SNAPSHOT,
    MOST_AHEAD,
    MOST_CHARACTERS,
    Message,
    ReconciliationDoor,
    judge,
)
from itl.checks.sender import Sender
from itl.errors import ConflictError
from itl.lifecycle.reconciliation_events import Step
from itl.messages import (
    InitiateReconciliationRequest,
    InitiateReconciliationResponse,
    ReconciliationResultRequest,
)
from itl.reference import Reference
from itl.services.reconciliation import ReconciliationService
from itl.store import tables as t
from itl.store.acceptance import Acceptance, Content, inbox_row, is_repeat, stands
from itl.store.arrival import Arrival, log_arrival
from itl.store.reconciliations import Reconciliation, follow
from itl.supplement import book
from itl.supplement.door import SENDER, against
from itl.supplement.reconciliation import waits_until
from itl.wire.endpoint import Call

MALFORMED, TOO_LATE, OTHER_SNAPSHOT, NO_MEMBER = 6201, 6204, 6205, 1510
TOLD = ("receiveTotals", "receiveUnitBlocks", "receiveAuditTrail", "receiveReconciliationResult")
OF_AN_ANSWER = ((6202,), (6204, 6209))


class SchemeReconciliationService(ReconciliationService):
    """The side of the supplementary log of the operations on reconciliations."""

    def handlers(self) -> Mapping[str, Callable[[Call, Any], Any]]:
        """What serves each operation."""
        return {"initiateReconciliation": self.initiate, **dict.fromkeys(TOLD, self.receive)}

    def initiate(self, call: Call, request: InitiateReconciliationRequest) -> InitiateReconciliationResponse:
        """The log compares with a member, and will tell what that has at the instant."""
        answer = self._take(
            call,
            request,
            InitiateReconciliationResponse,
            partial(self._against_initiation, request),
            lambda arrival, content, reference, now: self._follow(arrival, content, request, now, reference.stamp),
            reconciliation=request.reconciliation_identifier,
            used=TOO_LATE,
        )
        self._wake.ring()
        return answer

    def _against_initiation(
        self, request: InitiateReconciliationRequest, sender: Sender, reference: Reference, now: datetime
    ) -> tuple[int, ...]:
        codes = against(SENDER, request, sender, reference, now, self._override.off)
        if codes:
            return codes
        identifier = request.reconciliation_identifier
        registry = _registry_of(identifier)
        if not registry or registry == identifier or len(identifier) > MOST_CHARACTERS:
            return (MALFORMED,)
        if not EARLIEST_SNAPSHOT <= request.snapshot_datetime <= now + MOST_AHEAD:
            return (OTHER_SNAPSHOT,)
        with self._database.read() as connection:
            return () if registry in book.members(connection, now) else (NO_MEMBER,)

    def _follow(
        self, arrival: Arrival, content: Content, request: InitiateReconciliationRequest, now: datetime, stamp: int
    ) -> Acceptance:
        identifier, at = request.reconciliation_identifier, request.snapshot_datetime
        own = self._identity
        try:
            with self._database.write() as connection:
                if not stands(connection, stamp):
                    return Acceptance.STALE
                message = log_arrival(connection, arrival, "accepted", now)
                connection.execute(t.inbox.insert(), inbox_row(arrival, content, now, message, None, None))
                log, due = arrival.sender or "", waits_until(at, own)
                follow(connection, identifier, _registry_of(identifier), at, log, own, due, now, message)
        except ConflictError:
            return Acceptance.IDENTIFIER_USED
        except IntegrityError:
            with self._database.read() as connection:
                repeat = is_repeat(connection, arrival.sender, content)
            return Acceptance.REPEAT if repeat else Acceptance.IDENTIFIER_USED
        return Acceptance.ACCEPTED

    def _judged(
        self, request: Message, sender: Sender, reference: Reference, now: datetime, found: Reconciliation | None
    ) -> tuple[int, ...]:
        codes = against(SENDER, request, sender, reference, now, self._override.off)
        if codes:
            return codes
        is_result = isinstance(request, ReconciliationResultRequest)
        entrance = ReconciliationDoor(sender, reference, now, None if found is None else found.head.expected)
        codes = judge(request, entrance, self._override.off, OF_AN_ANSWER[:1] if is_result else OF_AN_ANSWER)
        if not codes and is_result and found is not None and found.head.step is Step.ENDED:
            return (TOO_LATE,)
        return codes


def _registry_of(identifier: str) -> str:
    return identifier.rstrip("0123456789")
