"""A proposal as the checks read it, and what the log knows of the units that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property

from itl.checks import blocks
from itl.checks.blocks import AccountOf, is_well_formed, units_of
from itl.checks.flows import counted
from itl.checks.standing import Standing, standing
from itl.checks.view import View
from itl.codes import REPLACED_ROLE, TransactionType
from itl.ledger.block import HeldBlock, SerialRange
from itl.ledger.ranges import parts_in, union
from itl.ledger.totals import TotalKey
from itl.messages import ProposalRequest, TransactionUnitBlock
from itl.reference import Account, Notice, Project, Reference, Registry


class Proposal:
    """A proposal message; what a block does not say of its accounts, the head of the transaction says for it."""

    def __init__(self, message: ProposalRequest) -> None:
        self.message = message
        self.transaction = message.proposed_transaction
        self.blocks = self.transaction.proposal_unit_blocks
        self.transaction_type = self.transaction.transaction_type
        self.initiator = self.transaction.transferring_registry_code
        self.acquirer = self.transaction.acquiring_registry_code
        self.supplementary_type = self.transaction.supp_transaction_type or 0

    @property
    def is_external(self) -> bool:
        return self.transaction_type == TransactionType.EXTERNAL_TRANSFER

    @cached_property
    def replaced(self) -> Sequence[TransactionUnitBlock]:
        """The blocks that a replacement replaces; they stay where they are."""
        return [block for block in self.blocks if block.block_role == REPLACED_ROLE]

    @cached_property
    def moving(self) -> Sequence[TransactionUnitBlock]:
        """All blocks but those that are replaced."""
        return [block for block in self.blocks if block.block_role != REPLACED_ROLE]

    def transferring_account(self, block: TransactionUnitBlock) -> AccountOf:
        """Where the units of `block` come from."""
        return blocks.transferring_account(self.transaction, block)

    def acquiring_account(self, block: TransactionUnitBlock) -> AccountOf:
        """Where the units of `block` go to."""
        return blocks.acquiring_account(self.transaction, block)


class Log:
    """What the log knows of one proposal: the view, and what follows from it, gathered once for all checks."""

    def __init__(self, proposal: Proposal, view: View) -> None:
        self.view = view
        self.now: datetime = view.now
        self.today: date = view.now.date()
        self.reference: Reference = view.reference
        self._proposal = proposal

    @cached_property
    def initiator(self) -> Registry | None:
        """The initiating registry, if it is enrolled."""
        return self.reference.registries.get(self._proposal.initiator)

    @cached_property
    def notice(self) -> Notice | None:
        """The notice that the proposal names, if the log sent one of that identifier."""
        identifier = self._proposal.transaction.notification_identifier
        return None if identifier is None else self.view.notices.get(identifier)

    @cached_property
    def counted(self) -> Mapping[TotalKey, Sequence[TransactionUnitBlock]]:
        """By total that limits rest on, the blocks that would add to it."""
        return counted(self._proposal.transaction)

    def project(self, block: TransactionUnitBlock) -> Project | None:
        """The project of the units of `block`, if it is recorded under the originating registry as its host Party."""
        return self.view.projects.get((block.originating_registry_code, block.project_identifier or 0))

    @cached_property
    def held(self) -> Sequence[tuple[TransactionUnitBlock, Sequence[HeldBlock]]]:
        """Each block that names a range of serials, with the parts of held blocks in it."""
        held = self.view.units.held
        return [(block, held(units_of(block))) for block in self._proposal.blocks if is_well_formed(block)]

    @cached_property
    def standing(self) -> Standing:
        """Which units are not where the proposal says, each with its one cause; and the others."""
        accounts = ((block, self._proposal.transferring_account(block)[0], parts) for block, parts in self.held)
        return standing(self._proposal.transaction_type, self._proposal.initiator, accounts)

    def kept_by_others(self, block: TransactionUnitBlock) -> list[SerialRange]:
        """The units of `block` that another open transaction keeps."""
        own = self._proposal.transaction.transaction_identifier
        reserved = self.view.units.reserved(units_of(block))
        return [each.range for each in reserved if each.transaction != own]

    def inconsistent(self, *, with_this_log: bool) -> Iterator[SerialRange]:
        """The units of the proposal that differ between registry and this log, or between registry and an STL."""
        code = self.reference.log_code
        ranges = union(each.range for each in self.view.inconsistencies if (each.log == code) == with_this_log)
        for block in self._proposal.blocks if ranges else ():
            if is_well_formed(block):
                yield from parts_in(units_of(block), ranges)

    @cached_property
    def acquiring_accounts(self) -> Sequence[tuple[TransactionUnitBlock, Account]]:
        """The blocks whose acquiring account the log was told of, with that account; replaced ones go to none."""
        known = []
        if self.view.accounts:
            for block in self._proposal.moving:
                account_type, identifier = self._proposal.acquiring_account(block)
                key = (self._proposal.acquirer, account_type or 0, identifier or 0)
                if key in self.view.accounts:
                    known.append((block, self.view.accounts[key]))
        return known
