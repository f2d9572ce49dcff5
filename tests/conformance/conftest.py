"""A right hub of this project, in this process, and a tester before it: one of each for all tests of this room."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from itl.cli.main import main
from itl.cli.sandbox import HURRY, Sandbox, below, prepare, sandbox
from itl.settings import Settings
from itl.store.enrolment import SANDBOX_REGISTRIES
from registry_client.conformance.evidence import Evidence
from registry_client.conformance.hub.groups import GROUPS
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.operators import Asked
from registry_client.conformance.profile import Profile, for_sandbox
from registry_client.conformance.results import Result
from registry_client.conformance.suite import chosen, run

QUICK = HURRY | {
    "retry_first": 0.2,
    "reconciliation_lead": 2.0,
    "reconciliation_grace": 0.0,
    "reconciliation_parts_wait": 1.0,
}


@dataclass(frozen=True, slots=True)
class Bench:
    """A hub under test, and the tester that plays registries before it."""

    running: Sandbox
    tester: HubTester

    def carry_out(self, *only: str) -> list[Result]:
        """The results of the tests with these numbers; of all without any."""
        return list(run(chosen(GROUPS, only), self.tester, self.tester.evidence))


def by_command(database: str) -> Asked:
    """The operator of a sandbox: the commands that the suite has for one, in this process."""
    commands = for_sandbox(database)

    def ask(action: str, values: Mapping[str, str]) -> None:
        words = [word.format(**values) for word in shlex.split(commands[action])]
        assert main(words[1:]) == 0

    return ask


@pytest.fixture(scope="package")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder: Path = tmp_path_factory.mktemp("hub")
    settings = Settings(database=f"sqlite:///{folder}/itl.db", port=0, **QUICK)  # type: ignore[arg-type]
    with sandbox(settings) as running:
        profile = Profile(url=running.url, listen_port=0, patience=10, lead=2)
        with HubTester(profile, Evidence(), asked=by_command(settings.database)) as tester:
            prepare(settings, below(str(tester.address), SANDBOX_REGISTRIES))
            yield Bench(running, tester)
