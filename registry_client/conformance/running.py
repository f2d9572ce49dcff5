"""A run from beginning to end: the cases, one after the other, told as they end, and the reports written."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import itl
from itl.clock import Clock, system_clock
from registry_client.conformance.evidence import Evidence
from registry_client.conformance.reports.machine import as_json, as_junit
from registry_client.conformance.reports.page import as_page
from registry_client.conformance.results import Report, Result
from registry_client.conformance.suite import Case, run

Tester = TypeVar("Tester")

WRITERS: Mapping[str, Callable[[Report], bytes]] = {
    "json": as_json,
    "junit": as_junit,
    "html": lambda report: as_page(report).encode(),
}
"""The reports that are files, by the name of their option."""


def carry_out(
    subject: str,
    peer: str,
    who: str,
    cases: Iterable[Case[Tester]],
    tester: Tester,
    evidence: Evidence,
    tell: Callable[[Result], None],
    clock: Clock = system_clock,
) -> Report:
    """Run `cases`; `tell` hears each result as it comes. `subject` is what is tested: a hub, a registry."""
    started_at, started = clock(), time.monotonic()
    results = []
    for result in run(cases, tester, evidence, clock):
        results.append(result)
        tell(result)
    versions = {
        "Suite": f"open-itl {itl.__version__}",
        "Python": platform.python_version(),
        "System": platform.platform(terse=True),
    }
    return Report(subject, peer, who, started_at, time.monotonic() - started, versions, results)


def write(report: Report, files: Mapping[str, Path | None]) -> None:
    """Write the reports that have a file, by the names of `WRITERS`."""
    for name, file in files.items():
        if file is not None:
            file.write_bytes(WRITERS[name](report))
