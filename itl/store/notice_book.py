"""Notices that the log raises: each step of their life with its message to the registry, in one commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy import Connection, func, select, update

from itl.errors import UsageError
from itl.ledger.totals import TotalKind
from itl.lifecycle.notice import Event, after, message, require_sound, shortened, telling
from itl.lifecycle.sending import Send
from itl.reference import Notice, NoticeStatus
from itl.store import tables as t
from itl.store.facts import Source
from itl.store.notice_numbers import next_identifier
from itl.store.notices import OUTSTANDING, load, write
from itl.store.posting import post
from itl.store.reference_data import LOG_CODE, load_reference, raise_stamp

log = structlog.get_logger(__name__)

HEAD_VERSION = (1, 1)
"""Until it goes out: then a message is of the version that its receiver speaks."""


@dataclass(frozen=True, slots=True)
class Raising:
    """A notice to raise; its identifier is allocated. `rule` and `rule_key`: by which rule, about what."""

    notice: Notice
    content: str
    due: date
    rule: str | None = None
    rule_key: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A notice as it stands, with what was answered of it."""

    identifier: int
    notice_type: int
    status: int
    registry: str
    project: str | None
    unit_type: int | None
    target_value: int | None
    target_date: date | None
    lulucf_activity: int | None
    commit_period: int | None
    due: date | None
    answered: int
    """Units of completed transactions that name it."""
    open: int
    """Units of open ones."""
    raised_by: str
    rule: str | None
    rule_key: str | None
    content: str | None
    overdue_at: datetime | None
    withdrawn_at: datetime | None

    @property
    def state(self) -> str:
        """In a word: `withdrawn`, `overdue`, or the status."""
        if self.withdrawn_at is not None:
            return "withdrawn"
        word = NoticeStatus(self.status).name.lower()
        return f"{word}, overdue" if self.overdue_at is not None and self.status in OUTSTANDING else word


def raise_notice(connection: Connection, raising: Raising, source: Source) -> int:
    """Raise a notice and tell its registry; returns its identifier. UsageError for one that is not sound.

    Raising the stamp first also lets one process after the other allocate identifiers.
    """
    raise_stamp(connection)
    if load_reference(connection, source.at).registry_in_force(raising.notice.registry) is None:
        raise UsageError(f"{raising.notice.registry}: no registry in force; `itl registry list` shows those that are")
    notice = replace(raising.notice, identifier=next_identifier(connection), status=NoticeStatus.OPEN)
    require_sound(notice, raising.content)
    part = None
    if raising.rule is not None:
        same = (t.notices.c.rule == raising.rule) & (t.notices.c.rule_key == raising.rule_key)
        part = (
            1 + connection.execute(select(func.coalesce(func.max(t.notices.c.rule_part), 0)).where(same)).scalar_one()
        )
    write(
        connection,
        notice,
        raising.due,
        source,
        raised=True,
        content=raising.content,
        rule=raising.rule,
        rule_key=raising.rule_key,
        rule_part=part,
    )
    _tell(connection, notice, Event.RAISED, raising.content, raising.due, source)
    log.info("notice raised", notice=notice.identifier, type=notice.notice_type, registry=notice.registry)
    return notice.identifier


def update_notice(
    connection: Connection,
    identifier: int,
    source: Source,
    content: str | None = None,
    due: date | None = None,
    **to: Any,
) -> Notice:
    """Change what an outstanding notice asks for (fields of `Notice`), its text or its due date, and tell its registry
    by type 10. UsageError where it is completed, or would not be sound, or ask for less than was answered."""
    known, was_due, text = _outstanding(connection, identifier)
    notice = replace(known, **to)
    notice = replace(notice, status=after(notice, Event.UPDATED))
    content, due = content or text, due or was_due
    require_sound(notice, content)
    answered = standing(connection, identifier).answered
    if notice.target_value is not None and notice.target_value <= answered:
        raise UsageError(f"notice {identifier}: {answered} units are answered already; withdraw it, or ask for more")
    write(connection, notice, due, source, content=content, overdue_at=None)
    raise_stamp(connection)
    _tell(connection, notice, Event.UPDATED, content, due, source)
    return notice


def end_notice(connection: Connection, identifier: int, event: Event, source: Source) -> Notice:
    """Withdraw an outstanding notice, or say that what it was about is done; its registry is told."""
    known, due, _ = _outstanding(connection, identifier)
    notice = replace(known, status=after(known, event))
    values: dict[str, Any] = {"status": int(notice.status), "told_status": int(notice.status)}
    if event is Event.WITHDRAWN:
        values["withdrawn_at"] = source.at
    connection.execute(update(t.notices).where(t.notices.c.identifier == identifier).values(values))
    raise_stamp(connection)
    _tell(connection, notice, event, f"Notice {identifier} is {event}: {source.reason}", due, source)
    return notice


def follow_answers(connection: Connection, identifiers: Iterable[int], now: datetime) -> None:
    """Transactions that answer these notices were just carried out (`notices.noting_answers`): tell what changed."""
    wanted = sorted(set(identifiers))
    if not wanted:
        return
    moved = (t.notices.c.identifier.in_(wanted)) & (t.notices.c.status != t.notices.c.told_status)
    rows = connection.execute(select(t.notices).where(moved).order_by(t.notices.c.identifier)).all()
    notices = load(connection, [row.identifier for row in rows], [])
    for row in rows:
        event = Event.ANSWERED if row.status == NoticeStatus.COMPLETED else Event.ANSWERED_IN_PART
        found = standing(connection, row.identifier)
        left = "" if found.target_value is None else f" of {found.target_value}"
        text = f"Notice {row.identifier} is {event}: {found.answered}{left} units are done."
        told = update(t.notices).where(t.notices.c.identifier == row.identifier).values(told_status=row.status)
        connection.execute(told)
        due = row.action_due_date or now.date()
        _tell(connection, notices[row.identifier], event, text, due, Source("itl", text, now))


