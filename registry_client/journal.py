"""Transactions in the store: where each stands, what happened to it, which codes it got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from itl.messages import ProposalTransaction, dump, load
from registry_client.errors import TransactionError
from registry_client.identifiers import SerialRange
from registry_client.tables import answers, history, outbox, transactions
from registry_client.transactions import FINAL, Answer, Role, State, Step, Transaction


def add(
    connection: sa.Connection,
    proposal: ProposalTransaction,
    role: Role,
    state: State,
    now: datetime,
    enquire_at: datetime,
) -> None:
    """Enter a new transaction; sqlalchemy.exc.IntegrityError if its identifier is taken."""
    connection.execute(
        transactions.insert().values(
            identifier=proposal.transaction_identifier,
            role=role,
            transaction_type=proposal.transaction_type,
            state=state,
            proposal=dump(proposal),
            notice=proposal.notification_identifier,
            proposed_at=now,
            changed_at=now,
            enquire_at=enquire_at,
        )
    )


def find(connection: sa.Connection, identifier: str) -> Transaction | None:
    """The transaction as it stands, without history and answers."""
    row = connection.execute(_select().where(transactions.c.identifier == identifier)).first()
    return None if row is None else _transaction(row)


def get(connection: sa.Connection, identifier: str) -> Transaction:
    """The transaction as it stands, without history and answers; TransactionError if there is none."""
    transaction = find(connection, identifier)
    if transaction is None:
        raise TransactionError(f"{identifier}: no such transaction in this registry")
    return transaction


def read(connection: sa.Connection, identifier: str) -> Transaction:
    """The transaction with history and answers; TransactionError if there is none."""
    steps = connection.execute(
        sa.select(history).where(history.c.transaction_identifier == identifier).order_by(history.c.id)
    )
    return replace(
        get(connection, identifier),
        history=tuple(Step(step.at, State(step.state), step.cause) for step in steps),
        answers=_answers(connection, [identifier]).get(identifier, ()),
    )


def page(connection: sa.Connection, limit: int, offset: int, state: State | None) -> list[Transaction]:
    """Transactions with their answers, without history, the latest first."""
    query = _select().order_by(transactions.c.proposed_at.desc(), transactions.c.identifier.desc())
    if state is not None:
        query = query.where(transactions.c.state == state)
    found = [_transaction(row) for row in connection.execute(query.limit(limit).offset(offset))]
    told = _answers(connection, [transaction.identifier for transaction in found])
    return [replace(transaction, answers=told.get(transaction.identifier, ())) for transaction in found]


def answering(connection: sa.Connection, notice: int) -> list[Transaction]:
    """Transactions that name a notice, without history and answers."""
    return [_transaction(row) for row in connection.execute(_select().where(transactions.c.notice == notice))]


def record(
    connection: sa.Connection, identifier: str, state: State, cause: str, now: datetime, enquire_at: datetime
) -> None:
    """Write where a transaction stands now and why; an open one is enquired about at `enquire_at`."""
    connection.execute(
        transactions.update()
        .where(transactions.c.identifier == identifier)
        .values(state=state, changed_at=now, enquire_at=None if state in FINAL else enquire_at)
    )
    note(connection, identifier, state, cause, now)


def note(connection: sa.Connection, identifier: str, state: State, cause: str, now: datetime) -> None:
    """Write something into a transaction's history that does not change it."""
    connection.execute(history.insert().values(transaction_identifier=identifier, at=now, state=state, cause=cause))


def answer(connection: sa.Connection, identifier: str, code: int, blocks: Sequence[SerialRange], now: datetime) -> None:
    """Write a response code that a transaction got."""
    connection.execute(
        answers.insert().values(transaction_identifier=identifier, at=now, code=code, blocks=list(map(str, blocks)))
    )


def to_enquire(connection: sa.Connection, now: datetime, limit: int) -> list[str]:
    """Identifiers of open transactions that were silent for too long and have no call under way."""
    waiting = sa.select(outbox.c.id).where(outbox.c.lane == transactions.c.identifier, outbox.c.done_at.is_(None))
    query = (
        sa.select(transactions.c.identifier)
        .where(transactions.c.enquire_at <= now, ~waiting.exists())
        .order_by(transactions.c.enquire_at)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def next_enquiry(connection: sa.Connection) -> datetime | None:
    """When the next enquiry is due, of transactions that have no call under way."""
    waiting = sa.select(outbox.c.id).where(outbox.c.lane == transactions.c.identifier, outbox.c.done_at.is_(None))
    query = (
        sa.select(transactions.c.enquire_at)
        .where(transactions.c.enquire_at.is_not(None), ~waiting.exists())
        .order_by(transactions.c.enquire_at)
        .limit(1)
    )
    return connection.execute(query).scalar()


def late_enquiries(connection: sa.Connection, latest: datetime) -> bool:
    """Whether an enquiry is due after `latest`."""
    later = sa.select(transactions.c.identifier).where(transactions.c.enquire_at > latest)
    return connection.execute(later.limit(1)).first() is not None


def hasten_enquiries(connection: sa.Connection, latest: datetime) -> None:
    """Let no enquiry be due after `latest`."""
    connection.execute(transactions.update().where(transactions.c.enquire_at > latest).values(enquire_at=latest))


def postpone_enquiry(connection: sa.Connection, identifier: str, enquire_at: datetime) -> None:
    connection.execute(
        transactions.update().where(transactions.c.identifier == identifier).values(enquire_at=enquire_at)
    )


def _select() -> sa.Select[Any]:
    undelivered = (
        sa.select(sa.func.count())
        .where(outbox.c.lane == transactions.c.identifier, outbox.c.done_at.is_(None))
        .scalar_subquery()
    )
    return sa.select(transactions, undelivered.label("undelivered"))


def _answers(connection: sa.Connection, identifiers: Sequence[str]) -> dict[str, tuple[Answer, ...]]:
    query = sa.select(answers).where(answers.c.transaction_identifier.in_(identifiers)).order_by(answers.c.id)
    told: dict[str, tuple[Answer, ...]] = {}
    for row in connection.execute(query):
        answer = Answer(row.at, row.code, tuple(map(SerialRange.parse, row.blocks)))
        told[row.transaction_identifier] = (*told.get(row.transaction_identifier, ()), answer)
    return told


def _transaction(row: sa.Row[Any]) -> Transaction:
    return Transaction(
        proposal=load(ProposalTransaction, row.proposal),
        role=Role(row.role),
        state=State(row.state),
        proposed_at=row.proposed_at,
        changed_at=row.changed_at,
        undelivered=row.undelivered,
    )
