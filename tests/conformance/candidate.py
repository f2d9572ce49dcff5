"""A right registry of this project in this process, and a tester before it that plays the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from wsgiref.types import WSGIApplication

from registry_client.conformance.evidence import Evidence
from registry_client.conformance.operators import Commands
from registry_client.conformance.playing import Access, Party, endpoint
from registry_client.conformance.registry.groups import GROUPS
from registry_client.conformance.registry.profile import Accounts, Candidate
from registry_client.conformance.registry.simulator import by_commands
from registry_client.conformance.registry.tester import RegistryTester
from registry_client.conformance.results import Result
from registry_client.conformance.suite import chosen, run
from registry_client.endpoint import application
from registry_client.faults import Misbehaviour
from registry_client.identifiers import AccountNumber
from registry_client.plans import Plan
from registry_client.registry import Registry
from registry_client.simulator import running
from tests.conformance.faulty.hub import Wrong, at_the_door

QUICK = Candidate(listen_port=0, scheme=True, patience=10, silence=0.15, lead=0.15)
"""As patient as a registry in the same process needs it."""


@dataclass(frozen=True, slots=True)
class Stand:
    """A registry under test, and the tester that plays the log before it."""

    tester: RegistryTester
    database: Path
    registry: Registry

    def carry_out(self, *only: str) -> list[Result]:
        """The results of the tests with these numbers; of all without any."""
        return list(run(chosen(GROUPS, only), self.tester, self.tester.evidence))


@contextmanager
def _at_the_wire(wrong: Wrong | None) -> Iterator[None]:
    """Registries that begin now answer as `wrong` has it."""
    if wrong is None:
        yield
        return

    def wrongly(registry: Registry, **how: Any) -> WSGIApplication:
        return at_the_door(application(registry, **how), lambda: wrong)

    with patch("registry_client.simulator.application", wrongly):
        yield


@contextmanager
def _as_it_calls(calling: Wrong | None) -> Iterator[None]:
    """A log that is played now is called as `calling` has it."""
    if calling is None:
        yield
        return

    def wrongly_called(parties: Iterable[Party]) -> WSGIApplication:
        return at_the_door(endpoint(parties), lambda: calling)

    with patch("registry_client.conformance.registry.tester.endpoint", wrongly_called):
        yield


@contextmanager
def stand(
    folder: Path,
    code: str = "GB",
    *,
    enquiry: float = 0.5,
    misbehave: tuple[Misbehaviour, ...] = (),
    slowness: float = 30,
    wrong: Wrong | None = None,
    calling: Wrong | None = None,
) -> Iterator[Stand]:
    """The registry `code`, which commits faults on request, and asks the log after `enquiry` seconds of silence."""
    database = folder / f"{code.lower()}.db"
    second = AccountNumber(code, 121, 2001)
    profile = replace(
        QUICK,
        code=code,
        enquiry=enquiry,
        accounts=Accounts(second=None if code == "CDM" else str(second)),
        access=Access(user="itl", password="itl", called_by=(code.lower(), code.lower())),
    )
    with (
        _as_it_calls(calling),
        RegistryTester(profile, Evidence(), asked=by_commands(str(database), Commands())) as tester,
    ):
        plan = Plan(
            code=code,
            hub=str(tester.address),
            database=database,
            user=code.lower(),
            password=code.lower(),
            hub_user="itl",
            hub_password="itl",
            accounts=(second,),
            misbehave=misbehave,
            enquire_after=timedelta(seconds=enquiry),
            slowness=timedelta(seconds=slowness),
        )
        with _at_the_wire(wrong), running([plan]) as simulator:
            tester.log.url = simulator.url
            yield Stand(tester, database, simulator.registries[code])
