"""What a completed transaction inside the registry makes of the units of each of its blocks. Pure: values.

The proposal shows units as they shall be: converted, for the next period, with the new date. Only what its type changes
is taken from it; all else of a unit stays as the registry has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from itl.codes import REPLACED_ROLE, TransactionType, UnitType
from itl.messages import ProposalTransaction, TransactionUnitBlock
from registry_client.units import Account, Block, block_attributes, serials

Change = dict[str, Any]
"""New values by column of a unit block; `account` is an `Account`, where the units go to another."""


def becomes(proposal: ProposalTransaction, block: TransactionUnitBlock) -> Change:
    """What becomes of the units of `block`; ValueError for a type that changes nothing here, or without an account."""
    change = _CHANGES.get(proposal.transaction_type)
    if change is None:
        raise ValueError(f"{proposal.transaction_identifier}: type {proposal.transaction_type} is not carried out")
    return change(proposal, block)


def acquired_blocks(proposal: ProposalTransaction) -> tuple[Block, ...]:
    """The blocks of a transfer or an issuance as they are held once it is carried out."""
    return tuple(
        Block(serials(block), block_attributes(block), acquiring_account(proposal, block))
        for block in proposal.proposal_unit_blocks
    )


def acquiring_account(proposal: ProposalTransaction, block: TransactionUnitBlock) -> Account:
    """Where the units of `block` go, which the block says or the head says for all; ValueError if neither does."""
    account_type, identifier = block.acquiring_registry_account_type, block.acquiring_registry_account_identifier
    if account_type is None or identifier is None:
        account_type = proposal.acquiring_registry_account_type
        identifier = proposal.acquiring_registry_account_identifier
    if account_type is None or identifier is None:
        raise ValueError(f"{proposal.transaction_identifier} names no acquiring account")
    return Account(account_type, identifier)


def _moved(proposal: ProposalTransaction, block: TransactionUnitBlock) -> Change:
    return {"account": acquiring_account(proposal, block)}


def _converted(proposal: ProposalTransaction, block: TransactionUnitBlock) -> Change:
    return {"unit_type": block.unit_type, "project": block.project_identifier, "track": block.track}


def _replaced(proposal: ProposalTransaction, block: TransactionUnitBlock) -> Change:
    """The replacing units move; the replaced ones stay where they are, and are not replaced a second time."""
    return {"replaced": True} if block.block_role == REPLACED_ROLE else _moved(proposal, block)


def _carried_over(proposal: ProposalTransaction, block: TransactionUnitBlock) -> Change:
    """AAU go into the surplus reserve; other units stay in their account."""
    period: Change = {"applicable_period": block.applicable_commit_period}
    return period | _moved(proposal, block) if block.unit_type == UnitType.AAU else period


def _with_other_date(proposal: ProposalTransaction, block: TransactionUnitBlock) -> Change:
    return {"expiry_date": block.expiry_date}


_CHANGES: Mapping[int, Callable[[ProposalTransaction, TransactionUnitBlock], Change]] = MappingProxyType(
    {
        TransactionType.CONVERSION: _converted,
        TransactionType.CANCELLATION: _moved,
        TransactionType.RETIREMENT: _moved,
        TransactionType.REPLACEMENT: _replaced,
        TransactionType.CARRY_OVER: _carried_over,
        TransactionType.EXPIRY_DATE_CHANGE: _with_other_date,
        TransactionType.INTERNAL_TRANSFER: _moved,
    }
)
