"""Unit blocks as a registry holds them, and the choice of units for a proposal. Pure: no input, no output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from itl.codes import MAX_BLOCKS
from itl.messages import TransactionUnitBlock
from registry_client.errors import UnitsError
from registry_client.identifiers import SerialRange


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """An account as messages name it: type and identifier."""

    account_type: int
    identifier: int

    def __str__(self) -> str:
        return f"{self.account_type}-{self.identifier}"


@dataclass(frozen=True, slots=True)
class Attributes:
    """What units are: equal for all units of a block. `supp_unit_type` is 0 for the Protocol's own units."""

    unit_type: int
    original_period: int
    applicable_period: int
    lulucf_activity: int | None = None
    project: int | None = None
    track: int | None = None
    expiry_date: date | None = None
    supp_unit_type: int = 0
    replaced: bool = False
    """Other units took their place; these stay where they are, and are good for nothing but cancellation."""


@dataclass(frozen=True, slots=True)
class Block:
    """A range of units with equal attributes in one account; `reserved_by` names the open transaction that holds it."""

    range: SerialRange
    attributes: Attributes
    account: Account
    reserved_by: str | None = None

    @property
    def quantity(self) -> int:
        return self.range.quantity

    def cut(self, wanted: SerialRange) -> Block:
        """The part of this block that lies in `wanted`, which it meets."""
        start, end = max(self.range.start, wanted.start), min(self.range.end, wanted.end)
        return replace(self, range=SerialRange(self.range.originating_registry, start, end))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """So many units of a kind, whichever they are; None is any. `account` None: the registry's holding account."""

    quantity: int
    unit_type: int
    period: int | None = None
    """Applicable commitment period."""
    originating: str | None = None
    project: int | None = None
    account: Account | None = None


Selection = Wanted | Sequence[SerialRange]
"""The units of a proposal: a quantity of a kind, or named serials."""


def choose(blocks: Iterable[Block], wanted: Wanted) -> tuple[Block, ...]:
    """The first units of `blocks`, which are free and of the kind, in their order; the last block is cut.

    UnitsError if there are fewer than wanted, or if it takes more blocks than a transaction may have.
    """
    chosen: list[Block] = []
    missing = wanted.quantity
    if missing < 1:
        raise UnitsError(f"a proposal needs at least one unit, not {missing}")
    for block in blocks:
        taken = min(missing, block.quantity)
        start = block.range.start
        chosen.append(block.cut(replace(block.range, end=start + taken - 1)))
        missing -= taken
        if not missing:
            return limited(chosen)
    raise UnitsError(f"{wanted.quantity} units wanted, {wanted.quantity - missing} free of that kind in the account")


def cover(blocks: Iterable[Block], wanted: SerialRange) -> tuple[Block, ...]:
    """The parts of `blocks`, ordered by serial, that make up `wanted`; UnitsError if one is not there or not free."""
    parts = tuple(block.cut(wanted) for block in blocks)
    reserved = next((part for part in parts if part.reserved_by is not None), None)
    if reserved is not None:
        raise UnitsError(f"{reserved.range} is reserved for {reserved.reserved_by}")
    next_serial = wanted.start
    for part in parts:
        if part.range.start != next_serial:
            break
        next_serial = part.range.end + 1
    if next_serial != wanted.end + 1:
        raise UnitsError(f"{wanted}: the registry does not hold serial {next_serial}")
    return parts


def one_account(blocks: Sequence[Block]) -> Account:
    """The account that all of `blocks` lie in; UnitsError if there are none or more than one."""
    accounts = {block.account for block in blocks}
    if len(accounts) != 1:
        named = ", ".join(map(str, sorted(accounts))) or "none"
        raise UnitsError(f"the units of a transaction lie in one account, these in: {named}")
    return accounts.pop()


def limited(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """`blocks`; UnitsError if a transaction may not have so many."""
    if len(blocks) > MAX_BLOCKS:
        raise UnitsError(f"{len(blocks)} blocks, a transaction has at most {MAX_BLOCKS}: propose fewer units at once")
    return tuple(blocks)


@dataclass(frozen=True, slots=True)
class Part:
    """A block of a proposal: units as they are held, what they shall be, and the account that they shall lie in."""

    held: Block
    attributes: Attributes
    to: Account
    role: str | None = None
    """REP for units that are replaced."""

    @classmethod
    def moved(cls, held: Block, to: Account) -> Part:
        """Units that go to an account and stay what they are."""
        return cls(held, held.attributes, to)

    @classmethod
    def changed(cls, held: Block, attributes: Attributes) -> Part:
        """Units that stay where they are and become something else."""
        return cls(held, attributes, held.account)


def proposed_block(part: Part) -> TransactionUnitBlock:
    """The block as a real registry proposes it: supplementary type always, and both accounts."""
    attributes, units, transferring, acquiring = part.attributes, part.held.range, part.held.account, part.to
    return TransactionUnitBlock(
        unit_serial_block_start=units.start,
        unit_serial_block_end=units.end,
        originating_registry_code=units.originating_registry,
        unit_type=attributes.unit_type,
        supp_unit_type=attributes.supp_unit_type,
        original_commit_period=attributes.original_period,
        applicable_commit_period=attributes.applicable_period,
        lulucf_activity=attributes.lulucf_activity,
        project_identifier=attributes.project,
        track=attributes.track,
        block_role=part.role,
        transferring_registry_account_type=transferring.account_type,
        transferring_registry_account_identifier=transferring.identifier,
        acquiring_registry_account_type=acquiring.account_type,
        acquiring_registry_account_identifier=acquiring.identifier,
        expiry_date=attributes.expiry_date,
    )


def serials(block: TransactionUnitBlock) -> SerialRange:
    """Which units a proposed block is about; IdentifierError if they cannot be serials."""
    return SerialRange(block.originating_registry_code, block.unit_serial_block_start, block.unit_serial_block_end)


def block_attributes(block: TransactionUnitBlock) -> Attributes:
    """What the units of a proposed block are."""
    return Attributes(
        unit_type=block.unit_type,
        original_period=block.original_commit_period,
        applicable_period=block.applicable_commit_period,
        lulucf_activity=block.lulucf_activity,
        project=block.project_identifier,
        track=block.track,
        expiry_date=block.expiry_date,
        supp_unit_type=block.supp_unit_type or 0,
    )
