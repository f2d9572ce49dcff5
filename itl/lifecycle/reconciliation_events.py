"""A reconciliation as values: where it stands, what can happen to it, and the practice that the log follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from itl.checks.reconciliation import Answer, Expected
from itl.codes import ReconciliationStatus
from itl.ledger.block import SerialRange
from itl.ledger.placement import Filter

TOTALS_DIFFER = frozenset(
    {ReconciliationStatus.TOTALS_INCONSISTENT, ReconciliationStatus.TOTALS_BY_ACCOUNT_TYPE_INCONSISTENT}
)


class BeginsWith(StrEnum):
    """What the registry is asked for first."""

    TOTALS = "totals"
    UNIT_BLOCKS = "unit blocks"
    AUDIT_TRAIL = "audit trail"


class Step(StrEnum):
    """What a reconciliation waits for."""

    CONFIRMATION = "confirmation"
    SNAPSHOT = "snapshot"
    TOTALS = "totals"
    COMPARING_TOTALS = "comparing totals"
    UNIT_BLOCKS = "unit blocks"
    COMPARING_UNIT_BLOCKS = "comparing unit blocks"
    AUDIT_TRAIL = "audit trail"
    COMPARING_AUDIT_TRAIL = "comparing audit trail"
    INTERVENTION = "intervention"
    ENDED = "ended"
    UNIT_BLOCKS_ONWARD = "unit blocks to pass on"
    AUDIT_TRAIL_ONWARD = "audit trail to pass on"
    """After both agreed: a supplementary log wants to see them (`supplementary_reconciliation`)."""


ONWARD = frozenset({Step.UNIT_BLOCKS_ONWARD, Step.AUDIT_TRAIL_ONWARD})
COMPARING = frozenset({Step.COMPARING_TOTALS, Step.COMPARING_UNIT_BLOCKS, Step.COMPARING_AUDIT_TRAIL})
ASKING = frozenset({Step.TOTALS, Step.UNIT_BLOCKS, Step.AUDIT_TRAIL})
RUNNING = frozenset(Step) - {Step.INTERVENTION, Step.ENDED} - ONWARD
ANSWERED_BY: Mapping[Step, Answer] = {
    Step.TOTALS: Answer.TOTALS,
    Step.UNIT_BLOCKS: Answer.UNIT_BLOCKS,
    Step.UNIT_BLOCKS_ONWARD: Answer.UNIT_BLOCKS,
    Step.AUDIT_TRAIL: Answer.AUDIT_TRAIL,
    Step.AUDIT_TRAIL_ONWARD: Answer.AUDIT_TRAIL,
}
"""Steps at which an answer is waited for, and of what kind."""


class Outcome(StrEnum):
    """How a reconciliation ended."""

    CONSISTENT = "consistent"
    REPAIRED = "repaired"
    """It had found inconsistencies, and one after it found none any more."""
    DENIED = "denied"
    """The registry may not reconcile, or did not want to."""
    REFUSED = "refused"
    """The registry refused what it was asked for on the way."""
    NOT_CONFIRMED = "not confirmed"
    NOT_ANSWERED = "not answered"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the registry is asked for beside totals."""

    filters: tuple[Filter, ...] = ()
    """Of unit blocks; none: all."""
    begin: datetime | None = None
    end: datetime | None = None
    """Period of the audit trail."""
    blocks: tuple[SerialRange, ...] = ()
    """Units whose transactions the audit trail is about."""


@dataclass(frozen=True, slots=True)
class Practice:
    """Times of a reconciliation, and what the settings say of it."""

    lead: timedelta = timedelta(minutes=15)
    """From the initiation to the instant of the snapshot."""
    grace: timedelta = timedelta(minutes=1)
    """From the instant until the registry is asked, since its clock may be behind."""
    confirmation: timedelta = timedelta(minutes=10)
    """How long the initiation is worth delivering; at most `lead`."""
    totals: timedelta = timedelta(hours=2)
    unit_blocks: timedelta = timedelta(hours=4)
    audit_trail: timedelta = timedelta(hours=4)
    """How long an answer of each phase is waited for."""
    parts: timedelta = timedelta(minutes=1)
    """How long more of an answer is waited for, where nothing says that it is whole."""
    attempts: int = 3
    equal_status: int = ReconciliationStatus.COMPLETED
    """What a registry is told that agrees with the log: 5 completed, or 2 validated."""


USUAL = Practice()


@dataclass(frozen=True, slots=True)
class ReconciliationHead:
    """A reconciliation, as far as decisions rest on it."""

    identifier: str
    registry: str
    begins_with: BeginsWith
    snapshot_at: datetime
    step: Step
    status: int | None = None
    by_account: bool = False
    attempt: int = 1
    asked: Asked = field(default_factory=Asked)
    passed: frozenset[int] = frozenset()
    """Every status that it has or had."""
    steps: frozenset[Step] = frozenset()
    """Every step that it is or was at."""
    led_by: str | None = None
    """The log that leads it, and to whom all is said; None: this one."""

    @property
    def peer(self) -> str:
        """Whom this log speaks with: the registry itself, or the log through which it hears of the registry."""
        return self.led_by or self.registry

    @property
    def asked_for(self) -> frozenset[Answer]:
        """The kinds of answer that were asked for so far: each can be asked for once."""
        return frozenset(ANSWERED_BY[step] for step in self.steps if step in ANSWERED_BY)

    @property
    def totals_differed(self) -> bool:
        return not TOTALS_DIFFER.isdisjoint(self.passed)

    @property
    def blocks_differed(self) -> bool:
        return ReconciliationStatus.UNIT_BLOCKS_INCONSISTENT in self.passed

    @property
    def expected(self) -> Expected:
        """As the checks at the door see it."""
        return Expected(
            registry=self.peer,
            snapshot_at=self.snapshot_at,
            asked=self.asked_for,
            awaited=ANSWERED_BY.get(self.step),
            filters=self.asked.filters,
            blocks=self.asked.blocks,
        )


# Events --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The registry took the initiation (result 1)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The registry refused, in its reply, what the log sent (result 0)."""

    codes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeUp:
    """The timer rang."""

    received: bool = False
    """Something of the answer that is being waited for has come."""
    detail: str | None = None
    """What is wanting of it."""


@dataclass(frozen=True, slots=True)
class Received:
    """An answer of the phase, or a part of it."""

    whole: bool | None = None
    """Whether it is all that was asked for; None: nothing says so."""
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class TotalsCompared:
    """`differing`: what to ask unit blocks for; none where the totals agree."""

    differing: tuple[Filter, ...] = ()
    by_account_type: bool = False
    """The sums of whole account types differ as well."""
    unsettled: bool = False
    """Earlier inconsistencies of the registry are open: equal totals are not enough."""
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class UnitBlocksCompared:
    """`unexplained`: units that differ for no transaction on its way, as many as an audit trail is asked about; and the
    period of that audit trail."""

    unexplained: tuple[SerialRange, ...] = ()
    begin: datetime | None = None
    end: datetime | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class AuditTrailCompared:
    """`differing`: transactions that one side alone has."""

    differing: int = 0
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """A later reconciliation found registry and log to agree."""

    by: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """An operator ends it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A supplementary log wants an answer of the registry that it has not been asked for yet."""

    kind: Answer
    asked: Asked


Event: TypeAlias = (
    Confirmed
    | Refused
    | TimeUp
    | Received
    | TotalsCompared
    | UnitBlocksCompared
    | AuditTrailCompared
    | Proven
    | Cancelled
    | Wanted
)
