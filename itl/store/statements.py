"""Statements that are built and compiled once, and run on the driver's cursor, in the caller's transaction.

What SQLAlchemy does around a statement (building it, its cache key, its result) costs several times what the driver
needs, and PostgreSQL plans a statement anew each time that it comes as text. Here both are done once: SQLAlchemy says
what the SQL is and how values are converted, PostgreSQL keeps the plan (`PREPARE`) as long as the connection lives.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, Dialect, Table, TextClause, bindparam, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.types import TypeEngine

from itl.store.sets import as_array

Values: TypeAlias = Mapping[str, Any]
Step: TypeAlias = "tuple[Statement, Values | list[Values]]"
"""A statement with its parameters, or (on SQLite) with those of several runs of it."""


SCANS = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit")
"""What PostgreSQL may not do where every row is looked up by index."""


class Statement:
    """A statement by its parameters. `build` makes it for a dialect (`sqlite`, `postgresql`); `name` is its alone."""

    def __init__(self, name: str, build: Callable[[str], ClauseElement]) -> None:
        self.name, self.build = name, build
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, **values: Any) -> list[Any]:
        """All rows, their columns by name."""
        compiled = self.on(connection)
        return compiled.rows(_execute(connection, [(compiled, values)]).fetchall())

    def run(self, connection: Connection, **values: Any) -> int:
        """How many rows it touched."""
        return int(_execute(connection, [(self.on(connection), values)]).rowcount)

    def on(self, connection: Connection) -> _Compiled:
        """As the database of `connection` takes it."""
        return self.compiled(connection.dialect)

    def compiled(self, dialect: Dialect) -> _Compiled:
        """As a database of `dialect` takes it."""
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _compile(self.name, self.build(dialect.name), dialect)
        return compiled


def run_all(connection: Connection, steps: Iterable[Step]) -> None:
    """Statements that give nothing back, one after another; on PostgreSQL in one round trip."""
    todo = [(statement.on(connection), values) for statement, values in steps]
    if todo:
        _execute(connection, todo)


def search_by_index(connection: Connection) -> None:
    """For the rest of the transaction every statement looks its rows up one by one, however small a table seems.

    A plan that PostgreSQL keeps is made of what the tables were then: of empty ones it would read all, and go on to
    when they have grown.
    """
    if connection.dialect.name != "sqlite":
        connection.connection.cursor().execute(_BY_INDEX)


_BY_INDEX = "; ".join(f"SET LOCAL {name} = off" for name in SCANS)


class OfRows(Statement):
    """A statement about many rows at once, each of `columns`: by arrays on PostgreSQL, row by row in SQLite.

    `sql` makes it of the place that a column's value has in it and, on PostgreSQL, the source of the rows, called `w`.
    """

    def __init__(self, name: str, columns: Mapping[str, TypeEngine[Any]], sql: Callable[[str, str], str]) -> None:
        super().__init__(name, self._of_rows)
        self.columns, self._sql = columns, sql

    def steps(self, connection: Connection, rows: Iterable[Values]) -> list[Step]:
        """What does it for `rows`, in their order: one step, none where there are none."""
        rows = list(rows)
        if not rows:
            return []
        if connection.dialect.name == "sqlite":
            return [(self, rows)]
        return [(self, {name: as_array([row[name] for row in rows]) for name in self.columns})]

    def _of_rows(self, dialect: str) -> TextClause:
        if dialect == "sqlite":
            bound = (bindparam(name, type_=kind) for name, kind in self.columns.items())
            return text(self._sql(":", "")).bindparams(*bound)
        types = {name: kind.compile(postgresql.dialect()) for name, kind in self.columns.items()}  # type: ignore[no-untyped-call]
        arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in types.items())
        return text(self._sql("w.", f"unnest({arrays}) AS w({', '.join(self.columns)})"))


class Insertion(OfRows):
    """Rows into `columns` of a table, which get their keys in their order."""

    def __init__(self, table: Table, columns: Iterable[str]) -> None:
        types = {name: table.c[name].type for name in columns}
        super().__init__(f"insert_{table.name}", types, self._insert)
        self._table = table

    def _insert(self, place: str, source: str) -> str:
        into = f"INSERT INTO {self._table.name} ({', '.join(self.columns)})"
        cells = ", ".join(f"{place}{name}" for name in self.columns)
        return f"{into} SELECT {cells} FROM {source}" if source else f"{into} VALUES ({cells})"  # noqa: S608


# Compiling and running -----------------------------------------------------------------------------------------------

Converter: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement for one dialect."""

    name: str
    prepare: str | None
    """PostgreSQL: what makes the plan; None: `sql` is the statement itself."""
    sql: str
    constants: Values
    to_driver: Sequence[tuple[str, Converter]]
    from_driver: Sequence[tuple[int, Converter]]
    row: Callable[[Iterable[Any]], Any]

    def bound(self, values: Values) -> Values:
        """The parameters as the driver takes them."""
        given = {**self.constants, **values}
        for name, convert in self.to_driver:
            given[name] = convert(given[name])
        return given

    def rows(self, fetched: Iterable[Sequence[Any]]) -> list[Any]:
        """Rows of the driver with values and names as SQLAlchemy would give them."""
        make, converters = self.row, self.from_driver
        if not converters:
            return [make(row) for row in fetched]
        rows = []
        for row in fetched:
            cells = list(row)
            for at, convert in converters:
                cells[at] = convert(cells[at])
            rows.append(make(cells))
        return rows


