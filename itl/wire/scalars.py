"""The five value types of the contract: text to value and back, as XML Schema writes them.

A parser takes an element's whole text and raises ValueError with a reason that can be shown to the sender.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any

XML_SPACE = " \t\r\n"

# Leading zeros are legal; nobody needs more than this of them, and a bound comes before int() does.
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_ZONE = r"(?P<zone>Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
_DAY = r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
_CLOCK = r"(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.(?P<fraction>[0-9]{1,100}))?"
_DATE = re.compile(_DAY + _ZONE)
_DATE_TIME = re.compile(f"{_DAY}T{_CLOCK}{_ZONE}")

_UNSAFE = re.compile("[&<>\r]|[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value type: its local `name` in XML Schema's namespace, how it is read and written."""

    name: str
    parse: Callable[[str], Any]
    render: Callable[[Any], str]


def escape(text: str) -> str:
    """`text` as element content; what XML 1.0 cannot hold becomes U+FFFD, so that the document stays well-formed."""
    return _UNSAFE.sub(lambda match: _ESCAPES.get(match[0], "\ufffd"), text)


def _bounded(bits: int, name: str) -> tuple[Callable[[str], int], Callable[[int], str]]:
    lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    always_in_range = len(str(highest)) - 1

    def parse(text: str) -> int:
        if len(text) <= always_in_range and text.isdecimal() and text.isascii():
            return int(text)
        digits = text.strip(XML_SPACE)
        if not _INTEGER.fullmatch(digits):
            raise ValueError(f"{_shown(digits)} is not a whole number (xsd:{name})")
        value = int(digits)
        if not lowest <= value <= highest:
            raise ValueError(f"{_shown(digits)} is out of the range of xsd:{name}")
        return value

    def render(value: int) -> str:
        if not lowest <= value <= highest:
            raise ValueError(f"{value} is out of the range of xsd:{name}")
        return str(int(value))

    return parse, render


def _parse_date(text: str) -> date:
    stripped = text.strip(XML_SPACE)
    match = _DATE.fullmatch(stripped)
    try:
        if match:
            return date.fromisoformat(match["day"])
    except ValueError:
        pass
    raise ValueError(f"{_shown(stripped)} is not a date (xsd:date)")


def _parse_date_time(text: str) -> datetime:
    """The instant, in UTC; without a zone it is read as UTC, finer than a microsecond it is cut."""
    stripped = text.strip(XML_SPACE)
    match = _DATE_TIME.fullmatch(stripped)
    try:
        if match:
            return _instant(match["day"], match["clock"], match["fraction"] or "", match["zone"] or "Z")
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{_shown(stripped)} is not a date and time (xsd:dateTime)")


def _instant(day: str, clock: str, fraction: str, zone: str) -> datetime:
    step = timedelta()
    if clock == "24:00:00" and not fraction.strip("0"):  # XML Schema's other spelling of the next midnight
        clock, step = "00:00:00", timedelta(days=1)
    microsecond = int(fraction[:6].ljust(6, "0"))
    local = datetime.fromisoformat(f"{day}T{clock}").replace(microsecond=microsecond, tzinfo=UTC)
    if zone != "Z":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
        step -= offset if zone[0] == "+" else -offset
    return local + step


def render_date_time(value: datetime) -> str:
    """XML Schema's canonical form: UTC with `Z`, the fraction without trailing zeros. A naive value is an error."""
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone")
    utc = value.astimezone(UTC).replace(tzinfo=None)
    text = utc.isoformat()
    return f"{text.rstrip('0') if utc.microsecond else text}Z"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "...")


_INT, _LONG = _bounded(32, "int"), _bounded(64, "long")

SCALARS: Mapping[str, Scalar] = MappingProxyType(
    {
        "string": Scalar("string", str, escape),
        "int": Scalar("int", *_INT),
        "long": Scalar("long", *_LONG),
        "dateTime": Scalar("dateTime", _parse_date_time, render_date_time),
        "date": Scalar("date", _parse_date, date.isoformat),
    }
)
