"""The running totals in the database: loaded and locked by key for a batch, changed in the commit of what they count.

Whoever changes totals locks them first, in the order of their keys, after the transactions and the parties of the
ledger: so two workers, the door and the timers never wait for each other in a circle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, TextClause, TextualSelect, delete, select, text

from itl.ledger.totals import Total, TotalKey, TotalKind
from itl.store import tables as t
from itl.store.sets import as_rows, one_of, rows_of
from itl.store.statements import Insertion, Statement, Step, run_all

_KEY: Mapping[str, type] = {"kind": str, "subject": str, "period": int, "detail": int}
_NAMES = ", ".join(_KEY)
_SAME = " AND ".join(f"totals.{name} = w.{name}" for name in _KEY)


def load(connection: Connection, keys: Iterable[TotalKey]) -> dict[TotalKey, Total]:
    """The totals of `keys`, locked until this commit, those that nothing was counted in yet too. Two statements."""
    wanted = as_rows(_cells(key) for key in sorted(set(keys)))
    if wanted == "[]":
        return {}
    if connection.dialect.name != "sqlite":
        _START.run(connection, rows=wanted)
    return {_key_of(row): Total(row.completed, row.open) for row in _LOCKED.rows(connection, rows=wanted)}


def _start(dialect: str) -> TextClause:
    """A row for each key that has none: what is not there cannot be locked."""
    return text(f"""
        INSERT INTO totals ({_NAMES}, completed, open)
        SELECT {_NAMES}, 0, 0 FROM {rows_of(dialect, "rows", _KEY)} AS w WHERE true ORDER BY {_NAMES}
        ON CONFLICT DO NOTHING
    """)  # noqa: S608 - names are ours, values are bound


def _locked(dialect: str) -> TextualSelect:
    columns = list(t.totals.columns)
    names = ", ".join(f"totals.{column.name}" for column in columns)
    order = ", ".join(f"totals.{name}" for name in _KEY)
    lock = "" if dialect == "sqlite" else "FOR NO KEY UPDATE OF totals"
    statement = f"""
        SELECT {names} FROM {rows_of(dialect, "rows", _KEY)} AS w JOIN totals ON {_SAME} ORDER BY {order} {lock}
    """  # noqa: S608 - names are ours, values are bound
    return text(statement).columns(*columns)


_START = Statement("totals_start", _start)
_LOCKED = Statement("totals_locked", _locked)


def add(connection: Connection, changes: Mapping[TotalKey, Total]) -> None:
    """Add to completed and open parts; what is negative takes away. One statement."""
    run_all(connection, adding(changes))


def adding(changes: Mapping[TotalKey, Total]) -> list[Step]:
    """The step of `add`, none where nothing changes."""
    rows = [(*_cells(key), by.completed, by.open) for key, by in sorted(changes.items()) if by != Total()]
    return [(_ADD, {"rows": as_rows(rows)})] if rows else []


def _add(dialect: str) -> TextClause:
    source = rows_of(dialect, "rows", {**_KEY, "completed": int, "open": int})
    return text(f"""
        INSERT INTO totals ({_NAMES}, completed, open)
        SELECT {_NAMES}, completed, open FROM {source} AS w WHERE true ORDER BY {_NAMES}
        ON CONFLICT ({_NAMES}) DO UPDATE
        SET completed = totals.completed + excluded.completed, open = totals.open + excluded.open
    """)  # noqa: S608 - names are ours, values are bound


_ADD = Statement("totals_add", _add)


def note_open(connection: Connection, flows: Mapping[int, Mapping[TotalKey, int]]) -> None:
    """Keep what each transaction, by id, has in the open part of totals."""
    run_all(connection, noting_open(connection, flows))


def noting_open(connection: Connection, flows: Mapping[int, Mapping[TotalKey, int]]) -> list[Step]:
    """The step of `note_open`, none where there is nothing to keep."""
    return _NOTE_OPEN.steps(
        connection,
        (
            {
                "transaction_id": transaction_id,
                "kind": str(key.kind),
                "subject": key.subject,
                "period": key.period,
                "detail": key.detail,
                "quantity": quantity,
            }
            for transaction_id, adds in flows.items()
            for key, quantity in adds.items()
            if quantity
        ),
    )


_NOTE_OPEN = Insertion(t.transaction_totals, ("transaction_id", *_KEY, "quantity"))


def opened_by(connection: Connection, transaction_ids: Iterable[int]) -> dict[int, dict[TotalKey, int]]:
    """What transactions have in the open part of totals, by id; one that has nothing there is left out."""
    wanted = sorted(set(transaction_ids))
    if not wanted:
        return {}
    found: dict[int, dict[TotalKey, int]] = defaultdict(dict)
    for row in _OPENED_BY.rows(connection, wanted=wanted):
        found[row.transaction_id][_key_of(row)] = row.quantity
    return dict(found)


_OPENED_BY = Statement(
    "opened_by",
    lambda dialect: select(t.transaction_totals).where(
        one_of(dialect, t.transaction_totals.c.transaction_id, "wanted")
    ),
)


def forget(connection: Connection, transaction_ids: Iterable[int]) -> None:
    """The transactions have nothing in the open part any more."""
    run_all(connection, forgetting(transaction_ids))


def forgetting(transaction_ids: Iterable[int]) -> list[Step]:
    """The step of `forget`."""
    return [(_FORGET, {"wanted": list(transaction_ids)})]


_FORGET = Statement(
    "totals_forget",
    lambda dialect: delete(t.transaction_totals).where(
        one_of(dialect, t.transaction_totals.c.transaction_id, "wanted")
    ),
)


def release(connection: Connection, transaction_ids: Iterable[int]) -> None:
    """The transactions ended without being carried out: take what they have in the open part back."""
    opened = opened_by(connection, transaction_ids)
    if not opened:
        return
    load(connection, {key for adds in opened.values() for key in adds})
    taken: dict[TotalKey, int] = defaultdict(int)
    for adds in opened.values():
        for key, quantity in adds.items():
            taken[key] -= quantity
    add(connection, {key: Total(0, quantity) for key, quantity in taken.items()})
    forget(connection, opened)


def lock(connection: Connection, transaction_ids: Iterable[int]) -> None:
    """Lock at once, in their order, all totals that ending these transactions one by one may change."""
    opened = opened_by(connection, transaction_ids)
    load(connection, {key for adds in opened.values() for key in adds})


def _cells(key: TotalKey) -> tuple[str, str, int, int]:
    return str(key.kind), key.subject, key.period, key.detail


def _key_of(row: Any) -> TotalKey:
    return TotalKey(TotalKind(row.kind), row.subject, row.period, row.detail)
