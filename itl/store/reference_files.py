"""Files of reference data: our own form, as CSV or TOML, and the public collection of facts of the Kyoto Protocol.

Our own: a row, or a table `[[fact]]`, per fact, with `fact` (its name), the columns that say what it is about (`party`,
`registry`, `project`, `account_type`, `account`, `period`, `unit_type`, `activity`; `fact_kinds` tells which), `value`
(empty or `none` withdraws), and if wanted `valid_from` and `reason`. In TOML notices as well, `[[notice]]`, with
`identifier`, `type`, `registry`, and as far as they say it `status`, `party` and `project`, `unit_type`, `quantity`,
`date`, `activity`, `period`, `due`, and `blocks` such as "GB 1-100".

A mistake is a ReferenceDataError that names file, line and column; then nothing of the file is taken.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from itl.errors import ReferenceDataError
from itl.ledger.block import SerialRange
from itl.reference import CommitmentPeriod, Notice, NoticeStatus
from itl.store.enrolment import KNOWN_CODES, put_parties
from itl.store.fact_kinds import PART_OF, Fact, FactKey, FactName, instant, key_of, value_of
from itl.store.facts import Source
from itl.store.notices import RecordedNotice, put_notice
from itl.store.reference_data import load_reference, put_facts, raise_stamp

OWN_COLUMNS = frozenset({"fact", "value", "valid_from", "reason", *PART_OF})
PUBLIC_COLUMNS = (
    "registry_code", "party", "fact", "unit_type", "commitment_period", "quantity", "date", "source_url", "note",
)  # fmt: skip
PUBLIC_FACTS: Mapping[str, FactName] = {
    "assigned amount": FactName.ASSIGNED_AMOUNT,
    "emission level allocated": FactName.ASSIGNED_AMOUNT,
    "commitment period reserve": FactName.RECORDED_RESERVE,
}
"""What the facts of the public collection that begin with these words are to the log."""
NOTICE_FIELDS = frozenset(
    "identifier type status registry party project unit_type quantity date activity period due blocks reason".split()
)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that was not taken, and why."""

    line: int
    what: str
    why: str


@dataclass(slots=True)
class Loaded:
    """What a file holds."""

    facts: list[tuple[Fact, Source]] = field(default_factory=list)
    notices: list[RecordedNotice] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for what a file does not say itself. `valid_from` None: from when it is recorded on."""

    source: Source
    valid_from: datetime | None = None


def read(path: Path, defaults: Defaults, periods: Mapping[int, CommitmentPeriod]) -> Loaded:
    """The reference data in the file at `path`. `periods`: from whose start public facts are valid."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ReferenceDataError(f"{path}: {error}; give a readable file in UTF-8") from error
    if path.suffix == ".toml":
        return _read_toml(path, text, defaults)
    reader = csv.DictReader(StringIO(text), strict=True)
    try:
        columns = tuple(reader.fieldnames or ())
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise ReferenceDataError(f"{path}, line {reader.line_num}: {error}") from error
    if columns == PUBLIC_COLUMNS:
        return _read_public(path, rows, defaults, periods)
    return _read_own(path, columns, rows, defaults)


def enter(connection: Connection, loaded: Loaded) -> tuple[int, int]:
    """Record what is new of a file: how many facts and notices that are. Codes of Parties become known."""
    put_parties(connection, {fact.key.subject for fact, _ in loaded.facts} & set(KNOWN_CODES))
    by_source: dict[Source, list[Fact]] = {}
    for fact, source in loaded.facts:
        by_source.setdefault(source, []).append(fact)
    facts = sum(put_facts(connection, of, source) for source, of in by_source.items())
    registries = load_reference(connection).registries
    notices = 0
    for each in loaded.notices:
        if each.notice.registry not in registries:
            raise ReferenceDataError(f"notice {each.notice.identifier}: no registry {each.notice.registry} is enrolled")
        notices += put_notice(connection, each)
    if notices:
        raise_stamp(connection)
    return facts, notices


# Our own form --------------------------------------------------------------------------------------------------------


