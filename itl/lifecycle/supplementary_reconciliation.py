"""The part of a supplementary log in a reconciliation: one table of steps and events, with what follows from each.

The log compares first. If registry and log agree, what the registry told is passed on, and the supplementary log says
whether it agrees as well (10, 11), or wants to see more (8 totals, 9 unit blocks are inconsistent). What it says never
changes what the log found: units it names are kept from transactions (4009), and the rest goes on. Other than a
registry, a log knows a repeat, so what it is told may arrive more than once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from itl.checks.reconciliation import Answer
from itl.codes import ReconciliationStatus
from itl.errors import ConflictError
from itl.ledger.placement import Filter
from itl.ledger.ranges import subtraction
from itl.lifecycle import reconciliation_messages as messages
from itl.lifecycle.reconciliation_events import Asked, Cancelled, Confirmed, ReconciliationHead, Refused, TimeUp
from itl.lifecycle.sending import Send
from itl.lifecycle.transaction import LogIdentity

TOO_LATE, NOT_ASKED = 6204, 6209

COMPLETED = frozenset({ReconciliationStatus.STL_COMPLETED, ReconciliationStatus.STL_COMPLETED_WITH_MANUAL_INTERVENTION})


class PartStep(StrEnum):
    """What is waited for."""

    CONFIRMATION = "confirmation"
    LOG = "the log's own result"
    TOTALS = "its result on totals"
    BLOCKS_WANTED = "unit blocks of the registry"
    UNIT_BLOCKS = "its result on unit blocks"
    TRAIL_WANTED = "audit trail of the registry"
    INTERVENTION = "intervention"
    ENDED = "ended"


class PartOutcome(StrEnum):
    """How it ended."""

    CONSISTENT = "consistent"
    REPAIRED = "repaired"
    """It had found inconsistencies, and says that they are settled."""
    DENIED = "denied"
    REFUSED = "refused"
    NOT_CONFIRMED = "not confirmed"
    NOT_ANSWERED = "not answered"
    NOT_PASSED_ON = "not passed on"
    """It wanted what the registry did not tell, or cannot be asked for again."""
    LOG_DIFFERS = "log differs"
    """Registry and log did not agree, or came to no result: there was nothing to pass on."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Part:
    """A supplementary log's part in one reconciliation, as far as decisions rest on it."""

    stl: str
    step: PartStep
    status: int | None = None
    asked: Asked = field(default_factory=Asked)
    """What it asked for last."""

    @property
    def is_open(self) -> bool:
        return self.step is not PartStep.ENDED

    @property
    def wants(self) -> Answer | None:
        """What of the registry it waits for."""
        return WANTED.get(self.step)


WANTED: Mapping[PartStep, Answer] = {
    PartStep.BLOCKS_WANTED: Answer.UNIT_BLOCKS,
    PartStep.TRAIL_WANTED: Answer.AUDIT_TRAIL,
}


@dataclass(frozen=True, slots=True)
class PartProgress:
    """What becomes of it. A status of None stays as it was."""

    step: PartStep
    status: int | None = None
    sends: tuple[Send, ...] = ()
    due: timedelta | datetime | None = None
    """When somebody must look again; None: another message, or an operator, brings it on."""
    asked: Asked | None = None
    outcome: PartOutcome | None = None
    codes: tuple[int, ...] = ()
    detail: str | None = None
    passes_on: Answer | None = None
    """What of the registry it is sent now."""
    lifts: bool = False
    """Units that it named are free again."""


# Events, beside those of a reconciliation -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogAgreed:
    """Registry and log agree."""


@dataclass(frozen=True, slots=True)
class LogEnded:
    """They do not, or the reconciliation came to no result. `status`: that of the log's own."""

    status: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """The supplementary log's result: 8 to 11."""

    status: int
    codes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AskedBlocks:
    """It wants the registry's unit blocks."""

    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class AskedTrail:
    """It names the units that differ, and wants their transactions."""

    asked: Asked


@dataclass(frozen=True, slots=True)
class AtHand:
    """What it wants has come from the registry, or was there."""


@dataclass(frozen=True, slots=True)
class Lacking:
    """What it wants cannot be had."""

    detail: str


PartEvent: TypeAlias = (
    Confirmed | Refused | TimeUp | Cancelled | LogAgreed | LogEnded | Said | AskedBlocks | AskedTrail | AtHand | Lacking
)


def begin(head: ReconciliationHead, stl: str, log: LogIdentity) -> PartProgress:
    """It hears of the same instant as the registry, under the same identifier."""
    told = messages.initiate(head, log, head.snapshot_at, stl)
    return PartProgress(PartStep.CONFIRMATION, sends=(told,), due=head.snapshot_at)


