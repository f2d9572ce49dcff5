"""What the hub sends, taken up one message at a time: transfers to this registry, and news of transactions."""

from __future__ import annotations

from itl.codes import TransactionStatus, TransactionType
from itl.messages import (
    InitiateReconciliationRequest,
    ITLNoticeRequest,
    MessageRequest,
    NotificationRequest,
    ProposalRequest,
    ProposalTransaction,
    ProvideTimeRequest,
)
from registry_client import conduct, holdings, journal, notices
from registry_client.carrying_out import acquired_blocks
from registry_client.faults import DENIAL, Fault
from registry_client.queues import Incoming
from registry_client.reconciliation import requests
from registry_client.rules import Accept, Decision, Delay, Reject
from registry_client.settings import Settings
from registry_client.transactions import Role, State, Transaction
from registry_client.units import Account
from registry_client.work import Work, apply_status, change, log, notify

ACCOUNT_UNKNOWN = 5902
ACCOUNT_NOT_ELIGIBLE = 5903
AGAINST_POLICY = 5904
ACCOUNT_CLOSED = 5906


def wrong_head(message: Incoming | ProvideTimeRequest, settings: Settings) -> tuple[int, ...]:
    """The codes of what is wrong in the head of a message, judged before it is acknowledged."""
    major, minor = settings.versions
    if message.sender != settings.hub_code:
        return (1002,)
    if message.addressee != settings.code:
        return (1005,)
    if message.major_version != major:
        return (1031,)
    return () if message.minor_version == minor else (1032,)


def denial(message: Incoming, settings: Settings) -> tuple[int, ...]:
    """The codes of a registry that is to refuse reconciliation, on request."""
    denies = Fault.DENIES in settings.faults and isinstance(message, InitiateReconciliationRequest)
    return DENIAL if denies else ()


def subject(message: Incoming) -> tuple[str, str | None]:
    """What a message is about, in words, and the transaction that it names."""
    match message:
        case ProposalRequest(proposed_transaction=proposal):
            return f"proposal {proposal.transaction_identifier}", proposal.transaction_identifier
        case NotificationRequest(transaction_identifier=identifier, transaction_status=status):
            return f"notification {status} on {identifier}", identifier
        case ITLNoticeRequest(notification_identifier=number):
            return f"notice {number}", None
        case MessageRequest():
            return "message", None
        case _:
            return f"{type(message).__name__} of {message.reconciliation_identifier}", None


def follow(work: Work, message: Incoming) -> str | None:
    """Give a message its effect; why it has none, or None if it has one."""
    match message:
        case ProposalRequest(proposed_transaction=proposal):
            return _follow_proposal(work, proposal)
        case NotificationRequest(transaction_identifier=identifier, transaction_status=status):
            transaction = journal.find(work.connection, identifier)
            if transaction is None:
                note = f"notification {status}: no such transaction here"
                work.tell("ignored", note, identifier)
                return note
            return apply_status(work, transaction, status, "notified", message.evaluation_result)
        case ITLNoticeRequest(message_content=text):
            notices.add(work.connection, message, work.now)
            work.tell("notice", text)
            return None
        case MessageRequest(message_content=text):
            work.tell("message", text)
            return None
        case _:
            return requests.follow(work, message)


def _follow_proposal(work: Work, proposal: ProposalTransaction) -> str | None:
    identifier = proposal.transaction_identifier
    if journal.find(work.connection, identifier) is not None:
        note = f"another proposal with the identifier {identifier} came before"
        work.tell("ignored", note, identifier)
        return note
    journal.add(work.connection, proposal, Role.ACQUIRER, State.RECEIVED, work.now, work.enquire_at)
    journal.note(work.connection, identifier, State.RECEIVED, "received", work.now)
    work.tell("received", f"transfer from {proposal.transferring_registry_code}", identifier, State.RECEIVED)
    codes = objections(work, proposal)
    right = Reject(codes) if codes else _ask(work, proposal)
    decision = conduct.decision(right, work.settings.faults)
    if Fault.ACCEPTS_ANYTHING in work.settings.faults:
        _open_as_asked(work, proposal)
    answer(work, journal.get(work.connection, identifier), decision)
    return None


def _open_as_asked(work: Work, proposal: ProposalTransaction) -> None:
    """Have the account that a transfer names, whatever it is."""
    account_type = proposal.acquiring_registry_account_type
    identifier = proposal.acquiring_registry_account_identifier
    if account_type is None or identifier is None:
        return
    account = Account(account_type, identifier)
    if holdings.find_account(work.connection, account) is None:
        holdings.open_account(work.connection, account, 0, work.now)


def _ask(work: Work, proposal: ProposalTransaction) -> Decision:
    """The policy's decision; a policy that fails leaves it to a person."""
    try:
        return work.rules.on_transfer(proposal)
    except Exception as error:
        log.exception("the policy failed on %s", proposal.transaction_identifier)
        work.tell("failed", f"the policy failed: {error}", proposal.transaction_identifier)
        return Delay()


def objections(work: Work, proposal: ProposalTransaction) -> tuple[int, ...]:
    """The registry's own checks of a transfer to it: the codes of the first that fails."""
    acquires = (
        proposal.transaction_type == TransactionType.EXTERNAL_TRANSFER
        and proposal.acquiring_registry_code == work.settings.code
        and proposal.transferring_registry_code != work.settings.code
    )
    if not acquires or not proposal.proposal_unit_blocks:
        return (AGAINST_POLICY,)
    account_type = proposal.acquiring_registry_account_type
    identifier = proposal.acquiring_registry_account_identifier
    if account_type is None or identifier is None:
        return (ACCOUNT_UNKNOWN,)
    account = Account(account_type, identifier)
    found = holdings.find_account(work.connection, account)
    if found is None:
        return (ACCOUNT_UNKNOWN,)
    if not found.is_open:
        return (ACCOUNT_CLOSED,)
    if account_type not in work.settings.receiving_accounts:
        return (ACCOUNT_NOT_ELIGIBLE,)
    if any(holdings.meeting(work.connection, block.range) for block in acquired_blocks(proposal)):
        return (AGAINST_POLICY,)  # units that lie here cannot come in
    return ()


def answer(work: Work, transaction: Transaction, decision: Decision) -> None:
    """Tell the log what the registry decides about a transfer to it that it has not answered."""
    match decision:
        case Accept():
            change(work, transaction, State.ACCEPTED, "accepted")
            notify(work, transaction, TransactionStatus.ACCEPTED)
        case Reject(codes=codes):
            for code in codes:
                journal.answer(work.connection, transaction.identifier, code, (), work.now)
            change(work, transaction, State.REJECTED, "rejected", codes)
            notify(work, transaction, TransactionStatus.REJECTED, codes)
        case Delay():
            change(work, transaction, State.RECEIVED, "left to a decision")


def restate(work: Work, transaction: Transaction) -> None:
    """Tell the log again that a transfer was accepted: it has not heard it, and a repeat is harmless."""
    journal.note(work.connection, transaction.identifier, transaction.state, "acceptance told again", work.now)
    notify(work, transaction, TransactionStatus.ACCEPTED)
