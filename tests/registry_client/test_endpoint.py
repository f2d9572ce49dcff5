"""Registries that run: endpoints, background passes and calls over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest
import requests

from itl.clock import SetClock
from itl.codes import UnitType
from itl.messages import (
    InitiateReconciliationRequest,
    NotificationResponse,
    ProvideAuditTrailRequest,
    ProvideTimeRequest,
    ProvideTimeResponse,
    ProvideTotalsRequest,
    ProvideUnitBlocksRequest,
    ReconciliationResultRequest,
)
from itl.wire.server import serve
from registry_client.client import RegistryClient
from registry_client.endpoint import application
from registry_client.registry import Registry
from registry_client.settings import Settings
from registry_client.transactions import State
from registry_client.units import Account, Wanted
from tests.registry_client.hub import HttpLog, call
from tests.registry_client.log import NOON, notification

DEADLINE = 30.0
HEAD = {"sender": "ITL", "addressee": "GB", "major_version": 1, "minor_version": 1}
TIME = ProvideTimeRequest(**HEAD, itl_system_time=NOON)


@contextmanager
def running(hub: HttpLog, code: str) -> Iterator[Registry]:
    client = RegistryClient(hub.url, code=code, user=code.lower(), password=code.lower(), timeout=20)
    settings = Settings(code=code, first_retry=timedelta(milliseconds=50))
    registry = Registry(settings, client)
    server = serve(application(registry), "127.0.0.1")
    hub.addresses[code] = server.url
    registry.start()
    yield registry
    server.close()
    registry.close()
    client.close()


@pytest.fixture
def hub() -> Iterator[HttpLog]:
    with HttpLog() as served:
        yield served


def test_two_registries_and_a_log_over_http(hub: HttpLog) -> None:
    with ExitStack() as stack:
        gb, fr = (stack.enter_context(running(hub, code)) for code in ("GB", "FR"))
        assert gb.wait(gb.issue(UnitType.AAU, 1000, period=1), DEADLINE).state is State.COMPLETED
        identifiers = [
            gb.transfer(Wanted(quantity=10, unit_type=1), "FR", Account(100, 1001 if number % 2 else 9))
            for number in range(10)
        ]
        states = [gb.wait(identifier, DEADLINE).state for identifier in identifiers]
        assert states == [State.TERMINATED, State.COMPLETED] * 5
        assert [fr.wait(identifier, DEADLINE).state for identifier in identifiers[1::2]] == [State.COMPLETED] * 5
        assert sum(held.quantity for held in fr.holdings()) == 50
        assert sum(held.quantity for held in gb.holdings()) == 950
        assert sum(held.reserved for held in gb.holdings()) == 0


def test_a_hub_that_comes_back_is_told_everything(hub: HttpLog) -> None:
    hub.is_locked = True
    with running(hub, "GB") as registry:
        identifier = registry.issue(UnitType.AAU, 1000, period=1)
        with pytest.raises(TimeoutError, match="is not settled in registry GB"):
            registry.wait(identifier, 0.2)
        assert "HTTP 401" in str(registry.deliveries()[0].note)
        hub.is_locked = False
        assert registry.wait(identifier, DEADLINE).state is State.COMPLETED


@pytest.fixture
def endpoint() -> Iterator[tuple[Registry, str]]:
    registry = Registry(Settings(code="GB"), None, clock=SetClock(NOON))
    server = serve(application(registry, user="itl", password="secret"), "127.0.0.1")
    yield registry, server.url
    server.close()
    registry.close()


def test_time_is_told(endpoint: tuple[Registry, str]) -> None:
    _, url = endpoint
    reply = call(url, TIME, user="itl", password="secret")
    assert reply == ProvideTimeResponse(system_time=NOON, result_identifier=1)


@pytest.mark.parametrize(("user", "password"), [(None, ""), ("itl", "wrong"), ("", "secret"), ("itl:secret", "")])
def test_who_does_not_know_the_password_stays_outside(
    endpoint: tuple[Registry, str], user: str | None, password: str
) -> None:
    registry, url = endpoint
    with pytest.raises(requests.HTTPError, match="401"):
        call(url, notification("GB", "GB1", 2), user=user, password=password)
    assert registry.process() == 0


def test_what_is_acknowledged_is_stored(endpoint: tuple[Registry, str]) -> None:
    registry, url = endpoint
    for _ in range(2):
        reply = call(url, notification("GB", "GB1", 2), user="itl", password="secret")
        assert reply == NotificationResponse(result_identifier=1)
    assert registry.process() == 1


def test_a_wrong_head_is_refused_with_its_code(endpoint: tuple[Registry, str]) -> None:
    registry, url = endpoint
    reply = call(url, notification("FR", "GB1", 2), user="itl", password="secret")
    assert reply == NotificationResponse(result_identifier=0, response_codes=(1005,))
    assert registry.process() == 0


def test_every_operation_of_the_port_is_served(endpoint: tuple[Registry, str]) -> None:
    registry, url = endpoint
    asked = [
        InitiateReconciliationRequest(**HEAD, reconciliation_identifier="GB1", snapshot_datetime=NOON),
        ProvideTotalsRequest(
            **HEAD, reconciliation_identifier="GB1", reconciliation_snapshot_datetime=NOON, reconciliation_status=1
        ),
        ProvideUnitBlocksRequest(
            **HEAD, reconciliation_identifier="GB1", reconciliation_snapshot_datetime=NOON, unit_block_requests=()
        ),
        ProvideAuditTrailRequest(
            **HEAD, reconciliation_identifier="GB1", audit_trail_begin_datetime=NOON, audit_trail_end_datetime=NOON
        ),
        ReconciliationResultRequest(**HEAD, reconciliation_identifier="GB1", reconciliation_status=2),
    ]
    for message in asked:
        reply = call(url, message, user="itl", password="secret")
        assert getattr(reply, "result_identifier", None) == 1
        assert getattr(reply, "response_codes", ()) is None
    registry.settle()
    assert [entry.status for entry in registry.reconciliations()[0].history] == [0, 1, 3, 4, 2]
    assert registry.without_effect() == []


def test_the_interface_is_open_to_all(endpoint: tuple[Registry, str]) -> None:
    _, url = endpoint
    answer = requests.get(f"{url}/?wsdl", timeout=20)
    assert answer.status_code == 200
    assert b"RegistryPort" in answer.content
