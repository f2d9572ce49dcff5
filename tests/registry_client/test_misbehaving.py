"""Faults in proposals, transactions and replies: what a registry that has one sends, and what the log makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests

from itl.cli.sandbox import Sandbox, sandbox
from itl.clock import SetClock
from itl.codes import UnitType
from itl.messages import NotificationRequest, ProposalRequest, ProvideTimeRequest, ProvideTimeResponse
from itl.settings import Settings as HubSettings
from itl.store.visible import story
from itl.wire.faults import PeerFault, WireFault
from itl.wire.server import serve
from registry_client.endpoint import application
from registry_client.faults import HARMLESS, Concern, Fault, Misbehaviour, of
from registry_client.identifiers import SerialRange
from registry_client.registry import Registry
from registry_client.settings import Settings
from registry_client.transactions import State
from registry_client.units import Account, Wanted
from tests.registry_client.conftest import Found
from tests.registry_client.hub import call
from tests.registry_client.log import NOON, Log, notification

HOLDING = Account(100, 1001)
DEADLINE = 30.0


def faulty(registry: Registry, *faults: Fault) -> None:
    registry.misbehave(*map(Misbehaviour, faults))


def proposals(log: Log) -> list[tuple[str, str, tuple[tuple[int, int, int], ...]]]:
    """What was proposed: identifier, transferring registry, blocks with their original period."""
    return [
        (
            call.proposed_transaction.transaction_identifier,
            call.proposed_transaction.transferring_registry_code,
            tuple(
                (block.unit_serial_block_start, block.unit_serial_block_end, block.original_commit_period)
                for block in call.proposed_transaction.proposal_unit_blocks
            ),
        )
        for call in log.calls
        if isinstance(call, ProposalRequest)
    ]


@pytest.fixture
def gb(found: Found, log: Log) -> Registry:
    """Registry GB, which means well so far, with 1000 AAU; what it did for them is forgotten."""
    registry = found("GB")
    registry.issue(UnitType.AAU, 1000, period=2)
    log.settle()
    log.calls.clear()
    return registry


@pytest.fixture
def fr(found: Found) -> Registry:
    return found("FR")


RIGHT = ("GB100002", "GB", ((1, 10, 2),))
PROPOSALS = {
    Fault.REUSES_IDENTIFIER: [RIGHT, ("GB100002", "GB", ((1, 9, 2),))],
    Fault.FOREIGN_IDENTIFIER: [("JP100002", "GB", ((1, 10, 2),))],
    Fault.FOREIGN_PARTY: [("GB100002", "JP", ((1, 10, 2),))],
    Fault.DOUBLE_SPENDS: [RIGHT, ("GB100003", "GB", ((1, 10, 2),))],
    Fault.ABSENT_UNITS: [("GB100002", "GB", ((999_999_999_999_989, 999_999_999_999_998, 2),))],
    Fault.ALTERS_UNITS: [("GB100002", "GB", ((1, 10, 1),))],
    Fault.REVERSED_RANGE: [("GB100002", "GB", ((11, 1, 2),))],
    Fault.PROPOSES_TWICE: [RIGHT, RIGHT],
}


def test_the_table_of_proposals_is_whole() -> None:
    assert set(PROPOSALS) == set(of(Concern.PROPOSAL))


@pytest.mark.parametrize(("fault", "sent"), PROPOSALS.items())
def test_a_fault_in_proposals(gb: Registry, log: Log, fault: Fault, sent: list[object]) -> None:
    log.discrepancies = lambda proposal: (4001,)
    faulty(gb, fault)
    gb.retire([SerialRange("GB", 1, 10)])
    gb.settle()
    assert sorted(proposals(log)) == sorted(sent)  # type: ignore[type-var]


def test_a_refusal_of_another_proposal_does_not_end_the_first(gb: Registry, log: Log) -> None:
    faulty(gb, Fault.REUSES_IDENTIFIER)
    identifier = gb.retire([SerialRange("GB", 1, 10)])
    log.settle()
    assert gb.transaction(identifier).state is State.COMPLETED
    assert gb.transaction(identifier).codes == ()
    assert [delivery.codes for delivery in gb.deliveries(identifier)] == [(), (3001,), ()]


REPORTS = {
    Fault.NEVER_COMPLETES: [],
    Fault.RETRACTS: [4, 5],
    Fault.UNKNOWN_STATUS: [11],
    Fault.NOTIFIES_TWICE: [4, 4],
    Fault.COMPLETES_EARLY: [4, 4],
    Fault.NOTIFIES_LATE: [],
    Fault.TERMINATES_ACCEPTED: [4],
    Fault.COMPLETES_DISCREPANCY: [4],
    Fault.IGNORES_CANCELLATION: [4],
}


@pytest.mark.parametrize(("fault", "statuses"), REPORTS.items())
def test_what_is_reported_of_a_retirement(gb: Registry, log: Log, fault: Fault, statuses: list[int]) -> None:
    faulty(gb, fault)
    identifier = gb.retire([SerialRange("GB", 1, 10)])
    log.settle()
    assert [status for _, status in log.notified(identifier)] == statuses
    assert gb.transaction(identifier).state is State.COMPLETED


def test_completion_is_reported_before_the_log_has_answered(gb: Registry, log: Log) -> None:
    faulty(gb, Fault.COMPLETES_EARLY)
    gb.retire([SerialRange("GB", 1, 10)])
    gb.settle()
    assert [type(call) for call in log.calls] == [ProposalRequest, NotificationRequest]


@pytest.mark.parametrize(
    ("fault", "status", "right", "wrong"),
    [
        (Fault.COMPLETES_DISCREPANCY, 3, [5], [4]),
        (Fault.COMPLETES_DISCREPANCY, 10, [5], [4]),
        (Fault.IGNORES_CANCELLATION, 7, [], [4]),
        (Fault.TERMINATES_ACCEPTED, 8, [4], [5]),
    ],
)
def test_what_the_log_says_is_not_heeded(
    found: Found, log: Log, fault: Fault, status: int, right: list[int], wrong: list[int]
) -> None:
    told = []
    for code, faults in (("GB", ()), ("FR", (fault,))):
        registry = found(code)
        registry.issue(UnitType.AAU, 10, period=2)
        log.settle()
        log.calls.clear()
        faulty(registry, *faults)
        identifier = registry.transfer(Wanted(quantity=10, unit_type=1), "JP", HOLDING)
        registry.deliver()
        registry.receive(notification(code, identifier, status))
        registry.settle()
        log.waiting.clear()
        told.append([status for _, status in log.notified(identifier)])
    assert told == [right, wrong]


def test_notifications_that_are_late_come_when_they_are_due(gb: Registry, log: Log, clock: SetClock) -> None:
    faulty(gb, Fault.NOTIFIES_LATE)
    identifier = gb.retire([SerialRange("GB", 1, 10)])
    log.settle()
    gb.message("the hub is there")
    log.settle()
    assert log.notified(identifier) == []
    clock.advance(gb.settings.lateness - timedelta(seconds=1))
    log.settle()
    assert log.notified(identifier) == []
    clock.advance(timedelta(seconds=1))
    log.settle()
    assert log.notified(identifier) == [("GB", 4)]


def test_another_transaction_is_reported(gb: Registry, log: Log) -> None:
    faulty(gb, Fault.UNKNOWN_TRANSACTION)
    gb.retire([SerialRange("GB", 1, 10)])
    log.settle()
    assert log.notified("GB999999999999999") == [("GB", 4)]


TRANSFERS = {
    Fault.NEVER_DECIDES: [],
    Fault.REJECTS: [("FR", 6), ("GB", 5)],
    Fault.REJECTS_WITHOUT_CODE: [("FR", 6), ("GB", 5)],
    Fault.ACCEPTS_ANYTHING: [("FR", 8), ("GB", 4), ("FR", 4)],
    Fault.CONFIRMS_FIRST: [("FR", 4), ("FR", 8), ("GB", 4), ("FR", 4)],
    Fault.NEVER_CONFIRMS: [("FR", 8), ("GB", 4)],
}


@pytest.mark.parametrize(("fault", "told"), TRANSFERS.items())
def test_a_fault_of_an_acquirer(
    gb: Registry, fr: Registry, log: Log, fault: Fault, told: list[tuple[str, int]]
) -> None:
    faulty(fr, fault)
    account = Account(100, 4711) if fault is Fault.ACCEPTS_ANYTHING else HOLDING
    identifier = gb.transfer([SerialRange("GB", 1, 10)], "FR", account)
    log.settle()
    assert log.notified(identifier) == told
    codes = {Fault.REJECTS: (5904,)}.get(fault, ())
    assert gb.transaction(identifier).codes == codes
    arrived = told[-1:] == [("FR", 4)] or fault is Fault.NEVER_CONFIRMS
    assert [str(block.range) for block in fr.blocks()] == (["GB-1-10"] if arrived else [])


HEAD = {"sender": "ITL", "addressee": "GB", "major_version": 1, "minor_version": 1}
TIME = ProvideTimeRequest(**HEAD, itl_system_time=NOON)
TOLD = notification("GB", "GB1", 2)


@pytest.fixture
def endpoint() -> Iterator[tuple[Registry, str]]:
    registry = Registry(Settings(code="GB", slowness=timedelta(seconds=0.3)), None, clock=SetClock(NOON))
    server = serve(application(registry), "127.0.0.1")
    yield registry, server.url
    server.close()
    registry.close()


REPLIES = {
    Fault.ANSWERS_0: (None, 0),
    Fault.FORGETS: (None, 0),
    Fault.SOAP_FAULT: (PeerFault, 0),
    Fault.WRONG_REPLY: (WireFault, 1),
    Fault.BARE_REPLY: (WireFault, 1),
    Fault.EMPTY_REPLY: (WireFault, 1),
    Fault.NONSENSE: (WireFault, 1),
    Fault.UNAVAILABLE: (requests.HTTPError, 0),
    Fault.BREAKS_OFF: (requests.RequestException, 1),
    Fault.SLOW: (None, 1),
    Fault.WRONG_CLOCK: (None, 1),
}


def test_the_table_of_replies_is_whole() -> None:
    assert set(REPLIES) == set(of(Concern.REPLY))


@pytest.mark.parametrize(("fault", "failure", "stored"), [(fault, *met) for fault, met in REPLIES.items()])
def test_a_fault_in_replies(
    endpoint: tuple[Registry, str], fault: Fault, failure: type[Exception] | None, stored: int
) -> None:
    registry, url = endpoint
    faulty(registry, fault)
    if failure is None:
        reply = call(url, TOLD)
        assert getattr(reply, "result_identifier", None) == (0 if fault is Fault.ANSWERS_0 else 1)
    else:
        with pytest.raises(failure):
            call(url, TOLD)
    assert registry.process() == stored
    registry.misbehave()
    assert getattr(call(url, TOLD), "result_identifier", None) == 1, "it means well again"


def test_a_clock_is_wrong_by_an_hour(endpoint: tuple[Registry, str]) -> None:
    registry, url = endpoint
    faulty(registry, Fault.WRONG_CLOCK)
    assert call(url, TIME) == ProvideTimeResponse(system_time=NOON + timedelta(hours=1), result_identifier=1)


def test_a_slow_registry_outlasts_a_patience(endpoint: tuple[Registry, str]) -> None:
    registry, url = endpoint
    faulty(registry, Fault.SLOW)
    with pytest.raises(requests.Timeout):
        requests.post(url, b"", timeout=0.1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The real log, and registries that have units."""
    folder = tmp_path_factory.mktemp("sandbox")
    settings = HubSettings(database=f"sqlite:///{folder}/itl.db", port=0)
    with sandbox(settings, folder / "registries") as found:
        gb = found.registries["GB"].registry
        issued = gb.issue(UnitType.AAU, 100_000, period=2)
        assert gb.wait(issued, DEADLINE).state is State.COMPLETED
        paid = gb.transfer(Wanted(quantity=2000, unit_type=1), "CDM", Account(100, 1100))
        assert gb.wait(paid, DEADLINE).state is State.COMPLETED
        yield found


