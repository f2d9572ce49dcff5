"""Whole transactions: registries on foreign SOAP stacks, client and endpoint, with a real log between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from itl.clock import system_clock
from itl.hub import Hub
from itl.settings import Settings
from itl.store.database import Database
from itl.store.enrolment import put_sandbox
from itl.wire.server import serve
from tests.databases import FreshDatabase
from tests.interop.conversation import HEADER, notification
from tests.interop.foreign import Basic, Outcome, Registry
from tests.interop.stacks import CLIENTS, REGISTRIES, Stack

pytestmark = pytest.mark.interop

STACKS = [name for name in REGISTRIES if name in CLIENTS and "inline" not in name]
NEIGHBOURS = [*zip(STACKS, [*STACKS[1:], STACKS[0]], strict=True)]  # each stack once with GB, once with JP
ACCEPTED = {"reply": {"resultIdentifier": 1}}
ISSUED = {
    "unitSerialBlockStart": 10_000_000_000,
    "unitSerialBlockEnd": 10_000_000_999,
    "originatingRegistryCode": "GB",
    "unitType": 1,
    "suppUnitType": 0,
    "originalCommitPeriod": 1,
    "applicableCommitPeriod": 1,
}


@dataclass(frozen=True, slots=True)
class Participant:
    """A registry on a foreign stack: its own endpoint, and its client of the log."""

    code: str
    stack: Stack
    options: dict[str, Any]
    endpoint: Registry
    log: str

    def call(self, operation: str, request: dict[str, Any]) -> Outcome:
        call = {"operation": operation, "request": request | {"from": self.code}}
        [outcome] = self.stack.call(self.log, Basic(self.code.lower(), self.code.lower()), [call], **self.options)
        return outcome

    def notify(self, identifier: str, status: int) -> Outcome:
        return self.call("acceptNotification", notification(identifier, status))

    def status(self, identifier: str) -> int:
        outcome = self.call("getTransactionStatus", HEADER | {"transactionIdentifier": identifier})
        return outcome["reply"]["transactionStatus"]

    def told(self) -> list[tuple[str, int | None]]:
        """What the log called, in order: the operation, and the status of a notification."""
        return [(call["operation"], call["request"].get("transactionStatus")) for call in self.endpoint.received()]


@dataclass(frozen=True, slots=True)
class World:
    hub: Hub
    gb: Participant
    jp: Participant


@pytest.fixture
def world(fresh_database: FreshDatabase, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A log with GB and JP on the two stacks that the test names."""
    named = dict(zip(("GB", "JP"), request.param, strict=True))
    stacks: dict[str, Stack] = {name: request.getfixturevalue(REGISTRIES[name].stack) for name in request.param}
    with ExitStack() as opened:
        endpoints: dict[str, Registry] = {}
        for code, name in named.items():
            (tmp_path / code).mkdir()
            registry = stacks[name].registry(tmp_path / code, **REGISTRIES[name].options)
            endpoints[code] = opened.enter_context(registry)
        url = fresh_database("sqlite")
        database = Database(url)
        with database.write() as connection:
            put_sandbox(connection, system_clock(), {code: endpoint.url for code, endpoint in endpoints.items()})
        database.close()
        hub = Hub(Settings(database=url))
        opened.callback(hub.close)
        log = f"{opened.enter_context(serve(hub.application())).url}/TransactionLogService"
        gb, jp = (
            Participant(code, stacks[name], CLIENTS[name].options, endpoints[code], log) for code, name in named.items()
        )
        yield World(hub, gb, jp)


def proposal(kind: int, identifier: str, acquirer: str, block: dict[str, Any], *, account: int = 100) -> dict[str, Any]:
    accounts = {
        "transferringRegistryAccountType": 100,
        "transferringRegistryAccountIdentifier": 1001,
        "acquiringRegistryAccountType": account,
        "acquiringRegistryAccountIdentifier": 1001,
    }
    return HEADER | {
        "proposedTransaction": {
            "transactionIdentifier": identifier,
            "transactionType": kind,
            "transferringRegistryCode": identifier[:2],
            "acquiringRegistryCode": acquirer,
            "proposalUnitBlocks": [block | accounts],
        }
        | accounts
    }


def issue(world: World, registry: Participant, identifier: str) -> None:
    block = ISSUED | {"originatingRegistryCode": registry.code}
    assert registry.call("acceptProposal", proposal(1, identifier, registry.code, block)) == ACCEPTED
    world.hub.settle_down()
    assert registry.told() == [("acceptNotification", 2)]
    assert registry.notify(identifier, 4) == ACCEPTED
    world.hub.settle_down()


@pytest.mark.parametrize("world", NEIGHBOURS, ids=" and ".join, indirect=True)
def test_external_transfer(world: World) -> None:
    transferring, acquiring = world.gb, world.jp
    issue(world, transferring, "GB100001")

    assert transferring.call("acceptProposal", proposal(3, "GB100002", "JP", ISSUED)) == ACCEPTED
    world.hub.settle_down()
    assert acquiring.told() == [("acceptProposal", None)]
    assert acquiring.notify("GB100002", 8) == ACCEPTED
    world.hub.settle_down()
    assert transferring.told()[1:] == [("acceptNotification", 8)]
    assert transferring.notify("GB100002", 4) == ACCEPTED
    world.hub.settle_down()
    assert acquiring.told()[1:] == [("acceptNotification", 4)]
    assert acquiring.notify("GB100002", 4) == ACCEPTED
    world.hub.settle_down()
    assert [registry.status("GB100002") for registry in (transferring, acquiring)] == [4, 4]


@pytest.mark.parametrize("world", NEIGHBOURS, ids=" and ".join, indirect=True)
def test_a_discrepancy_is_told_with_its_codes_and_blocks(world: World) -> None:
    registry = world.gb
    block = ISSUED | {"originatingRegistryCode": registry.code}
    identifier = f"{registry.code}100001"
    assert registry.call("acceptProposal", proposal(5, identifier, registry.code, block, account=300)) == ACCEPTED
    world.hub.settle_down()
    assert registry.told() == [("acceptNotification", 3)]
    results = registry.endpoint.received()[0]["request"]["evaluationResult"]
    unknown = {name: block[name] for name in ("unitSerialBlockStart", "unitSerialBlockEnd", "originatingRegistryCode")}
    assert {"responseCode": 4002, "unitBlockIdentifiers": [unknown]} in results
    assert registry.notify(identifier, 5) == ACCEPTED
    world.hub.settle_down()
    assert registry.status(identifier) == 5
