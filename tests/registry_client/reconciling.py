"""What a log asks a registry in a reconciliation, in few words; and what comes back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from itl.messages import (
    InitiateReconciliationRequest,
    ITLNoticeRequest,
    ProvideAuditTrailRequest,
    ProvideTotalsRequest,
    ProvideUnitBlocksRequest,
    ReceiveAuditTrailRequest,
    ReceiveTotalsRequest,
    ReceiveUnitBlocksRequest,
    ReconciliationResultRequest,
    ReconciliationUnitBlockIdentifier,
    UnitBlockRequest,
)
from tests.registry_client.log import NOON, Log

HEAD: dict[str, Any] = {"sender": "ITL", "addressee": "GB", "major_version": 1, "minor_version": 1}
QUARTER = timedelta(minutes=15)
SNAPSHOT = NOON + QUARTER


def initiate(identifier: str = "GB1", at: datetime = SNAPSHOT) -> InitiateReconciliationRequest:
    return InitiateReconciliationRequest(**HEAD, reconciliation_identifier=identifier, snapshot_datetime=at)


def ask_totals(identifier: str = "GB1", at: datetime = SNAPSHOT, **wishes: Any) -> ProvideTotalsRequest:
    return ProvideTotalsRequest(
        **HEAD,
        reconciliation_identifier=identifier,
        reconciliation_snapshot_datetime=at,
        reconciliation_status=1,
        **wishes,
    )


def ask_blocks(*filters: dict[str, int], identifier: str = "GB1", at: datetime = SNAPSHOT) -> ProvideUnitBlocksRequest:
    return ProvideUnitBlocksRequest(
        **HEAD,
        reconciliation_identifier=identifier,
        reconciliation_snapshot_datetime=at,
        unit_block_requests=tuple(UnitBlockRequest(**wanted) for wanted in filters),
    )


def ask_trail(
    *ranges: tuple[str, int, int],
    identifier: str = "GB1",
    begin: datetime = NOON - timedelta(days=1),
    end: datetime = NOON + timedelta(days=1),
    **wishes: Any,
) -> ProvideAuditTrailRequest:
    blocks = tuple(
        ReconciliationUnitBlockIdentifier(
            originating_registry_code=party, unit_serial_block_start=first, unit_serial_block_end=last
        )
        for party, first, last in ranges
    )
    return ProvideAuditTrailRequest(
        **HEAD,
        reconciliation_identifier=identifier,
        audit_trail_begin_datetime=begin,
        audit_trail_end_datetime=end,
        unit_block_identifiers=blocks or None,
        **wishes,
    )


def conclude(status: int, *codes: int, identifier: str = "GB1") -> ReconciliationResultRequest:
    return ReconciliationResultRequest(
        **HEAD, reconciliation_identifier=identifier, reconciliation_status=status, response_codes=codes
    )


def notice(identifier: int, notice_type: int, status: int, text: str, **more: Any) -> ITLNoticeRequest:
    return ITLNoticeRequest(
        **HEAD,
        message_content=text,
        message_date=NOON,
        notification_type=notice_type,
        notification_identifier=identifier,
        notification_status=status,
        **more,
    )


def told_totals(log: Log) -> list[dict[tuple[int, ...], int]]:
    """Each answer of totals: units by account type, period, unit type (and account where it was said)."""
    return [
        {
            (
                total.account_type,
                *(() if total.account_identifier is None else (total.account_identifier,)),
                total.account_commit_period,
                total.unit_type,
            ): total.unit_count
            for total in call.totals
        }
        for call in log.calls
        if isinstance(call, ReceiveTotalsRequest)
    ]


def told_blocks(log: Log) -> list[list[tuple[str, int, int, int]]]:
    """Each part of blocks: originating registry, first, last, account type."""
    return [
        [
            (
                block.originating_registry_code,
                block.unit_serial_block_start,
                block.unit_serial_block_end,
                block.account_type,
            )
            for block in call.unit_blocks
        ]
        for call in log.calls
        if isinstance(call, ReceiveUnitBlocksRequest)
    ]


def told_trail(log: Log) -> list[list[tuple[str, tuple[tuple[int, int], ...]]]]:
    """Each part of a trail: transactions with the serials of their blocks."""
    return [
        [
            (
                transaction.transaction_identifier,
                tuple(
                    (block.unit_serial_block_start, block.unit_serial_block_end)
                    for block in transaction.transaction_blocks
                ),
            )
            for transaction in call.transactions
        ]
        for call in log.calls
        if isinstance(call, ReceiveAuditTrailRequest)
    ]
