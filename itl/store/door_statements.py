"""What the door writes and asks on PostgreSQL, each as one statement: round trips are what accepting costs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Insert,
    Select,
    bindparam,
    case,
    cast,
    exists,
    func,
    insert,
    literal_column,
    select,
    true,
    update,
)

from itl.lifecycle.transaction import Answer, TransactionHead, Transition
from itl.store import tables as t
from itl.store.arrival import code_list
from itl.store.posting import outbox_row
from itl.store.statements import Statement
from itl.store.transitions import HEAD_COLUMNS, changes, frees_units

STEPS: dict[str, list[str]] = {
    "messages": (
        "direction sender addressee operation transaction_identifier remote_address body body_size body_digest "
        "request_in_at response_out_at outcome"
    ).split(),
    "transactions": (
        "identifier occupies transaction_type supp_transaction_type transferring_registry transferring_account_type "
        "transferring_account_identifier acquiring_registry acquiring_account_type acquiring_account_identifier "
        "notification_identifier status status_at proposed_at deadline_at"
    ).split(),
    "status_history": "status at set_by".split(),
    "inbox": "sender operation content_digest work content received_at".split(),
}
"""The columns that accepting a proposal fills, by table, but for the keys of the rows before."""

_MOVED = "status status_at confirmed_at ended_at flagged_at".split()
_POSTED = "receiver operation content created_at next_attempt_at topic queue once expires_at".split()  # of `outbox_row`


def _find() -> Select[Any]:
    heads = (
        select(*HEAD_COLUMNS)
        .where(t.transactions.c.identifier == _given(t.transactions.c.identifier), t.transactions.c.occupies)
        .subquery()
    )
    known = exists().where(
        t.inbox.c.sender == _given(t.inbox.c.sender), t.inbox.c.content_digest == _given(t.inbox.c.content_digest)
    )
    one = select(literal_column("1").label("one")).subquery()
    return select(known.label("known"), heads).select_from(one.outerjoin(heads, true()))


def _accept_proposal() -> Insert:
    logged = (
        insert(t.messages)
        .from_select(STEPS["messages"], select(*_parts("messages")).where(_stands()))
        .returning(t.messages.c.id)
        .cte("logged")
    )
    opened = (
        insert(t.transactions)
        .from_select(STEPS["transactions"], select(*_parts("transactions")).select_from(logged))
        .returning(t.transactions.c.id)
        .cte("opened")
    )
    both = [opened.c.id, logged.c.id]
    noted = (
        insert(t.status_history)
        .from_select([*STEPS["status_history"], "transaction_id", "message"], select(*_parts("status_history"), *both))
        .cte("noted")
    )
    return (
        insert(t.inbox)
        .from_select([*STEPS["inbox"], "transaction_id", "message"], select(*_parts("inbox"), *both))
        .add_cte(noted)
    )


def is_plain(transition: Transition) -> bool:
    """Whether `ACCEPT_NOTIFICATION` can carry it out: it sets no units free, and tells one registry at most."""
    return len(transition.sends) <= 1 and (transition.status is None or not frees_units(transition.status))


def transition_row(
    transaction_id: int, head: TransactionHead, transition: Transition, now: datetime, set_by: str
) -> dict[str, Any]:
    """What `ACCEPT_NOTIFICATION` wants to know of a transition."""
    changed = changes(transition, now)
    posted: dict[str, Any] = dict.fromkeys(_POSTED)
    for send in transition.sends:
        posted |= outbox_row(transaction_id, send, now)
    return {
        "transaction_id": transaction_id,
        "seen_status": head.status,
        "set_by": set_by,
        "at": now,
        "keeps_timer": transition.keeps_timer,
        "deadline_at": changed.get("deadline_at"),
        **{name: changed.get(name) for name in _MOVED},
        **{f"posted_{name}": posted.get(name) for name in _POSTED},
    }


def answer_row(answer: Answer) -> dict[str, Any]:
    """What `ACCEPT_ANSWER` wants to know beside it."""
    return {"answered_by": answer.stl, "answer": int(answer.status), "answer_codes": code_list(answer.codes)}


def _accept_notification(*, answer: bool = False) -> Insert:
    row = t.transactions.c
    moved = (
        update(t.transactions)
        .where(row.id == bindparam("transaction_id"), row.status == bindparam("seen_status"), _stands())
        .values(
            {name: func.coalesce(_given(row[name]), row[name]) for name in _MOVED}
            | {
                "deadline_at": case(
                    (cast(bindparam("keeps_timer"), row.occupies.type), row.deadline_at), else_=_given(row.deadline_at)
                )
            }
        )
        .returning(row.id)
        .cte("moved")
    )
    logged = (
        insert(t.messages)
        .from_select(STEPS["messages"], select(*_parts("messages")).select_from(moved))
        .returning(t.messages.c.id)
        .cte("logged")
    )
    both = [moved.c.id, logged.c.id]
    status = _given(t.status_history.c.status)
    noted = (
        insert(t.status_history)
        .from_select(
            [*STEPS["status_history"], "transaction_id", "message"],
            select(*_parts("status_history"), *both).where(status.is_not(None)),
        )
        .cte("noted")
    )
    outbox = t.outbox.c
    posted = (
        insert(t.outbox)
        .from_select(
            [*_POSTED, "transaction_id"],
            select(*(cast(bindparam(f"posted_{name}"), outbox[name].type) for name in _POSTED), moved.c.id).where(
                cast(bindparam("posted_receiver"), outbox.receiver.type).is_not(None)
            ),
        )
        .cte("posted")
    )
    columns = ["sender", "operation", "content_digest", "work", "received_at"]
    given = [_given(t.inbox.c[name]) for name in columns]
    written = (
        insert(t.inbox)
        .from_select([*columns, "transaction_id", "message"], select(*given, *both))
        .add_cte(noted)
        .add_cte(posted)
    )
    return written.add_cte(_answered(moved)) if answer else written


def _answered(moved: CTE) -> CTE:
    supplement = t.transaction_supplements.c
    return (
        update(t.transaction_supplements)
        .where(supplement.transaction_id == moved.c.id, supplement.stl == bindparam("answered_by"))
        .values(
            answer=_given(supplement.answer),
            answered_at=cast(bindparam("at"), supplement.answered_at.type),
            response_codes=cast(bindparam("answer_codes"), supplement.response_codes.type),
        )
        .cte("answered")
    )


def _stands() -> ColumnElement[bool]:
    return select(t.reference_stamp.c.stamp).scalar_subquery() == bindparam("stamp")


def _parts(table: str) -> list[Any]:
    return [_given(t.metadata.tables[table].c[name]) for name in STEPS[table]]


def _given(column: Any) -> Any:
    return cast(bindparam(column.name), column.type)


FIND = Statement("find_for_notification", lambda _dialect: _find())
"""Whether the message of a digest was accepted before, and the transaction that a notification speaks of."""

ACCEPT_PROPOSAL = Statement("accept_proposal", lambda _dialect: _accept_proposal())
"""All four inserts of a proposal, and the look at the stamp."""

ACCEPT_NOTIFICATION = Statement("accept_notification", lambda _dialect: _accept_notification())
"""A notification with what it changes: nothing at all where the status or the stamp has moved on."""

ACCEPT_ANSWER = Statement("accept_answer", lambda _dialect: _accept_notification(answer=True))
"""The same of a supplementary log, whose answer is noted as well."""
