"""The messages of the data exchange standards as typed, immutable values, one class per type of the contract.

A class bears the name of its type, a field the name of its element in Python's spelling (`sender` and `addressee` stand
for *from* and *to*). `None` is an element that is absent. Times are aware and in UTC. `schemas/` is the source: a test
holds these classes equal to it. The two JSON forms here are for the store, which knows neither XML nor wire names.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar, dataclass_transform

import msgspec

Message = TypeVar("Message")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def _message(cls: type[Message]) -> type[Message]:
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


@_message
class ReconciliationTransactionUnitBlock:
    unit_serial_block_start: int
    unit_serial_block_end: int
    originating_registry_code: str
    unit_type: int
    supp_unit_type: int | None = None
    original_commit_period: int
    applicable_commit_period: int
    lulucf_activity: int | None = None
    project_identifier: int | None = None
    track: int | None = None
    block_role: str | None = None
    transferring_registry_account_type: int | None = None
    transferring_registry_account_identifier: int | None = None
    acquiring_registry_account_type: int | None = None
    acquiring_registry_account_identifier: int | None = None
    year_in_commitment_period: int | None = None
    installation_identifier: int | None = None
    expiry_date: date | None = None


@_message
class Transaction:
    transaction_identifier: str
    transaction_type: int
    supp_transaction_type: int | None = None
    transaction_status_date_time: datetime
    transferring_registry_code: str
    transferring_registry_account_type: int | None = None
    transferring_registry_account_identifier: int | None = None
    acquiring_registry_code: str
    acquiring_registry_account_type: int | None = None
    acquiring_registry_account_identifier: int | None = None
    notification_identifier: int | None = None
    transaction_blocks: tuple[ReconciliationTransactionUnitBlock, ...]


@_message
class TransactionUnitBlock:
    unit_serial_block_start: int
    unit_serial_block_end: int
    originating_registry_code: str
    unit_type: int
    supp_unit_type: int | None = None
    original_commit_period: int
    applicable_commit_period: int
    lulucf_activity: int | None = None
    project_identifier: int | None = None
    track: int | None = None
    block_role: str | None = None
    transferring_registry_account_type: int | None = None
    transferring_registry_account_identifier: int | None = None
    acquiring_registry_account_type: int | None = None
    acquiring_registry_account_identifier: int | None = None
    year_in_commitment_period: int | None = None
    installation_identifier: int | None = None
    expiry_date: date | None = None


@_message
class ProposalTransaction:
    transaction_identifier: str
    transaction_type: int
    supp_transaction_type: int | None = None
    transferring_registry_code: str
    transferring_registry_account_type: int | None = None
    transferring_registry_account_identifier: int | None = None
    acquiring_registry_code: str
    acquiring_registry_account_type: int | None = None
    acquiring_registry_account_identifier: int | None = None
    notification_identifier: int | None = None
    proposal_unit_blocks: tuple[TransactionUnitBlock, ...]


@_message
class ReconciliationUnitBlockIdentifier:
    unit_serial_block_start: int
    unit_serial_block_end: int
    originating_registry_code: str


@_message
class UnitBlockIdentifier:
    unit_serial_block_start: int
    unit_serial_block_end: int
    originating_registry_code: str


@_message
class UnitBlock:
    unit_serial_block_start: int
    unit_serial_block_end: int
    originating_registry_code: str
    unit_type: int
    supp_unit_type: int | None = None
    account_type: int
    account_identifier: int | None = None
    applicable_commit_period: int


@_message
class Total:
    account_type: int
    account_identifier: int | None = None
    account_commit_period: int
    unit_type: int
    supp_unit_type: int | None = None
    unit_count: int


@_message
class UnitBlockRequest:
    unit_type: int | None = None
    supp_unit_type: int | None = None
    account_commit_period: int | None = None
    account_type: int | None = None
    account_identifier: int | None = None


@_message
class EvaluationResult:
    response_code: int
    unit_block_identifiers: tuple[UnitBlockIdentifier, ...] | None = None


@_message
class ProvideTimeRequest:
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    itl_system_time: datetime


@_message
class ProvideTimeResponse:
    system_time: datetime
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


@_message
class MessageRequest:
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    message_content: str
    message_date_time: datetime


@_message
class MessageResponse:
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


@_message
class ProposalRequest:
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    proposed_transaction: ProposalTransaction


@_message
class ProposalResponse:
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


@_message
class NotificationRequest:
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    transaction_identifier: str
    transaction_status: int
    party_type: int
    evaluation_result: tuple[EvaluationResult, ...]


@_message
class NotificationResponse:
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


@_message
class ITLNoticeRequest:
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    message_content: str
    message_date: datetime
    notification_type: int
    notification_identifier: int
    notification_status: int
    project_number: str | None = None
    unit_type: int | None = None
    target_value: int | None = None
    target_date: date | None = None
    lulucf_activity: int | None = None
    commit_period: int | None = None
    action_due_date: date | None = None
    unit_block_identifiers: tuple[UnitBlockIdentifier, ...] | None = None


@_message
class ITLNoticeResponse:
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


@_message
class ReconciliationResultRequest:
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    reconciliation_identifier: str
    reconciliation_status: int
    response_codes: tuple[int, ...] | None = None


@_message
class ReconciliationResultResponse:
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


@_message
class ProvideTotalsRequest:
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    reconciliation_identifier: str
    reconciliation_snapshot_datetime: datetime
    reconciliation_status: int
    unit_type: int | None = None
    supp_unit_type: int | None = None
    account_commit_period: int | None = None
    account_type: int | None = None
    by_account_flag: int | None = None
    response_codes: tuple[int, ...] | None = None


@_message
class ProvideTotalsResponse:
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


@_message
class ProvideUnitBlocksRequest:
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    reconciliation_identifier: str
    reconciliation_snapshot_datetime: datetime
    unit_block_requests: tuple[UnitBlockRequest, ...]
    response_codes: tuple[int, ...] | None = None


@_message
class ProvideUnitBlocksResponse:
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


@_message
class ProvideAuditTrailRequest:
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    reconciliation_identifier: str
    audit_trail_begin_datetime: datetime
    audit_trail_end_datetime: datetime
    account_type: int | None = None
    account_identifier: int | None = None
    account_commit_period: int | None = None
    unit_type: int | None = None
    supp_unit_type: int | None = None
    unit_block_identifiers: tuple[ReconciliationUnitBlockIdentifier, ...] | None = None
    response_codes: tuple[int, ...] | None = None


@_message
class ProvideAuditTrailResponse:
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


@_message
class ReceiveTotalsRequest:
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    reconciliation_identifier: str
    totals: tuple[Total, ...]


@_message
class ReceiveTotalsResponse:
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


@_message
class TransactionStatusRequest:
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    transaction_identifier: str


@_message
class TransactionStatusResponse:
    transaction_identifier: str
    transaction_status: int
    transaction_status_date_time: datetime
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


@_message
class ReceiveAuditTrailRequest:
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    reconciliation_identifier: str
    transactions: tuple[Transaction, ...]


@_message
class ReceiveAuditTrailResponse:
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


@_message
class ReceiveUnitBlocksRequest:
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    reconciliation_identifier: str
    unit_blocks: tuple[UnitBlock, ...]


@_message
class ReceiveUnitBlocksResponse:
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


@_message
class InitiateReconciliationRequest:
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    reconciliation_identifier: str
    snapshot_datetime: datetime


@_message
class InitiateReconciliationResponse:
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


def dump(message: object) -> bytes:
    """The message as compact JSON: an object per struct in the order of its fields, `null` for what is absent."""
    return msgspec.json.encode(message)


def load(cls: type[Message], content: bytes | str) -> Message:
    """The message of class `cls` that `dump` wrote as `content`; msgspec.ValidationError if it is none."""
    message: Message = _decoder(cls).decode(content)  # type: ignore[arg-type]
    return message


def content_digest(operation: str, content: bytes) -> bytes:
    """SHA-256 of what a message says (its `dump`), however it was spelled on the wire: equal for a repeat."""
    return hashlib.sha256(operation.encode() + b"\n" + content).digest()


@cache
def _decoder(cls: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(cls)
