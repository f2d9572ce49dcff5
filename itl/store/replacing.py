"""Rows of the ledger in place of others, where no transaction of this log is the cause."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, literal, select

from itl.ledger.operations import Change
from itl.ledger.ranges import by_serial
from itl.store import tables as t
from itl.store.columns import BigKey
from itl.store.gather import StoredUnits
from itl.store.rows import UNIT_COLUMNS, unit_row

PAGE = 1000
"""Rows that a statement names at most."""


def replace_rows(
    connection: Connection, changed: Change, stored: StoredUnits, now: datetime, correction_id: int | None = None
) -> None:
    """Close and open the rows of `changed`, with the correction that is the cause, if it is one.

    What is closed goes to history; `stored` has the ids of the rows around.
    """
    ids = [stored.ids[by_serial(each.range)[:2]] for each in changed.closed]
    rows, cause = t.unit_blocks.c.id, literal(correction_id, BigKey)
    for page in (ids[at : at + PAGE] for at in range(0, len(ids), PAGE)):
        columns = (*(t.unit_blocks.c[name] for name in UNIT_COLUMNS), literal(now, t.Instant()), cause)
        past = select(*columns).where(rows.in_(page))
        connection.execute(
            insert(t.past_unit_blocks).from_select([*UNIT_COLUMNS, "until", "closed_by_correction"], past)
        )
        connection.execute(delete(t.unit_blocks).where(rows.in_(page)))
    opened = [unit_row(each) | {"since": now, "correction_id": correction_id} for each in changed.opened]
    if opened:
        connection.execute(insert(t.unit_blocks), opened)
