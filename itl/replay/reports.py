"""The CDM registry's public reports of issuances and of voluntary cancellations, read row by row.

The two reports spell their headers differently and order their columns differently; one names the host Party and the
project in two columns, the other in one (`BR-2569`). Every spelling is read in either report. Times are UTC.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from itl.codes import MAX_PROJECT, MAX_SERIAL, TransactionStatus, TransactionType, UnitType
from itl.errors import LogError
from itl.ledger.block import SerialRange

Value = TypeVar("Value")

NAMES: Mapping[str, tuple[str, ...]] = {
    "completed": ("completion date",),
    "type": ("transaction type",),
    "status": ("status",),
    "serials": ("serial range",),
    "unit": ("unit type", "unit"),
    "period": ("cp", "commitment period"),
    "total": ("total",),
    "party": ("party code",),
    "project": ("project number",),
    "party_and_project": ("project identifier",),
}
"""The columns that are read, by the names they bear: without letter case, and without what stands in brackets."""

UNITS: Mapping[str, UnitType] = {
    "cer": UnitType.CER,
    "tcer": UnitType.TCER,
    "lcer": UnitType.LCER,
    "eru (from aau)": UnitType.ERU_FROM_AAU,
    "eru (from rmu)": UnitType.ERU_FROM_RMU,
}


LAST_PERIOD = 2
"""The last commitment period for which units were issued."""


class ReportError(LogError):
    """A report that cannot be read as one: says in which file, line and column, and why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One block of a completed transaction. `line` is the line of the file on which the row ends."""

    file: str
    line: int
    at: datetime
    transaction_type: TransactionType
    units: SerialRange
    unit_type: UnitType
    period: int
    project: int


def read(file: Path, transaction_type: TransactionType) -> Iterator[Row]:
    """The rows of a report of completed transactions of `transaction_type`, in the order of the file; ReportError."""
    reader: Any = None
    try:
        # What is not UTF-8 is kept for now, so that it is refused by its line and column.
        with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            yield from _rows(reader, str(file), transaction_type)
    except OSError as error:
        raise ReportError(f"{file}: {error.strerror}; give the path of a report") from error
    except csv.Error as error:
        raise ReportError(f"{file}, line {reader.line_num}: {error}; a report is CSV") from error


def _rows(reader: Any, file: str, transaction_type: TransactionType) -> Iterator[Row]:
    header = next(reader, None)
    if header is None:
        raise ReportError(f"{file}: is empty; a report begins with the names of its columns")
    columns = _columns(header, file)
    for fields in reader:
        if not fields:
            continue
        if len(fields) != len(header):
            problem = f"has {len(fields)} fields, the header has {len(header)}"
            raise ReportError(f"{file}, line {reader.line_num}: {problem}")
        yield _row(_Line(file, reader.line_num, header, columns, fields), transaction_type)


def _columns(header: Sequence[str], file: str) -> dict[str, int]:
    """Where each column stands."""
    plain = [" ".join(re.sub(r"\(.*?\)", " ", name).casefold().split()) for name in header]
    columns = {key: plain.index(name) for key, names in NAMES.items() for name in names if name in plain}
    optional = {"party", "project"} if "party_and_project" in columns else {"party_and_project"}
    missing = sorted(NAMES[key][0] for key in NAMES.keys() - columns.keys() - optional)
    if missing:
        raise ReportError(f"{file}, line 1: has no column {', '.join(missing)}; it has {', '.join(header)}")
    return columns


@dataclass(frozen=True, slots=True)
class _Line:
    file: str
    number: int
    header: Sequence[str]
    columns: Mapping[str, int]
    fields: Sequence[str]

    def value(self, key: str, parse: Callable[[str], Value]) -> Value:
        """What stands in a column, as `parse` reads it; ReportError for what it raises ValueError."""
        column = self.columns[key]
        text = self.fields[column].strip()
        try:
            return parse(text)
        except ValueError as error:
            place = f"{self.file}, line {self.number}, column {self.header[column]}"
            raise ReportError(f"{place}: {text!r} {error}") from None


def _row(line: _Line, transaction_type: TransactionType) -> Row:
    line.value("type", lambda text: _require_code(text, transaction_type, r"\((\d+)\)$"))
    line.value("status", lambda text: _require_code(text, TransactionStatus.COMPLETED, r"^(\d+)\b"))
    if "party_and_project" in line.columns:
        party, project = line.value("party_and_project", _party_and_project)
    else:
        party, project = line.value("party", _party), line.value("project", _project)
    start, end = line.value("serials", _serials)
    line.value("total", lambda text: _require_total(text, end - start + 1))
    return Row(
        file=line.file,
        line=line.number,
        at=line.value("completed", _time),
        transaction_type=transaction_type,
        units=SerialRange(party, start, end),
        unit_type=line.value("unit", _unit),
        period=line.value("period", lambda text: _number(text, LAST_PERIOD)),
        project=project,
    )


def _require_code(text: str, code: int, pattern: str) -> None:
    found = re.search(pattern, text, re.ASCII)
    if found is None or int(found[1]) != code:
        raise ValueError(f"is not what stands in this report, code {code:d}")


def _require_total(text: str, quantity: int) -> None:
    if _number(text, MAX_SERIAL) != quantity:
        raise ValueError(f"is not the quantity of the serial range, which holds {quantity}")


def _number(text: str, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", text) or not 1 <= int(text) <= most:
        raise ValueError(f"is not a number from 1 to {most}")
    return int(text)


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a time such as 2012-10-27T08:22:17.443") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _serials(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if not dash:
        raise ValueError("is not a serial range such as 1 - 2210")
    start, end = _number(first.strip(), MAX_SERIAL), _number(last.strip(), MAX_SERIAL)
    if end < start:
        raise ValueError("ends before it starts")
    return start, end


def _unit(text: str) -> UnitType:
    unit = UNITS.get(" ".join(text.casefold().split()))
    if unit is None:
        raise ValueError(f"is none of the units {', '.join(UNITS)}")
    return unit


def _party(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{2,3}", text):
        raise ValueError("is not the code of a Party")
    return text


def _project(text: str) -> int:
    return _number(text, MAX_PROJECT)


def _party_and_project(text: str) -> tuple[str, int]:
    party, dash, project = text.partition("-")
    if not dash:
        raise ValueError("is not a Party and a project such as BR-2569")
    return _party(party.strip()), _project(project.strip())