def _compile(name: str, statement: ClauseElement, dialect: Dialect) -> _Compiled:
    named = dialect.name == "sqlite"
    made: Any = type(dialect)
    by = made(paramstyle="named" if named else "numeric_dollar")
    compiled: Any = statement.compile(dialect=by)
    parameters = list(compiled.binds) if named else compiled.positiontup
    sql = str(compiled)
    prepare = None
    if not named:
        prepare = f"PREPARE {name} AS {sql}"
        given = ", ".join(f"%({parameter})s" for parameter in parameters)
        sql = f"EXECUTE {name} ({given})" if given else f"EXECUTE {name}"
    to_driver = [(each, compiled.binds[each].type.dialect_impl(dialect).bind_processor(dialect)) for each in parameters]
    columns: Any = getattr(statement, "exported_columns", ())
    from_driver = [
        (at, column.type.dialect_impl(dialect).result_processor(dialect, None)) for at, column in enumerate(columns)
    ]
    names = [column.key for column in columns]
    row: Any = namedtuple("Row", names)  # type: ignore[misc]
    return _Compiled(
        name,
        prepare,
        sql,
        {name: bind.value for name, bind in compiled.binds.items() if not bind.required},
        [(each, convert) for each, convert in to_driver if convert is not None],
        [(at, convert) for at, convert in from_driver if convert is not None],
        row._make,
    )


def _execute(connection: Connection, steps: Sequence[tuple[_Compiled, Any]]) -> Any:
    """The cursor after the last of `steps`; errors are those of SQLAlchemy."""
    cursor: Any = connection.connection.cursor()
    try:
        if connection.dialect.name == "sqlite":
            for compiled, values in steps:
                if isinstance(values, list):
                    cursor.executemany(compiled.sql, [compiled.bound(each) for each in values])
                else:
                    cursor.execute(compiled.sql, compiled.bound(values))
        else:
            _prepare(connection, cursor, [compiled for compiled, _ in steps])
            cursor.execute(
                b"; ".join(cursor.mogrify(compiled.sql, compiled.bound(values)) for compiled, values in steps)
            )
    except connection.dialect.loaded_dbapi.Error as error:
        raise _told(connection, steps[-1][0].name, error) from error
    return cursor


def _prepare(connection: Connection, cursor: Any, wanted: Iterable[_Compiled]) -> None:
    known: set[str] = connection.info.setdefault("itl_prepared", set())
    for compiled in wanted:
        if compiled.name not in known:
            cursor.execute(compiled.prepare)
            known.add(compiled.name)


def _told(connection: Connection, name: str, error: Any) -> BaseException:
    dialect = connection.dialect
    lost = dialect.is_disconnect(error, connection.connection.driver_connection, None)
    told: BaseException = DBAPIError.instance(
        name, None, error, dialect.loaded_dbapi.Error, connection_invalidated=lost, dialect=dialect
    )
    if lost:  # the server went away: no other connection is any good either
        connection.invalidate(error)
        connection.engine.dispose()
    return told
