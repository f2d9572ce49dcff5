"""A run for programs: JSON with everything, JUnit XML for build servers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

import msgspec

from registry_client.conformance.reports.coverage import coverage
from registry_client.conformance.results import Outcome, Report, Result


def as_json(report: Report) -> bytes:
    """`summary` first, then the run, then every result with requirements and evidence.

    `requirements` has the standing of each that binds the subject; `broken` are the identifiers of those that the peer
    does not keep, of the run and of each result.
    """
    built = {
        "summary": report.summary,
        "passed": report.passed,
        "broken": [each.identifier for each in report.broken],
        "subject": report.subject,
        "peer": report.peer,
        "tester": report.tester,
        "started_at": report.started_at,
        "seconds": round(report.seconds, 3),
        "versions": report.versions,
        "requirements": [
            {
                "id": each.requirement.identifier,
                "standing": each.standing,
                "tests": [result.number for result in each.results],
                "why": each.why,
            }
            for each in coverage(report)
        ],
        "results": [_result(result) for result in report.results],
    }
    return bytes(msgspec.json.format(msgspec.json.encode(built), indent=2))


def _result(result: Result) -> dict[str, Any]:
    return {
        "number": result.number,
        "group": result.group,
        "title": result.title,
        "outcome": result.outcome,
        "detail": result.detail,
        "started_at": result.started_at,
        "seconds": round(result.seconds, 3),
        "requirements": [
            {"id": each.identifier, "text": each.text, "source": each.source} for each in result.requirements
        ],
        "broken": [each.identifier for each in result.broken],
        "evidence": result.evidence,
    }


class ReadResult(msgspec.Struct, frozen=True):
    """What is read again of a result."""

    number: str
    group: str
    title: str
    outcome: Outcome


class ReadReport(msgspec.Struct, frozen=True):
    """What is read again of a report."""

    subject: str
    peer: str
    tester: str
    started_at: datetime
    results: tuple[ReadResult, ...]


def read(report: bytes) -> ReadReport:
    """A report that `as_json` has written; ValueError where it is none."""
    return msgspec.json.decode(report, type=ReadReport)


def as_junit(report: Report) -> bytes:
    """A test suite for each group; what is not applicable counts as skipped there."""
    root = Element("testsuites", name=f"{report.subject} {report.peer}", time=f"{report.seconds:.3f}")
    groups: dict[str, list[Result]] = {}
    for result in report.results:
        groups.setdefault(result.group, []).append(result)
    for title, results in groups.items():
        counted = {outcome: sum(result.outcome is outcome for result in results) for outcome in Outcome}
        suite = SubElement(
            root,
            "testsuite",
            name=title,
            tests=str(len(results)),
            failures=str(counted[Outcome.FAILED]),
            errors=str(counted[Outcome.ERROR]),
            skipped=str(counted[Outcome.SKIPPED] + counted[Outcome.NOT_APPLICABLE]),
            time=f"{sum(result.seconds for result in results):.3f}",
            timestamp=results[0].started_at.isoformat(timespec="seconds"),
        )
        for result in results:
            _case(suite, result)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


_TAGS = {
    Outcome.FAILED: "failure",
    Outcome.ERROR: "error",
    Outcome.SKIPPED: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
}


def _case(suite: Element, result: Result) -> None:
    case = SubElement(
        suite,
        "testcase",
        classname=result.group,
        name=f"{result.number} {result.title}",
        time=f"{result.seconds:.3f}",
    )
    if result.outcome in _TAGS:
        SubElement(case, _TAGS[result.outcome], message=result.detail).text = "\n".join(
            f"{each.identifier}: {each.text} [{each.source}]" for each in result.broken
        )
