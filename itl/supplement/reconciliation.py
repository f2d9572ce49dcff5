"""What an event makes of a reconciliation that the transaction log leads: as of one's own, but it is said to that log.

It hears of the registry from the log alone, and tells it what it finds: 8 totals and 9 unit blocks are inconsistent,
10 it agrees, 11 it agrees now, after an intervention. It begins nothing anew: the log begins, and has asked elsewhere
what does not come here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from itl.codes import ReconciliationStatus
from itl.ledger.placement import Filter
from itl.lifecycle import reconciliation_messages as messages
from itl.lifecycle.reconciliation import (
    BLOCKS_CODE,
    TABLE,
    TOTALS_CODE,
    TRAIL_CODE,
    Decision,
    Progress,
)
from itl.lifecycle.reconciliation_events import (
    Asked,
    AuditTrailCompared,
    Cancelled,
    Outcome,
    Proven,
    Received,
    ReconciliationHead,
    Refused,
    Step,
    TimeUp,
    TotalsCompared,
    UnitBlocksCompared,
)
from itl.lifecycle.sending import Send
from itl.lifecycle.transaction import LogIdentity

_S = ReconciliationStatus


def waits_until(snapshot_at: datetime, own: LogIdentity) -> datetime:
    """How long the registry's totals are waited for: the log compares first, and may need all three phases."""
    practice = own.reconciliation
    return snapshot_at + practice.totals + practice.unit_blocks + practice.audit_trail


def _no_totals(_head: ReconciliationHead, _event: TimeUp, _own: LogIdentity) -> Progress:
    return _not_answered("no totals came in time")


def _totals_compared(head: ReconciliationHead, event: TotalsCompared, own: LogIdentity) -> Progress:
    if event.differing:
        codes = (TOTALS_CODE,)
        filters = () if event.unsettled else event.differing
        asking = _ask_blocks(head, filters, own, codes, _say(head, own, _S.STL_TOTALS_INCONSISTENT, codes))
        return replace(asking, passed=(_S.STL_TOTALS_INCONSISTENT,), codes=codes, detail=event.detail)
    if event.unsettled:
        why = "totals agree; earlier inconsistencies are open, so the unit blocks are looked at as well"
        return replace(_ask_blocks(head, (), own, ()), detail=why)
    return _agreed(head, own, event.detail)


def _ask_blocks(
    head: ReconciliationHead, filters: tuple[Filter, ...], own: LogIdentity, codes: tuple[int, ...], *before: Send
) -> Progress:
    """The log may have to ask the registry first, and waits for that as long as it does."""
    send = messages.ask_blocks(head, own, filters, codes)
    due = 2 * own.reconciliation.unit_blocks
    return Progress(Step.UNIT_BLOCKS, sends=(*before, send), due=due, asked=Asked(filters))


def _blocks_late(_head: ReconciliationHead, event: TimeUp, _own: LogIdentity) -> Progress:
    if event.received:
        return Progress(Step.COMPARING_UNIT_BLOCKS, due=timedelta(0), detail=event.detail)
    return _not_answered("no unit blocks came in time")


def _blocks_compared(head: ReconciliationHead, event: UnitBlocksCompared, own: LogIdentity) -> Progress:
    if not event.unexplained:
        return _agreed(head, own, event.detail)
    codes = (BLOCKS_CODE,)
    named = event.unexplained[: messages.MOST_BLOCKS]
    asked = Asked(head.asked.filters, event.begin, event.end, named)
    sends = _say(head, own, _S.STL_UNIT_BLOCKS_INCONSISTENT, codes), messages.ask_trail(head, own, asked, codes)
    return Progress(
        Step.AUDIT_TRAIL,
        (_S.STL_UNIT_BLOCKS_INCONSISTENT,),
        sends,
        due=2 * own.reconciliation.audit_trail,
        asked=asked,
        codes=codes,
        detail=event.detail,
    )


def _trail_late(_head: ReconciliationHead, event: TimeUp, _own: LogIdentity) -> Progress:
    if event.received:
        return Progress(Step.COMPARING_AUDIT_TRAIL, due=timedelta(0))
    return Progress(Step.INTERVENTION, detail="no audit trail came in time")


def _trail_refused(_head: ReconciliationHead, event: Refused, _own: LogIdentity) -> Progress:
    return Progress(Step.INTERVENTION, codes=event.codes, detail="the log refused the audit trail")


def _trail_compared(_head: ReconciliationHead, event: AuditTrailCompared, _own: LogIdentity) -> Progress:
    """Even an equal audit trail explains no unit: an operator is needed."""
    return Progress(Step.INTERVENTION, codes=(TRAIL_CODE,) if event.differing else (), detail=event.detail)


def _repaired(head: ReconciliationHead, event: Proven, own: LogIdentity) -> Progress:
    status = _S.STL_COMPLETED_WITH_MANUAL_INTERVENTION
    told = _say(head, own, status)
    why = f"reconciliation {event.by} found the registry and this log to agree"
    return Progress(Step.ENDED, (status,), (told,), outcome=Outcome.REPAIRED, detail=why)


def _agreed(head: ReconciliationHead, own: LogIdentity, detail: str | None) -> Progress:
    status = _S.STL_COMPLETED
    told = _say(head, own, status)
    return Progress(Step.ENDED, (status,), (told,), outcome=Outcome.CONSISTENT, detail=detail, proves=True)


def _say(head: ReconciliationHead, own: LogIdentity, status: int, codes: tuple[int, ...] = ()) -> Send:
    return messages.result(head, own, status, codes)


def _not_answered(detail: str) -> Progress:
    return Progress(Step.ENDED, outcome=Outcome.NOT_ANSWERED, detail=detail)


_OWN = (
    (Step.TOTALS, Received),
    (Step.UNIT_BLOCKS, Received),
    (Step.UNIT_BLOCKS, Refused),
    (Step.AUDIT_TRAIL, Received),
    *(key for key in TABLE if key[1] is Cancelled and key[0] not in (Step.CONFIRMATION, Step.SNAPSHOT)),
)
"""What goes as in a reconciliation of one's own."""

LED: Mapping[tuple[Step, type], Decision] = {
    **{key: TABLE[key] for key in _OWN},
    (Step.TOTALS, TimeUp): _no_totals,
    (Step.COMPARING_TOTALS, TotalsCompared): _totals_compared,
    (Step.UNIT_BLOCKS, TimeUp): _blocks_late,
    (Step.COMPARING_UNIT_BLOCKS, UnitBlocksCompared): _blocks_compared,
    (Step.AUDIT_TRAIL, TimeUp): _trail_late,
    (Step.AUDIT_TRAIL, Refused): _trail_refused,
    (Step.COMPARING_AUDIT_TRAIL, AuditTrailCompared): _trail_compared,
    (Step.INTERVENTION, Proven): _repaired,
}
"""Every event that can happen where such a reconciliation stands."""