def _read_own(
    path: Path, columns: tuple[str, ...], rows: Iterable[tuple[int, dict[str, str]]], defaults: Defaults
) -> Loaded:
    unknown = [column for column in columns if column not in OWN_COLUMNS]
    if unknown or "fact" not in columns or "value" not in columns:
        problem = f"unknown column {unknown[0]!r}" if unknown else "a column fact and a column value must be there"
        raise ReferenceDataError(f"{path}, line 1: {problem}; columns are {', '.join(sorted(OWN_COLUMNS))}")
    loaded = Loaded()
    for line, row in rows:
        if None in row or None in row.values():
            raise ReferenceDataError(f"{path}, line {line}: {len(columns)} columns, and the row has another number")
        given = {column: cell.strip() for column, cell in row.items() if cell.strip()}
        loaded.facts.append(_fact(given, defaults, lambda column, line=line: f"{path}, line {line}, column {column}"))
    return loaded


def _fact(given: Mapping[str, Any], defaults: Defaults, place: Any) -> tuple[Fact, Source]:
    """The fact of a row or table; `place` names a column of it."""
    name = _told(place("fact"), lambda: FactName(given.get("fact", "")), _unknown_fact(given.get("fact", "")))
    about = {column: given[column] for column in PART_OF if column in given}
    wrong = next(
        (column for column in about if column not in ("party", "registry") and not _is_whole(about[column])), None
    )
    key = _told(place(wrong or "fact"), lambda: key_of(name, about))
    written = given.get("value", "none")
    value = _told(place("value"), lambda: None if written == "none" else value_of(name, written))
    valid_from = defaults.valid_from or defaults.source.at
    if "valid_from" in given:
        valid_from = _told(place("valid_from"), lambda: instant(given["valid_from"]))
    source = replace(defaults.source, reason=given["reason"]) if "reason" in given else defaults.source
    return Fact(key, value, valid_from), source


def _unknown_fact(name: str) -> str:
    return f"{name!r} is no fact that the log knows; known are {', '.join(FactName)}"


def _is_whole(written: Any) -> bool:
    return isinstance(written, int) or (isinstance(written, str) and written.isdecimal())


def _told(place: str, make: Any, problem: str | None = None) -> Any:
    """What `make` makes; what it says is wrong, with the place."""
    try:
        return make()
    except (ReferenceDataError, ValueError, TypeError, AttributeError) as error:
        raise ReferenceDataError(f"{place}: {problem or error}") from error


def _read_toml(path: Path, text: str, defaults: Defaults) -> Loaded:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ReferenceDataError(f"{path}: {error}") from error
    unknown = sorted(content.keys() - {"fact", "notice"})
    if unknown:
        raise ReferenceDataError(f"{path}: {unknown[0]!r} is neither [[fact]] nor [[notice]]")
    loaded = Loaded()
    for number, table in enumerate(content.get("fact", ())):
        place = _Place(path, text, "fact", number)
        _require_known(table, OWN_COLUMNS, place)
        loaded.facts.append(_fact(table, defaults, place))
    for number, table in enumerate(content.get("notice", ())):
        place = _Place(path, text, "notice", number)
        _require_known(table, NOTICE_FIELDS, place)
        loaded.notices.append(_notice(table, defaults, place))
    return loaded


def _require_known(table: Mapping[str, Any], known: frozenset[str], place: _Place) -> None:
    for name in table:
        if name not in known:
            raise ReferenceDataError(f"{place(name)}: unknown; known are {', '.join(sorted(known))}")


@dataclass(frozen=True, slots=True)
class _Place:
    """Names a place in a TOML file: `tomllib` does not tell where a value stood, so the lines are looked at."""

    path: Path
    text: str
    kind: str
    number: int

    def __call__(self, column: str) -> str:
        lines = self.text.splitlines()
        headers = [at for at, line in enumerate(lines) if re.match(rf"\s*\[\[\s*{self.kind}\s*\]\]", line)]
        if self.number >= len(headers):
            return f"{self.path}, {self.kind} {self.number + 1}, column {column}"
        at = headers[self.number]
        for behind, line in enumerate(lines[at + 1 :], start=at + 1):
            if line.lstrip().startswith("[["):
                break
            if re.match(rf"\s*{re.escape(column)}\s*=", line):
                at = behind
                break
        return f"{self.path}, line {at + 1}, column {column}"


