"""Calls to a hub that is down, loses replies, or answers with faults; and the enquiries that follow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from itl.clock import SetClock
from itl.codes import UnitType
from itl.messages import NotificationRequest, ProposalRequest, TransactionStatusRequest
from registry_client.delivery import pause
from registry_client.errors import HubFault, HubUnreachable
from registry_client.registry import Registry
from registry_client.settings import Settings
from registry_client.transactions import State
from registry_client.units import Account, Wanted
from tests.registry_client.log import Log

Found = Callable[..., Registry]

UNREACHABLE = HubUnreachable("no connection")
CLIENT_FAULT = HubFault("Client", "cannot be read")
SERVER_FAULT = HubFault("Server", "database is down")
HOUR = timedelta(hours=1)


@pytest.fixture
def gb(found: Found) -> Registry:
    return found("GB")


def issue(registry: Registry, quantity: int = 100) -> str:
    return registry.issue(UnitType.AAU, quantity, period=1)


def sum_of(registry: Registry) -> int:
    return sum(holding.quantity for holding in registry.holdings())


@pytest.mark.parametrize("error", [UNREACHABLE, SERVER_FAULT], ids=["unreachable", "server fault"])
def test_a_call_without_answer_is_tried_again(gb: Registry, log: Log, clock: SetClock, error: Exception) -> None:
    log.errors_before = [error] * 3
    identifier = issue(gb)
    for attempt in range(1, 4):
        assert gb.deliver() == 1
        assert gb.deliver() == 0, "not before its time"
        delivery = gb.deliveries(identifier)[0]
        assert (delivery.attempts, delivery.note) == (attempt, str(error))
        clock.advance(timedelta(seconds=2**attempt))
    assert gb.deliver() == 1
    assert gb.deliveries(identifier)[0].result == 1
    log.settle()
    assert gb.transaction(identifier).state is State.COMPLETED


def test_the_pause_grows_and_is_bounded_and_jitters() -> None:
    settings = Settings(code="GB", first_retry=timedelta(seconds=1), last_retry=timedelta(seconds=300))
    for attempts, longest in [(0, 1), (1, 2), (5, 32), (9, 300), (1000, 300)]:
        pauses = {pause(settings, attempts).total_seconds() for _ in range(50)}
        assert all(longest / 2 <= seconds <= longest for seconds in pauses)
        assert len(pauses) > 1


def test_while_the_hub_is_away_one_call_tries_for_all(found: Found, log: Log, clock: SetClock) -> None:
    gb = found("GB", senders=1)
    identifiers = [issue(gb) for _ in range(5)]
    log.errors_before = [UNREACHABLE]
    gb.deliver()
    assert gb.deliver() == 0
    assert sorted(d.attempts for d in gb.deliveries()) == [0, 0, 0, 0, 1]
    clock.advance(timedelta(seconds=1))
    gb.settle()
    assert set(log.proposals) == set(identifiers)


def test_a_call_with_a_fault_waits_alone(gb: Registry, log: Log) -> None:
    log.errors_before = [SERVER_FAULT]
    first = issue(gb)
    gb.deliver()
    second = issue(gb)
    gb.settle()
    assert set(log.proposals) == {second}
    assert gb.transaction(first).undelivered == 1


def test_the_order_of_a_transaction_is_kept(gb: Registry, log: Log, clock: SetClock) -> None:
    """The hub took the proposal but its reply was lost: the completion waits until the proposal is answered."""
    log.errors_after = [UNREACHABLE]
    identifier = issue(gb)
    gb.deliver()
    log.relay()
    gb.process()
    assert gb.transaction(identifier).state is State.COMPLETED
    assert gb.deliver() == 0
    clock.advance(timedelta(seconds=1))
    gb.settle()
    assert [type(call) for call in log.calls] == [ProposalRequest, ProposalRequest, NotificationRequest]
    assert log.calls[0] == log.calls[1]
    assert gb.transaction(identifier).is_settled
    assert sum_of(gb) == 100


@pytest.mark.parametrize("lost", range(1, 4))
def test_lost_replies_double_nothing(found: Found, log: Log, clock: SetClock, lost: int) -> None:
    gb, fr = found("GB"), found("FR")
    issue(gb)
    log.settle()
    log.errors_after = [UNREACHABLE] * lost
    identifier = gb.transfer(Wanted(quantity=40, unit_type=1), "FR", Account(100, 1001))
    for _ in range(6):
        log.settle()
        clock.advance(timedelta(minutes=5))
    assert (sum_of(gb), sum_of(fr)) == (60, 40)
    assert gb.transaction(identifier).is_settled
    assert fr.transaction(identifier).is_settled


def test_a_proposal_that_cannot_be_read_is_refused(gb: Registry, log: Log) -> None:
    log.errors_before = [CLIENT_FAULT]
    identifier = issue(gb)
    gb.settle()
    assert gb.transaction(identifier).state is State.REFUSED
    assert gb.transaction(identifier).history[-1].cause == "Client: cannot be read"


@pytest.mark.parametrize("heard", [True, False])
def test_a_fault_after_a_lost_reply_is_not_believed_without_asking(
    gb: Registry, log: Log, clock: SetClock, heard: bool
) -> None:
    if heard:
        log.errors_after = [UNREACHABLE]
        log.errors_before = [None, CLIENT_FAULT]
    else:
        log.errors_before = [UNREACHABLE, CLIENT_FAULT, None, CLIENT_FAULT]
    identifier = issue(gb)
    gb.settle()
    clock.advance(timedelta(seconds=1))
    gb.settle()
    assert gb.transaction(identifier).state is (State.COMPLETED if heard else State.REFUSED)
    log.settle()
    assert sum_of(gb) == (100 if heard else 0)


def test_a_notification_that_is_refused_is_seen(gb: Registry, log: Log) -> None:
    identifier = issue(gb)
    gb.deliver()
    log.relay()
    log.statuses[identifier] = 7
    gb.settle()
    delivery = gb.deliveries(identifier)[0]
    assert (delivery.result, delivery.codes) == (0, (3013,))


ENQUIRIES = [
    # the log's status, state of an issuance afterwards, what the registry tells
    (1, State.PROPOSED, []),
    (2, State.COMPLETED, [("GB", 4)]),
    (9, State.COMPLETED, [("GB", 4)]),
    (4, State.COMPLETED, [("GB", 4)]),
    (3, State.TERMINATED, [("GB", 5)]),
    (10, State.TERMINATED, [("GB", 5)]),
    (5, State.TERMINATED, []),
    (7, State.CANCELLED, []),
]


@pytest.mark.parametrize(("status", "state", "told"), ENQUIRIES)
def test_what_was_missed_is_learned_by_asking(
    gb: Registry, log: Log, clock: SetClock, status: int, state: State, told: list[tuple[str, int]]
) -> None:
    identifier = issue(gb)
    gb.settle()
    log.waiting.clear()
    log.statuses[identifier] = status
    assert gb.deliver() == 0
    clock.advance(HOUR)
    gb.settle()
    assert sum(isinstance(call, TransactionStatusRequest) for call in log.calls) == 1
    assert gb.transaction(identifier).state is state
    assert log.notified(identifier) == told
    clock.advance(HOUR)
    gb.settle()
    asked = sum(isinstance(call, TransactionStatusRequest) for call in log.calls)
    assert asked == (2 if state is State.PROPOSED else 1)


TRANSFER_ENQUIRIES = [
    # the log's status, then what the transferring and the acquiring registry hold, of 100 and 40 transferred
    (2, 100, 0),
    (8, 60, 0),
    (6, 100, 0),
    (4, 60, 40),
]


@pytest.mark.parametrize(("status", "left", "arrived"), TRANSFER_ENQUIRIES)
def test_both_sides_of_a_transfer_ask(
    found: Found, log: Log, clock: SetClock, status: int, left: int, arrived: int
) -> None:
    gb, fr = found("GB"), found("FR")
    issue(gb)
    log.settle()
    identifier = gb.transfer(Wanted(quantity=40, unit_type=1), "FR", Account(100, 1001))
    gb.settle()
    log.relay()
    fr.process()
    log.statuses[identifier] = status
    fr.deliver()
    log.waiting.clear()
    log.statuses[identifier] = status
    clock.advance(HOUR)
    gb.settle()
    log.waiting.clear()
    log.statuses[identifier] = status
    fr.settle()
    assert (sum_of(gb), sum_of(fr)) == (left, arrived)


def test_an_acceptance_that_the_log_did_not_hear_is_told_again(found: Found, log: Log, clock: SetClock) -> None:
    gb, fr = found("GB"), found("FR")
    issue(gb)
    log.settle()
    identifier = gb.transfer(Wanted(quantity=40, unit_type=1), "FR", Account(100, 1001))
    gb.settle()
    log.relay()
    fr.settle()
    log.waiting.clear()
    log.statuses[identifier] = 2
    clock.advance(HOUR)
    log.settle()
    assert (sum_of(gb), sum_of(fr)) == (60, 40)


def test_a_proposal_that_the_log_does_not_know_is_sent_again_as_it_was(gb: Registry, log: Log, clock: SetClock) -> None:
    identifier = issue(gb)
    gb.settle()
    log.waiting.clear()
    del log.statuses[identifier], log.proposals[identifier]  # a log that lost it
    clock.advance(HOUR)
    log.settle()
    proposals = [call for call in log.calls if isinstance(call, ProposalRequest)]
    assert len(proposals) == 2
    assert proposals[0] == proposals[1]
    assert gb.transaction(identifier).state is State.COMPLETED
    assert sum_of(gb) == 100


def test_nothing_is_asked_while_a_call_is_under_way(gb: Registry, log: Log, clock: SetClock) -> None:
    log.errors_before = [UNREACHABLE] * 100
    issue(gb)
    for _ in range(10):
        gb.settle()
        clock.advance(HOUR)
    assert [type(delivery.message) for delivery in gb.deliveries()] == [ProposalRequest]


def test_a_message_waits_for_the_hub_too(gb: Registry, log: Log, clock: SetClock) -> None:
    log.errors_before = [UNREACHABLE]
    gb.message("first")
    gb.message("second")
    gb.settle()
    clock.advance(timedelta(seconds=1))
    gb.settle()
    assert [call.message_content for call in log.calls] == ["first", "second"]
