"""Sets as a parameter of one statement: a list of keys, or rows as an array of arrays in JSON, read as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Column, Dialect, Text, TextClause, bindparam, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator


def rows_of(dialect: str, parameter: str, columns: Mapping[str, type]) -> str:
    """SQL of a table with `columns` (text or whole numbers), from the bound `parameter` that `as_rows` makes."""
    if dialect == "sqlite":
        cells = (f"json_extract(w.value, '$[{at}]') AS {name}" for at, name in enumerate(columns))
        return f"(SELECT {', '.join(cells)} FROM json_each(:{parameter}) AS w)"  # noqa: S608 - names are ours
    cells = (
        f"(w ->> {at}) AS {name}" if kind is str else f"CAST(w ->> {at} AS bigint) AS {name}"
        for at, (name, kind) in enumerate(columns.items())
    )
    return f"(SELECT {', '.join(cells)} FROM jsonb_array_elements(CAST(:{parameter} AS jsonb)) AS w)"  # noqa: S608


def as_rows(rows: Iterable[Sequence[str | int]]) -> str:
    """The rows as `rows_of` reads them."""
    return msgspec.json.encode(list(rows)).decode()


def as_array(cells: Iterable[Any]) -> str:
    """`cells` (numbers, texts, bytes, dates, instants, None) as PostgreSQL reads an array.

    As one text it costs PostgreSQL a fraction of the parse tree that `ARRAY[...]` is.
    """
    return "{" + ",".join(map(_cell, cells)) + "}"


def _cell(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):  # and a truth value, which is one
        return str(value) if value is not True and value is not False else str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    return f'"{value.isoformat()}"'


class Keys(TypeDecorator[Sequence[Any]]):
    """A list of numbers or texts as one parameter: an array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        keys = value or ()
        return msgspec.json.encode(keys).decode() if dialect.name == "sqlite" else as_array(keys)


def one_of(dialect: str, column: Column[Any], parameter: str) -> TextClause:
    """The condition that `column` is among the `Keys` of the bound `parameter`."""
    if dialect == "sqlite":
        condition = f"{column} IN (SELECT value FROM json_each(:{parameter}))"  # noqa: S608 - names are ours
    else:
        kind = column.type.compile(postgresql.dialect())  # type: ignore[no-untyped-call]
        condition = f"{column} = ANY(CAST(:{parameter} AS {kind}[]))"
    return text(condition).bindparams(bindparam(parameter, type_=Keys()))
