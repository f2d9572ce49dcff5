"""A run as one page that needs nothing else: to be read, kept, printed and signed.

What passed is shown by its values, what did not as it was on the wire; the report in JSON has it all as it was.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from html import escape
from typing import Final

from registry_client.conformance.reports.coverage import Covered, Standing, coverage
from registry_client.conformance.reports.machine import as_json
from registry_client.conformance.reports.outline import laid_out, outline
from registry_client.conformance.results import Exchange, Outcome, Report, Result

_NAMES: Final = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.SKIPPED: "skipped",
    Outcome.NOT_APPLICABLE: "not applicable",
    Outcome.ERROR: "error",
}

_STYLE = """
:root { color-scheme: light; --line: #d5d9de; --muted: #5b6673; }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, "Segoe UI", "Liberation Sans", Arial, sans-serif; color: #1b232c; margin: 0 auto;
  max-width: 1080px; padding: 32px 24px 64px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 36px 0 8px; }
p { margin: 6px 0; } .muted { color: var(--muted); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 6px 10px; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--muted); font-size: 13px; }
td.number, th.number { white-space: nowrap; font-variant-numeric: tabular-nums; width: 9.5em; }
td.time, th.time { white-space: nowrap; text-align: right; width: 5em; font-variant-numeric: tabular-nums; }
td.outcome, th.outcome { width: 9em; }
td.count, th.count { text-align: right; width: 8em; font-variant-numeric: tabular-nums; }
.badge { display: inline-block; border-radius: 4px; padding: 1px 8px; font-size: 13px; font-weight: 600;
  white-space: nowrap; }