def note_overdue(connection: Connection, now: datetime) -> list[int]:
    """The outstanding notices whose due date has passed since this was last asked; each is noted once."""
    late = t.notices.c.status.in_(OUTSTANDING) & (t.notices.c.action_due_date < now.date())
    found = list(
        connection.execute(
            select(t.notices.c.identifier)
            .where(late, t.notices.c.overdue_at.is_(None))
            .order_by(t.notices.c.identifier)
        ).scalars()
    )
    for identifier, notice in sorted(load(connection, found, []).items()):
        connection.execute(update(t.notices).where(t.notices.c.identifier == identifier).values(overdue_at=now))
        text = "the action that it asks for is overdue"
        _tell(connection, notice, Event.OVERDUE, text, now.date(), Source("itl", text, now))
        log.warning("notice overdue", notice=identifier, registry=notice.registry)
    return found


def note_ceased(connection: Connection, notice: Notice, source: Source) -> None:
    """What a withdrawn notice was about is over: put on record; its registry heard its end when it was withdrawn."""
    _tell(connection, notice, Event.CEASED, source.reason, source.at.date(), source)


def ceased(connection: Connection, rule: str) -> frozenset[int]:
    """The withdrawn notices of a rule whose condition has ended since."""
    history = t.notice_history.c
    of_rule = select(t.notices.c.identifier).where(t.notices.c.rule == rule, t.notices.c.withdrawn_at.is_not(None))
    found = select(history.notice).where(history.event == str(Event.CEASED), history.notice.in_(of_rule))
    return frozenset(connection.execute(found).scalars())


# Looking -------------------------------------------------------------------------------------------------------------


def standings(connection: Connection, registry: str | None = None, *, outstanding: bool = False) -> list[Standing]:
    """Notices by identifier: all, or those to one registry, or only those that are not completed."""
    statement = select(t.notices).order_by(t.notices.c.identifier)
    if registry is not None:
        statement = statement.where(t.notices.c.registry == registry)
    if outstanding:
        statement = statement.where(t.notices.c.status.in_(OUTSTANDING))
    return _standings(connection, connection.execute(statement).all())


def standing(connection: Connection, identifier: int) -> Standing:
    """One notice; UsageError where there is none."""
    rows = connection.execute(select(t.notices).where(t.notices.c.identifier == identifier)).all()
    if not rows:
        raise UsageError(f"{identifier}: no such notice; `itl notice list` shows those that there are")
    return _standings(connection, rows)[0]


def history(connection: Connection, identifier: int) -> list[dict[str, Any]]:
    """What befell a notice, in order."""
    rows = connection.execute(
        select(t.notice_history).where(t.notice_history.c.notice == identifier).order_by(t.notice_history.c.id)
    )
    return [dict(row._mapping) for row in rows]


def _standings(connection: Connection, rows: Iterable[t.Record]) -> list[Standing]:
    rows = list(rows)
    subjects = [str(row.identifier) for row in rows]
    counted = select(t.totals).where(t.totals.c.kind == str(TotalKind.NOTICE), t.totals.c.subject.in_(subjects))
    done = {int(row.subject): (row.completed, row.open) for row in connection.execute(counted)}
    return [
        Standing(
            row.identifier,
            row.notice_type,
            row.status,
            row.registry,
            None if row.project_number is None else f"{row.project_host}{row.project_number}",
            row.unit_type,
            row.target_value,
            row.target_date,
            row.lulucf_activity,
            row.commit_period,
            row.action_due_date,
            *done.get(row.identifier, (0, 0)),
            row.recorded_by,
            row.rule,
            row.rule_key,
            row.content,
            row.overdue_at,
            row.withdrawn_at,
        )
        for row in rows
    ]


# Inside --------------------------------------------------------------------------------------------------------------


def _outstanding(connection: Connection, identifier: int) -> tuple[Notice, date, str]:
    row = connection.execute(
        select(t.notices).where(t.notices.c.identifier == identifier).with_for_update()
    ).one_or_none()
    if row is None:
        raise UsageError(f"{identifier}: no such notice; `itl notice list` shows those that there are")
    if row.status not in OUTSTANDING:
        raise UsageError(f"notice {identifier} is completed; raise another one")
    text = row.content or f"Notice {identifier}: {row.reason}"
    return (
        load(connection, [identifier], [])[identifier],
        row.action_due_date or row.recorded_at.date(),
        shortened(text),
    )


def _tell(connection: Connection, notice: Notice, event: Event, content: str, due: date, source: Source) -> None:
    """Write down what befell a notice, and tell its registry of it, where it is told."""
    how = telling(notice, event)
    sent_as = None
    if how is not None:
        sent_as = next_identifier(connection) if how.under_new_identifier else notice.identifier
        code = connection.execute(select(t.settings.c.value).where(t.settings.c.name == LOG_CODE)).scalar() or "ITL"
        said = message(notice, sent_as, how.notice_type, content, due, (code, *HEAD_VERSION), source.at)
        post(connection, [(None, Send(notice.registry, said, f"notice {notice.identifier}"))], source.at)
    connection.execute(
        t.notice_history.insert(),
        {
            "notice": notice.identifier,
            "at": source.at,
            "event": str(event),
            "status": int(notice.status),
            "target_value": notice.target_value,
            "sent_as": sent_as,
            "sent_type": None if how is None else how.notice_type,
            "content": content,
            "by": source.by,
            "reason": source.reason,
        },
    )
