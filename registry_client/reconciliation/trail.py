"""The audit trail: completed transactions of a period that touch the blocks in question."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from itl.messages import (
    ProposalTransaction,
    ProvideAuditTrailRequest,
    ReconciliationTransactionUnitBlock,
    ReconciliationUnitBlockIdentifier,
    Transaction,
    TransactionUnitBlock,
    load,
)
from registry_client.reconciliation.snapshot import WITHOUT_PERIOD
from registry_client.tables import transactions
from registry_client.transactions import State

_BLOCK = tuple(TransactionUnitBlock.__struct_fields__)

Touches = Callable[[TransactionUnitBlock], bool]


def parts(
    connection: sa.Connection, request: ProvideAuditTrailRequest, limit: int
) -> Iterator[tuple[Transaction, ...]]:
    """The transactions in the order of their completion, in parts of at most `limit` blocks or one transaction.

    Both ends of the period count. Of a transaction only the blocks in question are told; all, if the log named none.
    An empty trail is one empty part.
    """
    touches = _touching(request.unit_block_identifiers)
    part: list[Transaction] = []
    size, told = 0, False
    for proposal, at in _completed(connection, request):
        blocks = [
            block for block in proposal.proposal_unit_blocks if touches(block) and _fits(request, proposal, block)
        ]
        if not blocks:
            continue
        if part and size + len(blocks) > limit:
            yield tuple(part)
            part, size, told = [], 0, True
        part.append(_transaction(proposal, at, blocks))
        size += len(blocks)
    if part or not told:
        yield tuple(part)


def _completed(
    connection: sa.Connection, request: ProvideAuditTrailRequest
) -> Iterator[tuple[ProposalTransaction, datetime]]:
    begin, end = request.audit_trail_begin_datetime, request.audit_trail_end_datetime
    query = (
        sa.select(transactions.c.proposal, transactions.c.changed_at)
        .where(transactions.c.state == State.COMPLETED, transactions.c.changed_at.between(begin, end))
        .order_by(transactions.c.changed_at, transactions.c.identifier)
    )
    with connection.execution_options(yield_per=100).execute(query) as rows:
        for row in rows:
            yield load(ProposalTransaction, row.proposal), row.changed_at


def _touching(asked: Sequence[ReconciliationUnitBlockIdentifier] | None) -> Touches:
    """Whether a block shares a unit with those asked for; every block does if none are."""
    if not asked:
        return lambda block: True
    ranges: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for wanted in sorted(asked, key=lambda each: each.unit_serial_block_start):
        merged = ranges[wanted.originating_registry_code]
        start, end = wanted.unit_serial_block_start, wanted.unit_serial_block_end
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))

    def touches(block: TransactionUnitBlock) -> bool:
        merged = ranges.get(block.originating_registry_code, [])
        before = bisect_right(merged, block.unit_serial_block_end, key=lambda each: each[0])
        return before > 0 and merged[before - 1][1] >= block.unit_serial_block_start

    return touches


def _fits(request: ProvideAuditTrailRequest, proposal: ProposalTransaction, block: TransactionUnitBlock) -> bool:
    """Whether a block answers the filters: of the accounts either side counts."""
    accounts = (
        (proposal.transferring_registry_account_type, proposal.transferring_registry_account_identifier),
        (proposal.acquiring_registry_account_type, proposal.acquiring_registry_account_identifier),
    )
    period = request.account_commit_period
    return (
        request.unit_type in (None, block.unit_type)
        and request.supp_unit_type in (None, block.supp_unit_type or 0)
        and any(
            request.account_type in (None, account_type)
            and request.account_identifier in (None, identifier)
            and period in (None, 0 if account_type in WITHOUT_PERIOD else block.applicable_commit_period)
            for account_type, identifier in accounts
        )
    )


def _transaction(proposal: ProposalTransaction, at: datetime, blocks: Sequence[TransactionUnitBlock]) -> Transaction:
    return Transaction(
        transaction_identifier=proposal.transaction_identifier,
        transaction_type=proposal.transaction_type,
        supp_transaction_type=proposal.supp_transaction_type,
        transaction_status_date_time=at,
        transferring_registry_code=proposal.transferring_registry_code,
        transferring_registry_account_type=proposal.transferring_registry_account_type,
        transferring_registry_account_identifier=proposal.transferring_registry_account_identifier,
        acquiring_registry_code=proposal.acquiring_registry_code,
        acquiring_registry_account_type=proposal.acquiring_registry_account_type,
        acquiring_registry_account_identifier=proposal.acquiring_registry_account_identifier,
        notification_identifier=proposal.notification_identifier,
        transaction_blocks=tuple(
            ReconciliationTransactionUnitBlock(**{name: getattr(block, name) for name in _BLOCK}) for block in blocks
        ),
    )