.passed { background: #dff3e4; color: #14532d; } .failed { background: #fde0e0; color: #8a1111; }
.error { background: #fbe3c6; color: #7a3b00; } .skipped, .not_applicable { background: #eceff2; color: #414b57; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; margin: 14px 0; }
.facts dt { color: var(--muted); } .facts dd { margin: 0; overflow-wrap: anywhere; }
.sum { display: flex; gap: 12px; flex-wrap: wrap; margin: 18px 0 6px; }
.sum div { border: 1px solid var(--line); border-radius: 6px; padding: 8px 16px; min-width: 112px; }
.sum b { display: block; font-size: 24px; } .verdict { font-size: 17px; font-weight: 600; }
.detail { margin: 4px 0; color: #8a1111; overflow-wrap: anywhere; } .why { margin: 4px 0; color: var(--muted); }
details { margin: 4px 0; } summary { cursor: pointer; color: #1d4f91; font-size: 13px; }
ul.required { margin: 4px 0 4px 18px; padding: 0; font-size: 13px; color: var(--muted); }
.exchange { border-left: 3px solid var(--line); margin: 8px 0 12px; padding-left: 10px; }
.exchange p { font-size: 13px; }
pre { background: #f5f7f9; border: 1px solid var(--line); padding: 8px; font: 12px/1.4 ui-monospace, "DejaVu Sans Mono",
  monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: 4px 0; max-height: 28em; overflow: auto; }
.sign { display: grid; grid-template-columns: 1fr 1fr; gap: 40px 48px; margin-top: 28px; }
.sign div { border-top: 1px solid #1b232c; padding-top: 4px; font-size: 13px; margin-top: 44px; }
@page { margin: 14mm 15mm; }
@media print { body { padding: 0; max-width: none; font-size: 11px; } h1 { font-size: 18px; }
  h2 { font-size: 13px; margin: 16px 0 4px; break-after: avoid; } th, summary, .badge, .exchange p { font-size: 10px; }
  th, td { padding: 2px 8px; } .facts { margin: 8px 0; gap: 0 14px; } .sum b { font-size: 16px; }
  .sum div { padding: 4px 12px; } .badge, .sum div { border: 1px solid #888; } details { margin: 0; }
  details > *:not(summary) { display: none; } summary { color: var(--muted); list-style: none; }
  tr, .sign, .sum { break-inside: avoid; } tr:first-child { break-after: avoid; }
  .sign { margin-top: 0; gap: 8px 48px; } .sign div { margin-top: 34px; } .tests { break-before: page; } }
"""


def as_page(report: Report) -> str:
    """The page as HTML."""
    title = f"Conformance of {report.subject} {report.peer}"
    parts = [
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        "<p class='muted'>Tests of annex H of the data exchange standards, and those of the suite (from 400 on)</p>",
        *_facts(report),
        *_summary(report),
        *_groups(report),
        *_open_points(report),
        *_signatures(report),
    ]
    parts.append(
        "<div class='tests'><p class='muted'>Messages are shown by their values where a test passed, and as they "
    )
    parts.append("were on the wire where it did not.</p>")
    for group in _titles(report):
        parts += _group(group, [result for result in report.results if result.group == group])
    parts += [*_requirements(report), "</div></body></html>"]
    return "".join(parts)


def _facts(report: Report) -> Iterator[str]:
    told = {
        f"{report.subject.capitalize()} tested": report.peer,
        "Tested by": report.tester,
        "Begun": _time(report.started_at),
        "Duration": f"{report.seconds:.0f} seconds",
        **report.versions,
        "Evidence": f"SHA-256 {hashlib.sha256(as_json(report)).hexdigest()} of the report in JSON, which has every "
        "message as it was on the wire",
    }
    yield "<dl class='facts'>"
    for name, value in told.items():
        yield f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
    yield "</dl>"


def _summary(report: Report) -> Iterator[str]:
    failed = report.summary[Outcome.FAILED] + report.summary[Outcome.ERROR]
    left = report.summary[Outcome.SKIPPED]
    said = "Nothing wrong was found." if report.passed else f"{failed} of {len(report.results)} tests did not pass."
    if left:
        said += f" {left} could not be carried out."
    yield f"<p class='verdict'>{said}</p><div class='sum'>"
    for name, number in report.summary.items():
        yield f"<div><b>{number}</b><span class='badge {name}'>{_NAMES[Outcome(name)]}</span></div>"
    yield f"</div><p>Of the requirements of a {report.subject}: {_standings(coverage(report))}.</p>"


def _titles(report: Report) -> list[str]:
    return list(dict.fromkeys(result.group for result in report.results))


def _groups(report: Report) -> Iterator[str]:
    yield "<h2>Summary by group</h2><table><tr><th>Group</th>"
    yield "".join(f"<th class='count'>{_NAMES[outcome]}</th>" for outcome in Outcome) + "</tr>"
    for title in _titles(report):
        counted = Counter(result.outcome for result in report.results if result.group == title)
        yield f"<tr><td>{escape(title)}</td>"
        yield "".join(f"<td class='count'>{counted[outcome] or ''}</td>" for outcome in Outcome) + "</tr>"
    yield "</table>"


def _requirements(report: Report) -> Iterator[str]:
    listed = coverage(report)
    yield f"<h2>Requirements: {_standings(listed)}</h2><table><tr><th class='number'>Requirement</th>"
    yield "<th>What it asks for</th><th class='outcome'>Standing</th></tr>"
    for each in listed:
        links = " ".join(map(_link, each.results)) or escape(each.why)
        kind = {Standing.KEPT: "passed", Standing.BROKEN: "failed"}.get(each.standing, "skipped")
        yield f"<tr><td class='number'>{escape(each.requirement.identifier)}</td><td>{escape(each.requirement.text)} "
        yield f"<i>({escape(each.requirement.source)})</i><p class='why'>{links}</p></td>"
        yield f"<td class='outcome'><span class='badge {kind}'>{each.standing}</span></td></tr>"
    yield "</table>"


def _standings(listed: Sequence[Covered]) -> str:
    counted = Counter(each.standing for each in listed)
    return ", ".join(f"{counted[standing]} {standing}" for standing in Standing)


def _open_points(report: Report) -> Iterator[str]:
    wrong = [result for result in report.results if result.outcome in (Outcome.FAILED, Outcome.ERROR)]
    if wrong:
        yield from _broken(report)
        yield "<h2>What did not pass</h2><table><tr><th class='number'>Test</th><th>What happened</th></tr>"
        for result in wrong:
            yield f"<tr><td class='number'>{_link(result)}</td><td>{escape(result.title)}"
            yield f"<p class='detail'>{escape(result.detail)}</p></td></tr>"
        yield "</table>"


def _broken(report: Report) -> Iterator[str]:
    if report.broken:
        yield "<h2>Requirements that are not kept</h2><table><tr><th class='number'>Requirement</th>"
        yield "<th>What it asks for</th><th class='outcome'>Tests</th></tr>"
        for each in report.broken:
            links = " ".join(_link(result) for result in report.results if each in result.broken)
            yield f"<tr><td class='number'>{escape(each.identifier)}</td><td>{escape(each.text)} "
            yield f"<i>({escape(each.source)})</i></td><td class='outcome'>{links}</td></tr>"
        yield "</table>"


def _group(title: str, results: Iterable[Result]) -> Iterator[str]:
    yield f"<h2>{escape(title)}</h2><table><tr><th class='number'>Test</th><th>What is tested</th>"
    yield "<th class='outcome'>Outcome</th><th class='time'>Time</th></tr>"
    for result in results:
        yield f"<tr id='{escape(_anchor(result))}'><td class='number'>{escape(result.number)}</td>"
        yield f"<td>{escape(result.title)}"
        if result.detail:
            kind = "detail" if result.outcome in (Outcome.FAILED, Outcome.ERROR) else "why"
            yield f"<p class='{kind}'>{escape(result.detail)}</p>"
        yield from _folded(result)
        yield f"</td><td class='outcome'><span class='badge {result.outcome}'>{_NAMES[result.outcome]}</span></td>"
        yield f"<td class='time'>{result.seconds:.2f} s</td></tr>"
    yield "</table>"


def _folded(result: Result) -> Iterator[str]:
    yield f"<details><summary>requirements {len(result.requirements)}, messages {len(result.evidence)}</summary>"
    yield "<ul class='required'>"
    for each in result.requirements:
        yield f"<li><b>{escape(each.identifier)}</b> {escape(each.text)} <i>({escape(each.source)})</i></li>"
    yield "</ul>"
    for number, exchange in enumerate(result.evidence, 1):
        yield from _exchange(number, exchange, outline if result.outcome is Outcome.PASSED else laid_out)
    yield "</details>"


def _exchange(number: int, exchange: Exchange, shown: Callable[[str], str]) -> Iterator[str]:
    took = (exchange.answered_at - exchange.sent_at).total_seconds() * 1000
    status = "no answer" if exchange.status is None else f"HTTP {exchange.status}"
    head = f"{number}. {exchange.operation}, {exchange.sender} to {exchange.receiver}, {_time(exchange.sent_at)}"
    yield f"<div class='exchange'><p><b>{escape(head)}</b>, {status} after {took:.0f} ms</p>"
    yield f"<pre>{escape(shown(exchange.request))}</pre><pre>{escape(shown(exchange.reply))}</pre></div>"


def _signatures(report: Report) -> Iterator[str]:
    yield "<h2>Signatures</h2><p>The tests were carried out as stated above, and the results are as shown.</p>"
    yield "<div class='sign'>"
    for who in (f"Tester: {report.tester}", f"For the {report.subject} {report.peer}"):
        yield f"<div>{escape(who)}</div><div>Place and date</div>"
    yield "</div>"


def _link(result: Result) -> str:
    return f"<a href='#{escape(_anchor(result))}'>{escape(result.number)}</a>"


def _anchor(result: Result) -> str:
    return f"t{result.number.replace('/', '-')}"


def _time(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", " UTC")
