"""A registry's way to production: the steps as data, what may be recorded of each, and how far the registry has come.

The steps are those of an initialization (FCCC/SBSTA/2004/12 para. 28(b)): technical network, tests of transactions and
reconciliation, people, reference data, evaluation of documents. Nothing is ever changed: a later entry about the same
thing takes the place of an earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from itl.lifecycle.persons import is_same_person
from itl.reference import Stage


class Evidence(StrEnum):
    """Where the evidence of a step comes from."""

    STATED = "stated"
    """Whoever records the step says what shows it, in words; a file's digest may stand beside them."""
    CERTIFICATE = "certificate"
    REFERENCE_DATA = "reference data"
    MESSAGES = "messages"
    RECONCILIATION = "reconciliation"
    """The log looks these up in its own records."""
    REPORT = "report"
    """The report of a run of the conformance suite."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. With `items` it is done when each of them is, and recorded by them; they map names to what is meant."""

    name: str
    wants: str
    evidence: Evidence = Evidence.STATED
    presupposes: tuple[str, ...] = ()
    items: Mapping[str, str] | None = None
    is_received: bool = False
    """Whether an item is received before it is assessed."""
    waivable: bool = True


CONTACTS = {
    "administrator": "who answers for the registry: name, address, telephone, mail",
    "technical-contact": "who mends its connection and its software, at any hour",
    "security-contact": "who is told of keys that are lost and of attacks",
}

DOCUMENTS = {
    "backup-plan": "back-up of database and application",
    "recovery-plan": "recovery after a disaster",
    "security-plan": "security of systems, keys and people",
    "logging": "what the application logs, and for how long it is kept",
    "time-validation": "how its clocks are kept",
    "change-management": "how versions of its software are changed",
    "test-report": "plan and report of its own tests",
    "operational-plan": "operation: people, hours, support",
}
"""What a registry hands in before its independent assessment. The standard's own list was not found: this one is a
recollection of the readiness documents, and is corrected here."""

GO_LIVE = "go-live"

_ALL = (
    Step("details", "who stands behind the registry", items=CONTACTS, waivable=False),
    Step(
        "certificate",
        "a client certificate that is enrolled and valid",
        Evidence.CERTIFICATE,
        presupposes=("details",),
    ),
    Step(
        "reference-data",
        "of a Party, the assigned amount of a commitment period",
        Evidence.REFERENCE_DATA,
        presupposes=("details",),
    ),
    Step(
        "documents",
        "each document received and assessed",
        presupposes=("details",),
        items=DOCUMENTS,
        is_received=True,
    ),
    Step(
        "connection",
        "a message from the registry that was accepted, and an answer of its own with a clock that is right",
        Evidence.MESSAGES,
        presupposes=("certificate",),
    ),
    Step(
        "functional",
        "a report of the conformance suite, run in the test environment, that finds nothing wrong",
        Evidence.REPORT,
        presupposes=("details",),
    ),
    Step(
        "reconciliation",
        "a first reconciliation that ended without a difference",
        Evidence.RECONCILIATION,
        presupposes=("connection", "reference-data"),
    ),
)
STEPS: Mapping[str, Step] = {
    step.name: step
    for step in (
        *_ALL,
        Step(GO_LIVE, "whose decision it is", presupposes=tuple(step.name for step in _ALL), waivable=False),
    )
}
"""Every step, in the order in which they are gone through. The last presupposes all others."""

CONNECTS_WITH = ("details", "certificate")
"""What must be done before anything is taken from the registry, or sent to it."""


class Result(StrEnum):
    """What an entry says of a step, or of one of its items."""

    RECEIVED = "received"
    PASSED = "passed"
    FAILED = "failed"
    WAIVER = "waiver"
    """One person asks to do without it; nothing has changed yet."""
    WAIVED = "waived"
    """And another agrees."""


DONE = frozenset({Result.PASSED, Result.WAIVED})


