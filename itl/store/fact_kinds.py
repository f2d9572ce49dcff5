"""Facts as values: which there are, what each is about, and how its value is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum, StrEnum
from typing import Any

from itl.codes import LulucfActivity, Track, UnitType
from itl.errors import ReferenceDataError

ALWAYS = datetime(1997, 12, 11, tzinfo=UTC)
"""The day the Protocol was adopted: what is valid from then on was valid whenever anybody could ask."""


class FactName(StrEnum):
    """What a fact says; `KINDS` tells what each is about, and what its value is."""

    ASSIGNED_AMOUNT = "assigned amount"
    BASE_YEAR_EMISSIONS = "base-year emissions"
    REVIEWED_INVENTORY = "reviewed inventory"
    RECORDED_RESERVE = "recorded reserve"
    RMU_LIMIT = "RMU limit"
    ISSUANCE_SUSPENDED = "issuance suspended"
    TRUE_UP_END = "true-up end"
    MAY_TRANSFER = "may transfer"
    MAY_ACQUIRE = "may acquire"
    MAY_USE = "may use"
    MAY_TRACK_1 = "may track 1"
    MAY_TRACK_2 = "may track 2"
    PROJECT_UNITS = "project units"
    PROJECT_TRACK = "project track"
    CREDITING_PERIOD_END = "crediting period end"
    PROJECT_QUANTITY = "project quantity"
    ACCOUNT_OWNER = "account owner"
    ACCOUNT_PERIOD = "account period"
    PERIOD_START = "period start"
    PERIOD_END = "period end"
    IN_FORCE = "registry in force"
    MAY_PROPOSE = "registry may propose"
    MAY_ACCEPT = "registry may accept"
    MAY_RECONCILE = "registry may reconcile"
    VERSION_SPOKEN = "version spoken"
    VERSION_ACCEPTED = "version accepted"
    NET_SOURCE = "net source emissions"
    NON_COMPLIANCE = "non-compliance quantity"
    STORAGE_REVERSED = "storage reversed"
    CERTIFICATION_DUE = "certification report due"
    CERTIFICATION_RECEIVED = "certification report received"
    EXCESS_ISSUANCE = "excess issuance"
    CCS_REVERSED = "CCS net reversal"
    VERIFICATION_DUE = "verification report due"
    VERIFICATION_RECEIVED = "verification report received"
    NOTICE_ADDRESSEE = "notice addressee"
    JOINT_RESERVE = "joint reserve"
    JOINT_RESERVE_GROUP = "joint reserve group"
    RESULTS_TOLD = "results told"


class Value(Enum):
    """What a value is, and how it is written."""

    QUANTITY = "a whole number of units, 0 or more"
    NUMBER = "a whole number"
    YES_NO = "yes or no"
    INSTANT = "an instant such as 2015-11-19T00:00:00Z"
    DATE = "a date such as 2020-12-31"
    CODE = "a registry code"
    UNITS = "unit types such as 5 6"
    VERSION = "a version of the standard such as 1.1"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a fact of a name is about, as columns of a file, and what its value is."""

    about: tuple[str, ...]
    value: Value
    optional: frozenset[str] = frozenset()
    """Columns that may be left out: the fact then speaks of all."""


PART_OF: Mapping[str, str] = {
    "party": "subject",
    "registry": "subject",
    "project": "number",
    "account": "number",
    "period": "period",
    "unit_type": "detail",
    "activity": "detail",
    "account_type": "detail",
    "major": "number",
    "minor": "detail",
}
"""Which part of the key a column of a file fills."""

_RIGHT = Kind(("party", "unit_type"), Value.YES_NO, frozenset({"unit_type"}))

