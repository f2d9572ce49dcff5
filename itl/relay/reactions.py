"""What follows from how a peer took a message, by operation, in the commit that records the attempt.

And what is written anew into a message each time it goes out. An operation that is in no table needs nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from itl.lifecycle.transaction import LogIdentity, relay_refused
from itl.messages import ProvideTimeRequest
from itl.store import delivery, time_comparisons
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


def asked_for_the_time(
    connection: Connection, letter: Letter, attempt: Attempt, _identity: LogIdentity, now: datetime
) -> None:
    """The reply holds the registry's time."""
    time_comparisons.note(connection, letter.topic, attempt, now)


def telling_the_time(message: ProvideTimeRequest, now: datetime) -> ProvideTimeRequest:
    """The log's time is that of the moment, however long the message waited."""
    return replace(message, itl_system_time=now)


REACTIONS: Mapping[str, Reaction] = {"acceptProposal": relayed_proposal, "provideTime": asked_for_the_time}

RENEWALS: Mapping[str, Renewal] = {"provideTime": telling_the_time}