def _notice(table: Mapping[str, Any], defaults: Defaults, place: _Place) -> RecordedNotice:
    def number(name: str, *, needed: bool = False) -> Any:
        value = table.get(name)
        if value is None and not needed:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ReferenceDataError(f"{place(name)}: {value!r} is no whole number of 0 or more")
        return value

    def day(name: str) -> date | None:
        value = table.get(name)
        if value is not None and (isinstance(value, datetime) or not isinstance(value, date)):
            raise ReferenceDataError(f"{place(name)}: {value!r} is no date such as 2020-12-31")
        return value

    if ("party" in table) != ("project" in table):
        raise ReferenceDataError(f"{place('project')}: a project is named by party and project")
    status = table.get("status", "open")
    blocks = table.get("blocks", [])
    notice = Notice(
        identifier=number("identifier", needed=True),
        notice_type=number("type", needed=True),
        status=_told(place("status"), lambda: NoticeStatus[status.upper()], f"{status!r} is no status of a notice"),
        registry=_told(place("registry"), lambda: value_of(FactName.ACCOUNT_OWNER, table.get("registry"))),
        project=(table["party"], number("project")) if "project" in table else None,
        unit_type=number("unit_type"),
        target_value=number("quantity"),
        target_date=day("date"),
        lulucf_activity=number("activity"),
        commit_period=number("period"),
        blocks=_told(place("blocks"), lambda: tuple(map(_units, blocks))),
    )
    source = replace(defaults.source, reason=table["reason"]) if "reason" in table else defaults.source
    return RecordedNotice(notice, day("due"), source, status_given="status" in table)


def _units(written: str) -> SerialRange:
    match = re.fullmatch(r"(\w+) (\d+)-(\d+)", written)
    if match is None or not 1 <= int(match[2]) <= int(match[3]):
        raise ValueError(f"{written!r} is no range of serials such as GB 1-100")
    return SerialRange(match[1], int(match[2]), int(match[3]))


# The public collection -----------------------------------------------------------------------------------------------


def _read_public(
    path: Path,
    rows: Iterable[tuple[int, dict[str, str]]],
    defaults: Defaults,
    periods: Mapping[int, CommitmentPeriod],
) -> Loaded:
    """Assigned amounts and reserves; valid, unless told otherwise, from the start of the period they are for."""
    loaded = Loaded()
    for line, row in rows:
        what = f"{row['registry_code']}: {row['fact']}"
        name = next((known for words, known in PUBLIC_FACTS.items() if row["fact"].startswith(words)), None)
        if name is None:
            loaded.skipped.append(Skipped(line, what, "something that happened, not a fact that checks rest on"))
            continue
        key = FactKey(name, row["registry_code"], period=_cell(path, line, row, "commitment_period"))
        if key.period not in periods:
            raise ReferenceDataError(f"{path}, line {line}, column commitment_period: {key.period} is no known period")
        fact = Fact(key, _cell(path, line, row, "quantity"), defaults.valid_from or periods[key.period].start)
        told = ", ".join(
            filter(None, (row["fact"], row["note"], row["date"] and f"of {row['date']}", row["source_url"]))
        )
        loaded.facts.append((fact, replace(defaults.source, reason=f"{defaults.source.reason}: {told}")))
    return loaded


def _cell(path: Path, line: int, row: Mapping[str, str], column: str) -> int:
    if not row[column].isdecimal():
        raise ReferenceDataError(f"{path}, line {line}, column {column}: {row[column]!r} is no whole number")
    return int(row[column])


def told(loaded: Loaded) -> Iterator[str]:
    """A line for each row that was skipped."""
    for each in loaded.skipped:
        yield f"line {each.line} skipped, {each.what}: {each.why}"
