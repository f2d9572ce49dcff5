"""Rows as transactions: their order, what stands in one, and what is made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from itl.codes import MAX_BLOCKS, TransactionType, UnitType
from itl.ledger.block import SerialRange
from itl.messages import TransactionUnitBlock
from itl.replay.reports import Row
from itl.replay.transactions import in_order, is_foreign, opening, proposal, transactions


def test_rows_go_by_time_whatever_their_order_in_the_reports(rows: list[Row]) -> None:
    assert [row.at for row in rows] == sorted(row.at for row in rows)
    assert in_order(reversed(rows[:2])) == rows[:2]


def test_an_issuance_goes_before_a_cancellation_of_its_time(rows: list[Row]) -> None:
    issued, cancelled = rows[-2:]
    assert issued.at == cancelled.at
    assert (issued.transaction_type, cancelled.transaction_type) == (1, 4)


def test_rows_of_one_time_and_kind_are_one_transaction_as_far_as_one_can_hold_them(rows: list[Row]) -> None:
    shapes = [
        (
            each.identifier,
            int(each.transaction_type),
            [(row.units.originating_registry, row.period) for row in each.rows],
        )
        for each in transactions(rows)
    ]
    assert shapes == [
        ("CDM1", 1, [("BR", 1)]),
        ("CDM2", 1, [("BR", 1)]),
        ("CDM3", 1, [("IN", 1), ("IN", 1)]),  # tCER of two projects
        ("CDM4", 1, [("IN", 1)]),  # lCER of the same time: another unit type
        ("CDM5", 4, [("BR", 1)]),
        ("CDM6", 4, [("BR", 1)]),
        ("CDM7", 1, [("MW", 2)]),
        ("CDM8", 4, [("BR", 1)]),
        ("CDM9", 4, [("MW", 2), ("MW", 2), ("MW", 2)]),  # the same time: another applicable period
        ("CDM10", 4, [("IN", 1)]),
        ("CDM11", 4, [("IN", 1)]),
        ("CDM12", 4, [("RO", 2)]),
        ("CDM13", 1, [("PH", 2)]),
        ("CDM14", 4, [("PH", 2)]),
    ]


def test_cancellations_of_several_units_go_together(rows: list[Row]) -> None:
    cancelled = [row for row in rows if row.transaction_type == TransactionType.CANCELLATION and row.period == 1]
    (one,) = transactions(in_order([replace(row, at=rows[0].at) for row in cancelled]))
    assert {row.unit_type for row in one.rows} == {UnitType.CER, UnitType.TCER, UnitType.LCER}


def test_a_transaction_holds_no_more_blocks_than_a_message_may(rows: list[Row]) -> None:
    many = [replace(rows[0], units=SerialRange("BR", serial, serial)) for serial in range(1, MAX_BLOCKS + 3)]
    assert [len(each.rows) for each in transactions(many)] == [MAX_BLOCKS, 2]


def test_numbers_may_begin_elsewhere(rows: list[Row]) -> None:
    assert [each.identifier for each in transactions(rows[:2], 700)] == ["CDM700", "CDM701"]


@pytest.mark.parametrize(
    ("unit_type", "period", "activity", "track", "expires"),
    [
        (UnitType.CER, 1, None, None, None),
        (UnitType.CER, 2, None, None, None),
        (UnitType.TCER, 1, 1, None, date(2020, 12, 31)),
        (UnitType.TCER, 2, 1, None, date(2030, 12, 31)),
        (UnitType.LCER, 1, 1, None, date(2037, 12, 31)),
        (UnitType.LCER, 2, 1, None, date(2042, 12, 31)),
        (UnitType.ERU_FROM_AAU, 1, None, 1, None),
        (UnitType.ERU_FROM_RMU, 2, 1, 1, None),
    ],
)
def test_a_block_has_what_its_unit_type_asks_for(
    rows: list[Row], unit_type: UnitType, period: int, activity: int | None, track: int | None, expires: date | None
) -> None:
    (one,) = transactions([replace(rows[0], unit_type=unit_type, period=period)])
    assert proposal(one).proposal_unit_blocks == (
        TransactionUnitBlock(
            unit_serial_block_start=5001,
            unit_serial_block_end=9000,
            originating_registry_code="BR",
            unit_type=unit_type,
            original_commit_period=period,
            applicable_commit_period=period,
            lulucf_activity=activity,
            project_identifier=52,
            track=track,
            expiry_date=expires,
        ),
    )


@pytest.mark.parametrize(
    ("transaction_type", "target"), [(TransactionType.ISSUANCE, (110, 1)), (TransactionType.CANCELLATION, (230, 2))]
)
def test_units_come_into_the_pending_account_and_go_from_it(
    rows: list[Row], transaction_type: TransactionType, target: tuple[int, int]
) -> None:
    (one,) = transactions([replace(rows[0], transaction_type=transaction_type)])
    head = proposal(one)
    assert (head.transferring_registry_code, head.acquiring_registry_code) == ("CDM", "CDM")
    assert (head.transferring_registry_account_type, head.transferring_registry_account_identifier) == (110, 1)
    assert (head.acquiring_registry_account_type, head.acquiring_registry_account_identifier) == target


def test_units_of_other_registries_are_entered_as_they_came(rows: list[Row]) -> None:
    (foreign,) = [row for row in rows if is_foreign(row)]
    transfer, held = opening("RO1", foreign)
    assert (transfer.transferring_registry_code, transfer.acquiring_registry_code) == ("RO", "CDM")
    assert (held.range, held.place.registry, held.place.account_type) == (foreign.units, "CDM", 110)
    assert (held.attributes.issued_unit_type, held.attributes.unit_type) == (UnitType.RMU, UnitType.ERU_FROM_RMU)


def test_rows_a_millisecond_apart_are_two_transactions(rows: list[Row]) -> None:
    later = replace(rows[0], at=rows[0].at + timedelta(milliseconds=1))
    assert len(transactions([rows[0], later])) == 2
