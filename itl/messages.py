"""The messages of the data exchange standards as typed, immutable values, one class per type of the contract.

A class bears the name of its type, a field the name of its element in Python's spelling (`sender` and `addressee` stand
for *from* and *to*). `None` is an element that is absent. Times are aware and in UTC. `schemas/` is the source: a test
holds these classes equal to it. The two JSON forms here are for the store, which knows neither XML nor wire names.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar

import msgspec

Message = TypeVar("Message")


class _Message(msgspec.Struct, frozen=True, gc=False):
    """A struct of msgspec: a tenth of what a frozen dataclass costs to make. No message can hold itself: no cycles."""


class ReconciliationTransactionUnitBlock(_Message, frozen=True, kw_only=True):
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


class Transaction(_Message, frozen=True, kw_only=True):
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


class TransactionUnitBlock(_Message, frozen=True, kw_only=True):
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


class ProposalTransaction(_Message, frozen=True, kw_only=True):
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


class ReconciliationUnitBlockIdentifier(_Message, frozen=True, kw_only=True):
    unit_serial_block_start: int
    unit_serial_block_end: int
    originating_registry_code: str


class UnitBlockIdentifier(_Message, frozen=True, kw_only=True):
    unit_serial_block_start: int
    unit_serial_block_end: int
    originating_registry_code: str


class UnitBlock(_Message, frozen=True, kw_only=True):
    unit_serial_block_start: int
    unit_serial_block_end: int
    originating_registry_code: str
    unit_type: int
    supp_unit_type: int | None = None
    account_type: int
    account_identifier: int | None = None
    applicable_commit_period: int


class Total(_Message, frozen=True, kw_only=True):
    account_type: int
    account_identifier: int | None = None
    account_commit_period: int
    unit_type: int
    supp_unit_type: int | None = None
    unit_count: int


class UnitBlockRequest(_Message, frozen=True, kw_only=True):
    unit_type: int | None = None
    supp_unit_type: int | None = None
    account_commit_period: int | None = None
    account_type: int | None = None
    account_identifier: int | None = None


class EvaluationResult(_Message, frozen=True, kw_only=True):
    response_code: int
    unit_block_identifiers: tuple[UnitBlockIdentifier, ...] | None = None


class ProvideTimeRequest(_Message, frozen=True, kw_only=True):
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    itl_system_time: datetime


class ProvideTimeResponse(_Message, frozen=True, kw_only=True):
    system_time: datetime
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


class MessageRequest(_Message, frozen=True, kw_only=True):
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    message_content: str
    message_date_time: datetime


class MessageResponse(_Message, frozen=True, kw_only=True):
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


class ProposalRequest(_Message, frozen=True, kw_only=True):
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    proposed_transaction: ProposalTransaction


class ProposalResponse(_Message, frozen=True, kw_only=True):
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


class NotificationRequest(_Message, frozen=True, kw_only=True):
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    transaction_identifier: str
    transaction_status: int
    party_type: int
    evaluation_result: tuple[EvaluationResult, ...]


class NotificationResponse(_Message, frozen=True, kw_only=True):
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


class ITLNoticeRequest(_Message, frozen=True, kw_only=True):
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


class ITLNoticeResponse(_Message, frozen=True, kw_only=True):
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


class ReconciliationResultRequest(_Message, frozen=True, kw_only=True):
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    reconciliation_identifier: str
    reconciliation_status: int
    response_codes: tuple[int, ...] | None = None


class ReconciliationResultResponse(_Message, frozen=True, kw_only=True):
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


class ProvideTotalsRequest(_Message, frozen=True, kw_only=True):
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


class ProvideTotalsResponse(_Message, frozen=True, kw_only=True):
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


class ProvideUnitBlocksRequest(_Message, frozen=True, kw_only=True):
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    reconciliation_identifier: str
    reconciliation_snapshot_datetime: datetime
    unit_block_requests: tuple[UnitBlockRequest, ...]
    response_codes: tuple[int, ...] | None = None


class ProvideUnitBlocksResponse(_Message, frozen=True, kw_only=True):
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


class ProvideAuditTrailRequest(_Message, frozen=True, kw_only=True):
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


class ProvideAuditTrailResponse(_Message, frozen=True, kw_only=True):
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


class ReceiveTotalsRequest(_Message, frozen=True, kw_only=True):
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    reconciliation_identifier: str
    totals: tuple[Total, ...]


class ReceiveTotalsResponse(_Message, frozen=True, kw_only=True):
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


class TransactionStatusRequest(_Message, frozen=True, kw_only=True):
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    transaction_identifier: str


class TransactionStatusResponse(_Message, frozen=True, kw_only=True):
    transaction_identifier: str
    transaction_status: int
    transaction_status_date_time: datetime
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


class ReceiveAuditTrailRequest(_Message, frozen=True, kw_only=True):
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    reconciliation_identifier: str
    transactions: tuple[Transaction, ...]


class ReceiveAuditTrailResponse(_Message, frozen=True, kw_only=True):
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


class ReceiveUnitBlocksRequest(_Message, frozen=True, kw_only=True):
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    reconciliation_identifier: str
    unit_blocks: tuple[UnitBlock, ...]


class ReceiveUnitBlocksResponse(_Message, frozen=True, kw_only=True):
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


class InitiateReconciliationRequest(_Message, frozen=True, kw_only=True):
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    reconciliation_identifier: str
    snapshot_datetime: datetime


class InitiateReconciliationResponse(_Message, frozen=True, kw_only=True):
    result_identifier: int
    response_codes: tuple[int, ...] | None = None


class RelayRequest(_Message, frozen=True, kw_only=True):
    sender: str
    addressee: str
    major_version: int
    minor_version: int
    relay_identifier: str
    operation_name: str
    message_content: str


class RelayResponse(_Message, frozen=True, kw_only=True):
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
