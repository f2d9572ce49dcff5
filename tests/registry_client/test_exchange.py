"""Transactions of one registry from the proposal to their end, and messages, towards a log of a few lines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from itl.clock import SetClock
from itl.codes import TransactionType, UnitType
from itl.messages import (
    ITLNoticeRequest,
    MessageRequest,
    NotificationRequest,
    ProposalTransaction,
    TransactionUnitBlock,
)
from registry_client.errors import AccountError, TransactionError, UnitsError
from registry_client.identifiers import SerialRange
from registry_client.notices import Notice
from registry_client.registry import Registry
from registry_client.transactions import Event, State
from registry_client.units import Account, Attributes
from tests.registry_client.conftest import Found
from tests.registry_client.holding import aau, held, reserved
from tests.registry_client.log import NOON, Log, notification


def test_issuance_of_a_party(gb: Registry, log: Log) -> None:
    transaction = gb.transaction("GB100001")
    assert transaction.state is State.COMPLETED
    assert [(step.state, step.cause) for step in transaction.history] == [
        (State.PROPOSED, "proposed"),
        (State.COMPLETED, "notified: status 2"),
    ]
    assert held(gb) == {(100, "GB"): 1000}
    assert log.notified("GB100001") == [("GB", 4)]


def test_a_proposal_is_filled_in_as_a_real_registry_does(gb: Registry, log: Log) -> None:
    assert log.proposals["GB100001"] == ProposalTransaction(
        transaction_identifier="GB100001",
        transaction_type=1,
        transferring_registry_code="GB",
        transferring_registry_account_type=100,
        transferring_registry_account_identifier=1001,
        acquiring_registry_code="GB",
        acquiring_registry_account_type=100,
        acquiring_registry_account_identifier=1001,
        proposal_unit_blocks=(
            TransactionUnitBlock(
                unit_serial_block_start=1,
                unit_serial_block_end=1000,
                originating_registry_code="GB",
                unit_type=1,
                supp_unit_type=0,
                original_commit_period=1,
                applicable_commit_period=1,
                transferring_registry_account_type=100,
                transferring_registry_account_identifier=1001,
                acquiring_registry_account_type=100,
                acquiring_registry_account_identifier=1001,
            ),
        ),
    )
    call = log.calls[0]
    assert (call.sender, call.addressee, call.major_version, call.minor_version) == ("GB", "ITL", 1, 1)


def test_the_cdm_registry_issues_units_of_the_host_party_into_its_pending_account(found: Found, log: Log) -> None:
    cdm = found("CDM")
    cdm.issue(UnitType.CER, 50, period=1, originating="BR", project=52)
    cdm.issue(UnitType.CER, 50, period=1, originating="IN", project=58)
    cdm.issue(UnitType.TCER, 5, period=1, originating="BR", project=9, activity=1, expiry=date(2012, 12, 31))
    log.settle()
    assert [str(block.range) for block in cdm.blocks()] == ["BR-1-50", "BR-51-55", "IN-1-50"]
    assert {block.account for block in cdm.blocks()} == {Account(110, 1000)}
    assert cdm.blocks()[1].attributes == Attributes(
        unit_type=6,
        original_period=1,
        applicable_period=1,
        lulucf_activity=1,
        project=9,
        expiry_date=date(2012, 12, 31),
    )


def test_serials_that_are_given_are_kept_and_not_given_again(found: Found, log: Log) -> None:
    cdm = found("CDM")
    attributes = Attributes(unit_type=5, original_period=1, applicable_period=1, project=52)
    cdm.issue_units([(SerialRange("BR", 101, 110), attributes), (SerialRange("BR", 111, 120), attributes)])
    cdm.issue(UnitType.CER, 5, period=1, originating="BR", project=52)
    cdm.issue(UnitType.CER, 5, period=1, originating="BR", project=52, start=1)
    cdm.issue(UnitType.CER, 5, period=1, originating="BR", project=52)
    log.settle()
    assert [str(block.range) for block in cdm.blocks()] == [
        "BR-1-5",
        "BR-101-110",
        "BR-111-120",
        "BR-121-125",
        "BR-126-130",
    ]


@pytest.mark.parametrize(
    ("act", "account", "kind"),
    [
        (lambda gb: gb.cancel(aau(300)), Account(230, 1001), 4),
        (lambda gb: gb.cancel(aau(300), account_type=250), Account(250, 1001), 4),
        (lambda gb: gb.retire(aau(300)), Account(300, 1001), 5),
        (lambda gb: gb.move(aau(300), Account(121, 77)), Account(121, 77), 10),
    ],
    ids=["cancel", "cancel-250", "retire", "move"],
)
def test_units_move_inside_the_registry(
    gb: Registry, log: Log, act: Callable[[Registry], str], account: Account, kind: int
) -> None:
    gb.open_account(121, identifier=77)
    identifier = act(gb)
    assert reserved(gb) == 300
    log.settle()
    assert log.proposals[identifier].transaction_type == kind
    assert held(gb) == {(100, "GB"): 700, (account.account_type, "GB"): 300}
    assert gb.blocks()[0].account == account
    assert reserved(gb) == 0
    assert log.notified(identifier) == [("GB", 4)]


def test_named_serials_are_cancelled_and_the_rest_stays(gb: Registry, log: Log) -> None:
    gb.cancel([SerialRange("GB", 101, 200), SerialRange("GB", 500, 500)])
    log.settle()
    assert [(str(block.range), block.account.account_type) for block in gb.blocks()] == [
        ("GB-1-100", 100),
        ("GB-101-200", 230),
        ("GB-201-499", 100),
        ("GB-500-500", 230),
        ("GB-501-1000", 100),
    ]


def test_what_is_not_there_or_not_free_cannot_be_proposed(gb: Registry) -> None:
    gb.cancel(aau(600))
    for attempt in (
        lambda: gb.cancel(aau(500)),
        lambda: gb.cancel([SerialRange("GB", 600, 600)]),
        lambda: gb.retire([SerialRange("GB", 1000, 1001)]),
        lambda: gb.retire([SerialRange("FR", 1, 1)]),
        lambda: gb.retire([]),
        lambda: gb.retire(aau(0)),
    ):
        with pytest.raises(UnitsError):
            attempt()
    with pytest.raises(AccountError, match="121-5 does not exist"):
        gb.move(aau(1), Account(121, 5))
    assert reserved(gb) == 600
    assert [transaction.identifier for transaction in gb.transactions()] == ["GB100002", "GB100001"]


@pytest.mark.parametrize(("reports", "told"), [(True, [("GB", 5)]), (False, [])])
def test_a_discrepancy_frees_the_units(found: Found, log: Log, reports: bool, told: list[tuple[str, int]]) -> None:
    gb = found("GB", sends_terminated=reports)
    gb.issue(UnitType.AAU, 10, period=1)
    log.settle()
    log.discrepancies = lambda proposal: (4003, 4010)
    identifier = gb.cancel(aau(10))
    log.settle()
    assert gb.transaction(identifier).state is State.TERMINATED
    assert gb.transaction(identifier).codes == (4003, 4010)
    assert reserved(gb) == 0
    assert log.notified(identifier) == told


def test_a_cancelled_transaction_frees_the_units_and_is_not_answered(gb: Registry, log: Log) -> None:
    identifier = gb.cancel(aau(10))
    gb.deliver()
    gb.receive(notification("GB", identifier, 7))
    gb.settle()
    assert gb.transaction(identifier).state is State.CANCELLED
    assert reserved(gb) == 0
    assert log.notified(identifier) == []


def test_a_refused_proposal_frees_the_units(gb: Registry, log: Log) -> None:
    log.refusal = lambda proposal: (1503,)
    identifier = gb.retire(aau(10))
    gb.settle()
    transaction = gb.transaction(identifier)
    assert (transaction.state, transaction.codes) == (State.REFUSED, (1503,))
    assert transaction.is_settled
    assert reserved(gb) == 0


def test_news_of_a_final_transaction_are_stored_and_change_nothing(gb: Registry) -> None:
    for status in (3, 7, 6, 2):
        gb.receive(notification("GB", "GB100001", status))
    gb.settle()
    assert gb.transaction("GB100001").state is State.COMPLETED
    assert held(gb) == {(100, "GB"): 1000}
    notes = [received.note for received in gb.without_effect()]
    assert notes[-1] == "notified: status 3, but the transaction is completed already"


def test_news_of_an_unknown_transaction_are_stored_and_change_nothing(gb: Registry) -> None:
    gb.receive(notification("GB", "GB7", 2))
    gb.settle()
    assert [received.note for received in gb.without_effect()] == ["notification 2: no such transaction here"]


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ({"sender": "GB"}, 1002),
        ({"addressee": "FR"}, 1005),
        ({"major_version": 2}, 1031),
        ({"minor_version": 7}, 1032),
    ],
)
def test_a_wrong_head_is_refused_before_anything_is_stored(gb: Registry, head: dict[str, object], code: int) -> None:
    right = {"sender": "ITL", "addressee": "GB", "major_version": 1, "minor_version": 1}
    message = NotificationRequest(
        **(right | head),
        transaction_identifier="GB100001",
        transaction_status=7,
        party_type=3,
        evaluation_result=(),
    )
    assert gb.receive(message) == (code,)
    assert gb.process() == 0


def test_messages_and_notices_are_kept(gb: Registry, log: Log) -> None:
    text = MessageRequest(
        sender="ITL",
        addressee="GB",
        major_version=1,
        minor_version=1,
        message_content="maintenance on Sunday",
        message_date_time=NOON,
    )
    notice = ITLNoticeRequest(
        sender="ITL",
        addressee="GB",
        major_version=1,
        minor_version=1,
        message_content="reversal of storage",
        message_date=NOON,
        notification_type=4,
        notification_identifier=17,
        notification_status=1,
        project_number="BR9",
    )
    told: list[Event] = []
    gb.on_event(told.append)
    for message in (text, notice, text):
        assert gb.receive(message) == ()
    gb.settle()
    assert gb.messages() == [(NOON, text)]
    assert gb.notices() == [Notice(((NOON, notice),))]
    assert [(event.kind, event.text) for event in told] == [
        ("message", "maintenance on Sunday"),
        ("notice", "reversal of storage"),
    ]
    gb.message("thank you")
    gb.settle()
    assert log.calls[-1] == MessageRequest(
        sender="GB",
        addressee="ITL",
        major_version=1,
        minor_version=1,
        message_content="thank you",
        message_date_time=NOON,
    )


def test_a_proposal_meant_to_be_refused_reserves_what_is_free_of_it(gb: Registry, log: Log) -> None:
    log.discrepancies = lambda proposal: (4003,)
    identifier = gb.next_identifier()
    block = TransactionUnitBlock(
        unit_serial_block_start=991,
        unit_serial_block_end=1010,
        originating_registry_code="GB",
        unit_type=1,
        original_commit_period=1,
        applicable_commit_period=1,
    )
    proposal = ProposalTransaction(
        transaction_identifier=identifier,
        transaction_type=TransactionType.RETIREMENT,
        transferring_registry_code="GB",
        transferring_registry_account_type=100,
        transferring_registry_account_identifier=1001,
        acquiring_registry_code="GB",
        acquiring_registry_account_type=300,
        acquiring_registry_account_identifier=1,
        proposal_unit_blocks=(block,),
    )
    gb.propose(proposal)
    assert reserved(gb) == 10
    log.settle()
    assert gb.transaction(identifier).codes == (4003,)
    assert reserved(gb) == 0
    with pytest.raises(TransactionError, match="is used already"):
        gb.propose(proposal)


def test_an_approval_of_units_that_are_not_there_moves_nothing(gb: Registry, log: Log) -> None:
    """A log that approves what the registry cannot carry out: nothing moves, and the operator sees why."""
    block = TransactionUnitBlock(
        unit_serial_block_start=991,
        unit_serial_block_end=1010,
        originating_registry_code="GB",
        unit_type=1,
        original_commit_period=1,
        applicable_commit_period=1,
    )
    identifier = gb.propose(
        ProposalTransaction(
            transaction_identifier="GB5",
            transaction_type=TransactionType.RETIREMENT,
            transferring_registry_code="GB",
            acquiring_registry_code="GB",
            acquiring_registry_account_type=100,
            acquiring_registry_account_identifier=1001,
            proposal_unit_blocks=(block,),
        )
    )
    log.settle()
    assert gb.transaction(identifier).state is State.PROPOSED
    assert "20 units, 10 are reserved" in str(gb.without_effect()[0].note)
    assert log.notified(identifier) == []


def test_types_that_there_are_not_are_not_proposed(gb: Registry) -> None:
    with pytest.raises(TransactionError, match="type 9"):
        gb.propose(
            ProposalTransaction(
                transaction_identifier="GB5",
                transaction_type=9,
                transferring_registry_code="GB",
                acquiring_registry_code="GB",
                proposal_unit_blocks=(),
            )
        )


def test_the_oldest_units_go_first(gb: Registry, log: Log, clock: SetClock) -> None:
    clock.advance(timedelta(days=1))
    gb.issue(UnitType.AAU, 10, period=1)
    log.settle()
    gb.retire(aau(1005))
    log.settle()
    assert [(str(b.range), b.account.account_type) for b in gb.blocks()] == [
        ("GB-1-1000", 300),
        ("GB-1001-1005", 300),
        ("GB-1006-1010", 100),
    ]


def test_a_subscriber_that_fails_harms_nobody(gb: Registry, log: Log) -> None:
    def broken(event: Event) -> None:
        raise ZeroDivisionError

    told: list[Event] = []
    gb.on_event(broken)
    gb.on_event(told.append)
    identifier = gb.retire(aau(1))
    log.settle()
    assert gb.transaction(identifier).state is State.COMPLETED
    assert told
