"""What an event makes of a reconciliation: one table of steps and events, with what follows from each as values.

The way: the registry is told of an instant ahead and confirms it; after the instant it is asked for its totals; where
they differ for the unit blocks of what differs, and where these differ for the transactions of the units in question.
What then is still unexplained wants an operator. The log says the end of it, and only that: real registries keep one
row per identifier and status, and take from a request which status was reached, so no status is told twice
(`docs/reconciliation`). A message that was perhaps received is not repeated: what is not answered in time is given up,
and begun anew under another identifier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from itl.checks.reconciliation import Answer
from itl.codes import ReconciliationStatus
from itl.errors import ConflictError
from itl.ledger.placement import Filter
from itl.lifecycle import reconciliation_messages as messages
from itl.lifecycle.reconciliation_events import (
    ONWARD,
    RUNNING,
    Asked,
    AuditTrailCompared,
    BeginsWith,
    Cancelled,
    Confirmed,
    Event,
    Outcome,
    Proven,
    Received,
    ReconciliationHead,
    Refused,
    Step,
    TimeUp,
    TotalsCompared,
    UnitBlocksCompared,
    Wanted,
)
from itl.lifecycle.sending import Send
from itl.lifecycle.transaction import LogIdentity

TOTALS_CODE, BLOCKS_CODE, TRAIL_CODE = 6301, 6302, 6303


@dataclass(frozen=True, slots=True)
class Progress:
    """What becomes of a reconciliation. A status of None stays as it was."""

    step: Step
    passed: tuple[int, ...] = ()
    """Statuses that it takes, one after the other; the last one stays."""
    sends: tuple[Send, ...] = ()
    due: timedelta | datetime | None = None
    """When somebody must look again: an instant, or a time from now; None: nobody must."""
    asked: Asked | None = None
    """What is asked for from now on, where that changes."""
    outcome: Outcome | None = None
    codes: tuple[int, ...] = ()
    detail: str | None = None
    begin_anew: bool = False
    """Another attempt, under another identifier."""
    proves: bool = False
    """Registry and log agree about every unit: earlier inconsistencies are settled."""

    @property
    def status(self) -> int | None:
        return self.passed[-1] if self.passed else None


def begin(head: ReconciliationHead, log: LogIdentity, now: datetime, *, may: bool) -> Progress:
    """The first step. `may`: the status of the registry lets it reconcile (check 1510)."""
    if not may:
        return Progress(
            Step.ENDED,
            (ReconciliationStatus.START_DENIED,),
            outcome=Outcome.DENIED,
            codes=(1510,),
            detail="the status of the registry does not let it reconcile",
        )
    expires = min(now + log.reconciliation.confirmation, head.snapshot_at)
    return Progress(Step.CONFIRMATION, sends=(messages.initiate(head, log, expires),), due=head.snapshot_at)


def decide(head: ReconciliationHead, event: Event, log: LogIdentity) -> Progress:
    """What `event` makes of the reconciliation; ConflictError where it cannot happen where that stands.

    What it makes of one that another log leads, the role of this log says.
    """
    table = TABLE if head.led_by is None else log.led
    decision: Decision | None = table.get((head.step, type(event)))
    if decision is None:
        raise ConflictError(f"{head.identifier} waits for {head.step}: {type(event).__name__} changes nothing there")
    return decision(head, event, log)


def _confirmed(head: ReconciliationHead, _event: Confirmed, log: LogIdentity) -> Progress:
    return Progress(Step.SNAPSHOT, (ReconciliationStatus.CONFIRMED,), due=head.snapshot_at + log.reconciliation.grace)


def _denied(_head: ReconciliationHead, event: Refused, _log: LogIdentity) -> Progress:
    return Progress(
        Step.ENDED,
        (ReconciliationStatus.START_DENIED,),
        outcome=Outcome.DENIED,
        codes=event.codes,
        detail="the registry refused to begin",
    )


def _not_confirmed(head: ReconciliationHead, _event: TimeUp, log: LogIdentity) -> Progress:
    return _given_up(head, Outcome.NOT_CONFIRMED, "the registry did not confirm before the snapshot", log)


def _snapshot_taken(head: ReconciliationHead, _event: TimeUp, log: LogIdentity) -> Progress:
    match head.begins_with:
        case BeginsWith.UNIT_BLOCKS:
            asking = _ask_blocks(head, head.asked.filters, log, ())
        case BeginsWith.AUDIT_TRAIL:
            asking = _ask_trail(head, head.asked, log, ())
        case _:
            send = messages.ask_totals(head, log)
            asking = Progress(Step.TOTALS, sends=(send,), due=log.reconciliation.totals)
    return replace(asking, passed=(ReconciliationStatus.INITIATED,))


def _refused(_head: ReconciliationHead, event: Refused, _log: LogIdentity) -> Progress:
    return Progress(
        Step.ENDED, outcome=Outcome.REFUSED, codes=event.codes, detail="the registry refused what it was asked for"
    )


def _totals_received(_head: ReconciliationHead, event: Received, _log: LogIdentity) -> Progress:
    return Progress(Step.COMPARING_TOTALS, due=timedelta(0), detail=event.detail)


def _totals_compared(head: ReconciliationHead, event: TotalsCompared, log: LogIdentity) -> Progress:
    if event.differing:
        by_type = event.by_account_type
        status = (
            ReconciliationStatus.TOTALS_BY_ACCOUNT_TYPE_INCONSISTENT
            if by_type
            else ReconciliationStatus.TOTALS_INCONSISTENT
        )
        filters = () if event.unsettled else event.differing
        asking = _ask_blocks(head, filters, log, (TOTALS_CODE,))
        return replace(asking, passed=(status,), codes=(TOTALS_CODE,), detail=event.detail)
    if event.unsettled:
        asking = _ask_blocks(head, (), log, ())
        why = "totals agree; earlier inconsistencies are open, so the unit blocks are looked at as well"
        return replace(asking, passed=(ReconciliationStatus.VALIDATED,), detail=why)
    return _completed(head, (ReconciliationStatus.VALIDATED,), log, event.detail, proves=True)


def _blocks_received(_head: ReconciliationHead, event: Received, log: LogIdentity) -> Progress:
    """Whole: compared at once. Less than the registry's own totals: waited for. Unknown: for a while."""
    if event.whole:
        return Progress(Step.COMPARING_UNIT_BLOCKS, due=timedelta(0), detail=event.detail)
    wait = log.reconciliation.parts if event.whole is None else log.reconciliation.unit_blocks
    return Progress(Step.UNIT_BLOCKS, due=wait, detail=event.detail)


