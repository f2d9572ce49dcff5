"""What a run says of each requirement of its subject: kept, not kept, or not tested, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from registry_client.conformance.requirements import Requirement, Subject, requirements
from registry_client.conformance.results import Outcome, Report, Result


class Standing(StrEnum):
    KEPT = "kept"
    BROKEN = "not kept"
    UNTESTED = "not tested"


@dataclass(frozen=True, slots=True)
class Covered:
    """A requirement with the tests that say so; `why` it was not tested, else empty."""

    requirement: Requirement
    standing: Standing
    results: tuple[Result, ...]
    why: str = ""


def coverage(report: Report) -> list[Covered]:
    """Every requirement of the subject of a run, in the order of the list."""
    return [_covered(report, each) for each in requirements().values() if each.subject is Subject(report.subject)]


def _covered(report: Report, requirement: Requirement) -> Covered:
    breaking = tuple(result for result in report.results if requirement in result.broken)
    if breaking:
        return Covered(requirement, Standing.BROKEN, breaking)
    covering = tuple(result for result in report.results if requirement in result.requirements)
    passed = tuple(result for result in covering if result.outcome is Outcome.PASSED)
    if passed:
        return Covered(requirement, Standing.KEPT, passed)
    reasons = [result.detail for result in covering if result.detail]
    why = requirement.untested or (reasons[0] if reasons else "its tests were not chosen for this run")
    return Covered(requirement, Standing.UNTESTED, (), why)
