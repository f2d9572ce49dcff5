"""`registry conformance hub`: the tests of a hub from the command line."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable
from dataclasses import replace

from registry_client.conformance import profile as profiles
from registry_client.conformance.evidence import Evidence
from registry_client.conformance.hub.groups import GROUPS
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.operators import Commands
from registry_client.conformance.reports.console import ending, line
from registry_client.conformance.reports.machine import as_json
from registry_client.conformance.results import Outcome, Report, Result
from registry_client.conformance.running import carry_out, write
from registry_client.conformance.suite import Case, Group, chosen
from registry_client.errors import RegistryError

FAILED = 1


def run_hub(arguments: argparse.Namespace) -> int:
    """Exit code 0 if nothing wrong was found, else 1. RegistryError for a profile that cannot be followed."""
    cases = chosen_cases(GROUPS, arguments)
    if arguments.list:
        return list_cases(cases)
    profile = _profile(arguments)
    evidence = Evidence()
    asked = Commands(profile.operator, say if arguments.ask else None)
    with HubTester(profile, evidence, asked=asked) as tester:
        return reported(
            arguments,
            lambda tell: carry_out("hub", profile.url, who(arguments), cases, tester, evidence, tell),
        )


def chosen_cases(groups: tuple[Group[HubTester], ...], arguments: argparse.Namespace) -> list[Case[HubTester]]:
    cases = chosen(groups, arguments.only)
    if not cases:
        raise RegistryError(f"no test is called {' or '.join(arguments.only)}; --list shows them")
    return cases


def list_cases(cases: list[Case[HubTester]]) -> int:
    """The tests with what they cover."""
    for case in cases:
        covered = " ".join(each.identifier for each in case.requirements)
        print(f"{case.number:<16}{case.title} ({covered})")
    return 0


def who(arguments: argparse.Namespace) -> str:
    return str(arguments.tester or getpass.getuser())


def reported(arguments: argparse.Namespace, carried_out: Callable[[Callable[[Result], None]], Report]) -> int:
    """Carry out, and report as the arguments say."""

    def tell(result: Result) -> None:
        if not arguments.json:
            print(line(result), flush=True)

    report = carried_out(tell)
    write(report, {"json": arguments.json_file, "junit": arguments.junit, "html": arguments.html})
    print(as_json(report).decode() if arguments.json else ending(report), flush=True)
    return 0 if report.passed and report.summary[Outcome.PASSED] else FAILED


def say(text: str) -> None:
    print(f"-> please: {text}", file=sys.stderr, flush=True)


def _profile(arguments: argparse.Namespace) -> profiles.Profile:
    profile = profiles.load(arguments.profile) if arguments.profile else profiles.Profile()
    if arguments.url is not None:
        profile = replace(profile, url=arguments.url)
    if arguments.patience is not None:
        profile = replace(profile, patience=arguments.patience)
    if arguments.listen is not None:
        host, _, port = arguments.listen.rpartition(":")
        if not host or not port.isdecimal():
            raise RegistryError(f"--listen {arguments.listen}: write host and port, as 127.0.0.1:8090")
        profile = replace(profile, listen_host=host, listen_port=int(port))
    if arguments.sandbox is not None:
        profile = replace(profile, operator=profiles.for_sandbox(arguments.sandbox) | dict(profile.operator))
    return profile
