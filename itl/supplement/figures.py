"""The scheme's figures in the database: loaded and locked for a batch, and grown as completions are carried out.

What a transaction adds stands beside it until then (`supplement_flows`); of one that ends otherwise it counts no more
from the moment it has ended, since a figure asks where its transactions stand. So nothing at the door has to know of
figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, TextClause, TextualSelect, bindparam, delete, func, select, text

from itl.codes import OPEN_STATUSES, TransactionStatus
from itl.store import tables as log
from itl.store.sets import Keys, as_rows, one_of, rows_of
from itl.store.statements import Insertion, Statement, run_all
from itl.supplement import tables as t
from itl.supplement.scheme import Figure, FigureKey, FigureKind

_KEY: Mapping[str, type] = {"kind": str, "registry": str, "period": int, "installation": int, "year": int}
_NAMES = ", ".join(_KEY)
_OPEN = ", ".join(str(int(status)) for status in sorted(OPEN_STATUSES))
_COMPLETED = int(TransactionStatus.COMPLETED)


def load(connection: Connection, keys: Iterable[FigureKey]) -> dict[FigureKey, Figure]:
    """The figures of `keys`, locked until this commit. Three statements, none where nothing is wanted.

    A completed transaction counts as completed, carried out or not.
    """
    named = sorted(set(keys))
    if not named:
        return {}
    wanted = as_rows(map(_cells, named))
    if connection.dialect.name != "sqlite":
        _START.run(connection, rows=wanted)
    found = {_key_of(row): Figure(row.completed) for row in _LOCKED.rows(connection, rows=wanted)}
    for row in _FLOWING.rows(connection, rows=wanted):
        key = _key_of(row)
        found[key] = Figure(found.get(key, Figure()).completed + int(row.done), int(row.open))
    return found


def note(connection: Connection, added: Mapping[int, Mapping[FigureKey, int]]) -> None:
    """Keep what each transaction, by id, will add once it is carried out."""
    rows = [
        dict(zip(("transaction_id", *_KEY, "quantity"), (transaction, *_cells(key), quantity), strict=True))
        for transaction, flows in added.items()
        for key, quantity in flows.items()
    ]
    run_all(connection, _NOTE.steps(connection, rows))


def carry_out(connection: Connection, transaction_ids: Iterable[int]) -> None:
    """What these completed transactions had open becomes completed; that of ended ones is dropped."""
    wanted = sorted(set(transaction_ids))
    if wanted:
        _ADD.run(connection, wanted=wanted)
        _DROP.run(connection, wanted=wanted)
    ended = select(log.transactions.c.id).where(log.transactions.c.status.not_in([*OPEN_STATUSES, _COMPLETED]))
    connection.execute(delete(t.flows).where(t.flows.c.transaction_id.in_(ended)))


def keys_of(connection: Connection, transaction_ids: Iterable[int]) -> set[FigureKey]:
    """The figures that transactions will add to."""
    wanted = sorted(set(transaction_ids))
    if not wanted:
        return set()
    statement = select(*(t.flows.c[name] for name in _KEY)).where(t.flows.c.transaction_id.in_(wanted)).distinct()
    return set(map(_key_of, connection.execute(statement)))


def every(connection: Connection, registry: str | None = None) -> dict[FigureKey, Figure]:
    """All figures, of one registry or of all, as they stand; nothing is locked."""
    found: dict[FigureKey, Figure] = {}
    done = select(t.figures) if registry is None else select(t.figures).where(t.figures.c.registry == registry)
    for row in connection.execute(done):
        found[_key_of(row)] = Figure(row.completed)
    status = log.transactions.c.status
    flowing = (
        select(*(t.flows.c[name] for name in _KEY), status, func.sum(t.flows.c.quantity).label("quantity"))
        .join(log.transactions, log.transactions.c.id == t.flows.c.transaction_id)
        .where(status.in_([*OPEN_STATUSES, _COMPLETED]))
        .group_by(*(t.flows.c[name] for name in _KEY), status)
    )
    if registry is not None:
        flowing = flowing.where(t.flows.c.registry == registry)
    for row in connection.execute(flowing):
        key, figure = _key_of(row), found.get(_key_of(row), Figure())
        quantity = int(row.quantity)
        done_now, open_now = (quantity, 0) if row.status == _COMPLETED else (0, quantity)
        found[key] = Figure(figure.completed + done_now, figure.open + open_now)
    return {key: figure for key, figure in sorted(found.items()) if figure != Figure()}


def _cells(key: FigureKey) -> tuple[Any, ...]:
    return str(key.kind), key.registry, key.period, key.installation, key.year


def _key_of(row: Any) -> FigureKey:
    return FigureKey(FigureKind(row.kind), row.registry, row.period, row.installation, row.year)


def _same(table: str) -> str:
    return " AND ".join(f"{table}.{name} = w.{name}" for name in _KEY)


def _start(dialect: str) -> TextClause:
    """A row for each key that has none: what is not there cannot be locked."""
    return text(f"""
        INSERT INTO supplement_figures ({_NAMES}, completed)
        SELECT {_NAMES}, 0 FROM {rows_of(dialect, "rows", _KEY)} AS w WHERE true ORDER BY {_NAMES}
        ON CONFLICT DO NOTHING
    """)  # noqa: S608 - names are ours, values are bound


def _locked(dialect: str) -> TextualSelect:
    columns = list(t.figures.columns)
    names = ", ".join(f"supplement_figures.{column.name}" for column in columns)
    order = ", ".join(f"supplement_figures.{name}" for name in _KEY)
    lock = "" if dialect == "sqlite" else "FOR NO KEY UPDATE OF supplement_figures"
    statement = f"""
        SELECT {names} FROM {rows_of(dialect, "rows", _KEY)} AS w
        JOIN supplement_figures ON {_same("supplement_figures")} ORDER BY {order} {lock}
    """  # noqa: S608 - names are ours, values are bound
    return text(statement).columns(*columns)


def _flowing(dialect: str) -> TextualSelect:
    keys = [t.flows.c[name] for name in _KEY]
    names = ", ".join(f"f.{name}" for name in _KEY)
    statement = f"""
        SELECT {names}, SUM(CASE WHEN x.status = {_COMPLETED} THEN f.quantity ELSE 0 END) AS done,
               SUM(CASE WHEN x.status IN ({_OPEN}) THEN f.quantity ELSE 0 END) AS open
        FROM {rows_of(dialect, "rows", _KEY)} AS w JOIN supplement_flows f ON {_same("f")}
        JOIN transactions x ON x.id = f.transaction_id GROUP BY {names}
    """  # noqa: S608 - names are ours, values are bound
    quantity = t.flows.c.quantity.type
    return text(statement).columns(*keys, done=quantity, open=quantity)


def _add(dialect: str) -> TextClause:
    statement = f"""
        INSERT INTO supplement_figures ({_NAMES}, completed)
        SELECT {_NAMES}, SUM(quantity) FROM supplement_flows
        WHERE {one_of(dialect, t.flows.c.transaction_id, "wanted")} GROUP BY {_NAMES} ORDER BY {_NAMES}
        ON CONFLICT ({_NAMES}) DO UPDATE SET completed = supplement_figures.completed + excluded.completed
    """  # noqa: S608 - names are ours, values are bound
    return text(statement).bindparams(bindparam("wanted", type_=Keys()))


_START = Statement("supplement_figures_start", _start)
_LOCKED = Statement("supplement_figures_locked", _locked)
_FLOWING = Statement("supplement_flowing", _flowing)
_NOTE = Insertion(t.flows, ("transaction_id", *_KEY, "quantity"))
_ADD = Statement("supplement_figures_add", _add)
_DROP = Statement(
    "supplement_flows_drop", lambda dialect: delete(t.flows).where(one_of(dialect, t.flows.c.transaction_id, "wanted"))
)
