"""The clean-up: transactions whose time is over. Timers are rows, claimed by whichever worker comes first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, select, update

from itl.clock import Clock
from itl.codes import TransactionStatus
from itl.lifecycle.transaction import LogIdentity, Practice, timed_out
from itl.store import tables as t
from itl.store import totals
from itl.store.database import Database
from itl.store.transitions import HEAD_COLUMNS, apply, head_of

log = structlog.get_logger(__name__)


PUT_OFF = timedelta(minutes=5)
"""How long a timer that cannot be carried out waits before it rings again."""


def ring_timers(database: Database, clock: Clock, identity: LogIdentity, practice: Practice, limit: int = 100) -> int:
    """Carry out what is due, at most `limit` transactions in one commit; returns how many there were.

    Where one of them breaks the commit they are tried one by one, and that one is put off: it holds up no other, nor
    the worker.
    """
    try:
        return _ring(database, clock, identity, practice, limit)
    except Exception as error:
        if limit > 1:
            return ring_timers(database, clock, identity, practice, 1)
        _put_off(database, clock(), error)
        return 1


def _ring(database: Database, clock: Clock, identity: LogIdentity, practice: Practice, limit: int) -> int:
    with database.write() as connection:
        now = clock()
        due = _due(connection, now, limit)
        totals.lock(connection, [row.id for row in due])
        for row in due:
            head = head_of(row)
            transition = timed_out(head, identity, practice, row.proposed_at, now)
            apply(connection, row.id, head, transition, now, identity.code)
            if head.status == TransactionStatus.PROPOSED:
                unjudged = (t.inbox.c.transaction_id == row.id) & (t.inbox.c.work == "judge")
                connection.execute(update(t.inbox).where(unjudged).values(work=None, content=None))
            log.info(
                "timer rang",
                transaction=head.identifier,
                status=head.status,
                becomes=transition.status,
                flagged=transition.flagged,
            )
    return len(due)


def _due(connection: Connection, now: datetime, limit: int) -> Sequence[t.Record]:
    statement = (
        select(*HEAD_COLUMNS)
        .where(t.transactions.c.deadline_at <= now)
        .order_by(t.transactions.c.deadline_at)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return connection.execute(statement).all()


def _put_off(database: Database, now: datetime, error: Exception) -> None:
    with database.write() as connection:
        for row in _due(connection, now, 1):
            changed = update(t.transactions).where(t.transactions.c.id == row.id)
            connection.execute(changed.values(deadline_at=now + PUT_OFF))
            log.error("timer put off", transaction=row.identifier, until=now + PUT_OFF, problem=str(error))
