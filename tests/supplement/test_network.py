"""Whole exchanges between registries, the transaction log and supplementary logs that are real, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from lxml import etree

from itl.messages import NotificationRequest, RelayRequest
from itl.supplement import book
from itl.supplement.scheme import Member
from tests.databases import FreshDatabase
from tests.hub.world import CANCELLATION, DAY, EXTERNAL, INTERNAL, ISSUANCE, proposal, units
from tests.supplement.network import TEMPLATES, Fate, Network
from tests.supplement.test_documents import GOOD, document
from tests.supplement.world import SOURCE


@pytest.fixture(params=["sqlite", "postgresql"])
def network(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[Network]:
    """GB and FR in one scheme, JP in another; GB holds the units 1 to 100."""
    urls = {code: fresh_database(request.param, template) for code, template in TEMPLATES.items()}
    with Network.on(urls) as made:
        made["GB"].propose(proposal("GB", "GB1", ISSUANCE, units(1, 100), accounts=(100, 100)))
        made.settle()
        yield made
        made.heal()
        assert made.disagreements() == []


def is_at(network: Network, identifier: str) -> dict[str, int]:
    """Where a transaction stands in each log that knows it."""
    found = {code: log.statuses().get(identifier) for code, log in network.logs.items()}
    return {code: status for code, status in found.items() if status is not None}


def heard(network: Network, code: str, identifier: str) -> list[tuple[int, list[int]]]:
    """What a registry was told of a transaction: each status with its codes."""
    return [
        (each.transaction_status, [result.response_code for result in each.evaluation_result])
        for each in network[code].told
        if isinstance(each, NotificationRequest) and each.transaction_identifier == identifier
    ]


def test_the_scheme_lets_a_transfer_pass_and_both_logs_carry_it_out(network: Network) -> None:
    network.carried.clear()
    network["GB"].propose(proposal("GB", "GB2", EXTERNAL, units(1, 40), to="FR"))
    network.settle()
    assert is_at(network, "GB2") == {"ITL": 4, "CITL": 4}
    assert heard(network, "GB", "GB2") == [(8, [])]
    assert heard(network, "FR", "GB2") == [(4, [])]
    assert sum(each[1] == "CITL" or each[0] == "CITL" for each in network.carried) == 3, "a pair more, and the end"


def test_the_scheme_stops_a_transfer_with_its_codes_and_nobody_keeps_units(network: Network) -> None:
    with network.logs["CITL"].hub.database.write() as connection:
        book.put_member(connection, Member("FR", may_accept=False), SOURCE)
    network["GB"].propose(proposal("GB", "GB2", EXTERNAL, units(1, 40), to="FR"))
    network.settle()
    assert heard(network, "GB", "GB2") == [(10, [7006])]
    assert network["FR"].told == []
    assert is_at(network, "GB2") == {"ITL": 5, "CITL": 5}
    assert (network.log.reserved, network.logs["CITL"].reserved) == (0, 0)


def test_what_the_log_refuses_no_supplementary_log_hears_of(network: Network) -> None:
    network["GB"].propose(proposal("GB", "GB2", EXTERNAL, units(101, 140), to="FR"))
    network.settle()
    assert is_at(network, "GB2") == {"ITL": 5}


def test_while_it_is_down_its_transactions_wait_and_no_others(network: Network) -> None:
    network.fate = lambda to: Fate.REACHES_NOBODY if to == "CITL" else Fate.ARRIVES
    network["GB"].propose(proposal("GB", "GB2", EXTERNAL, units(1, 40), to="FR"))
    network["JP"].propose(proposal("JP", "JP1", ISSUANCE, units(1, 10, "JP"), accounts=(100, 100)))
    network.later(timedelta(hours=1))
    assert is_at(network, "GB2") == {"ITL": 2}
    assert is_at(network, "JP1") == {"ITL": 4, "STL2": 4}
    network.fate = lambda _to: Fate.ARRIVES
    network.later(timedelta(hours=1))
    assert is_at(network, "GB2") == {"ITL": 4, "CITL": 4}


def test_what_it_did_not_answer_in_time_is_cancelled_and_it_learns_that_first(network: Network) -> None:
    network.fate = lambda to: Fate.REACHES_NOBODY if to == "CITL" else Fate.ARRIVES
    network["GB"].propose(proposal("GB", "GB2", EXTERNAL, units(1, 40), to="FR"))
    network.settle()
    network.later(DAY)
    assert is_at(network, "GB2") == {"ITL": 7}
    network["GB"].propose(proposal("GB", "GB3", CANCELLATION, units(1, 40)))
    network.settle()
    network.fate = lambda _to: Fate.ARRIVES
    network.later(timedelta(hours=1))
    assert is_at(network, "GB2") == {"ITL": 7, "CITL": 7}
    assert is_at(network, "GB3") == {"ITL": 4, "CITL": 4}


def test_an_answer_that_comes_after_the_end_changes_nothing(network: Network) -> None:
    network["GB"].propose(proposal("GB", "GB2", INTERNAL, units(1, 40)))
    network.work("ITL")
    network.deliver("ITL")
    network.work("CITL")
    network.fate = lambda to: Fate.REACHES_NOBODY if to == "ITL" else Fate.ARRIVES
    network.deliver("CITL")
    network.fate = lambda to: Fate.REACHES_NOBODY if to == "CITL" else Fate.ARRIVES
    network.clock.advance(DAY)
    network.work("ITL")
    network.deliver("ITL")
    assert is_at(network, "GB2") == {"ITL": 7, "CITL": 9}
    network.fate = lambda _to: Fate.ARRIVES
    network.later(timedelta(hours=1))
    assert is_at(network, "GB2") == {"ITL": 7, "CITL": 7}


def test_both_schemes_are_asked_about_a_transfer_between_them(network: Network) -> None:
    network["GB"].propose(proposal("GB", "GB2", EXTERNAL, units(1, 40), to="JP", accounts=(100, 121)))
    network.settle()
    assert is_at(network, "GB2") == {"ITL": 4, "CITL": 4, "STL2": 4}
    with network.logs["STL2"].hub.database.write() as connection:
        book.put_member(connection, Member("JP", may_accept=False), SOURCE)
    network["GB"].propose(proposal("GB", "GB3", EXTERNAL, units(41, 60), to="JP", accounts=(100, 121)))
    network.settle()
    assert heard(network, "GB", "GB3") == [(10, [7006])]
    assert is_at(network, "GB3") == {"ITL": 5, "CITL": 5, "STL2": 5}


def test_units_that_come_from_another_scheme_are_told_here_by_the_transfer(network: Network) -> None:
    network["JP"].propose(proposal("JP", "JP1", ISSUANCE, units(1, 10, "JP"), accounts=(100, 100)))
    network.settle()
    network["JP"].propose(proposal("JP", "JP2", EXTERNAL, units(1, 10, "JP"), to="FR", accounts=(100, 121)))
    network.settle()
    assert is_at(network, "JP2") == {"ITL": 4, "CITL": 4, "STL2": 4}
    assert network.logs["CITL"].holdings(["FR"]) == {("JP", serial): ("FR", 121) for serial in range(1, 11)}


@pytest.mark.parametrize("kept", ["ITL", "CITL"])
def test_a_process_that_dies_before_a_commit_has_done_nothing(network: Network, kept: str) -> None:
    network["GB"].propose(proposal("GB", "GB2", EXTERNAL, units(1, 40), to="FR"))
    deaths = 0
    for _ in range(40):
        network.logs[kept].kill_next = True
        network.settle()
        deaths += not network.logs[kept].kill_next
        network.logs[kept].kill_next = False
        network.later(timedelta(minutes=5))
    assert deaths >= 1
    assert is_at(network, "GB2") == {"ITL": 4, "CITL": 4}


def test_a_document_goes_to_the_scheme_and_its_outcome_comes_back(network: Network) -> None:
    message = RelayRequest(
        sender="GB",
        addressee="CITL",
        major_version=1,
        minor_version=1,
        relay_identifier="GB-7",
        operation_name="accountCreation",
        message_content=document("accountCreation", GOOD["accountCreation"]),
    )
    assert network.call("GB", message).result_identifier == 1
    network.settle()
    [told] = [each for each in network["GB"].told if isinstance(each, RelayRequest)]
    assert (told.sender, told.addressee, told.operation_name) == ("CITL", "GB", "receiveAccountCreationOutcome")
    assert [each.text for each in etree.fromstring(told.message_content)] == ["GB-7", "accountCreation", "true"]
    with network.logs["CITL"].hub.database.read() as connection:
        assert book.account(connection, ("GB", 120, 1299), network.clock()) is not None
