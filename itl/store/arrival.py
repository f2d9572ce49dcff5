"""A message that came in, as the log keeps it: raw, with its digest, before anything is answered."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from itl.store import tables as t

_SHORT = 1024  # bytes; compressing them costs more than it saves
_ZLIB = b"\x78"  # how everything that zlib compressed begins


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message at the door. `sender` is the registry that the transport's identity belongs to, where it has one."""

    operation: str | None
    sender: str | None
    addressee: str | None
    transaction_identifier: str | None
    body: bytes
    received_at: datetime
    remote_address: str | None = None
    reconciliation_identifier: str | None = None

    def row(
        self, outcome: str, answered_at: datetime, codes: Sequence[int] = (), detail: str | None = None
    ) -> dict[str, Any]:
        """The row of the message log."""
        return {
            "direction": "in",
            "sender": self.sender,
            "addressee": self.addressee,
            "operation": self.operation,
            "transaction_identifier": search_term(self.transaction_identifier),
            "remote_address": self.remote_address,
            "body": compressed(self.body),
            "body_size": len(self.body),
            "body_digest": hashlib.sha256(self.body).digest(),
            "request_in_at": self.received_at,
            "response_out_at": answered_at,
            "outcome": outcome,
            "response_codes": code_list(codes),
            "detail": detail,
            "reconciliation_identifier": search_term(self.reconciliation_identifier),
        }


def search_term(identifier: str | None) -> str | None:
    """What messages of a transaction are found by: the identifier, cut where no well-formed one reaches.

    An index takes no text of any length, and a message must not fail by what it says.
    """
    return None if identifier is None else identifier[:100]


def compressed(body: bytes) -> bytes:
    """Level 1: most of the gain, and the database spends less on what it must write. What is short stays as it is."""
    return body if len(body) < _SHORT and not body.startswith(_ZLIB) else zlib.compress(body, 1)


def restored(data: bytes) -> bytes:
    """What `compressed` was given."""
    return zlib.decompress(data) if data.startswith(_ZLIB) else data


def code_list(codes: Sequence[int]) -> str | None:
    """Codes as one column: `1503 4003`, NULL for none."""
    return " ".join(map(str, codes)) or None


def log_arrival(
    connection: Connection,
    arrival: Arrival,
    outcome: str,
    answered_at: datetime,
    codes: Sequence[int] = (),
    detail: str | None = None,
) -> int:
    """Write the message log's row; returns its id."""
    statement = t.messages.insert().returning(t.messages.c.id)
    message: int = connection.execute(statement, arrival.row(outcome, answered_at, codes, detail)).scalar_one()
    return message
