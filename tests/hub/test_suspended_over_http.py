"""What a suspended registry may not do, as it hears it over HTTP from a log that serves; and the end of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from itl.cli import reconcile, registry
from itl.store import tables as t
from itl.wire.contract import Port
from itl.wire.decode import decode_reply
from itl.wire.encode import encode_request
from itl.wire.server import serve
from tests.cli.commands import Command, command
from tests.hub.reconciling import Reconciling, sums
from tests.hub.world import EXTERNAL, ISSUANCE, OPERATION_OF, World, units

WHY = ("--by", "ada", "--reason", "lasting trouble")


@pytest.fixture(autouse=True)
def _over_http(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Calls of registries go through a socket to the log's server."""
    with serve(world.application) as server:

        def call(message: Any, user: str | None = None, **_environ: Any) -> Any:
            operation, name = OPERATION_OF[type(message)], user or message.sender.lower()
            answer = requests.post(
                f"{server.url}/TransactionLogService",
                encode_request(Port.TRANSACTION_LOG, operation, message),
                headers={"SOAPAction": f'"{operation}"', "Content-Type": "text/xml; charset=utf-8"},
                auth=(name, name),
                timeout=60,
            )
            return decode_reply(Port.TRANSACTION_LOG, operation, answer.content)

        monkeypatch.setattr(world, "call", call)
        yield


@pytest.fixture
def itl(world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr("itl.cli.registry.system_clock", world.clock)
    return command(registry, capsys, "--database", world.url)


@pytest.fixture
def reconciles(world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr("itl.cli.reconciliations.system_clock", world.clock)
    return command(reconcile, capsys, "--database", world.url)


def test_one_that_may_not_reconcile(world: World, itl: Command, reconciles: Command) -> None:
    world.issue(1, 1000)
    one = Reconciling(world, "GB")
    one.reach("totals")
    itl("registry", "suspend", "GB", "--what", "reconcile", *WHY)
    assert one.totals(sums(1000)) == (1510,)
    assert one.row.step == "totals", "what was refused moves nothing"
    reconciles("reconcile", "cancel", one.identifier, *WHY)
    world.settle()
    asked = len(one.operations)
    reconciles("reconcile", "start", "GB", *WHY, code=1)
    world.settle()
    denied = world.rows(t.reconciliations)[-1]
    assert (denied.status, denied.outcome, len(one.operations)) == (7, "denied", asked)
    [said] = world.rows(t.reconciliation_history, t.reconciliation_history.c.reconciliation_id == denied.id)
    assert said.response_codes == "1510"

    itl("registry", "resume", "GB", *WHY)
    again = Reconciling(world, "GB")
    again.reach("totals")
    assert again.totals(sums(1000)) == 1
    world.settle()
    assert again.row.outcome == "consistent"


def test_one_that_may_not_propose(world: World, itl: Command) -> None:
    itl("registry", "suspend", "GB", "--what", "propose", *WHY)
    assert world.propose("GB", "GB1", ISSUANCE, units(1, 10)) == (1503,)
    itl("registry", "resume", "GB", *WHY)
    assert world.propose("GB", "GB2", ISSUANCE, units(1, 10)) == 1
    world.settle()
    assert world.status("GB2") == 2


def test_one_that_may_not_acquire(world: World, itl: Command) -> None:
    world.issue(1, 100)
    itl("registry", "suspend", "FR", "--what", "accept", *WHY)
    assert world.propose("GB", "GB2", EXTERNAL, units(1, 10), to="FR") == (1504,)
    itl("registry", "resume", "FR", *WHY)
    assert world.propose("GB", "GB3", EXTERNAL, units(1, 10), to="FR") == 1
    world.settle()
    assert world.status("GB3") == 2
