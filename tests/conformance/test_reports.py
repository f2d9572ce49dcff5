"""The reports of a run: the same results for people and for programs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree, html

from registry_client.conformance.evidence import Evidence
from registry_client.conformance.reports.console import ending, line
from registry_client.conformance.reports.coverage import Standing, coverage
from registry_client.conformance.reports.outline import outline
from registry_client.conformance.reports.page import as_page
from registry_client.conformance.requirements import requirements
from registry_client.conformance.results import Exchange, Outcome, Report
from registry_client.conformance.running import carry_out, write
from registry_client.conformance.suite import Case, Failed, Group, NotApplicable, Skipped, breaking, chosen

AT = datetime(2012, 11, 22, 12, tzinfo=UTC)
HOSTILE = "<soap>a & b</soap>"


class Playing:
    """What the steps of these tests are made with."""

    def __init__(self) -> None:
        self.evidence = Evidence()


def passes(t: Playing) -> None:
    t.evidence.add(Exchange("GB", "ITL", "acceptProposal", AT, AT, HOSTILE, 200, "<script>alert(1)</script>"))


def fails(t: Playing) -> None:
    raise Failed("expected <2>, got 3")


def skips(t: Playing) -> None:
    raise Skipped("nobody to ask")


def does_not_apply(t: Playing) -> None:
    raise NotApplicable("no such units")


def breaks(t: Playing) -> None:
    raise KeyError("gone")


def says_it_of_a_message(t: Playing) -> None:
    t.evidence.fault("an array without its size", "SHAPE-REPLY")


STEPS: list[tuple[Callable[[Playing], None], Outcome, str]] = [
    (passes, Outcome.PASSED, ""),
    (fails, Outcome.FAILED, "expected <2>, got 3"),
    (skips, Outcome.SKIPPED, "nobody to ask"),
    (does_not_apply, Outcome.NOT_APPLICABLE, "no such units"),
    (breaks, Outcome.ERROR, "KeyError: 'gone'"),
    (says_it_of_a_message, Outcome.FAILED, "an array without its size"),
]


def cases() -> list[Case[Playing]]:
    group: Group[Playing] = Group("Issuance & more")
    for number, (steps, _, _) in enumerate(STEPS, 120):
        group.add(str(number), f"Test {number}", ("ISSUE-1",), steps)
    return group.cases


def report_of(cases: list[Case[Playing]]) -> Report:
    tester = Playing()
    return carry_out("hub", "http://hub.example/", "A. Tester", cases, tester, tester.evidence, lambda result: None)


def test_every_way_to_end_is_its_outcome() -> None:
    report = report_of(cases())
    assert [(each.outcome, each.detail) for each in report.results] == [each[1:] for each in STEPS]
    assert report.summary == {"passed": 1, "failed": 2, "skipped": 1, "not_applicable": 1, "error": 1}
    assert not report.passed


@pytest.mark.parametrize("steps", [fails, skips, breaks])
def test_what_rests_on_a_test_that_did_not_pass_is_skipped(steps: Callable[[Playing], None]) -> None:
    group: Group[Playing] = Group("Connection")
    group.add("100", "First", ("CONNECT-1",), steps, essential=True)
    group.add("101", "Second", ("CONNECT-1",), passes)
    last = report_of(group.cases).results[-1]
    assert (last.outcome, last.detail) == (Outcome.SKIPPED, "test 100 failed, on which this one rests")


def test_what_is_broken_is_what_the_failure_says_else_what_the_test_covers() -> None:
    report = report_of(cases())
    assert [[each.identifier for each in result.broken] for result in report.results] == [
        [],
        ["ISSUE-1"],
        [],
        [],
        [],
        ["SHAPE-REPLY"],
    ]
    assert [each.identifier for each in report.broken] == ["ISSUE-1", "SHAPE-REPLY"]


def test_steps_can_break_less_than_their_test_covers() -> None:
    def steps(t: Playing) -> None:
        with breaking("ONCE-1"):
            raise Failed("judged twice")

    def steps_that_know_better(t: Playing) -> None:
        with breaking("ONCE-1"):
            raise Failed("a fault", "CONNECT-1")

    group: Group[Playing] = Group("Sequence")
    for number, each in (("1", steps), ("2", steps_that_know_better)):
        group.add(number, "A repeat", ("SEQUENCE-ANSWER", "ONCE-1"), each)
    assert [[each.identifier for each in result.broken] for result in report_of(group.cases).results] == [
        ["ONCE-1"],
        ["CONNECT-1"],
    ]


def test_tests_are_chosen_by_patterns() -> None:
    group: Group[Playing] = Group("Issuance", cases())
    assert [case.number for case in chosen([group], ["12[01]", "125"])] == ["120", "121", "125"]
    assert len(chosen([group])) == len(STEPS)


def test_json_has_the_summary_the_requirements_and_the_evidence(tmp_path: Path) -> None:
    write(report_of(cases()), {"json": tmp_path / "r.json", "junit": None})
    read = json.loads((tmp_path / "r.json").read_text())
    assert read["summary"] == {"passed": 1, "failed": 2, "skipped": 1, "not_applicable": 1, "error": 1}
    first = read["results"][0]
    assert first["requirements"][0]["id"] == "ISSUE-1"
    assert first["requirements"][0]["text"]
    assert first["evidence"][0]["request"] == HOSTILE
    assert read["broken"] == ["ISSUE-1", "SHAPE-REPLY"]
    assert [each["broken"] for each in read["results"]][1] == ["ISSUE-1"]
    assert [each["outcome"] for each in read["results"]] == [outcome for _, outcome, _ in STEPS]


def test_junit_counts_as_build_servers_do(tmp_path: Path) -> None:
    write(report_of(cases()), {"junit": tmp_path / "r.xml"})
    root = etree.parse(str(tmp_path / "r.xml")).getroot()
    suite = root.find("testsuite")
    assert suite is not None
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["6", "2", "1", "2"]
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "expected <2>, got 3"


def test_the_page_needs_nothing_else_and_shows_messages_as_text(tmp_path: Path) -> None:
    write(report_of(cases()), {"html": tmp_path / "r.html"})
    text = (tmp_path / "r.html").read_text()
    page = html.fromstring(text)
    assert not page.xpath("//script | //link | //img | //iframe")
    assert "A. Tester" in text
    assert "Signatures" in text
    assert [cell.text_content() for cell in page.xpath("//tr[@id]/td[@class='outcome']")] == [
        "passed",
        "failed",
        "skipped",
        "not applicable",
        "error",
        "failed",
    ]
    assert any("alert(1)" in each.text_content() for each in page.xpath("//details//pre"))


def test_the_console_says_what_a_failure_breaks() -> None:
    report = report_of(cases())
    told = line(report.results[1])
    assert "FAILED" in told
    assert "ISSUE-1" in told
    assert "2 failed" in ending(report)
    assert "NOT in order; it does not keep ISSUE-1, SHAPE-REPLY" in ending(report)


def test_the_page_is_signed_before_the_tests_and_binds_the_evidence(tmp_path: Path) -> None:
    report = report_of(cases())
    write(report, {"html": tmp_path / "r.html", "json": tmp_path / "r.json"})
    text = (tmp_path / "r.html").read_text()
    assert text.index("Summary by group") < text.index("Signatures") < text.index("class='tests'")
    assert hashlib.sha256((tmp_path / "r.json").read_bytes()).hexdigest() in text
    summary = html.fromstring(text).xpath("//h2[text()='Summary by group']/following::table[1]//tr")[1]
    assert [cell.text_content() for cell in summary] == ["Issuance & more", "1", "2", "1", "1", "1"]


def test_every_requirement_of_the_subject_has_its_standing() -> None:
    group: Group[Playing] = Group("Any")
    for number, (requirement, steps) in enumerate(
        (("INFO-1", passes), ("INFO-1", skips), ("ISSUE-1", passes), ("ISSUE-1", fails), ("TIME-1", skips)), 100
    ):
        group.add(str(number), "Any", (requirement,), steps)
    found = {each.requirement.identifier: each for each in coverage(report_of(group.cases))}
    told = {
        name: (found[name].standing, [result.number for result in found[name].results], found[name].why)
        for name in ("INFO-1", "ISSUE-1", "TIME-1", "MESSAGE-1", "CHECK-1105")
    }
    why_not = requirements()["CHECK-1105"].untested
    assert told == {
        "INFO-1": (Standing.KEPT, ["100"], ""),
        "ISSUE-1": (Standing.BROKEN, ["103"], ""),
        "TIME-1": (Standing.UNTESTED, [], "nobody to ask"),
        "MESSAGE-1": (Standing.UNTESTED, [], "its tests were not chosen for this run"),
        "CHECK-1105": (Standing.UNTESTED, [], why_not),
    }
    assert not any(name.startswith("R-") for name in found)


ENVELOPE = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{}</e:Body></e:Envelope>'.format


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            ENVELOPE("<a:op xmlns:a='x'><from>GB</from><codes><item>1</item></codes></a:op>"),
            "op\n  from: GB\n  codes\n    item: 1",
        ),
        (ENVELOPE("<op><to href='#id1'/></op><m id='id1'>ITL</m>"), "op\n  to: see id1\nm (id1): ITL"),
        (
            ENVELOPE("<op><c xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='1'/><!-- no --><d/></op>"),
            "op\n  c: nil\n  d:",
        ),
        ("<html><body>no</body></html>", "<html><body>no</body></html>"),
        ("no XML", "no XML"),
    ],
    ids=["values", "references", "nil", "no SOAP", "no XML"],
)
def test_a_message_is_shown_by_its_values(message: str, shown: str) -> None:
    assert outline(message) == shown


def test_what_failed_is_shown_as_it_was_on_the_wire(tmp_path: Path) -> None:
    message = ENVELOPE("<op><from>GB</from></op>")

    def exchanged(t: Playing) -> None:
        t.evidence.add(Exchange("GB", "ITL", "op", AT, AT, message, None, "refused"))

    def exchanged_in_vain(t: Playing) -> None:
        exchanged(t)
        fails(t)

    shown = {}
    for steps in (exchanged, exchanged_in_vain):
        group: Group[Playing] = Group("Any")
        group.add("100", "Any", ("ISSUE-1",), steps)
        page = html.fromstring(as_page(report_of(group.cases)))
        shown[steps] = page.xpath("//details//pre")[0].text_content()
    assert shown[exchanged] == "op\n  from: GB"
    assert "<from>GB</from>" in shown[exchanged_in_vain]
