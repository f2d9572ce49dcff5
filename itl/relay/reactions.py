"""What follows from how a peer took a message, by operation, in the commit that records the attempt.

And what is written anew into a message each time it goes out. An operation that is in no table needs nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from itl.lifecycle import supplementary_log
from itl.lifecycle.reconciliation_events import Confirmed, Event, Step
from itl.lifecycle.reconciliation_events import Refused as RequestRefused
from itl.lifecycle.sending import reconciliation_of
from itl.lifecycle.transaction import Asked, LogIdentity, TransactionHead, Transition, relay_refused
from itl.messages import ProvideTimeRequest
from itl.store import delivery, reconciliations, time_comparisons
from itl.store.delivery import Attempt, Letter

Reaction = Callable[[Connection, Letter, Attempt, LogIdentity, datetime], None]
"""Told of every attempt, of one that failed too (`Attempt.outcome`, `Attempt.is_final`)."""

Renewal = Callable[[Any, datetime], Any]
"""A message as it goes out now."""


def relayed_proposal(
    connection: Connection, letter: Letter, attempt: Attempt, identity: LogIdentity, now: datetime
) -> None:
    """Who refuses the relayed proposal in its reply has decided: an acquirer rejects, a supplementary log stops it."""

    def decide(head: TransactionHead, asked: Sequence[Asked]) -> Transition | None:
        if asked:
            return supplementary_log.refused(head, letter.receiver, attempt.codes, asked, identity)
        return relay_refused(head, attempt.codes, identity)

    if attempt.outcome == "refused":
        delivery.react(connection, letter, decide, now, letter.receiver)


def asked_for_the_time(
    connection: Connection, letter: Letter, attempt: Attempt, _identity: LogIdentity, now: datetime
) -> None:
    """The reply holds the registry's time."""
    time_comparisons.note(connection, letter.topic, attempt, now)


def reconciliation_begun(
    connection: Connection, letter: Letter, attempt: Attempt, identity: LogIdentity, now: datetime
) -> None:
    """The reply to the start of a reconciliation is all that the registry says to it."""
    if attempt.outcome in ("accepted", "refused"):
        event = Confirmed() if attempt.outcome == "accepted" else RequestRefused(attempt.codes)
        _carry_on(connection, letter, event, identity, now)


def asked_in_reconciliation(
    connection: Connection, letter: Letter, attempt: Attempt, identity: LogIdentity, now: datetime
) -> None:
    """What was asked for comes as a call of the registry, later; not where it refuses."""
    if attempt.outcome == "refused":
        _carry_on(connection, letter, RequestRefused(attempt.codes), identity, now)


def _carry_on(connection: Connection, letter: Letter, event: Event, identity: LogIdentity, now: datetime) -> None:
    """A reply that comes when the reconciliation has moved on, by its time-out or an operator, changes nothing."""
    identifier = reconciliation_of(letter.topic)
    found = None if identifier is None else reconciliations.find(connection, identifier, lock=True)
    if found is not None and found.head.step is ASKED_AT[letter.operation]:
        reconciliations.proceed(connection, found, event, identity, now, letter.receiver)


ASKED_AT: Mapping[str, Step] = {
    "initiateReconciliation": Step.CONFIRMATION,
    "provideTotals": Step.TOTALS,
    "provideUnitBlocks": Step.UNIT_BLOCKS,
    "provideAuditTrail": Step.AUDIT_TRAIL,
}
"""Where a reconciliation stands while the registry has not answered the operation."""


def telling_the_time(message: ProvideTimeRequest, now: datetime) -> ProvideTimeRequest:
    """The log's time is that of the moment, however long the message waited."""
    return replace(message, itl_system_time=now)


REACTIONS: Mapping[str, Reaction] = {
    "acceptProposal": relayed_proposal,
    "provideTime": asked_for_the_time,
    "initiateReconciliation": reconciliation_begun,
    "provideTotals": asked_in_reconciliation,
    "provideUnitBlocks": asked_in_reconciliation,
    "provideAuditTrail": asked_in_reconciliation,
}

RENEWALS: Mapping[str, Renewal] = {"provideTime": telling_the_time}
