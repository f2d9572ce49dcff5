"""A ledger at large: is it empty, is it up to date; and units that came into being before this log was there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from itl.checks.flows import flows
from itl.codes import TransactionStatus
from itl.ledger.block import HeldBlock
from itl.ledger.operations import issue
from itl.messages import ProposalTransaction
from itl.store import tables as t
from itl.store.record import Batch, Settled, record
from itl.store.rows import block_rows


def holds_units(connection: Connection) -> bool:
    """Whether the ledger has any unit."""
    return connection.execute(select(t.unit_blocks.c.id).limit(1)).first() is not None


def is_carried_out(connection: Connection) -> bool:
    """Whether the ledger shows every transaction that is completed."""
    completed = t.transactions.c.status == TransactionStatus.COMPLETED
    waiting = select(t.transactions.c.id).where(completed, t.transactions.c.settled_at.is_(None)).limit(1)
    return connection.execute(waiting).first() is None


def enter_opening(
    connection: Connection, transaction: ProposalTransaction, blocks: list[HeldBlock], now: datetime, entered_by: str
) -> None:
    """Enter units that another log saw come into being, with the completed transaction that explains them.

    `blocks` are the units as they stand after it. The entry goes through no check, but a unit that the ledger has
    already is an IntegrityError, as is an identifier that is taken.
    """
    transaction_id: int = connection.execute(
        t.transactions.insert().returning(t.transactions.c.id),
        {
            "identifier": transaction.transaction_identifier,
            "occupies": True,
            "transaction_type": transaction.transaction_type,
            "transferring_registry": transaction.transferring_registry_code,
            "transferring_account_type": transaction.transferring_registry_account_type,
            "transferring_account_identifier": transaction.transferring_registry_account_identifier,
            "acquiring_registry": transaction.acquiring_registry_code,
            "acquiring_account_type": transaction.acquiring_registry_account_type,
            "acquiring_account_identifier": transaction.acquiring_registry_account_identifier,
            "status": int(TransactionStatus.COMPLETED),
            "status_at": now,
            "proposed_at": now,
            "confirmed_at": now,
            "ended_at": now,
        },
    ).scalar_one()
    connection.execute(
        t.status_history.insert(),
        {
            "transaction_id": transaction_id,
            "status": int(TransactionStatus.COMPLETED),
            "at": now,
            "set_by": entered_by,
        },
    )
    connection.execute(t.transaction_blocks.insert(), block_rows(transaction_id, transaction))
    entered = Settled(transaction_id, issue(blocks), flows(transaction), opened=False)
    record(connection, Batch(settled=[entered]), {}, now)