KINDS: Mapping[FactName, Kind] = {
    FactName.ASSIGNED_AMOUNT: Kind(("party", "period"), Value.QUANTITY),
    FactName.BASE_YEAR_EMISSIONS: Kind(("party",), Value.QUANTITY),
    FactName.REVIEWED_INVENTORY: Kind(("party", "period"), Value.QUANTITY),
    FactName.RECORDED_RESERVE: Kind(("party", "period"), Value.QUANTITY),
    FactName.RMU_LIMIT: Kind(("party", "period", "activity"), Value.QUANTITY),
    FactName.ISSUANCE_SUSPENDED: Kind(("party", "period"), Value.YES_NO),
    FactName.TRUE_UP_END: Kind(("party", "period"), Value.INSTANT),
    FactName.MAY_TRANSFER: _RIGHT,
    FactName.MAY_ACQUIRE: _RIGHT,
    FactName.MAY_USE: _RIGHT,
    FactName.MAY_TRACK_1: _RIGHT,
    FactName.MAY_TRACK_2: _RIGHT,
    FactName.PROJECT_UNITS: Kind(("party", "project"), Value.UNITS),
    FactName.PROJECT_TRACK: Kind(("party", "project"), Value.NUMBER),
    FactName.CREDITING_PERIOD_END: Kind(("party", "project"), Value.DATE),
    FactName.PROJECT_QUANTITY: Kind(("party", "project", "unit_type", "period"), Value.QUANTITY),
    FactName.ACCOUNT_OWNER: Kind(("registry", "account_type", "account"), Value.CODE),
    FactName.ACCOUNT_PERIOD: Kind(("registry", "account_type", "account"), Value.NUMBER),
    FactName.PERIOD_START: Kind(("period",), Value.INSTANT),
    FactName.PERIOD_END: Kind(("period",), Value.INSTANT),
    FactName.IN_FORCE: Kind(("registry",), Value.YES_NO),
    FactName.MAY_PROPOSE: Kind(("registry",), Value.YES_NO),
    FactName.MAY_ACCEPT: Kind(("registry",), Value.YES_NO),
    FactName.MAY_RECONCILE: Kind(("registry",), Value.YES_NO),
    FactName.VERSION_SPOKEN: Kind(("registry",), Value.VERSION),
    FactName.VERSION_ACCEPTED: Kind(("major", "minor"), Value.YES_NO),
    FactName.NET_SOURCE: Kind(("party", "period", "activity"), Value.QUANTITY),
    FactName.NON_COMPLIANCE: Kind(("party", "period"), Value.QUANTITY),
    FactName.STORAGE_REVERSED: Kind(("party", "project"), Value.QUANTITY),
    FactName.CERTIFICATION_DUE: Kind(("party", "project"), Value.DATE),
    FactName.CERTIFICATION_RECEIVED: Kind(("party", "project"), Value.DATE),
    FactName.EXCESS_ISSUANCE: Kind(("party", "project", "unit_type"), Value.QUANTITY),
    FactName.CCS_REVERSED: Kind(("party", "project"), Value.QUANTITY),
    FactName.VERIFICATION_DUE: Kind(("party", "project"), Value.DATE),
    FactName.VERIFICATION_RECEIVED: Kind(("party", "project"), Value.DATE),
    FactName.NOTICE_ADDRESSEE: Kind(("party", "project"), Value.CODE),
    FactName.JOINT_RESERVE: Kind(("party", "period"), Value.QUANTITY),
    FactName.JOINT_RESERVE_GROUP: Kind(("party", "period"), Value.CODE),
    FactName.RESULTS_TOLD: Kind(("registry",), Value.YES_NO),
}

ALLOWED: Mapping[str, frozenset[int]] = {
    "unit_type": frozenset(UnitType) - {UnitType.NON_KYOTO},
    "activity": frozenset(LulucfActivity),
}


