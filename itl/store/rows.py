"""Rows of the ledger's tables and the values they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from itl.ledger.block import Attributes, HeldBlock, Place, SerialRange
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
        "registry": where.registry,
        "account_type": where.account_type,
        "account_identifier": where.account_identifier,
    }


def block_rows(transaction_id: int, proposal: ProposalTransaction) -> list[dict[str, Any]]:
    """The rows of `transaction_blocks`; what a block leaves to the head of the proposal is filled in from there."""
    return [
        {
            "transaction_id": transaction_id,
            "position": position,
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
            "transferring_account_type": _told(
                block.transferring_registry_account_type, proposal.transferring_registry_account_type
            ),
            "transferring_account_identifier": _told(
                block.transferring_registry_account_identifier, proposal.transferring_registry_account_identifier
            ),
            "acquiring_account_type": _told(
                block.acquiring_registry_account_type, proposal.acquiring_registry_account_type
            ),
            "acquiring_account_identifier": _told(
                block.acquiring_registry_account_identifier, proposal.acquiring_registry_account_identifier
            ),
            "year_in_commitment_period": block.year_in_commitment_period,
            "installation_identifier": block.installation_identifier,
        }
        for position, block in enumerate(proposal.proposal_unit_blocks)
    ]


@dataclass(frozen=True, slots=True)
class SettledBlock:
    """A block of a completed transaction: what the units are, and where they go."""

    block: HeldBlock
    block_role: str | None


def settled_block(row: t.Record) -> SettledBlock:
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
    return SettledBlock(
        HeldBlock(
            SerialRange(row.originating_registry, row.serial_start, row.serial_end),
            attributes,
            Place(row.acquiring_registry, row.acquiring_account_type, row.acquiring_account_identifier),
        ),
        row.block_role,
    )


def serials(block: TransactionUnitBlock) -> SerialRange:
    """The range of a proposed block."""
    return SerialRange(block.originating_registry_code, block.unit_serial_block_start, block.unit_serial_block_end)


def _told(by_block: int | None, by_head: int | None) -> int | None:
    return by_head if by_block is None else by_block
