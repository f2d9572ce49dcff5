"""Rows of a table of serial ranges that overlap wanted ranges, found by index whatever the size of the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Table, TextualSelect, text

from itl.ledger.block import SerialRange
from itl.store.sets import as_rows, rows_of


def touching(
    dialect: str,
    table: Table,
    where: str = "true",
    *,
    more: Sequence[Column[Any]] = (),
    join: str = "",
    tail: str = "",
) -> TextualSelect:
    """Selects the rows of a partitioned table that have a serial in `wanted` (`wanted_rows`), and are as `where` says.

    Rows are disjoint, so the one that reaches in from before is the last that starts at or before the wanted start: it
    and those that start inside are look-ups in the B-tree on (originating_registry, serial_start). `b` names the table
    in `where` and `join`, which adds the columns `more` of other tables; `tail` ends the statement.
    """
    names = ", ".join([f"b.{column.name}" for column in table.columns] + [str(column) for column in more])
    statement = f"""
        SELECT {names} FROM {rows_of(dialect, "wanted", RANGE)} AS w JOIN {table.name} b
            ON b.originating_registry = w.registry AND b.serial_start <= w.last AND b.serial_end >= w.first
            AND b.serial_start >= COALESCE(
                (SELECT p.serial_start FROM {table.name} p
                 WHERE p.originating_registry = w.registry AND p.serial_start <= w.first
                 ORDER BY p.serial_start DESC LIMIT 1),
                w.first)
        {join}
        WHERE {where} {tail}
    """  # noqa: S608 - names are ours, values are bound
    return text(statement).columns(*table.columns, *more)


RANGE: Mapping[str, type] = {"registry": str, "first": int, "last": int}
"""The columns of wanted ranges, as a table (`sets.rows_of`)."""


def wanted_rows(ranges: Iterable[SerialRange]) -> str:
    """The parameter `wanted` of `touching`, of disjoint ranges."""
    return as_rows([each.originating_registry, each.start, each.end] for each in ranges)
