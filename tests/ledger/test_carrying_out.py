"""What each type of transaction does to the ledger: case by case, and that units are conserved by all of them."""

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itl.codes import TransactionType
from itl.errors import LedgerError
from itl.ledger.block import Attributes, HeldBlock, Place, SerialRange
from itl.ledger.carrying_out import SettledPart, change
from itl.ledger.operations import Change

AAU = Attributes(1, None, 2, 2, None, None, None, None, 1)
RMU = Attributes(2, None, 2, 2, 3, None, None, None, 2)
OLD_AAU = Attributes(1, None, 1, 1, None, None, None, None, 1)
OLD_CER = Attributes(5, None, 1, 1, None, 4, None, None, 5)
LCER = Attributes(7, None, 2, 2, 1, 4, None, date(2030, 6, 30), 7)
HOLDING, PERSON, RETIRED = Place("GB", 100, 1001), Place("GB", 121, 7), Place("GB", 300, 3000)
OTHER = Place("GB", 100, 2002)
FRENCH, RESERVE, REPLACING = Place("FR", 100, 5), Place("GB", 130, 1300), Place("GB", 422, 4220)


def row(start, end, attributes=AAU, place=HOLDING):
    return HeldBlock(SerialRange("GB", start, end), attributes, place)


def part(start, end, attributes=AAU, place=HOLDING, role=None):
    return SettledPart(row(start, end, attributes, place), role)


def eru(attributes, unit_type, track=1):
    return replace(attributes, unit_type=unit_type, project_identifier=7, track=track)


@pytest.mark.parametrize(
    ("kind", "parts", "rows", "expected"),
    [
        (1, [part(1, 10)], [], [row(1, 10)]),
        (
            2,
            [part(3, 5, replace(eru(AAU, 3), issued_unit_type=3))],
            [row(1, 10)],
            [row(1, 2), row(3, 5, eru(AAU, 3)), row(6, 10)],
        ),
        (2, [part(1, 10, eru(RMU, 4, track=2), PERSON)], [row(1, 10, RMU)], [row(1, 10, eru(RMU, 4, track=2), PERSON)]),
        (2, [part(1, 10, eru(AAU, 3), OTHER)], [row(1, 10)], [row(1, 10, eru(AAU, 3), OTHER)]),
        (2, [part(1, 10, eru(AAU, 3), Place("GB", 121))], [row(1, 10)], [row(1, 10, eru(AAU, 3), Place("GB", 121))]),
        (2, [part(1, 10, eru(AAU, 3), Place("GB", 100))], [row(1, 10)], [row(1, 10, eru(AAU, 3))]),
        (2, [part(1, 10, eru(AAU, 3), Place("GB", None))], [row(1, 10)], [row(1, 10, eru(AAU, 3))]),
        (3, [part(1, 4, place=FRENCH)], [row(1, 10)], [row(1, 4, place=FRENCH), row(5, 10)]),
        (4, [part(1, 10, place=Place("GB", 230, 9))], [row(1, 10)], [row(1, 10, place=Place("GB", 230, 9))]),
        (5, [part(1, 10, place=RETIRED)], [row(1, 10)], [row(1, 10, place=RETIRED)]),
        (
            6,
            [part(1, 4, place=REPLACING), part(21, 24, LCER, REPLACING, "REP")],
            [row(1, 10), row(20, 30, LCER, RETIRED)],
            [row(1, 4, place=REPLACING), row(5, 10), row(20, 20, LCER, RETIRED),
             row(21, 24, replace(LCER, replaced=True), RETIRED), row(25, 30, LCER, RETIRED)],
        ),
        (
            6,
            [part(1, 4, LCER, REPLACING), part(3, 6, LCER, REPLACING, "REP")],
            [row(1, 6, LCER)],
            [row(1, 4, LCER, REPLACING), row(5, 6, replace(LCER, replaced=True))],
        ),
        (
            7,
            [part(1, 10, replace(OLD_AAU, applicable_commit_period=2), RESERVE)],
            [row(1, 20, OLD_AAU)],
            [row(1, 10, replace(OLD_AAU, applicable_commit_period=2), RESERVE), row(11, 20, OLD_AAU)],
        ),
        (
            7,
            [part(1, 10, replace(OLD_CER, applicable_commit_period=2), RESERVE)],
            [row(1, 10, OLD_CER, PERSON)],
            [row(1, 10, replace(OLD_CER, applicable_commit_period=2), PERSON)],
        ),
        (
            8,
            [part(1, 10, replace(LCER, expiry_date=date(2040, 6, 30)))],
            [row(1, 4, LCER), row(5, 8, LCER, RETIRED), row(9, 10, replace(LCER, replaced=True), FRENCH)],
            [row(1, 4, replace(LCER, expiry_date=date(2040, 6, 30))),
             row(5, 8, replace(LCER, expiry_date=date(2040, 6, 30)), RETIRED),
             row(9, 10, replace(LCER, expiry_date=date(2040, 6, 30), replaced=True), FRENCH)],
        ),
        (8, [part(1, 10, LCER)], [row(1, 10, LCER)], []),
        (10, [part(1, 10, place=PERSON)], [row(1, 10)], [row(1, 10, place=PERSON)]),
        (10, [part(1, 10, replace(AAU, original_commit_period=1), PERSON)], [row(1, 10)], [row(1, 10, place=PERSON)]),
    ],
    ids=[
        "issuance", "conversion of a part keeps what the units were at issuance", "conversion of RMU into an account",
        "conversion into another account of the type", "conversion into an account type",
        "conversion, account identifier not told", "conversion, account not told", "external transfer", "cancellation",
        "retirement", "replacement: the replaced stay, flagged", "a unit that replaces itself moves and is not flagged",
        "AAU are carried over into the surplus reserve", "other units are carried over where they are",
        "expiry dates change wherever the units are", "the date they have already", "internal transfer",
        "attributes come from the ledger",
    ],
)  # fmt: skip
def test_change(kind, parts, rows, expected):
    assert change(kind, parts, rows).opened == tuple(expected)


