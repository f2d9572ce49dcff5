"""The supplementary logs that were asked about a transaction, and what each has answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from itl.lifecycle.supplementary_log import Inquiry
from itl.lifecycle.transaction import Answer, Asked, TransactionHead
from itl.messages import ProposalRequest, ProposalTransaction, load
from itl.store import tables as t
from itl.store.arrival import code_list
from itl.store.database import Database
from itl.store.statements import Insertion, Statement, Step

ASKS = Insertion(t.transaction_supplements, ("transaction_id", "stl", "answer_by"))


def asking(connection: Connection, asks: Iterable[tuple[int, Asked]]) -> Iterator[Step]:
    """The step that notes who is asked about which transaction."""
    rows = ({"transaction_id": key, "stl": each.stl, "answer_by": each.answer_by} for key, each in asks)
    yield from ASKS.steps(connection, rows)


def answering(transaction_id: int, answer: Answer, now: datetime) -> Step:
    """The step that notes an answer."""
    given = {"by": answer.stl, "said": int(answer.status), "codes": code_list(answer.codes)}
    return _ANSWER, {"transaction": transaction_id, "now": now, **given}


_OF = t.transaction_supplements.c

_ANSWER = Statement(
    "supplementary_log_answered",
    lambda _dialect: (
        update(t.transaction_supplements)
        .where(_OF.transaction_id == bindparam("transaction"), _OF.stl == bindparam("by"))
        .values(
            answer=bindparam("said", type_=_OF.answer.type),
            answered_at=bindparam("now", type_=t.Instant()),
            response_codes=bindparam("codes", type_=_OF.response_codes.type),
        )
    ),
)


def inquiry(
    connection: Connection, transaction_id: int, head: TransactionHead, proposed_at: datetime, cleanup: timedelta
) -> Inquiry:
    """How it stands with those that were asked about a transaction, whose row the caller has locked."""
    proposal = _proposal_of(connection, transaction_id) if head.is_external else None
    return Inquiry(asked(connection, transaction_id), proposed_at + cleanup, proposal)


def inquiry_of_one(
    database: Database, transaction_id: int, head: TransactionHead, proposed_at: datetime, cleanup: timedelta
) -> Inquiry:
    """The same of a transaction that waits for the only one that was asked: nothing is to be locked, or looked up.

    It has not answered, or the transaction would stand elsewhere.
    """
    [stl] = head.asked
    proposal = None
    if head.is_external:
        with database.read() as connection:
            proposal = _proposal_of(connection, transaction_id)
    return Inquiry((Asked(stl),), proposed_at + cleanup, proposal)


def _proposal_of(connection: Connection, transaction_id: int) -> ProposalTransaction:
    [row] = _PROPOSAL.rows(connection, transaction=transaction_id)
    return load(ProposalRequest, row.content).proposed_transaction


def asked(connection: Connection, transaction_id: int) -> tuple[Asked, ...]:
    """Who was asked about a transaction, and what each has answered, in the order of their codes."""
    rows = _ASKED.rows(connection, transaction=transaction_id)
    return tuple(Asked(row.stl, row.answer, row.answer_by) for row in rows)


_ASKED = Statement(
    "asked_supplementary_logs",
    lambda _dialect: (
        select(_OF.stl, _OF.answer, _OF.answer_by)
        .where(_OF.transaction_id == bindparam("transaction"))
        .order_by(_OF.stl)
    ),
)


def _proposal(_dialect: str) -> Any:
    """As it went to one of those that were asked: the worker keeps no other copy of it."""
    outbox = t.outbox.c
    asked = (outbox.transaction_id == bindparam("transaction")) & (outbox.operation == "acceptProposal")
    return select(outbox.content).where(asked).order_by(outbox.id).limit(1)


_PROPOSAL = Statement("proposal_as_asked", _proposal)