@dataclass(frozen=True, slots=True, order=True)
class FactKey:
    """What a fact is about; parts that its name does not have are empty or 0, as is `detail` where it means all."""

    name: FactName
    subject: str = ""
    number: int = 0
    period: int = 0
    detail: int = 0

    def about(self) -> dict[str, str | int]:
        """The parts by the names of their columns."""
        parts = {column: getattr(self, PART_OF[column]) for column in KINDS[self.name].about}
        return {column: part for column, part in parts.items() if part or column not in KINDS[self.name].optional}


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact to record; `value` None withdraws. Values: int, bool, str, aware datetime, date, frozenset of int."""

    key: FactKey
    value: Any
    valid_from: datetime = ALWAYS


def key_of(name: FactName, about: Mapping[str, str | int]) -> FactKey:
    """The key from the columns that say what a fact is about; ReferenceDataError where one is not its, or missing."""
    kind = KINDS[name]
    for column in about:
        if column not in kind.about:
            raise ReferenceDataError(f"{name!r} is about {', '.join(kind.about)}, not about {column}")
    parts: dict[str, Any] = {}
    for column in kind.about:
        if column not in about:
            if column in kind.optional:
                continue
            raise ReferenceDataError(f"{name!r} is about {', '.join(kind.about)}, and {column} is not given")
        part = about[column]
        if column not in ("party", "registry"):
            part = _whole(part)
            if column in ALLOWED and part not in ALLOWED[column]:
                raise ReferenceDataError(f"{column} {part} is none of {', '.join(map(str, sorted(ALLOWED[column])))}")
        parts[PART_OF[column]] = part
    return FactKey(name, **parts)


def value_of(name: FactName, written: Any) -> Any:
    """The value that `written` (text, or a value of TOML) stands for; ReferenceDataError where it is none."""
    kind = KINDS[name].value
    try:
        value = READ[kind](written)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ReferenceDataError(f"{written!r} is no value of {name!r}: give {kind.value}") from error
    if name is FactName.PROJECT_TRACK and value not in frozenset(Track):
        raise ReferenceDataError(f"track {value} is neither 1 nor 2")
    return value


# Values --------------------------------------------------------------------------------------------------------------


def instant(written: Any) -> datetime:
    """An instant in UTC from ISO 8601, a date or a datetime; UTC where no zone is given."""
    if isinstance(written, str):
        written = datetime.fromisoformat(written)
    if not isinstance(written, datetime):
        written = datetime(written.year, written.month, written.day)
    aware: datetime = written if written.tzinfo else written.replace(tzinfo=UTC)
    return aware.astimezone(UTC)


def _whole(written: Any) -> int:
    if isinstance(written, bool) or not isinstance(written, int | str):
        raise ReferenceDataError(f"{written!r} is no whole number")
    try:
        return int(written)
    except ValueError as error:
        raise ReferenceDataError(f"{written!r} is no whole number") from error


def _quantity(written: Any) -> int:
    number = int(written) if isinstance(written, str) else written
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise ValueError(written)
    return number


def _yes_no(written: Any) -> bool:
    if isinstance(written, bool):
        return written
    return {"yes": True, "no": False, "true": True, "false": False}[written.lower()]


def _date(written: Any) -> date:
    if isinstance(written, datetime):
        raise ValueError(written)
    return written if isinstance(written, date) else date.fromisoformat(written)


def _code(written: Any) -> str:
    if not isinstance(written, str) or not written.isalnum():
        raise ValueError(written)
    return written


def _units(written: Any) -> frozenset[int]:
    types = frozenset(map(int, written.split() if isinstance(written, str) else written))
    if not types or not types <= frozenset(UnitType):
        raise ValueError(written)
    return types


def _version(written: Any) -> tuple[int, int]:
    if not isinstance(written, str):
        major, minor = written
        return int(major), int(minor)
    major, _, minor = written.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        raise ValueError(written)
    return int(major), int(minor)


def plain(value: object) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{value!r} is no value of a fact")


READ: Mapping[Value, Any] = {
    Value.QUANTITY: _quantity,
    Value.NUMBER: _quantity,
    Value.YES_NO: _yes_no,
    Value.INSTANT: instant,
    Value.DATE: _date,
    Value.CODE: _code,
    Value.UNITS: _units,
    Value.VERSION: _version,
}
"""Makes the value of what is written in a file or a command, and of what is stored."""
