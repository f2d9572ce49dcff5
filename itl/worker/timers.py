"""The clean-up: transactions whose time is over. Timers are rows, claimed by whichever worker comes first."""

from __future__ import annotations

import structlog
from sqlalchemy import select, update

from itl.clock import Clock
from itl.codes import TransactionStatus
from itl.lifecycle.transaction import LogIdentity, Practice, timed_out
from itl.store import tables as t
from itl.store import totals
from itl.store.database import Database
from itl.store.transitions import HEAD_COLUMNS, apply, head_of

log = structlog.get_logger(__name__)


def ring_timers(database: Database, clock: Clock, identity: LogIdentity, practice: Practice, limit: int = 100) -> int:
    """Carry out what is due, at most `limit` transactions in one commit; returns how many there were."""
    with database.write() as connection:
        now = clock()
        due = connection.execute(
            select(*HEAD_COLUMNS)
            .where(t.transactions.c.deadline_at <= now)
            .order_by(t.transactions.c.deadline_at)
            .limit(limit)
            .with_for_update(skip_locked=True, key_share=True)
        ).all()
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
