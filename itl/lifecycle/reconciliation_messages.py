"""What the log sends in a reconciliation: each once, in the order of its topic, with the fields that registries need.

A registry may break on a list that is absent, and on a flag that is (`docs/reconciliation`), so neither ever is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from itl.codes import ReconciliationStatus
from itl.ledger.block import SerialRange
from itl.ledger.placement import Filter, placement, taken
from itl.ledger.ranges import parts_in, union
from itl.lifecycle.reconciliation_events import Asked, ReconciliationHead
from itl.lifecycle.sending import Send, topic_of_reconciliation
from itl.lifecycle.transaction import LogIdentity
from itl.messages import (
    InitiateReconciliationRequest,
    ProvideAuditTrailRequest,
    ProvideTotalsRequest,
    ProvideUnitBlocksRequest,
    ReceiveAuditTrailRequest,
    ReceiveUnitBlocksRequest,
    ReconciliationResultRequest,
    ReconciliationUnitBlockIdentifier,
    Transaction,
    UnitBlock,
    UnitBlockRequest,
)

MOST_BLOCKS = 10_000
"""Ranges of units that one audit trail is asked about; an operator sees the others in the inconsistencies."""


def initiate(head: ReconciliationHead, log: LogIdentity, expires_at: datetime, stl: str | None = None) -> Send:
    """To the registry, or to `stl`, a supplementary log that compares as well; it may hear it more than once."""
    message = InitiateReconciliationRequest(
        sender=log.code,
        addressee=stl or head.registry,
        major_version=log.major_version,
        minor_version=log.minor_version,
        reconciliation_identifier=head.identifier,
        snapshot_datetime=head.snapshot_at,
    )
    return _once(head, message, expires_at) if stl is None else pass_on(head, log, stl, message, expires_at)


def ask_totals(head: ReconciliationHead, log: LogIdentity) -> Send:
    message = ProvideTotalsRequest(
        sender=log.code,
        addressee=head.peer,
        major_version=log.major_version,
        minor_version=log.minor_version,
        reconciliation_identifier=head.identifier,
        reconciliation_snapshot_datetime=head.snapshot_at,
        reconciliation_status=int(ReconciliationStatus.INITIATED),
        by_account_flag=int(head.by_account),
        response_codes=(),
    )
    return _once(head, message)


def ask_blocks(head: ReconciliationHead, log: LogIdentity, filters: Iterable[Filter], codes: tuple[int, ...]) -> Send:
    requests = tuple(
        UnitBlockRequest(
            unit_type=each.unit_type,
            account_commit_period=each.account_period,
            account_type=each.account_type,
            account_identifier=each.account_identifier,
        )
        for each in filters
    )
    message = ProvideUnitBlocksRequest(
        sender=log.code,
        addressee=head.peer,
        major_version=log.major_version,
        minor_version=log.minor_version,
        reconciliation_identifier=head.identifier,
        reconciliation_snapshot_datetime=head.snapshot_at,
        unit_block_requests=requests,
        response_codes=log.override.tell(codes),
    )
    return _once(head, message)


def ask_trail(head: ReconciliationHead, log: LogIdentity, asked: Asked, codes: tuple[int, ...]) -> Send:
    if asked.begin is None or asked.end is None:
        raise ValueError(f"{head.identifier}: an audit trail is asked for without its period")
    message = ProvideAuditTrailRequest(
        sender=log.code,
        addressee=head.peer,
        major_version=log.major_version,
        minor_version=log.minor_version,
        reconciliation_identifier=head.identifier,
        audit_trail_begin_datetime=asked.begin,
        audit_trail_end_datetime=asked.end,
        unit_block_identifiers=tuple(
            ReconciliationUnitBlockIdentifier(
                unit_serial_block_start=units.start,
                unit_serial_block_end=units.end,
                originating_registry_code=units.originating_registry,
            )
            for units in asked.blocks
        ),
        response_codes=log.override.tell(codes),
    )
    return _once(head, message)


def result(head: ReconciliationHead, log: LogIdentity, status: int, codes: tuple[int, ...]) -> Send:
    message = ReconciliationResultRequest(
        sender=log.code,
        addressee=head.peer,
        major_version=log.major_version,
        minor_version=log.minor_version,
        reconciliation_identifier=head.identifier,
        reconciliation_status=int(status),
        response_codes=log.override.tell(codes),
    )
    return _once(head, message)


def said(codes: Iterable[int]) -> str:
    """Codes of a refusal in words."""
    told = ", ".join(map(str, codes))
    return f"codes {told}" if told else "without a code"


def pass_on(
    head: ReconciliationHead, log: LogIdentity, stl: str, message: Any, expires_at: datetime | None = None
) -> Send:
    """What the registry has said, as this log says it to `stl`, which knows a repeat."""
    message = replace(
        message, sender=log.code, addressee=stl, major_version=log.major_version, minor_version=log.minor_version
    )
    return Send(stl, message, topic_of_reconciliation(head.identifier), expires_at=expires_at)


def only(message: Any, asked: Asked) -> Any:
    """What of an answer of the registry was asked for; of totals all. Accounts in filters count no more than to it."""
    match message:
        case ReceiveUnitBlocksRequest():
            wanted = tuple(Filter(each.account_type, each.account_period, each.unit_type) for each in asked.filters)
            return replace(message, unit_blocks=tuple(each for each in message.unit_blocks if _is_in(each, wanted)))
        case ReceiveAuditTrailRequest():
            units = union(asked.blocks)
            return replace(
                message, transactions=tuple(each for each in message.transactions if not units or _touches(each, units))
            )
        case _:
            return message


def _is_in(block: UnitBlock, filters: tuple[Filter, ...]) -> bool:
    return taken(placement(block.account_type, block.applicable_commit_period, block.unit_type), filters)


def _touches(transaction: Transaction, units: list[SerialRange]) -> bool:
    return any(
        parts_in(
            SerialRange(each.originating_registry_code, each.unit_serial_block_start, each.unit_serial_block_end), units
        )
        for each in transaction.transaction_blocks
    )


def _once(head: ReconciliationHead, message: object, expires_at: datetime | None = None) -> Send:
    """A registry would refuse it a second time; a log knows it."""
    topic = topic_of_reconciliation(head.identifier)
    return Send(head.peer, message, topic, once=head.led_by is None, expires_at=expires_at)
