"""Sets of rows as a parameter of one statement: an array of arrays in JSON, which both databases read as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection


def rows_of(connection: Connection, parameter: str, columns: Mapping[str, type]) -> str:
    """SQL of a table with `columns` (text or whole numbers), from the bound `parameter` that `as_rows` makes."""
    if connection.dialect.name == "sqlite":
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
