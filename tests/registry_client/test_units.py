from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itl.codes import TransactionStatus, TransactionType
from registry_client.errors import UnitsError
from registry_client.identifiers import SerialRange
from registry_client.transactions import Move, Role, move
from registry_client.units import Account, Attributes, Block, Wanted, choose, cover, one_account

AAU = Attributes(unit_type=1, original_period=1, applicable_period=1)
HOLDING = Account(100, 1001)


def block(start: int, end: int, reserved_by: str | None = None, account: Account = HOLDING) -> Block:
    return Block(SerialRange("GB", start, end), AAU, account, reserved_by)


blocks_with_gaps = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 3)), min_size=1, max_size=12).map(
    lambda sizes: [
        block(1 + sum(n + gap for n, gap in sizes[:i]), sum(n + gap for n, gap in sizes[:i]) + sizes[i][0])
        for i in range(len(sizes))
    ]
)


@given(blocks_with_gaps, st.integers(1, 700))
def test_units_are_chosen_to_the_unit(blocks: list[Block], quantity: int) -> None:
    there = sum(b.quantity for b in blocks)
    wanted = Wanted(quantity=quantity, unit_type=1)
    if quantity > there:
        with pytest.raises(UnitsError, match=f"{quantity} units wanted, {there} free"):
            choose(blocks, wanted)
        return
    chosen = choose(blocks, wanted)
    assert sum(b.quantity for b in chosen) == quantity
    assert [b.range for b in chosen[:-1]] == [b.range for b in blocks[: len(chosen) - 1]]
    assert chosen[-1].range.start == blocks[len(chosen) - 1].range.start


@given(blocks_with_gaps, st.data())
def test_named_serials_are_covered_or_refused(blocks: list[Block], data: st.DataObject) -> None:
    last = blocks[-1].range.end
    start = data.draw(st.integers(1, last))
    wanted = SerialRange("GB", start, data.draw(st.integers(start, last)))
    held = {serial for b in blocks for serial in range(b.range.start, b.range.end + 1)}
    asked = set(range(wanted.start, wanted.end + 1))
    meeting = [b for b in blocks if b.range.start <= wanted.end and b.range.end >= wanted.start]
    if asked <= held:
        parts = cover(meeting, wanted)
        assert {s for p in parts for s in range(p.range.start, p.range.end + 1)} == asked
    else:
        with pytest.raises(UnitsError, match=f"does not hold serial {min(asked - held)}"):
            cover(meeting, wanted)


def test_reserved_units_are_not_taken_again() -> None:
    with pytest.raises(UnitsError, match="GB-1-10 is reserved for GB7"):
        cover([block(1, 10, reserved_by="GB7")], SerialRange("GB", 1, 10))


def test_the_units_of_a_transaction_lie_in_one_account() -> None:
    with pytest.raises(UnitsError, match="100-1001, 121-1002"):
        one_account([block(1, 2), block(3, 4, account=Account(121, 1002))])
    with pytest.raises(UnitsError, match="none"):
        one_account([])


def test_a_transaction_has_at_most_3000_blocks() -> None:
    singles = [block(2 * n, 2 * n) for n in range(1, 3002)]
    assert len(choose(singles, Wanted(quantity=3000, unit_type=1))) == 3000
    with pytest.raises(UnitsError, match="at most 3000"):
        choose(singles, Wanted(quantity=3001, unit_type=1))


F, T, X, C, W = Move.FINALISE, Move.TERMINATE, Move.CLOSE, Move.CANCEL, Move.WAIT
MOVES = {
    # status:                                        1  2  3  4  5  6  7  8  9  10
    (Role.INITIATOR, TransactionType.ISSUANCE):     (W, F, T, F, X, T, C, F, F, T),
    (Role.INITIATOR, TransactionType.CANCELLATION): (W, F, T, F, X, T, C, F, F, T),
    (Role.INITIATOR, TransactionType.EXTERNAL_TRANSFER): (W, W, T, F, X, T, C, F, W, T),
    (Role.ACQUIRER, TransactionType.EXTERNAL_TRANSFER):  (W, W, X, F, X, X, C, W, W, X),
}  # fmt: skip


@pytest.mark.parametrize(
    ("role", "transaction_type", "status", "expected"),
    [
        (role, kind, status, expected)
        for (role, kind), moves in MOVES.items()
        for status, expected in zip(TransactionStatus, moves, strict=True)
    ],
)
def test_what_a_status_of_the_log_means(role: Role, transaction_type: int, status: int, expected: Move) -> None:
    assert move(role, transaction_type, status) is expected


@pytest.mark.parametrize("status", [0, 11, -1, 99])
def test_a_status_outside_the_list_means_nothing(status: int) -> None:
    assert move(Role.INITIATOR, TransactionType.ISSUANCE, status) is None
