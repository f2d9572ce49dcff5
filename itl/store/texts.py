"""Free-text messages: what registries said to the log, and what the log said to them, with how it was delivered.

A message to several registries is one action of an operator, and to each of them a letter of its own in the outbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from itl.errors import UsageError
from itl.lifecycle.sending import Send
from itl.lifecycle.text import require_sendable
from itl.lifecycle.transaction import LogIdentity
from itl.messages import MessageRequest, load
from itl.reference import Reference
from itl.store import tables as t
from itl.store.actions import record_action
from itl.store.arrival import restored
from itl.store.posting import post

OPERATION = "acceptMessage"
ALL = "all"
_TOPIC = "text "


@dataclass(frozen=True, slots=True)
class Text:
    """A free-text message. `name`: how commands call it, `in-12` or `out-7`."""

    name: str
    at: datetime
    sender: str
    receiver: str
    content: str
    written_at: datetime
    """The time that the message itself says."""
    by: str | None = None
    """Of one that an operator sent: who."""
    state: str = "received"
    """Of one that the log sends: how far it has come."""
    problem: str | None = None


def receivers_of(reference: Reference, wanted: Iterable[str]) -> list[str]:
    """Codes of the registries meant: those named, or all in force for `all`; UsageError for one that is none."""
    codes = sorted(set(wanted))
    known = sorted(code for code, registry in reference.registries.items() if registry.is_registry)
    if ALL in codes:
        if not known:
            raise UsageError("no registry is enrolled; `itl enrol` enrols one")
        return known
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise UsageError(f"{', '.join(unknown)}: no registry in force; there are {', '.join(known) or 'none'}")
    return codes


def send_text(
    connection: Connection,
    identity: LogIdentity,
    receivers: Sequence[str],
    content: str,
    actor: str,
    reason: str | None,
    now: datetime,
    action: str = "message send",
) -> int:
    """Put a message to each of `receivers` into the outbox, as one action of that number.

    UsageError for a text that registries could not take.
    """
    require_sendable(content)
    number = record_action(connection, actor, reason, action, " ".join(receivers), {"text": content}, now)
    post_text(connection, identity, receivers, content, number, now)
    return number


def post_text(
    connection: Connection,
    identity: LogIdentity,
    receivers: Sequence[str],
    content: str,
    action: int,
    now: datetime,
) -> None:
    """The same of something else that an operator did, recorded as `action`: registries are told of it."""
    require_sendable(content)
    sends = []
    for receiver in receivers:
        message = MessageRequest(
            sender=identity.code,
            addressee=receiver,
            major_version=identity.major_version,
            minor_version=identity.minor_version,
            message_content=content,
            message_date_time=now,
        )
        sends.append((None, Send(receiver, message, f"{_TOPIC}{action}")))
    post(connection, sends, now)


def texts(
    connection: Connection, registry: str | None = None, direction: str | None = None, most: int = 50
) -> list[Text]:
    """The latest messages, the newest first; from or to one registry, in or out, where given."""
    found: list[Text] = []
    if direction in (None, "in"):
        found += _incoming(connection, registry, most)
    if direction in (None, "out"):
        found += _outgoing(connection, registry, most)
    return sorted(found, key=lambda text: text.at, reverse=True)[:most]


def text_named(connection: Connection, name: str) -> Text:
    """The message of that name; UsageError where there is none."""
    direction, _, number = name.partition("-")
    found: list[Text] = []
    if number.isdecimal() and direction == "in":
        found = _incoming(connection, None, 1, int(number))
    elif number.isdecimal() and direction == "out":
        found = _outgoing(connection, None, 1, int(number))
    if not found:
        raise UsageError(f"{name}: no such message; `itl message list` shows what there is")
    return found[0]


def _incoming(connection: Connection, registry: str | None, most: int, number: int | None = None) -> list[Text]:
    statement = select(t.inbox).where(t.inbox.c.operation == OPERATION).order_by(t.inbox.c.id.desc()).limit(most)
    if registry is not None:
        statement = statement.where(t.inbox.c.sender == registry)
    if number is not None:
        statement = statement.where(t.inbox.c.id == number)
    return [
        _text(f"in-{row.id}", row.received_at, load(MessageRequest, restored(row.content)))
        for row in connection.execute(statement)
    ]


def _outgoing(connection: Connection, registry: str | None, most: int, number: int | None = None) -> list[Text]:
    statement = select(t.outbox).where(t.outbox.c.operation == OPERATION).order_by(t.outbox.c.id.desc()).limit(most)
    if registry is not None:
        statement = statement.where(t.outbox.c.receiver == registry)
    if number is not None:
        statement = statement.where(t.outbox.c.id == number)
    rows = connection.execute(statement).all()
    numbers = {action for row in rows if (action := _action_of(row.topic)) is not None}
    acted = select(t.actions.c.id, t.actions.c.actor).where(t.actions.c.id.in_(numbers))
    actors = {row.id: row.actor for row in connection.execute(acted)}
    return [
        replace(
            _text(f"out-{row.id}", row.created_at, load(MessageRequest, row.content)),
            by=actors.get(_action_of(row.topic)),
            state=_state(row),
            problem=row.problem,
        )
        for row in rows
    ]


def _text(name: str, at: datetime, message: MessageRequest) -> Text:
    return Text(name, at, message.sender, message.addressee, message.message_content, message.message_date_time)


def _action_of(topic: str | None) -> int | None:
    """The action by which an operator sent it; None for a message that the log sends for another reason."""
    return int(topic.removeprefix(_TOPIC)) if topic is not None and topic.startswith(_TOPIC) else None


def _state(row: t.Record) -> str:
    if row.delivered_at is not None:
        told = f" with {row.response_codes}" if row.response_codes else ""
        return f"{row.outcome}{told}"
    return "waiting" if row.outcome is None else f"waiting, {row.attempts} attempts, the last: {row.outcome}"
