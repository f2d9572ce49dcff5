"""How the played log watches a registry: its proposals by themselves, its reports, and what it says that it holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from itl.codes import TransactionStatus, TransactionType, UnitType
from itl.messages import NotificationRequest, ProposalTransaction, TransactionUnitBlock, UnitBlock
from registry_client.conformance.registry.book import Book
from registry_client.conformance.registry.holdings import Run, add_up, require_held, sums_of
from registry_client.conformance.registry.proposed import faults_of, units
from registry_client.conformance.suite import Failed
from registry_client.units import Account

NOW = datetime(2012, 11, 22, 12, tzinfo=UTC)
_S = TransactionStatus

AAU = TransactionUnitBlock(
    unit_serial_block_start=1,
    unit_serial_block_end=100,
    originating_registry_code="GB",
    unit_type=int(UnitType.AAU),
    original_commit_period=1,
    applicable_commit_period=1,
)
LCER = replace(
    AAU,
    originating_registry_code="BR",
    unit_type=int(UnitType.LCER),
    lulucf_activity=1,
    project_identifier=52,
    expiry_date=date(2040, 12, 31),
)


def proposal(*blocks: TransactionUnitBlock, **changes: Any) -> ProposalTransaction:
    """A cancellation of GB, or what the changes make of it."""
    right: dict[str, Any] = {
        "transaction_identifier": "GB100001",
        "transaction_type": int(TransactionType.CANCELLATION),
        "transferring_registry_code": "GB",
        "transferring_registry_account_type": 100,
        "transferring_registry_account_identifier": 1001,
        "acquiring_registry_code": "GB",
        "acquiring_registry_account_type": 230,
        "acquiring_registry_account_identifier": 3001,
        "proposal_unit_blocks": blocks or (AAU,),
    }
    return ProposalTransaction(**(right | changes))


OUT = {"transaction_type": int(TransactionType.EXTERNAL_TRANSFER), "acquiring_registry_code": "FR"}


@pytest.mark.parametrize(
    "right",
    [
        proposal(),
        proposal(LCER),
        proposal(**OUT),
        proposal(replace(AAU, unit_serial_block_end=50), replace(AAU, unit_serial_block_start=51)),
        proposal(replace(AAU, applicable_commit_period=2)),
        proposal(transaction_identifier="GB999999999999999"),
    ],
)
def test_a_right_proposal_has_no_fault(right: ProposalTransaction) -> None:
    assert list(faults_of(right, "GB")) == []


@pytest.mark.parametrize(
    ("wrong", "breaks"),
    [
        (proposal(transaction_identifier="FR100001"), "R-PROPOSE-1"),
        (proposal(transaction_identifier="GB0100001"), "R-PROPOSE-1"),
        (proposal(transaction_identifier="GB1000000000000000"), "R-PROPOSE-1"),
        (proposal(transaction_identifier="GB"), "R-PROPOSE-1"),
        (proposal(transferring_registry_code="FR"), "R-PROPOSE-2"),
        (proposal(acquiring_registry_code="FR"), "R-PROPOSE-2"),
        (proposal(**OUT | {"acquiring_registry_code": "GB"}), "R-PROPOSE-2"),
        (proposal(transaction_type=9), "R-PROPOSE-3"),
        (proposal(proposal_unit_blocks=()), "R-PROPOSE-3"),
        (proposal(replace(AAU, unit_serial_block_end=0)), "R-PROPOSE-3"),
        (proposal(replace(AAU, unit_type=8)), "R-PROPOSE-3"),
        (proposal(replace(AAU, original_commit_period=0)), "R-PROPOSE-3"),
        (proposal(replace(AAU, original_commit_period=2)), "R-PROPOSE-3"),
        (proposal(replace(AAU, project_identifier=52)), "R-PROPOSE-3"),
        (proposal(replace(LCER, project_identifier=None)), "R-PROPOSE-3"),
        (proposal(replace(LCER, expiry_date=None)), "R-PROPOSE-3"),
        (proposal(replace(LCER, lulucf_activity=9)), "R-PROPOSE-3"),
        (proposal(acquiring_registry_account_type=999), "R-PROPOSE-3"),
        (proposal(acquiring_registry_account_identifier=0), "R-PROPOSE-3"),
        (proposal(AAU, replace(AAU, unit_serial_block_start=100, unit_serial_block_end=100)), "R-PROPOSE-3"),
    ],
)
def test_a_wrong_proposal_breaks_one_requirement(wrong: ProposalTransaction, breaks: str) -> None:
    assert {requirement for _, requirement in faults_of(wrong, "GB")} == {breaks}


def test_units_are_the_same_however_they_are_cut() -> None:
    cut = (replace(AAU, unit_serial_block_start=41, supp_unit_type=0), replace(AAU, unit_serial_block_end=40))
    assert units(cut) == units([AAU])
    assert units([replace(AAU, applicable_commit_period=2)]) != units([AAU])


def reported(status: int, identifier: str = "GB100001") -> NotificationRequest:
    return NotificationRequest(
        sender="GB",
        addressee="ITL",
        major_version=1,
        minor_version=1,
        transaction_identifier=identifier,
        transaction_status=status,
        party_type=0,
        evaluation_result=(),
    )


Story = tuple[tuple[str, int], ...]
"""What the log tells and the registry reports, in its order, of a transaction that stands there."""


def the_registrys(book: Book) -> None:
    book.proposed(proposal())


def its_transfer(book: Book) -> None:
    book.proposed(proposal(**OUT))


def to_it(book: Book) -> None:
    book.relayed(proposal(**OUT | {"acquiring_registry_code": "GB", "transferring_registry_code": "FR"}))


@pytest.mark.parametrize(
    ("begun", "story"),
    [
        (the_registrys, (("told", 2), ("reports", 4))),
        (the_registrys, (("told", 9), ("reports", 4))),
        (the_registrys, (("told", 3), ("reports", 5))),
        (the_registrys, (("reports", 5),)),
        (its_transfer, (("told", 8), ("reports", 4))),
        (its_transfer, (("told", 6), ("reports", 5))),
        (to_it, (("reports", 8), ("told", 4), ("reports", 4))),
        (to_it, (("reports", 6),)),
    ],
)
def test_what_a_registry_may_report(begun: Callable[[Book], None], story: Story) -> None:
    assert followed(begun, story) == []


@pytest.mark.parametrize(
    ("begun", "story", "breaks"),
    [
        (the_registrys, (("reports", 4),), "R-FINISH-1"),
        (the_registrys, (("told", 2), ("reports", 4), ("reports", 5)), "R-FINISH-1"),
        (the_registrys, (("told", 3), ("reports", 4)), "R-FINISH-2"),
        (the_registrys, (("told", 10), ("reports", 4)), "R-FINISH-5"),
        (the_registrys, (("told", 7), ("reports", 4)), "R-FINISH-3"),
        (the_registrys, (("reports", 11),), "R-REPORT-1"),
        (its_transfer, (("reports", 4),), "R-TRANSFER-1"),
        (its_transfer, (("told", 6), ("reports", 4)), "R-TRANSFER-2"),
        (its_transfer, (("told", 8), ("reports", 5)), "R-TRANSFER-3"),
        (to_it, (("reports", 4),), "R-ACQUIRE-1"),
        (to_it, (("reports", 8), ("reports", 4)), "R-ACQUIRE-3"),
        (to_it, (("reports", 8), ("told", 7), ("reports", 4)), "R-ACQUIRE-4"),
        (lambda book: None, (("reports", 4),), "R-REPORT-1"),
    ],
)
def test_what_a_registry_may_not_report(begun: Callable[[Book], None], story: Story, breaks: str) -> None:
    assert followed(begun, story) == [breaks]


def followed(begun: Callable[[Book], None], story: Story) -> list[str]:
    """The requirements that a story breaks."""
    book = Book(lambda: NOW)
    begun(book)
    broken = []
    for who, status in story:
        if who == "told":
            book.told("GB100001", status)
            continue
        untimely = book.reported(reported(status))
        if untimely is not None:
            broken.append(untimely.breaks)
    return broken


def test_an_identifier_stands_for_one_content() -> None:
    book = Book(lambda: NOW)
    assert [book.proposed(each) for each in (proposal(), proposal(), proposal(LCER))] == [None, None, 3001]
    assert book.status("GB100001").transaction_status == _S.PROPOSED
    assert book.status("GB2").response_codes == (3002,)


def held(start: int, end: int, **changes: Any) -> UnitBlock:
    right: dict[str, Any] = {
        "unit_serial_block_start": start,
        "unit_serial_block_end": end,
        "originating_registry_code": "GB",
        "unit_type": 1,
        "account_type": 100,
        "account_identifier": 1001,
        "applicable_commit_period": 1,
    }
    return UnitBlock(**(right | changes))


@pytest.mark.parametrize(
    ("account", "found"),
    [
        (None, [held(1, 100)]),
        (None, [held(51, 200), held(1, 50)]),
        (100, [held(1, 100)]),
        (Account(100, 1001), [held(1, 100)]),
        (Account(100, 1001), [held(1, 100, account_identifier=None)]),
    ],
)
def test_what_is_held_as_it_must_be(account: Account | int | None, found: list[UnitBlock]) -> None:
    require_held(found, AAU, account)


@pytest.mark.parametrize(
    ("account", "found", "why"),
    [
        (None, [], "must hold units 1 to 100"),
        (None, [held(1, 49), held(51, 100)], "must hold units 1 to 100"),
        (None, [held(1, 100, originating_registry_code="FR")], "must hold units 1 to 100"),
        (230, [held(1, 100)], "must lie in an account of type 230"),
        (Account(100, 1002), [held(1, 100)], "must lie in account 100-1002"),
        (None, [held(1, 100, unit_type=2)], "must be of type 1"),
        (None, [held(1, 100, applicable_commit_period=2)], "must be of type 1 and period 1"),
    ],
)
def test_what_is_not_held_as_it_must_be(account: Account | int | None, found: list[UnitBlock], why: str) -> None:
    with pytest.raises(Failed, match=why):
        require_held(found, AAU, account)


def test_blocks_add_up_to_totals_and_name_a_unit_once() -> None:
    run = Run("GB1", NOW)
    found = [held(1, 10), held(11, 20), held(30, 39, account_type=230)]
    sums = sums_of(found)
    assert sums == {(100, 0, 1): 20, (230, 1, 1): 10}
    add_up(run, sums, found)
    with pytest.raises(Failed, match="must add up"):
        add_up(run, sums | {(100, 0, 1): 21}, found)
    with pytest.raises(Failed, match="name a unit twice"):
        add_up(run, sums_of([*found, held(1, 10)]), [*found, held(1, 10)])