def decide(head: ReconciliationHead, part: Part, event: PartEvent, log: LogIdentity) -> PartProgress:
    """What `event` makes of `part`; ConflictError where it cannot happen where that stands."""
    decision = TABLE.get((part.step, type(event)))
    if decision is None or not _fits(part, event):
        raise ConflictError(f"{head.identifier}: {part.stl} stands at {part.step}; {event} changes nothing there")
    return decision(head, part, event, log)


def refusal(part: Part, event: PartEvent) -> int | None:
    """The code with which a message of the supplementary log is refused where it stands; None: it is taken."""
    if (part.step, type(event)) in TABLE and _fits(part, event):
        return None
    return NOT_ASKED if part.step in (PartStep.CONFIRMATION, PartStep.LOG) else TOO_LATE


def covers(head: ReconciliationHead, kind: Answer, wanted: Asked) -> bool:
    """Whether all that is `wanted` is in what the registry was asked for, in this very reconciliation."""
    told = head.asked
    if kind not in head.asked_for:
        return False
    if kind is Answer.UNIT_BLOCKS:
        return not told.filters or (
            bool(wanted.filters) and all(_within(each, told.filters) for each in wanted.filters)
        )
    if None in (told.begin, told.end, wanted.begin, wanted.end):
        return False
    in_time = told.begin <= wanted.begin and wanted.end <= told.end  # type: ignore[operator]
    return in_time and not (told.blocks and (not wanted.blocks or subtraction(wanted.blocks, told.blocks)))


def _within(one: Filter, others: tuple[Filter, ...]) -> bool:
    names = ("account_type", "account_period", "unit_type", "account_identifier")
    return any(all(getattr(each, name) in (None, getattr(one, name)) for name in names) for each in others)


def _fits(part: Part, event: PartEvent) -> bool:
    """Of what it says, 8 comes on totals and 9 on unit blocks, each once; 10 and 11 may come from then on."""
    if not isinstance(event, Said) or event.status in COMPLETED:
        return True
    expected = {
        PartStep.TOTALS: ReconciliationStatus.STL_TOTALS_INCONSISTENT,
        PartStep.UNIT_BLOCKS: ReconciliationStatus.STL_UNIT_BLOCKS_INCONSISTENT,
    }
    return event.status == expected.get(part.step) and event.status != part.status


def _confirmed(_head: ReconciliationHead, _part: Part, _event: Confirmed, _log: LogIdentity) -> PartProgress:
    return PartProgress(PartStep.LOG)


def _denied(_head: ReconciliationHead, _part: Part, event: Refused, _log: LogIdentity) -> PartProgress:
    return _ended(PartOutcome.DENIED, "it refused to begin", event.codes)


def _not_confirmed(_head: ReconciliationHead, _part: Part, _event: object, _log: LogIdentity) -> PartProgress:
    return _ended(PartOutcome.NOT_CONFIRMED, "it did not confirm before the snapshot")


def _log_agreed(_head: ReconciliationHead, _part: Part, _event: LogAgreed, log: LogIdentity) -> PartProgress:
    return PartProgress(PartStep.TOTALS, due=log.reconciliation.totals, passes_on=Answer.TOTALS)


def _log_ended(head: ReconciliationHead, part: Part, event: LogEnded, log: LogIdentity) -> PartProgress:
    """It need not wait for anything more; where the log's own has a result to tell, it hears that."""
    sends: tuple[Send, ...] = ()
    if event.status is not None:
        sends = (messages.pass_on(head, log, part.stl, messages.result(head, log, event.status, ()).message),)
    return PartProgress(
        PartStep.ENDED, sends=sends, outcome=PartOutcome.LOG_DIFFERS, detail="registry and log came to no agreement"
    )


def _said(_head: ReconciliationHead, part: Part, event: Said, log: LogIdentity) -> PartProgress:
    if event.status not in COMPLETED:
        waits = log.reconciliation.totals if part.step is PartStep.TOTALS else log.reconciliation.unit_blocks
        return PartProgress(part.step, event.status, due=waits, codes=event.codes)
    repaired = event.status == ReconciliationStatus.STL_COMPLETED_WITH_MANUAL_INTERVENTION
    outcome = PartOutcome.REPAIRED if repaired else PartOutcome.CONSISTENT
    return PartProgress(PartStep.ENDED, event.status, outcome=outcome, codes=event.codes, lifts=True)


