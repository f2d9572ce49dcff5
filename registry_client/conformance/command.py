"""`registry conformance hub` and `itl conformance registry`: the tests from the command line."""

from __future__ import annotations

import argparse
import getpass
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlsplit

from registry_client.conformance.evidence import Evidence
from registry_client.conformance.hub.groups import GROUPS as HUB_GROUPS
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.operators import Asked, Commands, Declined
from registry_client.conformance.playing import LetsIn
from registry_client.conformance.profile import Profile, for_sandbox, load
from registry_client.conformance.registry.groups import GROUPS as REGISTRY_GROUPS
from registry_client.conformance.registry.profile import Candidate
from registry_client.conformance.registry.simulator import by_commands, prepared
from registry_client.conformance.registry.tester import RegistryTester
from registry_client.conformance.reports.console import ending, line
from registry_client.conformance.reports.machine import as_json
from registry_client.conformance.results import Outcome, Report, Result
from registry_client.conformance.running import carry_out, write
from registry_client.conformance.suite import Case, Group, Skipped, chosen
from registry_client.errors import RegistryError

Tester = TypeVar("Tester")
Of = TypeVar("Of", Profile, Candidate)

_LOOK = 0.2
"""Seconds between two looks whether the peer is up."""

LEAD_OF_PEOPLE = 120.0
"""How far ahead a snapshot is set at least, in seconds, where a person begins the reconciliation."""

FAILED = 1


def run_hub(arguments: argparse.Namespace) -> int:
    """Exit code 0 if nothing wrong was found, else 1. RegistryError for a profile that cannot be followed."""
    cases = chosen_cases(HUB_GROUPS, arguments)
    if arguments.list:
        return list_cases(cases)
    profile = overridden(load(arguments.profile, Profile()) if arguments.profile else Profile(), arguments)
    if arguments.sandbox is not None:
        profile = replace(profile, operator=for_sandbox(arguments.sandbox) | dict(profile.operator))
    await_peer(profile)
    evidence = Evidence()
    with HubTester(profile, evidence, asked=people(profile, arguments)) as tester:
        return reported(
            arguments,
            lambda tell: carry_out("hub", profile.url, who(arguments), cases, tester, evidence, tell),
        )


def run_registry(arguments: argparse.Namespace, enrolled: Candidate, lets_in: LetsIn | None = None) -> int:
    """The same for a registry, of which is known what `enrolled` says; `lets_in` knows its user and password."""
    cases = chosen_cases(REGISTRY_GROUPS, arguments)
    if arguments.list:
        return list_cases(cases)
    profile = overridden(load(arguments.profile, enrolled) if arguments.profile else enrolled, arguments)
    profile = replace(profile, code=arguments.code)
    if arguments.enquiry is not None:
        profile = replace(profile, enquiry=arguments.enquiry)
    asked: Asked = people(profile, arguments)
    if arguments.simulator is not None:
        profile, asked = prepared(profile, arguments.simulator), by_commands(arguments.simulator, asked)
    await_peer(profile)
    evidence = Evidence()
    with RegistryTester(profile, evidence, asked=asked, lets_in=lets_in) as tester:
        peer = f"{profile.code} at {profile.url}"
        return reported(
            arguments,
            lambda tell: carry_out("registry", peer, who(arguments), cases, tester, evidence, tell),
        )


def overridden(profile: Of, arguments: argparse.Namespace) -> Of:
    """The profile with what the command line says in front."""
    given = {name: getattr(arguments, name) for name in ("url", "patience", "lead")}
    if arguments.listen is not None:
        host, _, port = arguments.listen.rpartition(":")
        if not host or not port.isdecimal():
            raise RegistryError(f"--listen {arguments.listen}: write host and port, as 127.0.0.1:8090")
        given |= {"listen_host": host, "listen_port": int(port)}
    if arguments.ask and arguments.lead is None:
        given["lead"] = max(profile.lead, LEAD_OF_PEOPLE)
    return replace(profile, **{name: value for name, value in given.items() if value is not None})


def await_peer(profile: Profile | Candidate) -> None:
    """Wait, as long as for a call, until somebody listens at the peer's address: it may just have been started."""
    address, deadline = urlsplit(profile.url), time.monotonic() + profile.patience
    port = address.port or (443 if address.scheme == "https" else 80)
    while time.monotonic() < deadline:
        try:
            socket.create_connection((address.hostname or "", port), timeout=profile.patience).close()
        except OSError:
            time.sleep(_LOOK)
        else:
            return


def people(profile: Profile | Candidate, arguments: argparse.Namespace) -> Commands:
    """Who begins what the peer has to begin."""
    return Commands(profile.operator, consult if arguments.ask else None)


def chosen_cases(groups: Sequence[Group[Tester]], arguments: argparse.Namespace) -> list[Case[Tester]]:
    cases = chosen(groups, arguments.only)
    if not cases:
        raise RegistryError(f"no test is called {' or '.join(arguments.only)}; --list shows them")
    return cases


def list_cases(cases: Sequence[Case[Tester]]) -> int:
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


def consult(text: str) -> None:
    """Tell a person what to do, and wait until it is done."""
    print(
        f"-> please: {text}\n   Enter when it is done, r if the peer refused it, s to skip it",
        file=sys.stderr,
        flush=True,
    )
    answer = sys.stdin.readline()
    if not answer:
        raise Skipped(f"nobody is there to be asked: {text}")
    match answer.strip().lower()[:1]:
        case "r":
            raise Declined(f"the peer refused it: {text}")
        case "s":
            raise Skipped(f"it was left out: {text}")
