"""One unit of work: an open write transaction, the instant at which it happens, and what subscribers will be told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from itl.codes import PartyType, TransactionStatus, TransactionType
from itl.messages import EvaluationResult, NotificationRequest, UnitBlockIdentifier
from registry_client import bookings, conduct, holdings, journal, queues
from registry_client.carrying_out import acquired_blocks, becomes
from registry_client.errors import IdentifierError
from registry_client.faults import Fault
from registry_client.identifiers import MAX_NUMBER, SerialRange, TransactionIdentifier
from registry_client.rules import WITHOUT_RULES, Rules
from registry_client.settings import Settings
from registry_client.transactions import Event, Move, Role, State, Transaction, move
from registry_client.units import serials

log = logging.getLogger("registry_client")


@dataclass(slots=True)
class Work:
    """All that is read and written here is committed together; `events` are told afterwards."""

    connection: sa.Connection
    now: datetime
    settings: Settings
    rules: Rules = WITHOUT_RULES
    events: list[Event] = field(default_factory=list)

    @property
    def enquire_at(self) -> datetime:
        return self.now + self.settings.enquire_after

    def tell(
        self,
        kind: str,
        text: str,
        transaction: str | None = None,
        state: State | None = None,
        codes: tuple[int, ...] = (),
    ) -> None:
        self.events.append(Event(self.now, kind, text, transaction, state, codes))

    def guarded(self, act: Callable[[], str | None], subject: str, transaction: str | None) -> str | None:
        """Do `act` so that its failure undoes it alone; why it had no effect, or None if it had one.

        One message that cannot be followed must not keep the others waiting. A database that does not work is no
        such failure: it is raised, and the message is taken up again.
        """
        try:
            with self.connection.begin_nested():
                return act()
        except sa.exc.OperationalError:
            raise
        except Exception as error:  # whatever it is, the next message must be heard
            log.exception("%s had no effect", subject)
            note = f"{type(error).__name__}: {error}"
            self.tell("failed", f"{subject}: {note}", transaction)
            return note


def notify(work: Work, transaction: Transaction, status: TransactionStatus, codes: tuple[int, ...] = ()) -> None:
    """Let the log be told what became of the transaction here."""
    party = PartyType.TRANSFERRING_REGISTRY if transaction.role is Role.INITIATOR else PartyType.ACQUIRING_REGISTRY
    settings, faults = work.settings, work.settings.faults
    identifier = transaction.identifier
    if Fault.UNKNOWN_TRANSACTION in faults:
        identifier = str(TransactionIdentifier(settings.code, MAX_NUMBER))
    due_at = work.now + settings.lateness if Fault.NOTIFIES_LATE in faults else None
    for told in conduct.reported(transaction.role, status, faults):
        request = NotificationRequest(
            sender=settings.code,
            addressee=settings.hub_code,
            major_version=settings.versions[0],
            minor_version=settings.versions[1],
            transaction_identifier=identifier,
            transaction_status=told,
            party_type=party,
            evaluation_result=tuple(EvaluationResult(response_code=code) for code in codes),
        )
        queues.queue(work.connection, transaction.identifier, request, work.now, due_at)


def change(work: Work, transaction: Transaction, state: State, cause: str, codes: tuple[int, ...] = ()) -> None:
    """The transaction stands at `state` now."""
    journal.record(work.connection, transaction.identifier, state, cause, work.now, work.enquire_at)
    work.tell("changed", cause, transaction.identifier, state, codes)


def apply_status(
    work: Work, transaction: Transaction, status: int, source: str, results: tuple[EvaluationResult, ...] = ()
) -> str | None:
    """Follow a status that the log told, by notification or on enquiry; why it had no effect, or None if it had one."""
    for result in results:
        blocks = tuple(_ranges(result.unit_block_identifiers or ()))
        journal.answer(work.connection, transaction.identifier, result.response_code, blocks, work.now)
    codes = tuple(dict.fromkeys(result.response_code for result in results))
    if transaction.is_final:
        note = f"{source}: status {status}, but the transaction is {transaction.state} already"
        journal.note(work.connection, transaction.identifier, transaction.state, note, work.now)
        work.tell("ignored", note, transaction.identifier, transaction.state, codes)
        return note
    cause = f"{source}: status {status}"
    step = move(transaction.role, transaction.transaction_type, status)
    match conduct.reaction(step, status, work.settings.faults):
        case Move.FINALISE:
            carry_out(work, transaction)
            change(work, transaction, State.COMPLETED, cause, codes)
            notify(work, transaction, TransactionStatus.COMPLETED)
        case Move.TERMINATE:
            bookings.release(work.connection, transaction.identifier, work.now)
            change(work, transaction, State.TERMINATED, cause, codes)
            if work.settings.sends_terminated:
                notify(work, transaction, TransactionStatus.TERMINATED)
        case Move.CLOSE:
            bookings.release(work.connection, transaction.identifier, work.now)
            change(work, transaction, State.TERMINATED, cause, codes)
        case Move.CANCEL:
            bookings.release(work.connection, transaction.identifier, work.now)
            change(work, transaction, State.CANCELLED, cause, codes)
        case Move.WAIT:
            change(work, transaction, transaction.state, cause, codes)
        case None:
            note = f"{cause} is not in the code list"
            work.tell("ignored", note, transaction.identifier, transaction.state)
            return note
    return None


def carry_out(work: Work, transaction: Transaction) -> None:
    """Do to the units what the transaction says; ValueError if they are not all reserved for it.

    Then the registry's own rule hears of it, in the same unit of work: if it fails, nothing is carried out.
    """
    proposal, now, connection = transaction.proposal, work.now, work.connection
    if transaction.role is Role.ACQUIRER or transaction.transaction_type == TransactionType.ISSUANCE:
        bookings.add(connection, acquired_blocks(proposal), now)
    else:
        reserved = holdings.reserved_quantity(connection, transaction.identifier)
        if reserved != transaction.quantity:
            told = f"{transaction.identifier} is about {transaction.quantity} units, {reserved} are reserved"
            raise ValueError(told)
        if transaction.transaction_type == TransactionType.EXTERNAL_TRANSFER:
            bookings.remove(connection, transaction.identifier, now)
        else:
            _alter(work, transaction)
    work.rules.on_completion(transaction, connection)


def _alter(work: Work, transaction: Transaction) -> None:
    """What is the same for all units is done at once."""
    proposal = transaction.proposal
    changes = [(becomes(proposal, block), serials(block)) for block in proposal.proposal_unit_blocks]
    alike = all(change == changes[0][0] for change, _ in changes)
    for change, units in changes[:1] if alike else changes:
        bookings.alter(work.connection, transaction.identifier, change, work.now, None if alike else [units])


def _ranges(blocks: Iterable[UnitBlockIdentifier]) -> Iterator[SerialRange]:
    """The units that an answer names; what is no range cannot be, which may be the very thing that is answered."""
    for block in blocks:
        try:
            yield SerialRange(
                block.originating_registry_code, block.unit_serial_block_start, block.unit_serial_block_end
            )
        except IdentifierError:
            continue