ALLOWANCE = replace(AAU, supp_unit_type=1)


@pytest.mark.parametrize(
    ("supplementary", "held", "becomes"),
    [
        (52, AAU, ALLOWANCE),
        (61, ALLOWANCE, AAU),
        (62, ALLOWANCE, AAU),
        (53, ALLOWANCE, ALLOWANCE),
        (2, ALLOWANCE, ALLOWANCE),
        (None, ALLOWANCE, ALLOWANCE),
        (0, AAU, AAU),
    ],
)
@pytest.mark.parametrize("shown", [AAU, ALLOWANCE])
def test_supplementary_transactions_split_move_and_mark(supplementary, held, becomes, shown):
    done = change(10, [part(3, 5, shown, PERSON)], [row(1, 10, held)], supplementary)
    assert done.opened == (row(1, 2, held), row(3, 5, becomes, PERSON), row(6, 10, held))


@pytest.mark.parametrize("kind", [3, 4, 5])
def test_the_mark_follows_from_both_types(kind):
    done = change(kind, [part(1, 10, AAU, RETIRED)], [row(1, 10)], 52)
    assert done.opened == (row(1, 10, place=RETIRED),)


@pytest.mark.parametrize("kind", [2, 3, 4, 5, 6, 7, 8, 10])
def test_what_is_not_held_is_not_carried_out(kind):
    with pytest.raises(LedgerError, match="not held"):
        change(kind, [part(1, 11)], [row(1, 10)])


@pytest.mark.parametrize("kind", [2, 3, 4, 5, 6, 7, 8, 10])
def test_a_unit_in_two_blocks_is_not_carried_out(kind):
    with pytest.raises(LedgerError, match="altered twice"):
        change(kind, [part(1, 5), part(5, 6)], [row(1, 10)])


@pytest.mark.parametrize("kind", [1, 3, 4, 5, 6, 10])
def test_units_go_nowhere_if_no_account_was_told(kind):
    with pytest.raises(LedgerError, match="no acquiring account type"):
        change(kind, [part(1, 10, place=Place("GB", None))], [row(1, 10)])


def test_a_type_that_is_not_in_the_list_is_not_carried_out():
    with pytest.raises(LedgerError, match="type 9"):
        change(9, [part(1, 10)], [row(1, 10)])


@st.composite
def ledgers(draw):
    """Rows of two originating registries, and disjoint parts of them with what they shall be."""
    rows, parts = [], []
    for registry in ("FR", "GB"):
        serial = 1
        for gap, length, attributes, place in draw(
            st.lists(
                st.tuples(st.integers(0, 2), st.integers(1, 9), st.sampled_from([AAU, RMU, OLD_CER, LCER]),
                          st.sampled_from([HOLDING, PERSON, RETIRED, FRENCH])),
                max_size=6,
            )
        ):  # fmt: skip
            start = serial + gap
            serial = start + length
            rows.append(HeldBlock(SerialRange(registry, start, serial - 1), attributes, place))
            first = draw(st.integers(start, serial - 1))
            told = HeldBlock(
                SerialRange(registry, first, draw(st.integers(first, serial - 1))),
                draw(st.sampled_from([eru(AAU, 3), replace(LCER, expiry_date=date(2050, 1, 1)), OLD_AAU])),
                draw(st.sampled_from([HOLDING, RETIRED, RESERVE, REPLACING])),
            )
            if draw(st.booleans()):
                parts.append(SettledPart(told, draw(st.sampled_from([None, "REP"]))))
    return draw(st.permutations(rows)), draw(st.permutations(parts))


def serials(blocks):
    return Counter(
        (block.range.originating_registry, serial)
        for block in blocks
        for serial in range(block.range.start, block.range.end + 1)
    )


@given(st.sampled_from([kind for kind in TransactionType if kind != TransactionType.ISSUANCE]), ledgers())
def test_units_are_conserved_and_only_those_named_change(kind, case):
    rows, parts = case
    done = change(kind, parts, rows)
    assert isinstance(done, Change)
    assert serials(done.opened) == serials(done.closed), "the same units open as close, each once"
    assert set(done.closed) <= set(rows)
    assert not set(done.closed) & set(done.opened), "a row that stays as it is does not change"
    named = serials(part.block for part in parts)
    before = {unit: block for block in rows for unit in serials([block])}
    for block in done.opened:
        assert block.range.quantity > 0
        for unit in serials([block]):
            was = before[unit]
            assert block.attributes.issued_unit_type == was.attributes.issued_unit_type
            assert block.attributes.original_commit_period == was.attributes.original_commit_period
            assert (unit in named) or (block.attributes, block.place) == (was.attributes, was.place)


@given(ledgers())
def test_the_blocks_of_an_issuance_open_as_told(case):
    _, parts = case
    blocks = [part.block for part in parts]
    assert change(TransactionType.ISSUANCE, parts, []) == Change(
        (), tuple(sorted(blocks, key=lambda block: (block.range.originating_registry, block.range.start)))
    )
