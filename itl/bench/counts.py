"""What a database says of a load: how many transactions have come how far."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, select, update

from itl.bench.connection import LoadError
from itl.clock import system_clock
from itl.codes import TransactionStatus
from itl.store import tables as t
from itl.store.database import Database
from itl.store.opening import is_carried_out

_PATIENCE = 60.0  # seconds
_LOOK_AGAIN = 0.1
_LOOK_OFTEN = 0.01
_FAR = timedelta(days=1)


def accepted(url: str) -> int:
    """How many proposals the database holds that were accepted: logged, their transaction open, left to a worker."""
    database = Database(url)
    with database.read() as connection:
        count: int = connection.execute(
            select(func.count())
            .select_from(t.inbox)
            .join(t.messages, t.messages.c.id == t.inbox.c.message)
            .join(t.transactions, t.transactions.c.id == t.inbox.c.transaction_id)
            .where(t.inbox.c.work == "judge")
        ).scalar_one()
    database.close()
    return count


def settled(url: str, since: datetime | None = None, until: datetime | None = None) -> int:
    """How many transactions the ledger has carried out, from `since` to before `until`."""
    at = t.transactions.c.settled_at
    return _count(url, at.is_not(None), *([at >= since] if since else []), *([at < until] if until else []))


def standing_at(url: str, status: TransactionStatus) -> int:
    """How many transactions stand at a status."""
    return _count(url, t.transactions.c.status == status)


def hold_back(url: str) -> None:
    """Let all that waits for a worker wait on, until it is released."""
    _put_off(url, system_clock() + _FAR, t.inbox.c.work.is_not(None))


def release(url: str, most: int | None = None) -> None:
    """Let workers take what was held back, or the oldest of it."""
    oldest = select(t.inbox.c.id).where(t.inbox.c.work.is_not(None)).order_by(t.inbox.c.id).limit(most)
    _put_off(url, None, t.inbox.c.id.in_(oldest))


def wait_until_settled(url: str) -> None:
    """Until the ledger has carried out all that is completed; LoadError if a worker takes too long over it."""
    if not _wait_until(url, is_carried_out, _PATIENCE, _LOOK_AGAIN):
        raise LoadError(f"the ledger has not carried out in {_PATIENCE:g} s what is completed; does a worker run?")


def wait_until_judged(url: str, patience: float) -> None:
    """Until workers have left nothing that is not held back; LoadError if they take longer than `patience` seconds."""
    if not _wait_until(url, _is_judged, patience, _LOOK_OFTEN):
        raise LoadError(f"the workers have not judged in {patience:g} s what waited for them")


def _is_judged(connection: Connection) -> bool:
    ready = select(t.inbox.c.id).where(t.inbox.c.work.is_not(None), t.inbox.c.not_before.is_(None)).limit(1)
    return connection.execute(ready).first() is None


def _wait_until(url: str, so: Callable[[Connection], bool], patience: float, every: float) -> bool:
    """Whether it came to be `so`. The looks take one connection, and so next to nothing from what is measured."""
    database = Database(url)
    late = time.monotonic() + patience
    try:
        while True:
            with database.read() as connection:
                if so(connection):
                    return True
            if time.monotonic() > late:
                return False
            time.sleep(every)
    finally:
        database.close()


def _put_off(url: str, until: datetime | None, which: ColumnElement[bool]) -> None:
    database = Database(url)
    with database.write() as connection:
        connection.execute(update(t.inbox).where(which).values(not_before=until))
    database.close()


def _count(url: str, *conditions: ColumnElement[bool]) -> int:
    database = Database(url)
    with database.read() as connection:
        statement = select(func.count()).select_from(t.transactions).where(*conditions)
        found: int = connection.execute(statement).scalar_one()
    database.close()
    return found
