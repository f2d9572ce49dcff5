"""Prepared messages: what they say, and that only the identifier differs from one to the next."""

from __future__ import annotations

import time

import pytest

from itl.bench.proposals import (
    NOTIFICATION,
    OPERATION,
    Dialect,
    Prepared,
    Units,
    issuance,
    number_by_time,
    numbers_by_time,
    prepare,
    told,
    transfer,
)
from itl.codes import MAX_SERIAL, TransactionStatus
from itl.messages import ProposalTransaction
from itl.wire.contract import Port
from itl.wire.decode import decode_request


def written(message: Prepared, number: int = 7) -> bytes:
    return b"".join((message.before, message.digits(number), message.after))


def proposed(message: Prepared) -> ProposalTransaction:
    read = decode_request(Port.TRANSACTION_LOG, written(message))
    assert read.operation == OPERATION
    found: ProposalTransaction = read.message.proposed_transaction
    return found


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("blocks", [1, 3, 100])
def test_dialects_say_the_same_and_only_the_identifier_differs(blocks: int, dialect: Dialect) -> None:
    message = prepare(blocks, dialect)
    assert len(written(message)) == message.size
    read = decode_request(Port.TRANSACTION_LOG, written(message))
    assert read.message == decode_request(Port.TRANSACTION_LOG, written(prepare(blocks, Dialect.INLINE))).message
    assert read.message.proposed_transaction.transaction_identifier == "GB100000000000007"
    assert len(read.message.proposed_transaction.proposal_unit_blocks) == blocks


def test_multiref_has_every_struct_and_number_by_reference() -> None:
    body = written(prepare(2, Dialect.MULTIREF))
    assert body.count(b"<multiRef ") > 2 * 4
    assert body.count(b' href="#') > body.count(b"<multiRef ")


@pytest.mark.parametrize("dialect", Dialect)
def test_units_are_issued_and_go_there_and_back(dialect: Dialect) -> None:
    units = Units.spaced(5000, 3, size=2)
    steps = [
        (issuance(units, dialect, "FR"), 1, None, 1001),
        (transfer(units, dialect, "FR"), 10, 1001, 1002),
        (transfer(units, dialect, "FR", back=True), 10, 1002, 1001),
    ]
    for message, kind, source, target in steps:
        transaction = proposed(message)
        blocks = transaction.proposal_unit_blocks
        assert (transaction.transaction_type, transaction.transaction_identifier) == (kind, "FR100000000000007")
        assert (
            transaction.transferring_registry_account_identifier,
            transaction.acquiring_registry_account_identifier,
        ) == (source, target)
        assert [(each.unit_serial_block_start, each.unit_serial_block_end) for each in blocks] == [
            (5000, 5001), (5004, 5005), (5008, 5009),
        ]  # fmt: skip
        assert {(each.originating_registry_code, each.original_commit_period) for each in blocks} == {("FR", 2)}
    assert units.behind == 5012


@pytest.mark.parametrize("dialect", Dialect)
def test_the_registry_tells_how_its_transaction_ended(dialect: Dialect) -> None:
    read = decode_request(Port.TRANSACTION_LOG, written(told(TransactionStatus.COMPLETED, dialect, "FR"), 12))
    assert read.operation == NOTIFICATION
    message = read.message
    assert (message.sender, message.transaction_identifier, message.transaction_status) == (
        "FR",
        "FR100000000000012",
        4,
    )


def test_numbers_by_time_are_beyond_those_of_an_earlier_run_and_fit() -> None:
    before = number_by_time()
    first = next(numbers_by_time())
    assert before <= first <= number_by_time()
    assert number_by_time() // 10**5 == pytest.approx(time.time(), abs=5)
    for digits in (Prepared.digits(0), Prepared.digits(first)):
        assert len(digits) == 15
    assert first < MAX_SERIAL
