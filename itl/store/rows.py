"""Rows of the ledger's tables and the values they stand for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from itl.checks.blocks import acquiring_account, transferring_account
from itl.ledger.block import Attributes, HeldBlock, Place, SerialRange
from itl.ledger.carrying_out import SettledPart
from itl.messages import ProposalTransaction, TransactionUnitBlock
from itl.store import tables as t

BLOCK_COLUMNS = tuple(column.name for column in t.transaction_blocks.columns)
UNIT_COLUMNS = tuple(column.name for column in t.unit_blocks.columns)


def held_block(row: t.Record) -> HeldBlock:
    """A row of `unit_blocks`."""
    return HeldBlock(
        SerialRange(row.originating_registry, row.serial_start, row.serial_end),
        Attributes(
            row.unit_type,
            row.supp_unit_type,
            row.original_commit_period,
            row.applicable_commit_period,
            row.lulucf_activity,
            row.project_identifier,
            row.track,
            row.expiry_date,
            row.issued_unit_type,
            row.replaced,
        ),
        Place(row.registry, row.account_type, row.account_identifier),
    )


def unit_row(block: HeldBlock) -> dict[str, Any]:
    """The columns of `unit_blocks` that say what and where the units are."""
    units, what, where = block.range, block.attributes, block.place
    return {
        "originating_registry": units.originating_registry,
        "serial_start": units.start,
        "serial_end": units.end,
        "unit_type": what.unit_type,
        "supp_unit_type": what.supp_unit_type,
        "original_commit_period": what.original_commit_period,
        "applicable_commit_period": what.applicable_commit_period,
        "lulucf_activity": what.lulucf_activity,
        "project_identifier": what.project_identifier,
        "track": what.track,
        "expiry_date": what.expiry_date,
        "issued_unit_type": what.issued_unit_type,
        "replaced": what.replaced,
        "registry": where.registry,
        "account_type": where.account_type,
        "account_identifier": where.account_identifier,
    }


def head_columns(proposed: ProposalTransaction) -> dict[str, Any]:
    """What a row of `transactions` has of the proposal itself."""
    return {
        "identifier": proposed.transaction_identifier,
        "transaction_type": proposed.transaction_type,
        "supp_transaction_type": proposed.supp_transaction_type,
        "transferring_registry": proposed.transferring_registry_code,
        "transferring_account_type": proposed.transferring_registry_account_type,
        "transferring_account_identifier": proposed.transferring_registry_account_identifier,
        "acquiring_registry": proposed.acquiring_registry_code,
        "acquiring_account_type": proposed.acquiring_registry_account_type,
        "acquiring_account_identifier": proposed.acquiring_registry_account_identifier,
        "notification_identifier": proposed.notification_identifier,
    }


def block_rows(transaction_id: int, proposal: ProposalTransaction) -> list[dict[str, Any]]:
    """The rows of `transaction_blocks`; what a block leaves to the head of the proposal is filled in from there."""
    return [
        _block_row(proposal, block) | {"transaction_id": transaction_id, "position": position}
        for position, block in enumerate(proposal.proposal_unit_blocks)
    ]


def _block_row(proposal: ProposalTransaction, block: TransactionUnitBlock) -> dict[str, Any]:
    source, target = transferring_account(proposal, block), acquiring_account(proposal, block)
    return {
        "originating_registry": block.originating_registry_code,
        "serial_start": block.unit_serial_block_start,
        "serial_end": block.unit_serial_block_end,
        "unit_type": block.unit_type,
        "supp_unit_type": block.supp_unit_type,
        "original_commit_period": block.original_commit_period,
        "applicable_commit_period": block.applicable_commit_period,
        "lulucf_activity": block.lulucf_activity,
        "project_identifier": block.project_identifier,
        "track": block.track,
        "expiry_date": block.expiry_date,
        "block_role": block.block_role,
        "transferring_account_type": source[0],
        "transferring_account_identifier": source[1],
        "acquiring_account_type": target[0],
        "acquiring_account_identifier": target[1],
        "year_in_commitment_period": block.year_in_commitment_period,
        "installation_identifier": block.installation_identifier,
    }


def settled_part(row: t.Record) -> SettledPart:
    """A row of `transaction_blocks` joined with `acquiring_registry` of its transaction."""
    attributes = Attributes(
        row.unit_type,
        row.supp_unit_type,
        row.original_commit_period,
        row.applicable_commit_period,
        row.lulucf_activity,
        row.project_identifier,
        row.track,
        row.expiry_date,
        row.unit_type,
    )
    return SettledPart(
        HeldBlock(
            SerialRange(row.originating_registry, row.serial_start, row.serial_end),
            attributes,
            Place(row.acquiring_registry, row.acquiring_account_type, row.acquiring_account_identifier),
        ),
        row.block_role,
    )


def proposal_of(head: t.Record, blocks: Iterable[t.Record]) -> ProposalTransaction:
    """The content of a proposal again, from its row of `transactions` and its rows of `transaction_blocks`."""
    return ProposalTransaction(
        transaction_identifier=head.identifier,
        transaction_type=head.transaction_type,
        supp_transaction_type=head.supp_transaction_type,
        transferring_registry_code=head.transferring_registry,
        transferring_registry_account_type=head.transferring_account_type,
        transferring_registry_account_identifier=head.transferring_account_identifier,
        acquiring_registry_code=head.acquiring_registry,
        acquiring_registry_account_type=head.acquiring_account_type,
        acquiring_registry_account_identifier=head.acquiring_account_identifier,
        notification_identifier=head.notification_identifier,
        proposal_unit_blocks=tuple(
            TransactionUnitBlock(
                unit_serial_block_start=row.serial_start,
                unit_serial_block_end=row.serial_end,
                originating_registry_code=row.originating_registry,
                unit_type=row.unit_type,
                supp_unit_type=row.supp_unit_type,
                original_commit_period=row.original_commit_period,
                applicable_commit_period=row.applicable_commit_period,
                lulucf_activity=row.lulucf_activity,
                project_identifier=row.project_identifier,
                track=row.track,
                block_role=row.block_role,
                transferring_registry_account_type=row.transferring_account_type,
                transferring_registry_account_identifier=row.transferring_account_identifier,
                acquiring_registry_account_type=row.acquiring_account_type,
                acquiring_registry_account_identifier=row.acquiring_account_identifier,
                year_in_commitment_period=row.year_in_commitment_period,
                installation_identifier=row.installation_identifier,
                expiry_date=row.expiry_date,
            )
            for row in blocks
        ),
    )
