"""What follows from how a peer took a message, by operation, in the commit that records the attempt.

And what is written anew into a message each time it goes out. An operation that is in no table needs nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from itl.lifecycle import supplementary_log
from itl.lifecycle.reconciliation_events import Confirmed, Step
from itl.lifecycle.reconciliation_events import Refused as RequestRefused
from itl.lifecycle.sending import reconciliation_of
from itl.lifecycle.supplementary_reconciliation import PartStep
from itl.lifecycle.transaction import Asked, LogIdentity, TransactionHead, Transition, relay_refused
from itl.messages import ProvideTimeRequest
from itl.store import delivery, reconciliations, supplementary_reconciliations, time_comparisons
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


def passed_on(connection: Connection, letter: Letter, attempt: Attempt, identity: LogIdentity, now: datetime) -> None:
    """What a registry answered goes to a supplementary log, which may refuse it."""
    if attempt.outcome == "refused":
        _carry_on(connection, letter, RequestRefused(attempt.codes), identity, now)


def _carry_on(
    connection: Connection, letter: Letter, event: Confirmed | RequestRefused, identity: LogIdentity, now: datetime
) -> None:
    """A reply that comes when the reconciliation has moved on, by its time-out or an operator, changes nothing."""
    identifier = reconciliation_of(letter.topic)
    found = None if identifier is None else reconciliations.find(connection, identifier, lock=True)
    if found is None:
        return
    if letter.receiver == found.head.peer:
        if found.head.step in ASKED_AT.get(letter.operation, ()):
            reconciliations.proceed(connection, found, event, identity, now, letter.receiver)
        return
    part = supplementary_reconciliations.part_of(connection, found.id, letter.receiver)
    if part is not None and part.step is PASSED_ON_AT.get(letter.operation):
        supplementary_reconciliations.proceed_part(
            connection, found.id, found.head, part, event, identity, now, letter.receiver
        )


ASKED_AT: Mapping[str, Collection[Step]] = {
    "initiateReconciliation": (Step.CONFIRMATION,),
    "provideTotals": (Step.TOTALS,),
    "provideUnitBlocks": (Step.UNIT_BLOCKS, Step.UNIT_BLOCKS_ONWARD),
    "provideAuditTrail": (Step.AUDIT_TRAIL, Step.AUDIT_TRAIL_ONWARD),
}
"""Where a reconciliation stands while its peer has not answered the operation."""

PASSED_ON_AT: Mapping[str, PartStep] = {
    "initiateReconciliation": PartStep.CONFIRMATION,
    "receiveTotals": PartStep.TOTALS,
    "receiveUnitBlocks": PartStep.UNIT_BLOCKS,
    "receiveAuditTrail": PartStep.INTERVENTION,
}
"""Where a supplementary log's part stands while it has not taken what it was told."""


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
    "receiveTotals": passed_on,
    "receiveUnitBlocks": passed_on,
    "receiveAuditTrail": passed_on,
}

RENEWALS: Mapping[str, Renewal] = {"provideTime": telling_the_time}
