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
    of_transaction: Sequence[Column[Any]] = (),
    tail: str = "",
) -> TextualSelect:
    """Selects the rows of a partitioned table that have a serial in `wanted` (`wanted_rows`), and are as `where` says.

    `b` names the table in `where`; `of_transaction` are columns of the transaction that a row belongs to; `tail` ends
    the statement.
    """
    own = [f"b.{column.name}" for column in table.columns]
    theirs = "FROM transactions WHERE transactions.id = b.transaction_id"
    others = [f"(SELECT {each} {theirs})" for each in of_transaction]
    statement = f"""
        SELECT {", ".join(own + others)} FROM {rows_of(dialect, "wanted", RANGE)} AS w {with_rows(dialect, table.name)}
        WHERE {where} {tail}
    """  # noqa: S608 - names are ours, values are bound
    return text(statement).columns(*table.columns, *of_transaction)


def with_rows(dialect: str, table: str, among: str = "true") -> str:
    """SQL that joins to wanted ranges `w` the rows `b` of `table` that overlap them.

    `among` is a condition on its rows, there called `p`; those that meet it are disjoint. So the one that reaches in
    from before is the last that starts at or before the wanted start: it and those that start inside are look-ups in
    the B-tree on (originating_registry, serial_start).

    PostgreSQL is told so in a way that leaves its planner nothing to choose. Of a table that was empty when it was
    analysed (reservations are, whenever no transaction is open) it takes any way for equally cheap, keeps the plan, and
    then goes through all rows for each of the wanted ones.
    """
    rows = f"FROM {table} p WHERE {among} AND p.originating_registry = w.registry"
    if dialect == "sqlite":
        last = f"SELECT p.serial_start {rows} AND p.serial_start <= w.first ORDER BY p.serial_start DESC LIMIT 1"
        return f"""
            CROSS JOIN {table} b ON b.id IN (
                SELECT p.id {rows} AND p.serial_start <= w.last AND p.serial_end >= w.first
                    AND p.serial_start >= COALESCE(({last}), w.first))
        """
    return f"""
        JOIN LATERAL (
            (SELECT * {rows} AND p.serial_start <= w.first ORDER BY p.serial_start DESC LIMIT 1)
            UNION ALL
            (SELECT * {rows} AND p.serial_start > w.first AND p.serial_start <= w.last ORDER BY p.serial_start)
        ) b ON b.serial_end >= w.first
    """


RANGE: Mapping[str, type] = {"registry": str, "first": int, "last": int}
"""The columns of wanted ranges, as a table (`sets.rows_of`)."""


def wanted_rows(ranges: Iterable[SerialRange]) -> str:
    """The parameter `wanted` of `touching`, of disjoint ranges."""
    return as_rows([each.originating_registry, each.start, each.end] for each in ranges)
