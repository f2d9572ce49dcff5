"""Messages that the log passes on without reading them: taken once, and put on the addressee's own relay lane."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from itl.lifecycle.sending import Send
from itl.messages import RelayRequest
from itl.store import tables as t
from itl.store.acceptance import Acceptance, Content, inbox_row, stands
from itl.store.arrival import Arrival, log_arrival
from itl.store.database import Database
from itl.store.posting import outbox_row


def accept_relay(
    database: Database, arrival: Arrival, request: RelayRequest, content: Content, *, now: datetime, stamp: int
) -> Acceptance:
    """Log the message and put it into the outbox as it is, in the order in which its sender's messages come.

    IDENTIFIER_USED where the sender gave the identifier to another message (check 1107).
    """
    try:
        with database.write() as connection:
            if not stands(connection, stamp):
                return Acceptance.STALE
            known = _digest_of(connection, request)
            if known is not None:
                return _same(known, content)
            message = log_arrival(connection, arrival, "accepted", now)
            send = Send(request.addressee, request, topic=topic_of(request.sender))
            posted = t.outbox.insert().returning(t.outbox.c.id)
            letter: int = connection.execute(posted, outbox_row(None, send, now)).scalar_one()
            row = {
                "sender": request.sender,
                "relay_identifier": request.relay_identifier,
                "content_digest": content.digest,
                "addressee": request.addressee,
                "operation_name": request.operation_name,
                "message": message,
                "outbox": letter,
                "received_at": now,
            }
            connection.execute(t.relays.insert(), row)
            connection.execute(t.inbox.insert(), inbox_row(arrival, content, now, message, None, None))
    except IntegrityError:
        with database.read() as connection:
            known = _digest_of(connection, request)
        if known is None:
            raise
        return _same(known, content)
    return Acceptance.ACCEPTED


def topic_of(sender: str) -> str:
    """What keeps the messages of one sender in their order, on each lane."""
    return f"relay {sender}"


def _same(known: bytes, content: Content) -> Acceptance:
    return Acceptance.REPEAT if known == content.digest else Acceptance.IDENTIFIER_USED


def _digest_of(connection: Connection, request: RelayRequest) -> bytes | None:
    relay = t.relays.c
    this = (relay.sender == request.sender) & (relay.relay_identifier == request.relay_identifier)
    return connection.execute(select(relay.content_digest).where(this)).scalar()
