"""Notices of the log in the database: entered by an operator, looked up for a batch, moved on as they are answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, TextClause, and_, bindparam, delete, false, or_, select, text, update

from itl.codes import CANCELLATION_ACCOUNTS
from itl.errors import ReferenceDataError
from itl.ledger.block import SerialRange
from itl.ledger.totals import TotalKind
from itl.reference import Notice, NoticeStatus
from itl.store import tables as t
from itl.store.facts import Source
from itl.store.sets import Keys, one_of
from itl.store.statements import Statement, Step, run_all

BARRING = (4, 5)
"""Types of notices that bar transactions with lCER of their project: reversal of storage, missing report (4017)."""
OUTSTANDING = (NoticeStatus.OPEN, NoticeStatus.INCOMPLETE)
EXPIRY_DATE_CHANGE = 9


@dataclass(frozen=True, slots=True)
class RecordedNotice:
    """A notice, and what is kept of it beside what the checks see."""

    notice: Notice
    action_due_date: date | None
    source: Source
    status_given: bool = True
    """False where a file does not say how it stands: then one that is known stays where it is."""


def load(connection: Connection, identifiers: Iterable[int], projects: Iterable[tuple[str, int]]) -> dict[int, Notice]:
    """The notices `identifiers`, and the outstanding ones that bar transactions with lCER of `projects`.

    At most two queries, none where nothing is asked for.
    """
    named, of = sorted(set(identifiers)), set(projects)
    if not named and not of:
        return {}
    barring = and_(
        t.notices.c.notice_type.in_(BARRING),
        t.notices.c.status.in_(OUTSTANDING),
        t.notices.c.project_host.in_(sorted({host for host, _ in of})),
        t.notices.c.project_number.in_(sorted({number for _, number in of})),
    )
    rows = connection.execute(
        select(t.notices).where(or_(t.notices.c.identifier.in_(named), barring if of else false()))
    ).all()
    return {row.identifier: notice for row, notice in _with_blocks(connection, rows)}


def recorded(connection: Connection, registry: str | None = None) -> list[RecordedNotice]:
    """All notices, or those to one registry, by identifier."""
    statement = select(t.notices).order_by(t.notices.c.identifier)
    if registry is not None:
        statement = statement.where(t.notices.c.registry == registry)
    rows = connection.execute(statement).all()
    return [
        RecordedNotice(notice, row.action_due_date, Source(row.recorded_by, row.reason, row.recorded_at))
        for row, notice in _with_blocks(connection, rows)
    ]


def put_notice(connection: Connection, given: RecordedNotice) -> bool:
    """Enter a notice, or bring one that is there to what is given; whether that changed anything.

    What a notice lists may not change once a transaction has answered it: ReferenceDataError.
    """
    notice, due = given.notice, given.action_due_date
    known = load(connection, [notice.identifier], []).get(notice.identifier)
    if known is not None:
        _require_loaded(connection, notice.identifier)
        if not given.status_given:
            notice = replace(notice, status=known.status)
        if known == notice and _due(connection, notice.identifier) == due:
            return False
        if known.status != NoticeStatus.OPEN and known.blocks != notice.blocks:
            raise ReferenceDataError(f"notice {notice.identifier} is being answered; what it lists stays as it is")
    write(connection, notice, due, given.source)
    return True


def _require_loaded(connection: Connection, identifier: int) -> None:
    """A file says nothing of a notice that the log raised itself, nor under an identifier that it told an end under."""
    raised = select(t.notices.c.raised).where(t.notices.c.identifier == identifier)
    if connection.execute(raised).scalar():
        raise ReferenceDataError(
            f"notice {identifier} was raised by this log; give the file's another identifier, or change this one with "
            "`itl notice update`"
        )


def write(connection: Connection, notice: Notice, due: date | None, source: Source, **more: Any) -> None:
    """Write a notice, new or in place of what stood there. `more`: columns of its own life."""
    row = _row(notice, due, source) | {"told_status": int(notice.status)} | more
    known = update(t.notices).where(t.notices.c.identifier == notice.identifier).values(row)
    connection.execute(delete(t.notice_blocks).where(t.notice_blocks.c.notice == notice.identifier))
    if connection.execute(known).rowcount == 0:
        connection.execute(t.notices.insert(), row)
    if notice.blocks:
        connection.execute(
            t.notice_blocks.insert(),
            [
                {
                    "notice": notice.identifier,
                    "position": position,
                    "originating_registry": units.originating_registry,
                    "serial_start": units.start,
                    "serial_end": units.end,
                }
                for position, units in enumerate(notice.blocks)
            ],
        )


def note_answers(connection: Connection, identifiers: Iterable[int]) -> None:
    """Transactions that answer these notices were carried out: each is incomplete, or completed when all was done.

    All: the quantity asked for, else of the units listed; of a change of expiry dates, when every unit of the project
    that can still expire has the date. Where a notice says none of these, an operator completes it.
    """
    run_all(connection, noting_answers(identifiers))


def noting_answers(identifiers: Iterable[int]) -> list[Step]:
    """The step of `note_answers`, none where there are no notices."""
    wanted = sorted(set(identifiers))
    return [(_NOTE_ANSWERS, {"wanted": wanted, "kind": str(TotalKind.NOTICE)})] if wanted else []


def _note_answers(dialect: str) -> TextClause:
    answered = one_of(dialect, t.notices.c.identifier, "wanted")
    accounts = ", ".join(map(str, sorted(CANCELLATION_ACCOUNTS)))
    statement = f"""
        UPDATE notices SET status = CASE
            WHEN COALESCE(
                notices.target_value,
                (SELECT SUM(b.serial_end - b.serial_start + 1) FROM notice_blocks b
                 WHERE b.notice = notices.identifier)
            ) <= (SELECT totals.completed FROM totals
                  WHERE totals.kind = :kind AND totals.subject = CAST(notices.identifier AS text))
                THEN {NoticeStatus.COMPLETED:d}
            WHEN notices.notice_type = {EXPIRY_DATE_CHANGE} AND notices.target_value IS NULL AND NOT EXISTS (
                SELECT 1 FROM unit_blocks u
                WHERE u.originating_registry = notices.project_host AND u.project_identifier = notices.project_number
                    AND u.expiry_date IS NOT NULL AND u.expiry_date <> notices.target_date
                    AND u.unit_type = COALESCE(notices.unit_type, u.unit_type)
                    AND u.account_type NOT IN ({accounts}))
                THEN {NoticeStatus.COMPLETED:d}
            ELSE {NoticeStatus.INCOMPLETE:d}
        END
        WHERE {answered} AND status <> {NoticeStatus.COMPLETED:d}
    """  # noqa: S608 - numbers and names are ours, values are bound
    return text(statement).bindparams(bindparam("wanted", type_=Keys()))


_NOTE_ANSWERS = Statement("note_answers", _note_answers)


def _due(connection: Connection, identifier: int) -> date | None:
    statement = select(t.notices.c.action_due_date).where(t.notices.c.identifier == identifier)
    due: date | None = connection.execute(statement).scalar_one()
    return due


def _with_blocks(connection: Connection, rows: Iterable[t.Record]) -> list[tuple[t.Record, Notice]]:
    rows = list(rows)
    listed: dict[int, list[SerialRange]] = defaultdict(list)
    if rows:
        statement = (
            select(t.notice_blocks)
            .where(t.notice_blocks.c.notice.in_([row.identifier for row in rows]))
            .order_by(t.notice_blocks.c.notice, t.notice_blocks.c.position)
        )
        for block in connection.execute(statement):
            listed[block.notice].append(SerialRange(block.originating_registry, block.serial_start, block.serial_end))
    return [(row, _notice(row, tuple(listed[row.identifier]))) for row in rows]


def _notice(row: t.Record, blocks: tuple[SerialRange, ...]) -> Notice:
    return Notice(
        row.identifier,
        row.notice_type,
        row.status,
        row.registry,
        None if row.project_number is None else (row.project_host, row.project_number),
        row.unit_type,
        row.target_value,
        row.target_date,
        row.lulucf_activity,
        row.commit_period,
        blocks,
    )


def _row(notice: Notice, due: date | None, source: Source) -> dict[str, Any]:
    host, number = notice.project or (None, None)
    return {
        "identifier": notice.identifier,
        "notice_type": notice.notice_type,
        "status": int(notice.status),
        "registry": notice.registry,
        "project_host": host,
        "project_number": number,
        "unit_type": notice.unit_type,
        "target_value": notice.target_value,
        "target_date": notice.target_date,
        "lulucf_activity": notice.lulucf_activity,
        "commit_period": notice.commit_period,
        "action_due_date": due,
        "recorded_at": source.at,
        "recorded_by": source.by,
        "reason": source.reason,
    }
