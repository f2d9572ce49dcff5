"""What a code is, put together for people: its catalogue row, the function behind it, its samples."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from itl.checks import door, inconsistency, judge, reconciliation, sequence  # noqa: F401 (each registers its checks)
from itl.checks.catalogue import JudgedBy, Row, catalogue
from itl.checks.engine import FUNCTIONS, Outcome
from itl.checks.override import PLAIN, Override
from itl.checks.sample import Sample, samples
from itl.errors import UsageError


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known about a code. Function, doc and source are None where no function stands in this program."""

    row: Row
    function: str | None
    """Its dotted name."""
    doc: str | None
    source: str | None
    samples: tuple[Sample, ...]
    told: int
    """The number that it is told as outside."""
    off: bool = False
    """Whether the local override file switches it off."""

    @property
    def implemented(self) -> bool:
        """Whether this log judges it, here or while it reads and records the message."""
        return self.function is not None or self.row.judged in (JudgedBy.WIRE, JudgedBy.STORE)

    @property
    def reason(self) -> str:
        """Why it is not judged by a function here: off, waiting, or judged elsewhere; empty if it is."""
        if self.off:
            return "switched off by the local override file"
        if self.function is not None:
            return ""
        return self.row.planned or f"judged elsewhere: {self.row.judged.value}"


def explain(code: int, override: Override = PLAIN) -> Explanation:
    """The explanation of `code`, as it is told outside; UsageError for one that the catalogue does not have."""
    row = catalogue().get(override.canonical(code))
    if row is None:
        raise UsageError(f"the catalogue of checks has no code {code}: list the catalogue for those it has")
    function = FUNCTIONS.get(row.code)
    return Explanation(
        row=row,
        function=f"{function.__module__}.{function.__qualname__}" if function else None,
        doc=inspect.getdoc(function) if function else None,
        source=inspect.getsource(function) if function else None,
        samples=samples(row.code),
        told=override.told(row.code),
        off=row.code in override.off,
    )


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far a code is implemented, and shown by samples."""

    code: int
    """As it is told outside."""
    implemented: bool
    samples_pass: int
    samples_fail: int
    evidence: str
    reason: str
    """`Explanation.reason`."""


def coverage(override: Override = PLAIN) -> tuple[Coverage, ...]:
    """A row for every code of the catalogue, in its order."""
    return tuple(_coverage(explain(override.told(code), override)) for code in catalogue())


def _coverage(explanation: Explanation) -> Coverage:
    outcomes = [sample.outcome for sample in explanation.samples]
    return Coverage(
        code=explanation.told,
        implemented=explanation.implemented,
        samples_pass=outcomes.count(Outcome.PASSED),
        samples_fail=outcomes.count(Outcome.FAILED),
        evidence=explanation.row.evidence,
        reason="" if explanation.row.judged in (JudgedBy.WIRE, JudgedBy.STORE) else explanation.reason,
    )
