"""The life of a notice of the log: what it must say by its type, where it stands, and what its registry is told of it.

Types, fields by type and statuses: code lists of the standard, and the test data of a connected registry. That registry
keeps type and status of the first message with an identifier for ever: so a change of what a notice asks for, and that
it is partly answered, is told under the same identifier by type 10 (it is still answered under that identifier), while
its end is told under a new identifier, which this log reserves for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from itl.codes import NoticeType
from itl.errors import UsageError
from itl.ledger.ranges import quantity
from itl.lifecycle.text import MOST_CHARACTERS, require_sendable
from itl.messages import ITLNoticeRequest, UnitBlockIdentifier
from itl.reference import Notice, NoticeStatus


class Event(StrEnum):
    """What befalls a notice."""

    RAISED = "raised"
    UPDATED = "updated"
    ANSWERED_IN_PART = "answered in part"
    ANSWERED = "answered"
    COMPLETED = "completed"
    """Otherwise than by transactions: what it was about is over, or an operator says so."""
    WITHDRAWN = "withdrawn"
    OVERDUE = "overdue"
    CEASED = "ceased"
    """The condition that a withdrawn notice was about is over: it may be asked for anew when it returns."""


_OPEN, _INCOMPLETE, _COMPLETED = NoticeStatus

TRANSITIONS: Mapping[tuple[NoticeStatus, Event], NoticeStatus] = {
    (_OPEN, Event.UPDATED): _OPEN,
    (_OPEN, Event.ANSWERED_IN_PART): _INCOMPLETE,
    (_OPEN, Event.ANSWERED): _COMPLETED,
    (_OPEN, Event.COMPLETED): _COMPLETED,
    (_OPEN, Event.WITHDRAWN): _COMPLETED,
    (_OPEN, Event.OVERDUE): _OPEN,
    (_INCOMPLETE, Event.UPDATED): _INCOMPLETE,
    (_INCOMPLETE, Event.ANSWERED_IN_PART): _INCOMPLETE,
    (_INCOMPLETE, Event.ANSWERED): _COMPLETED,
    (_INCOMPLETE, Event.COMPLETED): _COMPLETED,
    (_INCOMPLETE, Event.WITHDRAWN): _COMPLETED,
    (_INCOMPLETE, Event.OVERDUE): _INCOMPLETE,
}
"""The status after an event. On the wire a withdrawn notice is a completed one: the standard has no status for it."""

ENDS = frozenset({Event.ANSWERED, Event.COMPLETED, Event.WITHDRAWN})
UNTOLD = frozenset({Event.OVERDUE, Event.CEASED})
"""Events that are the log's own affair."""


def after(notice: Notice, event: Event) -> NoticeStatus:
    """The status after `event`; UsageError where it cannot befall the notice any more."""
    status = TRANSITIONS.get((NoticeStatus(notice.status), event))
    if status is None:
        raise UsageError(f"notice {notice.identifier} is completed; it cannot be {event}")
    return status


@dataclass(frozen=True, slots=True)
class Fields:
    """What notices of a type say beside quantity, text, status and due date, which all do."""

    project: bool = False
    unit_type: bool = False
    target_date: bool = False
    lulucf_activity: bool = False
    commit_period: bool = False
    needs_quantity: bool = True


_PROJECT = Fields(project=True)
FIELDS: Mapping[int, Fields] = {
    NoticeType.NET_SOURCE_CANCELLATION: Fields(lulucf_activity=True, commit_period=True),
    NoticeType.NON_COMPLIANCE_CANCELLATION: Fields(commit_period=True),
    NoticeType.IMPENDING_EXPIRY: Fields(),
    NoticeType.REVERSAL_OF_STORAGE: _PROJECT,
    NoticeType.NON_SUBMISSION_OF_CERTIFICATION_REPORT: _PROJECT,
    NoticeType.EXCESS_ISSUANCE: Fields(project=True, unit_type=True),
    NoticeType.COMMITMENT_PERIOD_RESERVE: Fields(),
    NoticeType.UNIT_CARRY_OVER: Fields(needs_quantity=False),
    NoticeType.EXPIRY_DATE_CHANGE: Fields(project=True, unit_type=True, target_date=True, needs_quantity=False),
    NoticeType.EU15_COMMITMENT_PERIOD_RESERVE: Fields(),
    NoticeType.NET_REVERSAL_OF_CCS_STORAGE: _PROJECT,
    NoticeType.NON_SUBMISSION_OF_CCS_VERIFICATION_REPORT: _PROJECT,
    NoticeType.OUTSTANDING_UNITS: Fields(needs_quantity=False),
}


