"""Outgoing proposals: units are chosen and reserved, and the proposal is queued, in one unit of work."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from itl.codes import HOLDING_ACCOUNTS, REPLACED_ROLE, TransactionStatus, TransactionType
from itl.messages import ProposalRequest, ProposalTransaction
from registry_client import bookings, conduct, holdings, journal, notices, queues
from registry_client.errors import AccountError, TransactionError
from registry_client.faults import Fault
from registry_client.identifiers import TransactionIdentifier
from registry_client.transactions import Role, State, Transaction
from registry_client.units import (
    Account,
    Block,
    Part,
    Selection,
    Wanted,
    choose,
    cover,
    limited,
    proposed_block,
    serials,
)
from registry_client.work import Work, notify

CARRIED_OUT = frozenset(TransactionType)
"""Transaction types that a registry proposes and carries out."""


def next_identifier(work: Work) -> str:
    """A transaction identifier that the registry never used."""
    number = holdings.next_number(work.connection, "transaction", work.settings.first_transaction)
    code = work.settings.code
    if _commits(work, Fault.FOREIGN_IDENTIFIER):
        code = conduct.stranger(code)
    return str(TransactionIdentifier(code, number))


def next_serials(work: Work, originating: str, quantity: int, start: int | None = None) -> int:
    """The first of `quantity` serials of a registry that were never used, or those from `start` on."""
    name = f"serial:{originating}"
    if start is None:
        return holdings.next_number(work.connection, name, 1, quantity)
    holdings.skip_numbers(work.connection, name, start + quantity)
    return start


def select(work: Work, selection: Selection) -> tuple[Block, ...]:
    """Free units of one account, as parts of blocks; UnitsError if they are not there."""
    if isinstance(selection, Wanted):
        account = selection.account or default_account(work, work.settings.holding_account_type)
        return choose(holdings.free(work.connection, selection, account), selection)
    return limited(
        [block for wanted in selection for block in cover(holdings.meeting(work.connection, wanted), wanted)]
    )


def default_account(work: Work, account_type: int, period: int = 0) -> Account:
    """The first open account of a type (and, if it is no holding account, a period); one is opened if there is none."""
    wanted_period = 0 if account_type in HOLDING_ACCOUNTS else period
    for found in holdings.accounts_of(work.connection, account_type):
        if found.is_open and found.period == wanted_period:
            return found.account
    account = next_account(work, account_type)
    holdings.open_account(work.connection, account, wanted_period, work.now)
    return account


def account_for(work: Work, to: Account | int, blocks: Sequence[Block]) -> Account:
    """The account named, which is open; or the registry's account of a type for the period of `blocks`."""
    if isinstance(to, Account):
        return open_account_of(work, to)
    return default_account(work, to, blocks[0].attributes.applicable_period if blocks else 0)


def next_account(work: Work, account_type: int) -> Account:
    """An account number that the registry never used."""
    account = Account(account_type, holdings.next_number(work.connection, "account", 1001))
    return account if holdings.find_account(work.connection, account) is None else next_account(work, account_type)


def open_account_of(work: Work, account: Account) -> Account:
    """`account`; AccountError if the registry has none of that number, or it is closed."""
    found = holdings.find_account(work.connection, account)
    if found is None or not found.is_open:
        raise AccountError(f"account {account} " + ("does not exist" if found is None else "is closed"))
    return account


def propose_parts(
    work: Work,
    transaction_type: TransactionType,
    parts: Sequence[Part],
    acquiring_registry: str | None = None,
    notice: int | None = None,
) -> str:
    """Propose something about held units, which are reserved for it; the transaction's identifier.

    `acquiring_registry` is this one unless named. TransactionError if the notice was answered already.
    """
    if notice is not None:
        notices.require_open(work.connection, notice)
    proposal = build(work, transaction_type, parts, acquiring_registry, notice)
    propose(work, proposal, reserve=[part.held for part in parts])
    return proposal.transaction_identifier