def _asked_blocks(_head: ReconciliationHead, _part: Part, event: AskedBlocks, _log: LogIdentity) -> PartProgress:
    return PartProgress(PartStep.BLOCKS_WANTED, due=timedelta(0), asked=Asked(event.filters))


def _asked_trail(_head: ReconciliationHead, _part: Part, event: AskedTrail, _log: LogIdentity) -> PartProgress:
    return PartProgress(PartStep.TRAIL_WANTED, due=timedelta(0), asked=event.asked)


def _blocks_at_hand(_head: ReconciliationHead, _part: Part, _event: AtHand, log: LogIdentity) -> PartProgress:
    return PartProgress(PartStep.UNIT_BLOCKS, due=log.reconciliation.unit_blocks, passes_on=Answer.UNIT_BLOCKS)


def _blocks_lacking(_head: ReconciliationHead, _part: Part, event: Lacking, _log: LogIdentity) -> PartProgress:
    return _ended(PartOutcome.NOT_PASSED_ON, event.detail)


def _trail_at_hand(_head: ReconciliationHead, _part: Part, _event: AtHand, _log: LogIdentity) -> PartProgress:
    return PartProgress(PartStep.INTERVENTION, passes_on=Answer.AUDIT_TRAIL)


def _trail_lacking(_head: ReconciliationHead, _part: Part, event: Lacking, _log: LogIdentity) -> PartProgress:
    """Without a trail the inconsistency is no smaller."""
    return PartProgress(PartStep.INTERVENTION, detail=event.detail)


def _late(_head: ReconciliationHead, part: Part, _event: TimeUp, _log: LogIdentity) -> PartProgress:
    said = "it gave no result in time" if part.status is None else f"it said {part.status}, and no more in time"
    return _ended(PartOutcome.NOT_ANSWERED, said)


def _refused(_head: ReconciliationHead, _part: Part, event: Refused, _log: LogIdentity) -> PartProgress:
    return _ended(PartOutcome.REFUSED, "it refused what it was told", event.codes)


def _trail_refused(_head: ReconciliationHead, _part: Part, event: Refused, _log: LogIdentity) -> PartProgress:
    return PartProgress(PartStep.INTERVENTION, codes=event.codes, detail="it refused the audit trail")


def _cancelled(_head: ReconciliationHead, _part: Part, event: Cancelled, _log: LogIdentity) -> PartProgress:
    return _ended(PartOutcome.CANCELLED, event.reason)


def _ended(outcome: PartOutcome, detail: str, codes: tuple[int, ...] = ()) -> PartProgress:
    return PartProgress(PartStep.ENDED, outcome=outcome, codes=codes, detail=detail)


Decision: TypeAlias = Callable[[ReconciliationHead, Part, Any, LogIdentity], PartProgress]

AFTER_TOTALS = (
    PartStep.TOTALS,
    PartStep.BLOCKS_WANTED,
    PartStep.UNIT_BLOCKS,
    PartStep.TRAIL_WANTED,
    PartStep.INTERVENTION,
)

TABLE: Mapping[tuple[PartStep, type], Decision] = {
    (PartStep.CONFIRMATION, Confirmed): _confirmed,
    (PartStep.CONFIRMATION, Refused): _denied,
    (PartStep.CONFIRMATION, TimeUp): _not_confirmed,
    (PartStep.CONFIRMATION, LogAgreed): _not_confirmed,
    (PartStep.CONFIRMATION, LogEnded): _log_ended,
    (PartStep.LOG, LogAgreed): _log_agreed,
    (PartStep.LOG, LogEnded): _log_ended,
    (PartStep.TOTALS, AskedBlocks): _asked_blocks,
    (PartStep.TOTALS, Refused): _refused,
    (PartStep.TOTALS, TimeUp): _late,
    (PartStep.BLOCKS_WANTED, AtHand): _blocks_at_hand,
    (PartStep.BLOCKS_WANTED, Lacking): _blocks_lacking,
    (PartStep.UNIT_BLOCKS, AskedTrail): _asked_trail,
    (PartStep.UNIT_BLOCKS, Refused): _refused,
    (PartStep.UNIT_BLOCKS, TimeUp): _late,
    (PartStep.TRAIL_WANTED, AtHand): _trail_at_hand,
    (PartStep.TRAIL_WANTED, Lacking): _trail_lacking,
    (PartStep.INTERVENTION, Refused): _trail_refused,
    **{(step, Said): _said for step in AFTER_TOTALS},
    **{(step, Cancelled): _cancelled for step in PartStep if step is not PartStep.ENDED},
}
"""Every event that can happen where a part stands."""
