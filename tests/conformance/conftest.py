"""A right hub of this project, in this process, and a tester before it: one of each for all tests of this room."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from itl.cli.sandbox import HURRY, Sandbox, below, prepare, sandbox
from itl.settings import Settings
from itl.store.enrolment import SANDBOX_REGISTRIES
from registry_client.conformance.evidence import Evidence
from registry_client.conformance.hub.groups import GROUPS
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.profile import Profile
from registry_client.conformance.results import Outcome, Result
from registry_client.conformance.suite import chosen, run
from tests.conformance.faulty.hub import FaultyHub, Running, Wrong, running
from tests.conformance.people import by_command

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


@pytest.fixture(scope="package")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder: Path = tmp_path_factory.mktemp("hub")
    settings = Settings(database=f"sqlite:///{folder}/itl.db", port=0, **QUICK)  # type: ignore[arg-type]
    with sandbox(settings) as running:
        profile = Profile(url=running.url, listen_port=0, patience=10, lead=2, silence=0.3)
        with HubTester(profile, Evidence(), asked=by_command(settings.database)) as tester:
            prepare(settings, below(str(tester.address), SANDBOX_REGISTRIES))
            yield Bench(running, tester)


@pytest.fixture(scope="package")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the sandbox's parties."""
    file: Path = tmp_path_factory.mktemp("template") / "itl.db"
    prepare(Settings(database=f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="package")
def shared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A right hub, to be made wrong at the wire for a while."""
    with running(Wrong(), template, tmp_path_factory.mktemp("shared")) as hub:
        yield hub


Caught = Callable[[FaultyHub], None]


@pytest.fixture
def caught(template: Path, shared: Running, tmp_path: Path) -> Caught:
    """Says that the suite catches a faulty hub, and names what it breaks, and nothing else."""

    def results_of(faulty: FaultyHub) -> list[Result]:
        if faulty.alone:
            with running(faulty.made(), template, tmp_path, faulty.certificate) as hub:
                return hub.carry_out(faulty.tests, faulty.patience)
        shared.wrong = faulty.made()
        return shared.carry_out(faulty.tests, faulty.patience)

    def judge(faulty: FaultyHub) -> None:
        results = results_of(faulty)
        told = {each.number: (each.outcome.value, each.detail) for each in results}
        assert {each.identifier for result in results for each in result.broken} == set(faulty.breaks), told
        assert not [each for each in results if each.outcome is Outcome.ERROR], told
        assert any(re.search(faulty.says, each.detail) for each in results if each.outcome is Outcome.FAILED), told

    return judge
