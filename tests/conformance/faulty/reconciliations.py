"""Hubs that reconcile wrongly."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from itl.codes import ReconciliationStatus
from itl.messages import ReconciliationResultRequest, ReconciliationUnitBlockIdentifier
from itl.store import inconsistencies
from itl.wire.outgoing import HttpReply
from itl.worker import comparing
from tests.conformance.faulty.hub import Deliver, FaultyHub, Sent, Wrong, acknowledged

_S = ReconciliationStatus
_EQUAL, _DIFFER = "300", "303"
_NEVER = 2.5


def _sending(operation: str, send: Callable[[Sent, Deliver], HttpReply]) -> Callable[[], Wrong]:
    """A hub that goes about a call in this way."""

    def chosen(sent: Sent, deliver: Deliver) -> HttpReply:
        return send(sent, deliver) if sent.operation == operation else deliver(sent)

    return lambda: Wrong(send=chosen)


def _saying(operation: str, change: Callable[[Any], Any]) -> Callable[[], Wrong]:
    return _sending(operation, lambda sent, deliver: deliver(sent.saying(change(sent.message))))


def _instead(status: int) -> Callable[[Sent, Deliver], HttpReply]:
    """Where something should be asked for, a result is told."""

    def send(sent: Sent, deliver: Deliver) -> HttpReply:
        asked = sent.message
        result = ReconciliationResultRequest(
            sender=asked.sender,
            addressee=asked.addressee,
            major_version=asked.major_version,
            minor_version=asked.minor_version,
            reconciliation_identifier=asked.reconciliation_identifier,
            reconciliation_status=int(status),
            response_codes=(),
        )
        deliver(Sent(sent.receiver, "receiveReconciliationResult", b"").saying(result))
        return acknowledged(sent.operation)

    return send


def _never(sent: Sent, deliver: Deliver) -> HttpReply:
    return acknowledged(sent.operation)


def _asked_otherwise_again(sent: Sent, deliver: Deliver) -> HttpReply:
    deliver(sent)
    return deliver(sent.saying(replace(sent.message, response_codes=(6301,))))


def _hears_no_refusal(sent: Sent, deliver: Deliver) -> HttpReply:
    deliver(sent)
    return acknowledged(sent.operation)


def _earlier_snapshot(sent: Sent, deliver: Deliver) -> HttpReply:
    """The registry is told a snapshot a minute later than the hub goes by."""
    message = sent.message
    return deliver(sent.saying(replace(message, snapshot_datetime=message.snapshot_datetime + timedelta(minutes=1))))


def _neighbours(message: Any) -> Any:
    named = tuple(
        ReconciliationUnitBlockIdentifier(
            unit_serial_block_start=each.unit_serial_block_start + 1,
            unit_serial_block_end=each.unit_serial_block_end + 1,
            originating_registry_code=each.originating_registry_code,
        )
        for each in message.unit_block_identifiers
    )
    return replace(message, unit_block_identifiers=named)


def _without_open_units() -> AbstractContextManager[Any]:
    """Units in an open transaction do not count."""
    right = comparing.totals_at

    def totals_at(connection: Any, registry: str, *more: Any, **how: Any) -> Any:
        held = right(connection, registry, *more, **how)
        open_ = connection.exec_driver_sql("SELECT sum(serial_end - serial_start + 1) FROM reservations").scalar()
        return {placed: count - (open_ or 0) for placed, count in held.items()}

    return patch.object(comparing, "totals_at", totals_at)


def _for_ever() -> AbstractContextManager[Any]:
    """What was once found inconsistent stays so."""
    return patch.object(inconsistencies, "close", lambda *_, **__: 0)


HUBS = (
    FaultyHub(
        "long-identifier",
        "begins a reconciliation with an identifier that no registry can keep",
        ("RECONCILE-1",),
        (_EQUAL,),
        "has 30 characters; at most 20",
        _saying("initiateReconciliation", lambda message: replace(message, reconciliation_identifier="JP" + "1" * 28)),
    ),
    FaultyHub(
        "past-snapshot",
        "begins a reconciliation with a snapshot time that is past",
        ("RECONCILE-1",),
        (_EQUAL,),
        "is past as the reconciliation begins",
        _saying(
            "initiateReconciliation",
            lambda message: replace(message, snapshot_datetime=message.snapshot_datetime - timedelta(days=1)),
        ),
    ),
    FaultyHub(
        "asks-unannounced",
        "asks for totals of a reconciliation that it did not announce",
        ("RECONCILE-1",),
        (_EQUAL,),
        "did not call initiateReconciliation",
        _sending("initiateReconciliation", _never),
        _NEVER,
    ),
    FaultyHub(
        "asks-before-snapshot",
        "asks for totals before the snapshot time that it told",
        ("RECONCILE-2",),
        (_EQUAL,),
        "before the snapshot time",
        _sending("initiateReconciliation", _earlier_snapshot),
    ),
    FaultyHub(
        "asks-twice",
        "asks for the totals of one reconciliation twice",
        ("RECONCILE-2",),
        (_EQUAL,),
        "asked for a second time",
        _sending("provideTotals", _asked_otherwise_again),
    ),
    FaultyHub(
        "never-asks",
        "begins a reconciliation and asks for nothing",
        ("RECONCILE-2",),
        (_EQUAL,),
        "did not call provideTotals",
        _sending("provideTotals", _never),
        _NEVER,
    ),
    FaultyHub(
        "hides-result",
        "does not tell the registry that both agree",
        ("RECONCILE-3",),
        (_EQUAL,),
        "did not call .*receiveReconciliationResult",
        _sending("receiveReconciliationResult", _never),
        _NEVER,
    ),
    FaultyHub(
        "equal-as-3",
        "tells status 3 where totals are equal",
        ("RECONCILE-3",),
        (_EQUAL,),
        "the result must have status 2 or 5; it has 3",
        _saying("receiveReconciliationResult", lambda message: replace(message, reconciliation_status=3)),
    ),
    FaultyHub(
        "forgets-open-units",
        "does not count units in an open transaction",
        ("RECONCILE-3",),
        ("302",),
        "the totals are equal; unit blocks were asked for with code 6301",
        lambda: Wrong(inside=_without_open_units),
        _NEVER,
    ),
    FaultyHub(
        "ignores-lost-units",
        "tells that both agree where totals differ",
        ("RECONCILE-4",),
        (_DIFFER,),
        "did not call provideUnitBlocks",
        _sending("provideUnitBlocks", _instead(_S.COMPLETED)),
        _NEVER,
    ),
    FaultyHub(
        "no-trail",
        "asks for no audit trail where unit blocks differ",
        ("RECONCILE-4",),
        (_DIFFER,),
        "did not call provideAuditTrail",
        _sending("provideAuditTrail", _instead(_S.MANUAL_INTERVENTION_REQUIRED)),
        _NEVER,
    ),
    FaultyHub(
        "trail-of-others",
        "asks for the audit trail of other units than those that differ",
        ("RECONCILE-4",),
        (_DIFFER,),
        "must name the units that differ",
        _saying("provideAuditTrail", _neighbours),
        _NEVER,
    ),
    FaultyHub(
        "trail-of-nothing",
        "asks for the audit trail of no units",
        ("RECONCILE-4",),
        (_DIFFER,),
        r"must name the units that differ.*it names \[\]",
        _saying("provideAuditTrail", lambda message: replace(message, unit_block_identifiers=())),
        _NEVER,
    ),
    FaultyHub(
        "differing-as-2",
        "tells that both agree where units differ",
        ("RECONCILE-4",),
        (_DIFFER,),
        "the result must have status 3 or 4 or 99; it has 2",
        _saying(
            "receiveReconciliationResult",
            lambda message: (
                replace(message, reconciliation_status=2)
                if message.reconciliation_status == _S.MANUAL_INTERVENTION_REQUIRED
                else message
            ),
        ),
        _NEVER,
    ),
    FaultyHub(
        "barred-for-ever",
        "does not let units go that were found equal again",
        ("RECONCILE-5",),
        (_DIFFER,),
        "told status 3 with code 4008",
        lambda: Wrong(inside=_for_ever),
        _NEVER,
    ),
    FaultyHub(
        "insists",
        "asks a registry for totals that refused to begin",
        ("RECONCILE-6",),
        ("307",),
        "must not be asked for its totals",
        _sending("initiateReconciliation", _hears_no_refusal),
    ),
)
