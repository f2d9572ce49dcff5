"""From what a rule drafts to notices: raised where nobody asked for it yet, completed where what was asked is over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from itl.ledger.block import SerialRange
from itl.ledger.ranges import quantity, subtraction
from itl.lifecycle.notice import FIELDS, Event
from itl.reference import Notice, NoticeStatus, Reference
from itl.store import tables as t
from itl.store.facts import Source
from itl.store.notice_book import Raising, ceased, end_notice, note_ceased, raise_notice, update_notice
from itl.store.notice_rules import RULES, Asking, Draft
from itl.store.notices import load


@dataclass(frozen=True, slots=True)
class Earlier:
    """A notice that the rule raised before."""

    notice: Notice
    key: str
    bars: bool
    """An operator withdrew it: it is not asked for again, a condition not before it has ended and returned."""


def carry_out(
    connection: Connection, name: str, drafts: Sequence[Draft], reference: Reference, due: date, now: datetime
) -> list[int]:
    """Raise what is drafted and not yet asked for; returns the identifiers of new notices.

    In one commit of the caller, who has claimed the rule's timer, so that no two do it at a time. What is drafted to
    one that is no registry in force is left: it is drafted again when it is. A notice that an operator withdrew counts
    as asked for; that of a condition, as long as the condition lasts.
    """
    rule = RULES[name]
    earlier = _earlier(connection, name)
    raised = []
    for draft in drafts:
        if reference.registry_in_force(draft.registry) is None:
            continue
        asked = earlier.get(draft.key, [])
        missing = _missing(connection, rule.asking, draft, asked, Source(f"rule {name}", draft.why, now))
        if missing is not None:
            raised.append(_raise(connection, name, draft, *missing, due, now))
    if rule.asking is Asking.CONDITION:
        lasting = {draft.key for draft in drafts}
        for key, notices in earlier.items():
            for each in notices if key not in lasting else ():
                source = Source(f"rule {name}", "what it was about is over", now)
                if each.notice.is_outstanding:
                    end_notice(connection, each.notice.identifier, Event.COMPLETED, source)
                elif each.bars:
                    note_ceased(connection, each.notice, source)
    return raised


Missing = tuple[int | None, tuple[SerialRange, ...]]


def _missing(
    connection: Connection, asking: Asking, draft: Draft, earlier: Sequence[Earlier], source: Source
) -> Missing | None:
    """What nobody asked for yet: quantity and units; None where that is nothing."""
    if asking is Asking.QUANTITY:
        rest = (draft.quantity or 0) - sum(each.notice.target_value or 0 for each in earlier)
        last = earlier[-1].notice if earlier else None
        if rest and last is not None and last.status == NoticeStatus.OPEN and (last.target_value or 0) + rest > 0:
            update_notice(connection, last.identifier, source, draft.why, target_value=(last.target_value or 0) + rest)
            return None
        return (rest, ()) if rest > 0 else None
    if asking is Asking.UNITS:
        units = tuple(subtraction(draft.blocks, [units for each in earlier for units in each.notice.blocks]))
        return (quantity(units), units) if units else None
    if asking is Asking.CONDITION and not any(each.notice.is_outstanding or each.bars for each in earlier):
        return draft.quantity, draft.blocks
    return (draft.quantity, draft.blocks) if not earlier else None


def _raise(
    connection: Connection,
    name: str,
    draft: Draft,
    units: int | None,
    blocks: tuple[SerialRange, ...],
    due: date,
    now: datetime,
) -> int:
    rule = RULES[name]
    fields = FIELDS[rule.notice_type]
    notice = Notice(
        0,
        int(rule.notice_type),
        int(NoticeStatus.OPEN),
        draft.registry,
        draft.project if fields.project else None,
        draft.unit_type,
        units,
        draft.target_date,
        draft.activity,
        draft.period,
        blocks,
    )
    source = Source(f"rule {name}", draft.why, now)
    return raise_notice(connection, Raising(notice, draft.why, draft.due or due, name, draft.key), source)


def _earlier(connection: Connection, rule: str) -> Mapping[str, list[Earlier]]:
    """All notices that the rule raised, by key, the oldest first."""
    columns = t.notices.c
    rows = connection.execute(
        select(columns.identifier, columns.rule_key, columns.withdrawn_at)
        .where(columns.rule == rule)
        .order_by(columns.rule_key, columns.rule_part)
    ).all()
    notices = load(connection, _identifiers(rows), [])
    over = ceased(connection, rule)
    found: dict[str, list[Earlier]] = defaultdict(list)
    for row in rows:
        bars = row.withdrawn_at is not None and row.identifier not in over
        found[row.rule_key].append(Earlier(notices[row.identifier], row.rule_key, bars))
    return found


def _identifiers(rows: Iterable[t.Record]) -> list[int]:
    return [row.identifier for row in rows]
