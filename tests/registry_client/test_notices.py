"""Notices of the log: their history under one identifier, and the transactions that answer them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from itl.clock import SetClock
from itl.codes import UnitType
from itl.messages import ProposalRequest
from registry_client.errors import TransactionError
from registry_client.registry import Registry
from registry_client.units import Wanted
from tests.registry_client.conftest import Found
from tests.registry_client.log import Log
from tests.registry_client.reconciling import notice

TEN = Wanted(quantity=10, unit_type=UnitType.AAU)


@pytest.fixture
def gb(found: Found, log: Log) -> Registry:
    registry = found("GB")
    registry.issue(UnitType.AAU, 100, period=1)
    log.settle()
    return registry


def came(registry: Registry, *messages: object) -> None:
    for message in messages:
        assert registry.receive(message) == ()
    registry.settle()


def test_a_later_notice_continues_the_history(gb: Registry, clock: SetClock) -> None:
    first = notice(17, 1, 1, "cancel 10 units", target_value=10)
    came(gb, first)
    clock.advance(timedelta(days=1))
    update = notice(17, 10, 2, "4 units are missing")
    came(gb, update, update, notice(18, 2, 1, "another"))
    newer, older = gb.notices()
    assert (newer.identifier, newer.notice_type, newer.status) == (18, 2, 1)
    assert (older.identifier, older.notice_type, older.status) == (17, 1, 2)
    assert [entry for _, entry in older.entries] == [first, update]
    assert older.newest == first, "an update keeps the data of the notice"


def test_a_transaction_names_the_notice_that_it_answers(gb: Registry, log: Log) -> None:
    came(gb, notice(17, 1, 1, "cancel 10 units"))
    identifier = gb.cancel(TEN, account_type=210, notice=17)
    log.settle()
    assert gb.notices()[0].transactions == (identifier,)
    sent = [call.proposed_transaction for call in log.calls if isinstance(call, ProposalRequest)][-1]
    assert sent.notification_identifier == 17


def test_what_is_completed_needs_no_transaction(gb: Registry) -> None:
    came(gb, notice(17, 1, 1, "cancel 10 units"), notice(17, 10, 3, "thank you"))
    with pytest.raises(TransactionError, match="notice 17 is completed"):
        gb.cancel(TEN, account_type=210, notice=17)
    assert sum(held.reserved for held in gb.holdings()) == 0


def test_a_notice_may_have_come_on_paper(gb: Registry) -> None:
    identifier = gb.cancel(TEN, account_type=210, notice=99)
    assert gb.transaction(identifier).proposal.notification_identifier == 99
