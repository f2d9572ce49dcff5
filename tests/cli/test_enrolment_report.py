"""Which reports of the conformance suite show that a registry has passed its functional tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from itl.cli.enrolment_report import CATEGORIES, against, summary
from registry_client.conformance.reports.machine import as_json, read
from registry_client.conformance.results import Outcome, Report, Result

NOW = datetime(2014, 6, 1, tzinfo=UTC)
PLAN = [str(numbers.start) for numbers in CATEGORIES.values()]
PASSED, FAILED, ERROR, SKIPPED, NOT_APPLICABLE = (
    Outcome.PASSED,
    Outcome.FAILED,
    Outcome.ERROR,
    Outcome.SKIPPED,
    Outcome.NOT_APPLICABLE,
)


def report(otherwise: dict[str, Outcome | None] | None = None, **head: Any) -> bytes:
    """The JSON of a run in which every category of the plan has a test that passed, unless said otherwise; None: no
    such test."""
    outcomes = dict.fromkeys(PLAN, PASSED) | (otherwise or {})
    results = [
        Result(number, "a group", "a title", outcome, "", (), (), NOW, 0.1, ())
        for number, outcome in outcomes.items()
        if outcome is not None
    ]
    plain = {"subject": "registry", "peer": "GB", "tester": "ada", "started_at": NOW, "seconds": 1.0, "versions": {}}
    return as_json(Report(**{**plain, **head, "results": results}))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (report(), None),
        (report(peer="GB at https://gb.example/RegistryService"), None),
        (report(started_at=NOW - timedelta(days=90)), None),
        (report({"124": SKIPPED}), None),
        (report({"130": NOT_APPLICABLE, "190": NOT_APPLICABLE}), None),
        (report({"300": SKIPPED, "301/6": PASSED}), None),
        (report(subject="hub"), "about a hub, not about a registry"),
        (report(peer="FR"), "about FR, not about GB"),
        (report(peer="FR at https://registries.example/GB"), "not about GB"),
        (report(peer=""), "not about GB"),
        (report(started_at=NOW - timedelta(days=90, seconds=1)), "is of 2014-03-02; it may be 90 days old"),
        (report(started_at=NOW + timedelta(seconds=1)), "is of 2014-06-01"),
        (report({"124": FAILED}), "1 tests went wrong: 124 failed"),
        (report({"124": ERROR, "300/6": FAILED}), "2 tests went wrong: 124 error, 300/6 failed"),
        (report({"300": SKIPPED}), "nothing was tested of reconciliation"),
        (report(dict.fromkeys(PLAN)), "nothing was tested of communication, issuance"),
        (report(dict.fromkeys(PLAN, NOT_APPLICABLE)), "no test has passed"),
        *((report({number: None}), "nothing was tested of") for number in PLAN),
    ],
)
def test_what_shows_that_a_registry_has_passed(given: bytes, reason: str | None) -> None:
    found = against(read(given), "GB", NOW, 90)
    assert found is None if reason is None else reason in (found or "")


def test_a_report_in_words() -> None:
    told = summary(read(report({"124": SKIPPED, "130": NOT_APPLICABLE})))
    assert told == "conformance of GB, 2014-06-01, by ada: 10 passed, 1 skipped, 1 not applicable"


@pytest.mark.parametrize("spoilt", [b"", b"{}", b"<testsuites/>", report().replace(b"passed", b"fine")])
def test_what_is_no_report_is_not_read(spoilt: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read(spoilt)
