"""What a registry can propose: all types of transaction, and what notices ask for.

Each method is one unit of work, and returns the transaction's identifier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from itl.codes import HOLDING_ACCOUNTS, SURPLUS_RESERVE_ACCOUNT, TransactionType, UnitType
from itl.messages import ProposalTransaction
from registry_client import answering, proposing
from registry_client.errors import UnitsError
from registry_client.identifiers import SerialRange
from registry_client.settings import Settings
from registry_client.units import Account, Attributes, Block, Part, Selection, one_account
from registry_client.work import Work

CONVERTED: Mapping[int, UnitType] = MappingProxyType(
    {UnitType.AAU: UnitType.ERU_FROM_AAU, UnitType.RMU: UnitType.ERU_FROM_RMU}
)
"""What may be converted, and into what."""


class Proposals:
    """The proposals of a registry. `UnitsError` if the units are not there, not free, or not fit for it; `AccountError`
    if there is no such account; what `Rules.before_proposal` raises. The log is to judge the rest."""

    settings: Settings
    _work: Callable[[], AbstractContextManager[Work]]

    def issue(
        self,
        unit_type: int,
        quantity: int,
        *,
        period: int,
        originating: str | None = None,
        project: int | None = None,
        activity: int | None = None,
        track: int | None = None,
        expiry: date | None = None,
        account: Account | None = None,
        start: int | None = None,
    ) -> str:
        """Issue `quantity` new units.

        `originating` is the Party whose units they are: for the CDM registry the host Party, else the registry itself.
        The serials are the next unused ones of that Party, or begin at `start`. `account` is the registry's holding
        account (the CDM registry's pending account) unless named.
        """
        attributes = Attributes(
            unit_type=unit_type,
            original_period=period,
            applicable_period=period,
            lulucf_activity=activity,
            project=project,
            track=track,
            expiry_date=expiry,
        )
        originating = originating or self.settings.code
        with self._work() as work:
            first = proposing.next_serials(work, originating, quantity, start)
            units = SerialRange(originating, first, first + quantity - 1)
            return self._issue(work, [(units, attributes)], account)

    def issue_units(self, units: Sequence[tuple[SerialRange, Attributes]], *, account: Account | None = None) -> str:
        """Issue units whose serials and attributes are given, several blocks in one transaction."""
        with self._work() as work:
            for serials, _ in units:
                proposing.next_serials(work, serials.originating_registry, serials.quantity, serials.start)
            return self._issue(work, units, account)

    def convert(self, units: Selection, *, project: int, track: int) -> str:
        """Convert the registry's own AAU or RMU into ERU of one of its projects under a track (1 or 2)."""
        with self._work() as work:
            parts = [_converted(block, project, track) for block in self._held(work, units)]
            return proposing.propose_parts(work, TransactionType.CONVERSION, parts)

    def transfer(self, units: Selection, to_registry: str, to_account: Account, *, notice: int | None = None) -> str:
        """Transfer units to another registry."""
        with self._work() as work:
            parts = [Part.moved(block, to_account) for block in self._held(work, units)]
            return proposing.propose_parts(work, TransactionType.EXTERNAL_TRANSFER, parts, to_registry, notice)

    def cancel(
        self, units: Selection, *, account_type: int = 230, account: Account | None = None, notice: int | None = None
    ) -> str:
        """Cancel units, into `account` or the registry's account of that type for their period."""
        return self._move(TransactionType.CANCELLATION, units, account or account_type, notice)

    def retire(self, units: Selection, *, account: Account | None = None) -> str:
        """Retire units, into `account` or the registry's retirement account for their period."""
        return self._move(TransactionType.RETIREMENT, units, account or 300, None)

    def replace(
        self, units: Selection, replaced: Selection, *, account_type: int | None = None, notice: int | None = None
    ) -> str:
        """Put `units` in the place of `replaced`, which are as many tCER or lCER in whatever account.

        The replaced ones stay where they are. The others go into the registry's account of `account_type` for their
        period: 411 for tCER and 421 for lCER unless a notice asks for 422 or 423.
        """
        with self._work() as work:
            old = proposing.select(work, replaced)
            return answering.propose_replacement(work, self._held(work, units), old, account_type, notice)

    def carry_over(self, units: Selection) -> str:
        """Carry units over to the next period: AAU into the registry's surplus reserve, others where they are."""
        with self._work() as work:
            parts = [_carried_over(work, block) for block in self._held(work, units)]
            return proposing.propose_parts(work, TransactionType.CARRY_OVER, parts)

    def change_expiry(self, units: Selection, expiry: date, *, notice: int) -> str:
        """Give tCER or lCER of one project another expiry date, as a notice of type 9 asks; in whatever accounts."""
        with self._work() as work:
            return answering.propose_expiry(work, proposing.select(work, units), expiry, notice)

    def move(self, units: Selection, to_account: Account, *, notice: int | None = None) -> str:
        """Transfer units between accounts of the registry (type 10)."""
        return self._move(TransactionType.INTERNAL_TRANSFER, units, to_account, notice)

    def fulfil(self, notice: int, units: Selection | None = None) -> str:
        """Propose what a notice asks for, of the type and into the account that it asks for.

        `units` are those that are cancelled, transferred, or take the place of others. Notices about a project's own
        units find these by themselves: without `units` they are cancelled (types 4, 5), or get their new date (type 9).
        TransactionError for a notice that is unknown, completed, or that no transaction answers.
        """
        with self._work() as work:
            return answering.fulfil(work, notice, units)

    def propose(self, proposal: ProposalTransaction) -> str:
        """Send a proposal as it is, right or wrong; of its units, those that are held and free are reserved.

        For what the other methods would not let out: the log is to be the judge. Its identifier may come from
        `next_identifier`. TransactionError if that was used, or for a type that this registry does not carry out.
        """
        with self._work() as work:
            proposing.propose(work, proposal)
        return proposal.transaction_identifier

    def next_identifier(self) -> str:
        """A transaction identifier that nothing else will get."""
        with self._work() as work:
            return proposing.next_identifier(work)

    # Inside

    def _issue(self, work: Work, units: Sequence[tuple[SerialRange, Attributes]], account: Account | None) -> str:
        if account is None:
            account = proposing.default_account(work, self.settings.holding_account_type)
        proposing.open_account_of(work, account)
        parts = [Part.moved(Block(serials, attributes, account), account) for serials, attributes in units]
        proposal = proposing.build(work, TransactionType.ISSUANCE, parts)
        proposing.propose(work, proposal)
        return proposal.transaction_identifier

    def _move(self, transaction_type: TransactionType, units: Selection, to: Account | int, notice: int | None) -> str:
        with self._work() as work:
            blocks = self._held(work, units)
            place = proposing.account_for(work, to, blocks)
            parts = [Part.moved(block, place) for block in blocks]
            return proposing.propose_parts(work, transaction_type, parts, notice=notice)

    def _held(self, work: Work, units: Selection) -> Sequence[Block]:
        """The units of a proposal, which lie in one holding account: what is cancelled, retired or has replaced others
        goes nowhere."""
        blocks = proposing.select(work, units)
        account = one_account(blocks)
        if account.account_type not in HOLDING_ACCOUNTS:
            raise UnitsError(f"{blocks[0].range} lies in account {account}, which nothing leaves")
        return blocks


def _converted(block: Block, project: int, track: int) -> Part:
    becomes = CONVERTED.get(block.attributes.unit_type)
    if becomes is None:
        raise UnitsError(f"{block.range}: only AAU and RMU are converted")
    return Part.changed(block, replace(block.attributes, unit_type=becomes, project=project, track=track))


def _carried_over(work: Work, block: Block) -> Part:
    attributes = replace(block.attributes, applicable_period=block.attributes.applicable_period + 1)
    if attributes.unit_type != UnitType.AAU:
        return Part.changed(block, attributes)
    return Part(
        block, attributes, proposing.default_account(work, SURPLUS_RESERVE_ACCOUNT, attributes.applicable_period)
    )
