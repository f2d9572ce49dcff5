"""What the log was told of Parties, periods, projects and accounts: facts with history.

A fact is a name, what it is about, a value, and the instant from which it is valid. Facts are only ever added. In force
at an instant is, of the facts about one thing, the one with the latest start that is not after it; of several with the
same start, the one that was recorded last: so a later fact changes, one with the same start corrects, and one without a
value withdraws.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from itl.clock import system_clock
from itl.store import tables as t
from itl.store.fact_kinds import KINDS, READ, Fact, FactKey, FactName, plain


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact as it was recorded."""

    key: FactKey
    value: Any
    valid_from: datetime
    recorded_at: datetime
    recorded_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Source:
    """Who changes reference data, why, and when that is recorded."""

    by: str
    reason: str
    at: datetime = field(default_factory=system_clock)


def in_force(
    connection: Connection, names: Iterable[FactName], at: datetime, *where: ColumnElement[bool]
) -> dict[FactKey, Any]:
    """The values in force at the instant `at`, of the facts with these names."""
    found: dict[FactKey, Any] = {}
    statement = (
        select(t.facts)
        .where(t.facts.c.name.in_(list(names)), t.facts.c.valid_from <= at, *where)
        .order_by(t.facts.c.valid_from, t.facts.c.id)
    )
    for row in connection.execute(statement):
        found[_key(row)] = _stored(row)
    return {key: value for key, value in found.items() if value is not None}


def next_change(connection: Connection, names: Iterable[FactName], after: datetime) -> datetime | None:
    """The first instant after `after` from which another fact with one of these names is valid."""
    instant: datetime | None = connection.execute(
        select(func.min(t.facts.c.valid_from, type_=t.Instant())).where(
            t.facts.c.name.in_(list(names)), t.facts.c.valid_from > after
        )
    ).scalar_one()
    return instant


def history(connection: Connection, subject: str | None = None) -> list[Entry]:
    """All that was ever recorded, of one Party or registry or of everything, in the order of what it is about."""
    statement = select(t.facts).order_by(
        t.facts.c.name,
        t.facts.c.subject,
        t.facts.c.number,
        t.facts.c.period,
        t.facts.c.detail,
        t.facts.c.valid_from,
        t.facts.c.id,
    )
    if subject is not None:
        statement = statement.where(t.facts.c.subject == subject)
    return list(map(entry_of, connection.execute(statement)))


def told(connection: Connection, names: Iterable[FactName], subjects: Iterable[str]) -> list[Entry]:
    """All that was recorded under these names about these subjects, in the order in which a later one prevails."""
    statement = (
        select(t.facts)
        .where(t.facts.c.name.in_(list(names)), t.facts.c.subject.in_(list(subjects)))
        .order_by(t.facts.c.valid_from, t.facts.c.id)
    )
    return list(map(entry_of, connection.execute(statement)))


def entry_of(row: t.Record) -> Entry:
    """The fact in a row of `facts`."""
    return Entry(_key(row), _stored(row), row.valid_from, row.recorded_at, row.recorded_by, row.reason)


def record_facts(connection: Connection, facts: Iterable[Fact], source: Source) -> int:
    """Add what is new of `facts`; returns how many that are. A fact that says what the log has already is left out."""
    given = {(fact.key, fact.valid_from): fact for fact in facts}
    known = _recorded(connection, given.values())
    new = [fact for place, fact in given.items() if place not in known or known[place] != fact.value]
    if new:
        connection.execute(t.facts.insert(), [_row(fact, source) for fact in new])
    return len(new)


def _recorded(connection: Connection, facts: Iterable[Fact]) -> dict[tuple[FactKey, datetime], Any]:
    """What is recorded with just the same start as `facts`, by key and start."""
    facts = list(facts)
    if not facts:
        return {}
    statement = (
        select(t.facts)
        .where(
            t.facts.c.name.in_(sorted({fact.key.name for fact in facts})),
            t.facts.c.subject.in_(sorted({fact.key.subject for fact in facts})),
        )
        .order_by(t.facts.c.id)
    )
    return {(_key(row), row.valid_from): _stored(row) for row in connection.execute(statement)}


def _key(row: t.Record) -> FactKey:
    return FactKey(FactName(row.name), row.subject, row.number, row.period, row.detail)


def _stored(row: t.Record) -> Any:
    return stored(FactName(row.name), row.value)


def stored(name: FactName, written: str) -> Any:
    """The value that is `written` as JSON in a row of `facts` of this name; None withdraws."""
    value = json.loads(written)
    return None if value is None else READ[KINDS[name].value](value)


def _row(fact: Fact, source: Source) -> dict[str, Any]:
    key = fact.key
    return {
        "name": str(key.name),
        "subject": key.subject,
        "number": key.number,
        "period": key.period,
        "detail": key.detail,
        "value": json.dumps(fact.value, default=plain),
        "valid_from": fact.valid_from,
        "recorded_at": source.at,
        "recorded_by": source.by,
        "reason": source.reason,
    }