@dataclass(frozen=True, slots=True)
class Entry:
    """What was recorded of a step, or of one of its items: by whom, when, and what shows it."""

    step: str
    item: str | None
    result: Result
    by: str
    at: datetime
    evidence: str
    digest: bytes | None = None
    """SHA-256 of the file that shows it."""

    @property
    def place(self) -> Place:
        return self.step, self.item


Place = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Procedure:
    """How far a registry has come: what stands of each step or item, and which waivers wait for a second person."""

    standing: Mapping[Place, Entry]
    waivers: Mapping[Place, Entry]

    def is_done(self, step: Step) -> bool:
        return not self.missing(step)

    def missing(self, step: Step) -> list[Place]:
        """What of a step is not passed or waived: its items, or the step itself."""
        return [
            place for place in places(step) if (entry := self.standing.get(place)) is None or entry.result not in DONE
        ]

    @property
    def stage(self) -> Stage:
        """What follows for the registry. What is found after the go-live changes nothing until that itself fails."""
        if self.is_done(STEPS[GO_LIVE]):
            return Stage.LIVE
        connects = all(self.is_done(STEPS[name]) for name in CONNECTS_WITH)
        return Stage.CONNECTING if connects else Stage.PREPARING

    @property
    def next_steps(self) -> list[Step]:
        """The steps that are open, and presuppose nothing that is open."""
        return [
            step
            for step in STEPS.values()
            if not self.is_done(step) and all(self.is_done(STEPS[name]) for name in step.presupposes)
        ]


def places(step: Step) -> list[Place]:
    """What is recorded of a step."""
    return [(step.name, None)] if step.items is None else [(step.name, item) for item in step.items]


def follow(entries: Iterable[Entry]) -> Procedure:
    """Where the entries, in the order in which they were recorded, have led."""
    standing: dict[Place, Entry] = {}
    waivers: dict[Place, Entry] = {}
    for entry in entries:
        if entry.result is Result.WAIVER:
            waivers[entry.place] = entry
        else:
            standing[entry.place] = entry
            waivers.pop(entry.place, None)
    return Procedure(standing, waivers)


def against(procedure: Procedure, entry: Entry) -> str | None:
    """Why an entry may not be recorded now, in words; None where it may."""
    step = STEPS.get(entry.step)
    if step is None:
        return f"there is no step {entry.step}; there are {', '.join(STEPS)}"
    if entry.place not in places(step):
        return f"{step.name} is recorded by its items: {', '.join(step.items)}" if step.items else _no_item(step)
    match entry.result:
        case Result.RECEIVED:
            return None if step.is_received else f"{step.name} is passed or failed, not received"
        case Result.PASSED:
            return _against_passing(procedure, step, entry)
        case Result.WAIVER | Result.WAIVED:
            return _against_waiving(procedure, step, entry)
        case Result.FAILED:
            return None


def _no_item(step: Step) -> str:
    return f"{step.name} has no items"


def _against_passing(procedure: Procedure, step: Step, entry: Entry) -> str | None:
    open_ones = [name for name in step.presupposes if not procedure.is_done(STEPS[name])]
    if open_ones:
        return f"{step.name} presupposes what is not passed yet: {', '.join(open_ones)}"
    last = procedure.standing.get(entry.place)
    if step.is_received and (last is None or last.result is Result.FAILED):
        return f"{entry.item} was not received yet; what is assessed is received first"
    return None


def _against_waiving(procedure: Procedure, step: Step, entry: Entry) -> str | None:
    if not step.waivable:
        return f"nobody can do without {step.name}"
    asked = procedure.waivers.get(entry.place)
    if entry.result is Result.WAIVED and asked is None:
        return f"nobody has asked to do without {step.name}"
    if asked is not None and is_same_person(asked.by, entry.by):
        return f"{asked.by} has asked for it already; let another person look at it and agree"
    return None
