"""What the content of a proposal says of its blocks: their serials, and the accounts they come from and go to."""

from __future__ import annotations

from itl.ledger.block import SerialRange
from itl.messages import ProposalTransaction, TransactionUnitBlock

AccountOf = tuple[int | None, int | None]
"""Account type and account identifier, as far as the proposal gives them."""


def units_of(block: TransactionUnitBlock) -> SerialRange:
    """The serials of a block as proposed, which before checks 2013 and 2014 may be none."""
    return SerialRange(block.originating_registry_code, block.unit_serial_block_start, block.unit_serial_block_end)


def quantity_of(block: TransactionUnitBlock) -> int:
    """How many units a well-formed block has."""
    return block.unit_serial_block_end - block.unit_serial_block_start + 1


def is_well_formed(block: TransactionUnitBlock) -> bool:
    """Whether the block's serials are a range at all (checks 2013 and 2014 name those that are not)."""
    return 0 < block.unit_serial_block_start <= block.unit_serial_block_end


def transferring_account(transaction: ProposalTransaction, block: TransactionUnitBlock) -> AccountOf:
    """Where the units of `block` come from; what the block does not say, the head says for it."""
    return _account(
        block.transferring_registry_account_type,
        block.transferring_registry_account_identifier,
        transaction.transferring_registry_account_type,
        transaction.transferring_registry_account_identifier,
    )


def acquiring_account(transaction: ProposalTransaction, block: TransactionUnitBlock) -> AccountOf:
    """Where the units of `block` go to; what the block does not say, the head says for it."""
    return _account(
        block.acquiring_registry_account_type,
        block.acquiring_registry_account_identifier,
        transaction.acquiring_registry_account_type,
        transaction.acquiring_registry_account_identifier,
    )


def _account(
    of_block: int | None, its_identifier: int | None, of_head: int | None, heads_identifier: int | None
) -> AccountOf:
    """The block's account, else the head's; an identifier belongs to the account type it stands beside."""
    if of_block is None or of_block == of_head:
        return of_head, heads_identifier if its_identifier is None else its_identifier
    return of_block, its_identifier