@pytest.fixture
def real(running: Sandbox) -> Iterator[dict[str, Registry]]:
    registries = {code: each.registry for code, each in running.registries.items()}
    yield registries
    for registry in registries.values():
        registry.misbehave()


MET = {
    Fault.REUSES_IDENTIFIER: (4, {3001}),
    Fault.FOREIGN_IDENTIFIER: (3, {2001}),
    Fault.FOREIGN_PARTY: (3, {2009}),
    Fault.DOUBLE_SPENDS: (4, set[int]()),
    Fault.ABSENT_UNITS: (3, {4002}),
    Fault.ALTERS_UNITS: (3, {4004}),
    Fault.REVERSED_RANGE: (3, {2014}),
    Fault.PROPOSES_TWICE: (4, set[int]()),
    Fault.RETRACTS: (4, {3003}),
    Fault.UNKNOWN_STATUS: (2, {2004}),
    Fault.UNKNOWN_TRANSACTION: (2, {3002}),
    Fault.NOTIFIES_TWICE: (4, set[int]()),
}
"""By fault of the initiator of a retirement, where the log's own account of it ends, and the codes that it answers."""


@pytest.mark.parametrize(("fault", "ends", "codes"), [(fault, *met) for fault, met in MET.items()])
def test_what_the_log_finds(
    running: Sandbox, real: dict[str, Registry], fault: Fault, ends: int, codes: set[int]
) -> None:
    gb = real["GB"]
    faulty(gb, fault)
    identifier = gb.retire(Wanted(quantity=10, unit_type=1))
    ended = gb.wait(identifier, DEADLINE)
    answered = {code for delivery in gb.deliveries(identifier) for code in delivery.codes}
    assert codes <= answered | set(ended.codes)
    if fault in HARMLESS:
        assert (answered, ended.codes) == (set(), ())
    with running.hub.database.read() as connection:
        statuses = [each.status for each in story(connection, identifier)]
    assert statuses[-1] in (ends, {3: 5}.get(ends))
    if fault is Fault.DOUBLE_SPENDS:
        second = f"GB{int(identifier[2:]) + 1}"
        assert set(gb.wait(second, DEADLINE).codes) & {4010, 4013}
