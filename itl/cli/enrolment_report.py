"""Whether a report of the conformance suite shows that a registry has passed its functional tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from registry_client.conformance.reports.machine import ReadReport, ReadResult
from registry_client.conformance.results import Outcome

CATEGORIES: Mapping[str, range] = {
    "communication": range(100, 110),
    "issuance": range(120, 130),
    "conversion": range(130, 140),
    "internal transfer": range(140, 150),
    "external transfer": range(150, 160),
    "cancellation": range(160, 170),
    "retirement": range(170, 180),
    "carry-over": range(180, 190),
    "replacement": range(190, 200),
    "expiry date change": range(200, 210),
    "reconciliation": range(300, 400),
}
"""Categories of the standard's test plan (annex H) by the numbers of their tests. Access to web sites and the retrieval
of information (110 to 117) are the log's matter."""

_WRONG = frozenset({Outcome.FAILED, Outcome.ERROR})
_SOUND = frozenset({Outcome.PASSED, Outcome.NOT_APPLICABLE})


def against(report: ReadReport, registry: str, now: datetime, most_days: int) -> str | None:
    """Why the report does not show it, in words; None where it does. Its peer is a registry's code, and an address."""
    if report.subject != "registry":
        return f"it is a report about a {report.subject}, not about a registry"
    if report.peer.split()[:1] != [registry]:
        return f"it is about {report.peer}, not about {registry}"
    if not now - timedelta(days=most_days) <= report.started_at <= now:
        return f"it is of {report.started_at:%Y-%m-%d}; it may be {most_days} days old at most"
    wrong = [f"{each.number} {each.outcome}" for each in report.results if each.outcome in _WRONG]
    if wrong:
        return f"{len(wrong)} tests went wrong: {', '.join(wrong)}"
    untested = [name for name, numbers in CATEGORIES.items() if not _is_tested(report, numbers)]
    if untested:
        return f"nothing was tested of {', '.join(untested)}"
    if not any(each.outcome is Outcome.PASSED for each in report.results):
        return "no test has passed"
    return None


def summary(report: ReadReport) -> str:
    """The report in words."""
    counted = {outcome: sum(each.outcome is outcome for each in report.results) for outcome in Outcome}
    told = ", ".join(f"{number} {outcome.replace('_', ' ')}" for outcome, number in counted.items() if number)
    return f"conformance of {report.peer}, {report.started_at:%Y-%m-%d}, by {report.tester}: {told}"


def _is_tested(report: ReadReport, numbers: range) -> bool:
    """A test of the category passed, or it is not for this registry; skipping all of them is no test."""
    return any(each.outcome in _SOUND and _number(each) in numbers for each in report.results)


def _number(result: ReadResult) -> int:
    found = re.match(r"\d+", result.number)
    return int(found[0]) if found else 0
