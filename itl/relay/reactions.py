"""What follows from how a peer took a message, by operation, in the commit that records the attempt.

And what is written anew into a message each time it goes out. An operation that is in no table needs nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from itl.lifecycle.transaction import LogIdentity, relay_refused
from itl.store import delivery
from itl.store.delivery import Attempt, Letter

Reaction = Callable[[Connection, Letter, Attempt, LogIdentity, datetime], None]
"""Told of every attempt, of one that failed too (`Attempt.outcome`, `Attempt.is_final`)."""

Renewal = Callable[[Any, datetime], Any]
"""A message as it goes out now."""


def relayed_proposal(
    connection: Connection, letter: Letter, attempt: Attempt, identity: LogIdentity, now: datetime
) -> None:
    """An acquirer that refuses the relayed proposal in its reply has rejected the transfer."""
    if attempt.outcome == "refused":
        decide = lambda head: relay_refused(head, attempt.codes, identity)  # noqa: E731
        delivery.react(connection, letter, decide, now, letter.receiver)


REACTIONS: Mapping[str, Reaction] = {"acceptProposal": relayed_proposal}

RENEWALS: Mapping[str, Renewal] = {}
