"""Transfers between two registries, through a log of a few lines."""

from __future__ import annotations

import pytest

from itl.messages import (
    ProposalRequest,
    ProposalTransaction,
)
from registry_client.errors import TransactionError
from registry_client.identifiers import SerialRange
from registry_client.registry import Registry
from registry_client.rules import Accept, Delay, Reject, Rules
from registry_client.transactions import State
from registry_client.units import Account
from tests.registry_client.conftest import Found
from tests.registry_client.holding import HOLDING, aau, held, reserved
from tests.registry_client.log import Log, notification


def test_an_external_transfer_goes_when_the_acquirer_accepts(gb: Registry, fr: Registry, log: Log) -> None:
    identifier = gb.transfer(aau(400), "FR", HOLDING)
    gb.settle()
    log.relay()
    fr.settle()
    assert fr.transaction(identifier).state is State.ACCEPTED
    assert held(fr) == {}
    assert gb.transaction(identifier).state is State.PROPOSED
    log.settle()
    assert held(gb) == {(100, "GB"): 600}
    assert held(fr) == {(100, "GB"): 400}
    assert gb.transaction(identifier).state is fr.transaction(identifier).state is State.COMPLETED
    assert log.notified(identifier) == [("FR", 8), ("GB", 4), ("FR", 4)]


@pytest.mark.parametrize("status", [2, 9])
def test_a_transferring_registry_does_not_let_units_go_before_the_acceptance(
    gb: Registry, fr: Registry, status: int
) -> None:
    identifier = gb.transfer(aau(400), "FR", HOLDING)
    gb.deliver()
    gb.receive(notification("GB", identifier, status))
    gb.settle()
    assert gb.transaction(identifier).state is State.PROPOSED
    assert (held(gb), reserved(gb)) == ({(100, "GB"): 1000}, 400)


@pytest.mark.parametrize(
    ("account", "code"),
    [
        (Account(100, 9), 5902),
        (Account(121, 4711), 5906),
        (Account(300, 1002), 5903),
    ],
    ids=["unknown", "closed", "not eligible"],
)
def test_an_acquirer_rejects_what_its_accounts_cannot_take(
    gb: Registry, fr: Registry, log: Log, account: Account, code: int
) -> None:
    fr.open_account(121, identifier=4711)
    fr.close_account(Account(121, 4711))
    fr.open_account(300, period=1, identifier=1002)
    identifier = gb.transfer(aau(400), "FR", account)
    log.settle()
    assert (held(gb), reserved(gb), held(fr)) == ({(100, "GB"): 1000}, 0, {})
    assert gb.transaction(identifier).state is State.TERMINATED
    assert gb.transaction(identifier).codes == (code,)
    assert fr.transaction(identifier).state is State.REJECTED
    assert fr.transaction(identifier).codes == (code,)
    assert log.notified(identifier) == [("FR", 6), ("GB", 5)]


def test_the_policy_of_the_acquirer_decides(gb: Registry, found: Found, log: Log) -> None:
    fr = found("FR", rules=Rules(on_transfer=lambda proposal: Reject((5904,))))
    identifier = gb.transfer(aau(1), "FR", HOLDING)
    log.settle()
    assert gb.transaction(identifier).codes == (5904,)
    assert held(fr) == {}


@pytest.mark.parametrize(("decision", "units"), [(Accept(), 400), (Reject(), 0)], ids=["accept", "reject"])
def test_a_delayed_transfer_is_decided_later(
    gb: Registry, found: Found, log: Log, decision: Accept | Reject, units: int
) -> None:
    fr = found("FR", rules=Rules(on_transfer=lambda proposal: Delay()))
    identifier = gb.transfer(aau(400), "FR", HOLDING)
    log.settle()
    assert fr.transaction(identifier).state is State.RECEIVED
    assert log.notified(identifier) == []
    fr.decide(identifier, decision)
    log.settle()
    assert sum(held(fr).values()) == units
    with pytest.raises(TransactionError, match="nothing to decide"):
        fr.decide(identifier, decision)


def test_a_policy_that_fails_leaves_the_transfer_to_a_person(gb: Registry, found: Found, log: Log) -> None:
    def broken(proposal: ProposalTransaction) -> Accept:
        raise ZeroDivisionError

    fr = found("FR", rules=Rules(on_transfer=broken))
    identifier = gb.transfer(aau(400), "FR", HOLDING)
    log.settle()
    assert fr.transaction(identifier).state is State.RECEIVED
    fr.decide(identifier, Accept())
    log.settle()
    assert sum(held(fr).values()) == 400


def test_another_proposal_with_a_used_identifier_changes_nothing(gb: Registry, fr: Registry, log: Log) -> None:
    identifier = gb.transfer(aau(400), "FR", HOLDING)
    log.settle()
    other = ProposalRequest(
        sender="ITL",
        addressee="FR",
        major_version=1,
        minor_version=1,
        proposed_transaction=ProposalTransaction(
            transaction_identifier=identifier,
            transaction_type=3,
            transferring_registry_code="GB",
            acquiring_registry_code="FR",
            proposal_unit_blocks=(),
        ),
    )
    fr.receive(other)
    fr.settle()
    assert held(fr) == {(100, "GB"): 400}
    assert "another proposal" in str(fr.without_effect()[0].note)


def test_units_that_came_in_can_go_on_and_come_back(gb: Registry, fr: Registry, log: Log) -> None:
    gb.transfer(aau(400), "FR", HOLDING)
    log.settle()
    fr.transfer([SerialRange("GB", 100, 299)], "GB", HOLDING)
    log.settle()
    fr.cancel(aau(200))
    log.settle()
    assert held(gb) == {(100, "GB"): 800}
    assert held(fr) == {(230, "GB"): 200}


def test_events_tell_the_story(gb: Registry, fr: Registry, log: Log) -> None:
    told: list[str] = []
    gb.on_event(lambda event: told.append(f"GB {event.kind} {event.text}"))
    fr.on_event(lambda event: told.append(f"FR {event.kind} {event.text}"))
    gb.transfer(aau(1), "FR", HOLDING)
    log.settle()
    assert told == [
        "GB proposed transaction type 3",
        "GB sent proposal: accepted",
        "FR received transfer from GB",
        "FR changed accepted",
        "FR sent notification 8: accepted",
        "GB changed notified: status 8",
        "GB sent notification 4: accepted",
        "FR changed notified: status 4",
        "FR sent notification 4: accepted",
    ]
