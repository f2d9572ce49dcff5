"""What operators did: who, when, why, to what; written in the commit that does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from itl.errors import UsageError
from itl.store import tables as t


@dataclass(frozen=True, slots=True)
class Action:
    """Something that an operator did."""

    id: int
    at: datetime
    actor: str
    action: str
    """What was done, such as `registry suspend`: the command's words."""
    subject: str
    """What it was done to: a registry's code, `notice 17`, an identifier."""
    reason: str | None
    detail: Mapping[str, Any]
    """What else is worth knowing, such as what stood there before."""


def record_action(
    connection: Connection,
    actor: str,
    reason: str | None,
    action: str,
    subject: str,
    detail: Mapping[str, Any] | None,
    now: datetime,
) -> int:
    """Record what an operator does, in the caller's commit; returns the action's number.

    `reason` None is for what changes nothing, such as asking for the time. An actor or a reason that is given must say
    something: UsageError.
    """
    if not actor.strip():
        raise UsageError(f"{action} {subject}: who does it? give --by")
    if reason is not None and not reason.strip():
        raise UsageError(f"{action} {subject}: why? give --reason")
    statement = t.actions.insert().returning(t.actions.c.id)
    row = {
        "at": now,
        "actor": actor,
        "action": action,
        "subject": subject,
        "reason": reason,
        "detail": msgspec.json.encode(detail).decode() if detail else None,
    }
    number: int = connection.execute(statement, row).scalar_one()
    return number


def actions(
    connection: Connection, subject: str | None = None, since: datetime | None = None, most: int = 100
) -> list[Action]:
    """The latest actions, at most `most`, the newest first; of one subject, and not before `since`, where given."""
    statement = select(t.actions).order_by(t.actions.c.id.desc()).limit(most)
    if subject is not None:
        statement = statement.where(t.actions.c.subject == subject)
    if since is not None:
        statement = statement.where(t.actions.c.at >= since)
    return [
        Action(
            row.id,
            row.at,
            row.actor,
            row.action,
            row.subject,
            row.reason,
            msgspec.json.decode(row.detail) if row.detail else {},
        )
        for row in connection.execute(statement)
    ]