def _blocks_late(head: ReconciliationHead, event: TimeUp, log: LogIdentity) -> Progress:
    if event.received:
        return Progress(Step.COMPARING_UNIT_BLOCKS, due=timedelta(0), detail=event.detail)
    return _given_up(head, Outcome.NOT_ANSWERED, "no unit blocks came in time", log)


def _blocks_compared(head: ReconciliationHead, event: UnitBlocksCompared, log: LogIdentity) -> Progress:
    if event.unexplained:
        asked = Asked(head.asked.filters, event.begin, event.end, event.unexplained[: messages.MOST_BLOCKS])
        asking = _ask_trail(head, asked, log, (BLOCKS_CODE,))
        status = ReconciliationStatus.UNIT_BLOCKS_INCONSISTENT
        return replace(asking, passed=(status,), codes=(BLOCKS_CODE,), detail=event.detail)
    everything = head.begins_with is BeginsWith.TOTALS or not head.asked.filters
    return _completed(head, (), log, event.detail, proves=everything)


def _trail_received(_head: ReconciliationHead, _event: Received, log: LogIdentity) -> Progress:
    return Progress(Step.AUDIT_TRAIL, due=log.reconciliation.parts)


def _trail_late(head: ReconciliationHead, event: TimeUp, log: LogIdentity) -> Progress:
    """Without a trail the inconsistency is no smaller: the operator is needed all the more."""
    if event.received:
        return Progress(Step.COMPARING_AUDIT_TRAIL, due=timedelta(0))
    if head.blocks_differed:
        return _intervene(head, (), log, "no audit trail came in time")
    return _given_up(head, Outcome.NOT_ANSWERED, "no audit trail came in time", log)


def _trail_refused(head: ReconciliationHead, event: Refused, log: LogIdentity) -> Progress:
    if head.blocks_differed:
        return _intervene(head, (), log, f"the registry refused its audit trail ({messages.said(event.codes)})")
    return _refused(head, event, log)


def _trail_compared(head: ReconciliationHead, event: AuditTrailCompared, log: LogIdentity) -> Progress:
    if head.blocks_differed or event.differing:
        return _intervene(head, (TRAIL_CODE,) if event.differing else (), log, event.detail)
    return _completed(head, (), log, event.detail, proves=False)


def _repaired(head: ReconciliationHead, event: Proven, log: LogIdentity) -> Progress:
    status = ReconciliationStatus.COMPLETED_WITH_MANUAL_INTERVENTION
    return Progress(
        Step.ENDED,
        (status,),
        (messages.result(head, log, status, ()),),
        outcome=Outcome.REPAIRED,
        detail=f"reconciliation {event.by} found registry and log to agree",
    )


def _cancelled(_head: ReconciliationHead, event: Cancelled, _log: LogIdentity) -> Progress:
    return Progress(Step.ENDED, outcome=Outcome.CANCELLED, detail=event.reason)


def _ask_blocks(
    head: ReconciliationHead,
    filters: tuple[Filter, ...],
    log: LogIdentity,
    codes: tuple[int, ...],
) -> Progress:
    send = messages.ask_blocks(head, log, filters, codes)
    return Progress(Step.UNIT_BLOCKS, sends=(send,), due=log.reconciliation.unit_blocks, asked=Asked(filters))


def _ask_trail(head: ReconciliationHead, asked: Asked, log: LogIdentity, codes: tuple[int, ...]) -> Progress:
    send = messages.ask_trail(head, log, asked, codes)
    return Progress(Step.AUDIT_TRAIL, sends=(send,), due=log.reconciliation.audit_trail, asked=asked)