def build(
    work: Work,
    transaction_type: TransactionType,
    parts: Sequence[Part],
    acquiring_registry: str | None = None,
    notice: int | None = None,
) -> ProposalTransaction:
    """The proposal as a real registry fills it in: all six account fields always, no supplementary type.

    The head has the accounts of the first part that is not replaced; where parts differ, their own are to be read.
    """
    first = next(part for part in parts if part.role != REPLACED_ROLE)
    code = work.settings.code
    return ProposalTransaction(
        transaction_identifier=next_identifier(work),
        transaction_type=transaction_type,
        transferring_registry_code=code,
        transferring_registry_account_type=first.held.account.account_type,
        transferring_registry_account_identifier=first.held.account.identifier,
        acquiring_registry_code=acquiring_registry or code,
        acquiring_registry_account_type=first.to.account_type,
        acquiring_registry_account_identifier=first.to.identifier,
        notification_identifier=notice,
        proposal_unit_blocks=tuple(map(proposed_block, parts)),
    )


def propose(work: Work, proposal: ProposalTransaction, reserve: Sequence[Block] | None = None) -> None:
    """Enter and queue a proposal.

    `reserve` are the parts of held blocks to keep for it; None: as many of its units as are held and free, which is
    for proposals that are meant to be refused. TransactionError if the registry could not carry it out or has used
    its identifier; what the registry's own rule raises.
    """
    if proposal.transaction_type not in CARRIED_OUT:
        raise TransactionError(
            f"a transaction of type {proposal.transaction_type} is not one this registry carries out"
        )
    identifier = proposal.transaction_identifier
    if journal.find(work.connection, identifier) is not None:
        raise TransactionError(f"{identifier} is used already")
    issued = proposal.transaction_type == TransactionType.ISSUANCE
    if reserve is None and not issued:
        reserve = [
            part.cut(serials(block))
            for block in proposal.proposal_unit_blocks
            for part in holdings.meeting(work.connection, serials(block))
            if part.reserved_by is None
        ]
    work.rules.before_proposal(proposal)
    bookings.reserve(work.connection, () if issued else reserve or (), identifier, work.now)
    _enter(work, proposal)
    if _commits(work, Fault.DOUBLE_SPENDS) and not issued:
        _enter(work, replace(proposal, transaction_identifier=next_identifier(work)), behind=identifier)
    if _commits(work, Fault.COMPLETES_EARLY):
        notify(work, journal.get(work.connection, identifier), TransactionStatus.COMPLETED)


def _enter(work: Work, proposal: ProposalTransaction, behind: str | None = None) -> None:
    """Write a proposal down and queue it, after all that is to be said about the transaction `behind`."""
    identifier = proposal.transaction_identifier
    journal.add(work.connection, proposal, Role.INITIATOR, State.PROPOSED, work.now, work.enquire_at)
    journal.note(work.connection, identifier, State.PROPOSED, "proposed", work.now)
    queue_proposal(work, proposal, behind)
    work.tell("proposed", f"transaction type {proposal.transaction_type}", identifier, State.PROPOSED)


def _commits(work: Work, fault: Fault) -> bool:
    return fault in work.settings.faults


def queue_proposal(work: Work, proposal: ProposalTransaction, behind: str | None = None) -> None:
    """Let the log be sent the proposal, the same content each time, in its own lane or `behind` another transaction."""
    settings = work.settings
    for told in conduct.sent(proposal, settings.faults):
        request = ProposalRequest(
            sender=settings.code,
            addressee=settings.hub_code,
            major_version=settings.versions[0],
            minor_version=settings.versions[1],
            proposed_transaction=told,
        )
        queues.queue(work.connection, behind or proposal.transaction_identifier, request, work.now)


def refuse(work: Work, transaction: Transaction, codes: Sequence[int], cause: str) -> None:
    """The log did not take the proposal: the units are free, and nothing more will come."""
    bookings.release(work.connection, transaction.identifier, work.now)
    for code in codes:
        journal.answer(work.connection, transaction.identifier, code, (), work.now)
    journal.record(work.connection, transaction.identifier, State.REFUSED, cause, work.now, work.enquire_at)
    work.tell("changed", cause, transaction.identifier, State.REFUSED, tuple(codes))
