"""Tests as data, and the running of them: one after the other, each with its evidence and its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Generic, TypeVar

import structlog

from itl.clock import Clock, system_clock
from registry_client.conformance.evidence import Evidence
from registry_client.conformance.requirements import Requirement, requirements
from registry_client.conformance.results import Outcome, Result

Tester = TypeVar("Tester")
"""What the steps of a test are made with: who plays the other side."""

_log = structlog.get_logger(__name__)


class Failed(Exception):  # noqa: N818 - the three are outcomes, and read as such
    """The peer did not do what a requirement asks for; the message says what was expected, and what came.

    `breaks` are the identifiers of the requirements that this breaks; without any, all that the test covers.
    """

    def __init__(self, message: str, *breaks: str) -> None:
        super().__init__(message)
        self.breaks = breaks


@contextmanager
def breaking(*requirements: str) -> Iterator[None]:
    """Steps that break these requirements if they fail, unless they say themselves which."""
    try:
        yield
    except Failed as failure:
        failure.breaks = failure.breaks or requirements
        raise


class Skipped(Exception):  # noqa: N818
    """The test cannot be carried out here; the message says what it would take."""


class NotApplicable(Exception):  # noqa: N818
    """What the test is about does not exist with this peer."""


@dataclass(frozen=True, slots=True)
class Case(Generic[Tester]):
    """One test. Of `essential` ones the others rest on: if one fails, the rest is skipped."""

    number: str
    group: str
    title: str
    requirements: tuple[Requirement, ...]
    steps: Callable[[Tester], None]
    essential: bool = False


@dataclass(slots=True)
class Group(Generic[Tester]):
    """A category of annex H with its tests; `case` adds one."""

    title: str
    cases: list[Case[Tester]] = field(default_factory=list)

    def case(
        self, number: str, title: str, *required: str, essential: bool = False
    ) -> Callable[[Callable[[Tester], None]], Callable[[Tester], None]]:
        """Make a function of the tester a test; `required` are the identifiers of what it covers."""

        def added(steps: Callable[[Tester], None]) -> Callable[[Tester], None]:
            self.add(number, title, required, steps, essential=essential)
            return steps

        return added

    def add(
        self,
        number: str,
        title: str,
        required: Iterable[str],
        steps: Callable[[Tester], None],
        *,
        essential: bool = False,
    ) -> None:
        """The same without a decorator, for tests that stand in tables."""
        listed = requirements()
        covered = tuple(listed[identifier] for identifier in required)
        self.cases.append(Case(number, self.title, title, covered, steps, essential))


def chosen(groups: Iterable[Group[Tester]], only: Sequence[str] = ()) -> list[Case[Tester]]:
    """The cases of `groups` whose number fits one of the patterns of `only` (`12*`, `123/5003`); all without any."""
    return [
        case
        for group in groups
        for case in group.cases
        if not only or any(fnmatchcase(case.number, pattern) for pattern in only)
    ]


def run(
    cases: Iterable[Case[Tester]], tester: Tester, evidence: Evidence, clock: Clock = system_clock
) -> Iterator[Result]:
    """The results of `cases`, as they come."""
    broken: str | None = None
    for case in cases:
        outcome, detail = Outcome.SKIPPED, f"test {broken} failed, on which this one rests"
        breaks: tuple[Requirement, ...] = ()
        started_at, started = clock(), time.monotonic()
        evidence.begin()
        if broken is None:
            outcome, detail, breaks = _judged(case, tester, evidence)
        if case.essential and outcome is not Outcome.PASSED and broken is None:
            broken = case.number
        yield Result(
            case.number,
            case.group,
            case.title,
            outcome,
            detail,
            case.requirements,
            breaks,
            started_at,
            time.monotonic() - started,
            evidence.end(),
        )


def _judged(case: Case[Any], tester: Any, evidence: Evidence) -> tuple[Outcome, str, tuple[Requirement, ...]]:
    """What became of a test, and what is broken. What is wrong with any message of it counts, whatever it looks for."""
    found: list[tuple[str, tuple[str, ...]]] = []
    try:
        case.steps(tester)
    except Failed as failure:
        found = [(str(failure), failure.breaks)]
    except Skipped as reason:
        return Outcome.SKIPPED, str(reason), ()
    except NotApplicable as reason:
        return Outcome.NOT_APPLICABLE, str(reason), ()
    except Exception as error:
        _log.exception("the tester failed")
        return Outcome.ERROR, f"{type(error).__name__}: {error}", ()
    found += evidence.faults()
    if not found:
        return Outcome.PASSED, "", ()
    covered = tuple(each.identifier for each in case.requirements)
    broken = dict.fromkeys(identifier for _, breaks in found for identifier in breaks or covered)
    listed = requirements()
    return Outcome.FAILED, "; ".join(text for text, _ in found), tuple(listed[identifier] for identifier in broken)