def _completed(
    head: ReconciliationHead,
    passed: tuple[int, ...],
    log: LogIdentity,
    detail: str | None,
    *,
    proves: bool,
) -> Progress:
    told = messages.result(head, log, log.reconciliation.equal_status, ())
    statuses = (*passed, ReconciliationStatus.COMPLETED)
    return Progress(Step.ENDED, statuses, (told,), outcome=Outcome.CONSISTENT, detail=detail, proves=proves)


def _intervene(head: ReconciliationHead, more: Iterable[int], log: LogIdentity, detail: str | None) -> Progress:
    found = ((TOTALS_CODE, head.totals_differed), (BLOCKS_CODE, head.blocks_differed))
    codes = (*(code for code, differs in found if differs), *more)
    status = ReconciliationStatus.MANUAL_INTERVENTION_REQUIRED
    told = messages.result(head, log, status, codes)
    return Progress(Step.INTERVENTION, (status,), (told,), codes=codes, detail=detail)


def _given_up(head: ReconciliationHead, outcome: Outcome, detail: str, log: LogIdentity) -> Progress:
    return Progress(Step.ENDED, outcome=outcome, detail=detail, begin_anew=head.attempt < log.reconciliation.attempts)


def _totals_late(head: ReconciliationHead, _event: TimeUp, log: LogIdentity) -> Progress:
    return _given_up(head, Outcome.NOT_ANSWERED, "no totals came in time", log)


def _wanted(head: ReconciliationHead, event: Wanted, log: LogIdentity) -> Progress:
    """Asked for on behalf of a supplementary log: once, as ever, and whoever is told late is told nothing."""
    if event.kind in head.asked_for:
        raise ConflictError(f"{head.identifier}: {head.registry} was asked for its {event.kind} already")
    if event.kind is Answer.UNIT_BLOCKS:
        asking = _ask_blocks(head, event.asked.filters, log, ())
        return replace(asking, step=Step.UNIT_BLOCKS_ONWARD)
    asking = _ask_trail(head, replace(event.asked, filters=head.asked.filters), log, ())
    return replace(asking, step=Step.AUDIT_TRAIL_ONWARD)


def _blocks_received_onward(head: ReconciliationHead, event: Received, log: LogIdentity) -> Progress:
    if event.whole:
        return Progress(Step.ENDED, detail=event.detail)
    return replace(_blocks_received(head, event, log), step=Step.UNIT_BLOCKS_ONWARD)


def _trail_received_onward(head: ReconciliationHead, event: Received, log: LogIdentity) -> Progress:
    return replace(_trail_received(head, event, log), step=Step.AUDIT_TRAIL_ONWARD)


def _onward_late(_head: ReconciliationHead, event: TimeUp, _log: LogIdentity) -> Progress:
    return Progress(Step.ENDED, detail=event.detail if event.received else "nothing to pass on came in time")


def _onward_refused(_head: ReconciliationHead, event: Refused, _log: LogIdentity) -> Progress:
    return Progress(Step.ENDED, codes=event.codes, detail="the registry refused what was to be passed on")


Decision: TypeAlias = Callable[[ReconciliationHead, Any, LogIdentity], Progress]

TABLE: Mapping[tuple[Step, type], Decision] = {
    (Step.CONFIRMATION, Confirmed): _confirmed,
    (Step.CONFIRMATION, Refused): _denied,
    (Step.CONFIRMATION, TimeUp): _not_confirmed,
    (Step.SNAPSHOT, TimeUp): _snapshot_taken,
    (Step.TOTALS, Received): _totals_received,
    (Step.TOTALS, Refused): _refused,
    (Step.TOTALS, TimeUp): _totals_late,
    (Step.COMPARING_TOTALS, TotalsCompared): _totals_compared,
    (Step.UNIT_BLOCKS, Received): _blocks_received,
    (Step.UNIT_BLOCKS, Refused): _refused,
    (Step.UNIT_BLOCKS, TimeUp): _blocks_late,
    (Step.COMPARING_UNIT_BLOCKS, UnitBlocksCompared): _blocks_compared,
    (Step.AUDIT_TRAIL, Received): _trail_received,
    (Step.AUDIT_TRAIL, Refused): _trail_refused,
    (Step.AUDIT_TRAIL, TimeUp): _trail_late,
    (Step.COMPARING_AUDIT_TRAIL, AuditTrailCompared): _trail_compared,
    (Step.INTERVENTION, Proven): _repaired,
    **{(step, Cancelled): _cancelled for step in RUNNING | {Step.INTERVENTION}},
    (Step.ENDED, Wanted): _wanted,
    (Step.UNIT_BLOCKS_ONWARD, Received): _blocks_received_onward,
    (Step.AUDIT_TRAIL_ONWARD, Received): _trail_received_onward,
    **{(step, TimeUp): _onward_late for step in ONWARD},
    **{(step, Refused): _onward_refused for step in ONWARD},
}
"""Every event that can happen where a reconciliation stands. Timers do not ring while the log compares.

What is asked for after the end, and how that goes, changes neither status nor outcome."""
