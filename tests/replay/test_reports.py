"""Reading the reports: either spelling of the header, any order of columns; what is wrong is named by its place."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from itl.codes import TransactionType, UnitType
from itl.ledger.block import SerialRange
from itl.replay.reports import ReportError, Row, read
from tests.replay.conftest import CANCELLATIONS, ISSUANCES

HEADER = "Completion date,Transaction type,Status,SERIAL RANGE,Unit Type,CP,PARTY CODE,Project number,Total"
GOOD = {
    "time": "2007-11-09T10:33:23.293",
    "type": "Issuance (1)",
    "status": "4 - Completed",
    "serials": "1 - 2210",
    "unit": "CER",
    "period": "1",
    "party": "HN",
    "project": "9",
    "total": "2210",
}


def report(directory: Path, content: str | bytes) -> Path:
    file = directory / "report.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def issuances(file: Path) -> list[Row]:
    return list(read(file, TransactionType.ISSUANCE))


def test_a_row_of_issuances() -> None:
    first = issuances(ISSUANCES)[0]
    assert first == Row(
        file=str(ISSUANCES),
        line=2,
        at=datetime(2007, 11, 9, 10, 33, 23, 293000, UTC),
        transaction_type=TransactionType.ISSUANCE,
        units=SerialRange("BR", 5001, 9000),
        unit_type=UnitType.CER,
        period=1,
        project=52,
    )


def test_a_row_of_cancellations() -> None:
    rows = list(read(CANCELLATIONS, TransactionType.CANCELLATION))
    assert rows[8] == Row(
        file=str(CANCELLATIONS),
        line=10,
        at=datetime(2023, 9, 20, 11, 9, 56, 363000, UTC),
        transaction_type=TransactionType.CANCELLATION,
        units=SerialRange("RO", 3_319_283_423, 3_319_454_772),
        unit_type=UnitType.ERU_FROM_RMU,
        period=2,
        project=1_000_080,
    )


@pytest.mark.parametrize(
    "content",
    [
        f"\ufeff{HEADER}\r\n{','.join(GOOD.values())}\r\n\r\n",
        "total,UNIT,cp (of origin),Serial  Range,Project Identifier,STATUS,Transaction Type,Completion Date\n"
        '"2210",cer,1,1-2210,HN - 9,4,Issuance (1),2007-11-09 11:33:23.293+01:00\n',
    ],
    ids=["byte order mark, carriage returns, empty line", "other order, other spelling"],
)
def test_what_spells_the_same_row_is_read_the_same(tmp_path: Path, content: str) -> None:
    (row,) = issuances(report(tmp_path, content))
    assert (row.units, row.unit_type, row.period, row.project) == (SerialRange("HN", 1, 2210), UnitType.CER, 1, 9)
    assert row.at == datetime(2007, 11, 9, 10, 33, 23, 293000, UTC)


@pytest.mark.parametrize(
    ("column", "value", "place", "reason"),
    [
        ("time", "yesterday", "Completion date", "is not a time"),
        ("time", "2007-02-30T00:00:00", "Completion date", "is not a time"),
        ("type", "Cancellation (4)", "Transaction type", "code 1"),
        ("type", "Issuance", "Transaction type", "code 1"),
        ("status", "5 - Terminated", "Status", "code 4"),
        ("status", "40", "Status", "code 4"),
        ("serials", "1 to 2210", "SERIAL RANGE", "is not a serial range"),
        ("serials", "1 - ", "SERIAL RANGE", "is not a number"),
        ("serials", "0 - 2210", "SERIAL RANGE", "is not a number from 1"),
        ("serials", "1 - 2_210", "SERIAL RANGE", "is not a number"),
        ("serials", "1 - ٢٢١٠", "SERIAL RANGE", "is not a number"),
        ("serials", "1 - 1000000000000000", "SERIAL RANGE", "is not a number"),
        ("serials", "2210 - 1", "SERIAL RANGE", "ends before it starts"),
        ("unit", "XCER", "Unit Type", "is none of the units"),
        ("period", "3", "CP", "is not a number from 1 to 2"),
        ("party", "hn", "PARTY CODE", "is not the code of a Party"),
        ("project", "0", "Project number", "is not a number"),
        ("total", "2211", "Total", "holds 2210"),
        ("total", "", "Total", "is not a number"),
    ],
)
def test_a_wrong_value_is_named_by_file_line_and_column(
    tmp_path: Path, column: str, value: str, place: str, reason: str
) -> None:
    file = report(tmp_path, "\n".join([HEADER, ",".join(GOOD.values()), ",".join({**GOOD, column: value}.values())]))
    with pytest.raises(ReportError) as caught:
        issuances(file)
    assert str(caught.value).startswith(f"{file}, line 3, column {place}: ")
    assert reason in str(caught.value)
    assert repr(value.strip()) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "report.csv: is empty"),
        (f"{HEADER}\n1,2,3\n", "report.csv, line 2: has 3 fields, the header has 9"),
        ("Completion date,CP,Total\n", "line 1: has no column party code, project number, serial range, status, "),
        (f'{HEADER}\n"open\n', "report.csv, line 2: unexpected end of data"),
        (f"{HEADER}\n{','.join(GOOD.values())}".encode().replace(b",HN,", b",H\xff,"), "line 2, column PARTY CODE: "),
    ],
)
def test_what_is_no_report_is_named(tmp_path: Path, content: str | bytes, problem: str) -> None:
    with pytest.raises(ReportError) as caught:
        issuances(report(tmp_path, content))
    assert problem in str(caught.value)


def test_an_absent_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"none\.csv: No such file"):
        issuances(tmp_path / "none.csv")
