"""What the log asks in a reconciliation, taken up one message at a time: it is written down, and an answer is owed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from itl.messages import (
    InitiateReconciliationRequest,
    ProvideAuditTrailRequest,
    ProvideTotalsRequest,
    ProvideUnitBlocksRequest,
    ReconciliationResultRequest,
    dump,
)
from registry_client.faults import Fault
from registry_client.reconciliation import records, snapshot
from registry_client.reconciliation.records import Phase, Reconciliation, Status
from registry_client.reconciliation.replies import let_go, send_totals
from registry_client.reconciliation.tables import reconciliations, replies
from registry_client.work import Work

Asking = ProvideTotalsRequest | ProvideUnitBlocksRequest | ProvideAuditTrailRequest
Request = InitiateReconciliationRequest | Asking | ReconciliationResultRequest

LONGEST_IDENTIFIER = 20


def follow(work: Work, message: Request) -> str | None:
    """Give a message of a reconciliation its effect; why it has none, or None if it has one."""
    match message:
        case InitiateReconciliationRequest():
            return _initiate(work, message)
        case ProvideTotalsRequest():
            _owe(work, message, message.reconciliation_snapshot_datetime, Phase.TOTALS)
        case ProvideUnitBlocksRequest():
            _owe(work, message, message.reconciliation_snapshot_datetime, Phase.UNIT_BLOCKS)
        case ProvideAuditTrailRequest():
            _owe(work, message, message.audit_trail_end_datetime, Phase.AUDIT_TRAIL)
        case ReconciliationResultRequest():
            return _conclude(work, message)
    return None


def _initiate(work: Work, message: InitiateReconciliationRequest) -> str | None:
    identifier = message.reconciliation_identifier
    if records.find(work.connection, identifier) is not None:
        note = f"reconciliation {identifier} was begun before"
        work.tell("ignored", note)
        return note
    begun = _begin(work, identifier, message.snapshot_datetime, "initiated by the log")
    if Fault.ANSWERS_EARLY in work.settings.faults:
        snapshot.freeze(work.connection, begun, work.now, work.now)
        send_totals(work, begun, _as_if_asked(work, begun))
    return None


def _begin(work: Work, identifier: str, snapshot_at: datetime, cause: str) -> Reconciliation:
    if len(identifier) > LONGEST_IDENTIFIER:
        raise ValueError(f"{identifier}: a reconciliation's identifier has at most {LONGEST_IDENTIFIER} characters")
    records.add(work.connection, identifier, snapshot_at, work.now)
    found = records.find(work.connection, identifier)
    assert found is not None  # noqa: S101 - it was written in this unit of work
    records.change(work.connection, found, work.now, cause)
    work.tell("reconciliation", f"{identifier} {cause}, snapshot of {snapshot_at:%Y-%m-%d %H:%M:%S}")
    return found


def _owe(work: Work, message: Asking, snapshot_at: datetime, phase: Phase) -> None:
    """An answer is owed, for which the snapshot must be there; a reconciliation never begun here begins with it."""
    identifier = message.reconciliation_identifier
    known = records.find(work.connection, identifier)
    asked = known or _begin(work, identifier, snapshot_at, "asked about without having been initiated")
    if asked.is_final and phase is not Phase.AUDIT_TRAIL:
        work.connection.execute(  # its copy is gone: it is made again from the history
            reconciliations.update()
            .where(reconciliations.c.id == asked.id)
            .values(frozen_at=None, freeze_at=asked.snapshot_at)
        )
    records.change(
        work.connection,
        asked,
        work.now,
        f"asked for its {phase.name.lower().replace('_', ' ')}",
        status=_status(asked, message, phase),
        phase=phase,
        codes=message.response_codes or (),
    )
    work.connection.execute(
        replies.insert().values(
            reconciliation=asked.id,
            kind=type(message).__name__,
            request=dump(message),
            asked_at=work.now,
            due_at=_due(work, asked, phase),
            position=0,
            parts=0,
        )
    )
    work.tell("reconciliation", f"{identifier} {phase.name.lower().replace('_', ' ')} asked for")


def _status(asked: Reconciliation, message: Asking, phase: Phase) -> int:
    """What being asked this says of the comparison so far, as a real registry read it."""
    if isinstance(message, ProvideTotalsRequest):
        return Status.INITIATED
    if phase is Phase.UNIT_BLOCKS:
        return Status.TOTALS_INCONSISTENT if asked.phase == Phase.TOTALS else Status.INITIATED
    return Status.UNIT_BLOCKS_INCONSISTENT if asked.status == Status.TOTALS_INCONSISTENT else Status.INITIATED


def _due(work: Work, asked: Reconciliation, phase: Phase) -> datetime | None:
    """When the answer is made: now, or once there is a snapshot to make it of."""
    faults = work.settings.faults
    if Fault.NO_ANSWER in faults:
        return None
    now = work.now + work.settings.lateness if Fault.LATE in faults else work.now
    return now if phase is Phase.AUDIT_TRAIL else max(now, asked.snapshot_at)


def _conclude(work: Work, message: ReconciliationResultRequest) -> str | None:
    found = records.find(work.connection, message.reconciliation_identifier)
    if found is None:
        note = f"a result of reconciliation {message.reconciliation_identifier}, which is not known here"
        work.tell("ignored", note)
        return note
    status, codes = message.reconciliation_status, message.response_codes or ()
    known = status in Status.__members__.values()
    cause = f"result: {Status(status).name.lower().replace('_', ' ') if known else f'status {status}'}"
    records.change(work.connection, found, work.now, cause, status=status, codes=codes)
    let_go(work, replace(found, status=status))
    work.tell("reconciliation", f"{found.identifier} {cause}", codes=codes)
    return None


def _as_if_asked(work: Work, begun: Reconciliation) -> ProvideTotalsRequest:
    settings = work.settings
    return ProvideTotalsRequest(
        sender=settings.hub_code,
        addressee=settings.code,
        major_version=settings.versions[0],
        minor_version=settings.versions[1],
        reconciliation_identifier=begun.identifier,
        reconciliation_snapshot_datetime=begun.snapshot_at,
        reconciliation_status=Status.INITIATED,
    )
