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
from tests.interop.axis import Axis
from tests.interop.conversation import HEADER, notification
from tests.interop.foreign import Outcome, Registry
from tests.interop.php import Php

pytestmark = pytest.mark.interop

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
    stack: Php | Axis
    options: dict[str, Any]
    endpoint: Registry
    log: str

    def call(self, operation: str, request: dict[str, Any]) -> Outcome:
        call = {"operation": operation, "request": request | {"from": self.code}}
        [outcome] = self.stack.call(self.log, self.code.lower(), self.code.lower(), [call], **self.options)
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
    axis: Participant
    php: Participant


@pytest.fixture
def world(fresh_database: FreshDatabase, php: Php, axis: Axis, tmp_path: Path) -> Iterator[World]:
    """A log with GB on Axis and JP on PHP."""
    with ExitStack() as stack:
        directories = {code: tmp_path / code for code in ("GB", "JP")}
        for directory in directories.values():
            directory.mkdir()
        gb = stack.enter_context(axis.registry(directories["GB"], multirefs=True))
        jp = stack.enter_context(php.registry(directories["JP"]))

        url = fresh_database("sqlite")
        database = Database(url)
        with database.write() as connection:
            put_sandbox(connection, system_clock(), {"GB": gb.url, "JP": jp.url})
        database.close()
        hub = Hub(Settings(database=url))
        stack.callback(hub.close)
        log = f"{stack.enter_context(serve(hub.application())).url}/TransactionLogService"
        yield World(
            hub,
            Participant("GB", axis, {"multirefs": True}, gb, log),
            Participant("JP", php, {"shared": False}, jp, log),
        )


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


@pytest.mark.parametrize("stack", ["axis", "php"])
def test_issuance(world: World, stack: str) -> None:
    registry: Participant = getattr(world, stack)
    issue(world, registry, f"{registry.code}100001")
    assert registry.status(f"{registry.code}100001") == 4
    assert registry.told() == [("acceptNotification", 2)]


def test_external_transfer(world: World) -> None:
    transferring, acquiring = world.axis, world.php
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


@pytest.mark.parametrize("stack", ["axis", "php"])
def test_a_discrepancy_is_told_with_its_codes_and_blocks(world: World, stack: str) -> None:
    registry: Participant = getattr(world, stack)
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
