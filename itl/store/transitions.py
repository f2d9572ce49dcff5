"""Writing what became of one transaction: status, history, messages to send, units set free; the caller commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, TextClause, bindparam, delete, select, text

from itl.codes import OPEN_STATUSES, TransactionStatus
from itl.errors import ConflictError
from itl.lifecycle.transaction import TransactionHead, Transition
from itl.store import supplements, totals
from itl.store import tables as t
from itl.store.posting import posting
from itl.store.sets import Keys, one_of
from itl.store.statements import Insertion, Statement, Step, run_all

HEAD_COLUMNS = (
    t.transactions.c.id,
    t.transactions.c.identifier,
    t.transactions.c.transaction_type,
    t.transactions.c.transferring_registry,
    t.transactions.c.acquiring_registry,
    t.transactions.c.status,
    t.transactions.c.status_at,
    t.transactions.c.proposed_at,
    t.transactions.c.confirmed_at,
    t.transactions.c.asked,
    t.transactions.c.supp_transaction_type,
)


def head_of(row: t.Record) -> TransactionHead:
    """The head from a row of `HEAD_COLUMNS`."""
    return TransactionHead(
        row.identifier,
        row.transaction_type,
        row.transferring_registry,
        row.acquiring_registry,
        row.status,
        row.confirmed_at is not None,
        tuple(row.asked.split()) if row.asked else (),
        row.supp_transaction_type,
    )


def find(connection: Connection, identifier: str, *, lock: bool = False) -> t.Record | None:
    """The row (`HEAD_COLUMNS`) of the transaction that occupies `identifier`, locked where that is wanted."""
    return next(iter((_LOCK if lock else _FIND).rows(connection, identifier=identifier)), None)


def _find(_dialect: str) -> Select[Any]:
    occupied = (t.transactions.c.identifier == bindparam("identifier")) & t.transactions.c.occupies
    return select(*HEAD_COLUMNS).where(occupied)


_FIND = Statement("find_transaction", _find)
_LOCK = Statement("lock_transaction", lambda dialect: _find(dialect).with_for_update(key_share=True))


def apply(
    connection: Connection,
    transaction_id: int,
    head: TransactionHead,
    transition: Transition,
    now: datetime,
    set_by: str,
    message: int | None = None,
) -> None:
    """Carry `transition` out, which was decided for `head`; raises ConflictError when the status has moved on since."""
    if move(connection, [transaction_id], head.status, transition, now) != 1:
        raise ConflictError(f"{head.identifier} is no longer at status {head.status}; read it again and decide again")
    steps: list[Step] = []
    if transition.status is not None:
        history = (transaction_id, int(transition.status), now, set_by, message)
        steps += HISTORY.steps(connection, [dict(zip(HISTORY.columns, history, strict=True))])
        if frees_units(transition.status):
            steps += freeing([transaction_id])
            totals.release(connection, [transaction_id])
    if transition.answer is not None:
        steps.append(supplements.answering(transaction_id, transition.answer, now))
    run_all(connection, [*steps, *posting(connection, [(transaction_id, send) for send in transition.sends], now)])


HISTORY = Insertion(t.status_history, ("transaction_id", "status", "at", "set_by", "message"))


def move(
    connection: Connection, transaction_ids: Sequence[int], seen: int, transition: Transition, now: datetime
) -> int:
    """Move those of the transactions that are still at the status `seen`; returns how many that were."""
    changed = changes(transition, now)
    values = {name: changed.get(name) for name in _CHANGEABLE}
    keeps_timer = "deadline_at" not in changed
    return _MOVE.run(connection, wanted=transaction_ids, seen=seen, keeps_timer=keeps_timer, **values)


def changes(transition: Transition, now: datetime) -> dict[str, Any]:
    """The columns of `transactions` that `transition` sets."""
    values: dict[str, Any] = {}
    if not transition.keeps_timer:
        values["deadline_at"] = None if transition.timer is None else now + transition.timer
    if transition.status is not None:
        values |= {"status": int(transition.status), "status_at": now}
    if transition.confirmed:
        values["confirmed_at"] = now
    if transition.ended:
        values["ended_at"] = now
    if transition.flagged:
        values["flagged_at"] = now
    if transition.asks:
        values["asked"] = " ".join(each.stl for each in transition.asks)
    return values


_CHANGEABLE = ("status", "status_at", "deadline_at", "confirmed_at", "ended_at", "flagged_at", "asked")


def _move(dialect: str) -> TextClause:
    kept = ", ".join(f"{name} = COALESCE(:{name}, {name})" for name in _CHANGEABLE if name != "deadline_at")
    statement = f"""
        UPDATE transactions
        SET {kept}, deadline_at = CASE WHEN CAST(:keeps_timer AS boolean) THEN deadline_at ELSE :deadline_at END
        WHERE {one_of(dialect, t.transactions.c.id, "wanted")} AND status = :seen
    """  # noqa: S608 - names are ours, values are bound
    columns = (t.transactions.c[name] for name in _CHANGEABLE)
    return text(statement).bindparams(
        bindparam("wanted", type_=Keys()), *(bindparam(column.name, type_=column.type) for column in columns)
    )


_MOVE = Statement("move", _move)


def freeing(transaction_ids: Sequence[int]) -> list[Step]:
    """The step that frees what the transactions keep from others."""
    return [(_FREE, {"wanted": transaction_ids})]


_FREE = Statement(
    "free", lambda dialect: delete(t.reservations).where(one_of(dialect, t.reservations.c.transaction_id, "wanted"))
)


def frees_units(status: int) -> bool:
    """Completed units are freed by the ledger when it has moved them, all others at once."""
    return status not in OPEN_STATUSES and status != TransactionStatus.COMPLETED
