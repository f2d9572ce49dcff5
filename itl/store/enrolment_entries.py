"""What was recorded of the steps of enrolments, and where that has led."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection, select

from itl.lifecycle.enrolment import CONTACTS, Entry, Result, follow
from itl.reference import Stage
from itl.store import tables as t


def stages(connection: Connection) -> dict[str, Stage]:
    """How far every registry has come of which anything is recorded."""
    return {code: follow(recorded).stage for code, recorded in entries(connection).items()}


def entries(connection: Connection, registry: str | None = None) -> Mapping[str, list[Entry]]:
    """What was recorded of one registry, or of each, in the order in which it was."""
    statement = select(t.enrolment_entries).order_by(t.enrolment_entries.c.id)
    if registry is not None:
        statement = statement.where(t.enrolment_entries.c.registry == registry)
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for row in connection.execute(statement):
        found[row.registry].append(
            Entry(row.step, row.item, Result(row.result), row.recorded_by, row.recorded_at, row.evidence, row.digest)
        )
    return found


def contacts(connection: Connection, registry: str) -> dict[str, str]:
    """Who is to be turned to about a registry, by what for."""
    standing = follow(entries(connection, registry).get(registry, [])).standing
    known = {item: standing.get(("details", item)) for item in CONTACTS}
    return {item: entry.evidence for item, entry in known.items() if entry is not None}


def add(connection: Connection, registry: str, entry: Entry) -> None:
    """Write an entry down, as it is."""
    row = {
        "registry": registry,
        "step": entry.step,
        "item": entry.item,
        "result": str(entry.result),
        "recorded_by": entry.by,
        "recorded_at": entry.at,
        "evidence": entry.evidence,
        "digest": entry.digest,
    }
    connection.execute(t.enrolment_entries.insert(), row)
