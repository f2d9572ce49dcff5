"""A run on a console: a line for each test as it ends, and a summary."""

from __future__ import annotations

from registry_client.conformance.results import Outcome, Report, Result

SIGNS = {
    Outcome.PASSED: "ok",
    Outcome.FAILED: "FAILED",
    Outcome.SKIPPED: "skipped",
    Outcome.NOT_APPLICABLE: "n/a",
    Outcome.ERROR: "ERROR",
}


def line(result: Result) -> str:
    """One test; below it, why it did not pass, and what that breaks."""
    first = f"{result.number:<16}{SIGNS[result.outcome]:<8} {result.seconds:6.2f} s  {result.title}"
    if result.outcome is Outcome.PASSED:
        return first
    lines = [first, f"{'':16}{result.detail}"]
    lines += [f"{'':16}{each.identifier}: {each.text} [{each.source}]" for each in result.broken]
    return "\n".join(lines)


def ending(report: Report) -> str:
    """The summary."""
    counted = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in report.summary.items())
    verdict = "nothing wrong was found" if report.passed else "NOT in order"
    broken = ", ".join(each.identifier for each in report.broken)
    named = f"; it does not keep {broken}" if broken else ""
    return f"{report.subject} {report.peer}: {counted} in {report.seconds:.0f} s; {verdict}{named}"