def require_sound(notice: Notice, content: str) -> None:
    """UsageError where a notice does not say what its type must say, or says what its type has no place for."""
    fields = FIELDS.get(notice.notice_type)
    if fields is None:
        raise UsageError(f"type {notice.notice_type} cannot be raised; there are {', '.join(map(str, sorted(FIELDS)))}")
    require_sendable(content)
    for name in ("project", "unit_type", "target_date", "lulucf_activity", "commit_period"):
        given, has = getattr(notice, name) is not None, getattr(fields, name)
        if given != has:
            word = "must say" if has else "has no place for"
            raise UsageError(f"a notice of type {notice.notice_type} {word} {name.replace('_', ' ')}")
    if fields.needs_quantity and not notice.target_value:
        raise UsageError(f"a notice of type {notice.notice_type} must say how many units it asks for")
    if notice.blocks and notice.target_value not in (None, quantity(notice.blocks)):
        raise UsageError(f"{notice.target_value} units are asked for and {quantity(notice.blocks)} are listed")


@dataclass(frozen=True, slots=True)
class Telling:
    """How an event is told: under the notice's own identifier as an update, or as another notice."""

    notice_type: int
    under_new_identifier: bool


def telling(notice: Notice, event: Event) -> Telling | None:
    """None: it is not told."""
    if event in UNTOLD:
        return None
    if event is Event.RAISED or event in ENDS:
        return Telling(notice.notice_type, event in ENDS)
    return Telling(NoticeType.UPDATE, False)


def message(
    notice: Notice,
    identifier: int,
    notice_type: int,
    content: str,
    due: date,
    head: tuple[str, int, int],
    now: datetime,
) -> ITLNoticeRequest:
    """The notice as its registry hears it, under `identifier` and `notice_type`. `head`: the log's code and version."""
    sender, major, minor = head
    blocks = tuple(
        UnitBlockIdentifier(
            unit_serial_block_start=each.start,
            unit_serial_block_end=each.end,
            originating_registry_code=each.originating_registry,
        )
        for each in notice.blocks
    )
    return ITLNoticeRequest(
        sender=sender,
        addressee=notice.registry,
        major_version=major,
        minor_version=minor,
        message_content=shortened(content),
        message_date=now,
        notification_type=notice_type,
        notification_identifier=identifier,
        notification_status=int(notice.status),
        project_number=None if notice.project is None else f"{notice.project[0]}{notice.project[1]}",
        unit_type=notice.unit_type,
        target_value=notice.target_value,
        target_date=notice.target_date,
        lulucf_activity=notice.lulucf_activity,
        commit_period=notice.commit_period,
        action_due_date=due,
        unit_block_identifiers=blocks or None,
    )


def shortened(content: str) -> str:
    """What registries can store of a text."""
    return content if len(content) <= MOST_CHARACTERS else content[: MOST_CHARACTERS - 3] + "..."


def shares(total: int, holdings: Mapping[str, int]) -> dict[str, int]:
    """`total` units spread over registries in proportion to what they hold, by largest remainders; at most all.

    How a reversal of storage falls on those who hold the project's lCER (5/CMP.1 annex 48-49).
    """
    held = sum(holdings.values())
    total = min(total, held)
    if not held:
        return {}
    exact = {code: divmod(total * number, held) for code, number in holdings.items()}
    spread = {code: whole for code, (whole, _) in exact.items()}
    left = total - sum(spread.values())
    for code in sorted(exact, key=lambda code: (-exact[code][1], code))[:left]:
        spread[code] += 1
    return {code: number for code, number in spread.items() if number}
