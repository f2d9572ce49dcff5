"""Filling the databases of both sides with what they hold, page by page, by the fastest way that each database has."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from itl.rehearsal.holdings import ACCOUNTS, REGISTRY, Kind, Run
from itl.store.guards import exclusion
from registry_client import holdings
from registry_client.tables import unit_blocks
from registry_client.units import Account

PAGE = 10_000

_LOG_COLUMNS = (
    "originating_registry",
    "serial_start",
    "serial_end",
    "unit_type",
    "issued_unit_type",
    "original_commit_period",
    "applicable_commit_period",
    "lulucf_activity",
    "project_identifier",
    "track",
    "expiry_date",
    "account_type",
    "account_identifier",
    "registry",
    "since",
)
_REGISTRY_COLUMNS = (
    "originating_registry",
    "range_start",
    "range_end",
    "unit_type",
    "original_period",
    "applicable_period",
    "lulucf_activity",
    "project",
    "track",
    "expiry_date",
    "account_type",
    "account_identifier",
    "supp_unit_type",
    "acquired_at",
    "since",
)


def fill_log(connection: Connection, runs: Iterable[Run], since: datetime) -> None:
    """Put the log's blocks into its ledger. On PostgreSQL the rule that a unit is in one place is checked over all of
    them at the end, which takes a tenth of the time."""
    rows = (
        (*units, *_kind(run.kind, run.kind.unit_type), REGISTRY, _moment(connection, since))
        for run in runs
        for units in ((each.originating_registry, each.start, each.end) for each in run.log)
    )
    if connection.dialect.name == "sqlite":
        _insert(connection, "unit_blocks", _LOG_COLUMNS, rows)
        return
    connection.exec_driver_sql("ALTER TABLE unit_blocks DROP CONSTRAINT ex_unit_blocks_serials")
    cursor: Any = connection.connection.cursor()
    while page := list(islice(rows, PAGE)):
        lines = io.StringIO("".join("\t".join(map(_copied, row)) + "\n" for row in page))
        cursor.copy_expert(f"COPY unit_blocks ({', '.join(_LOG_COLUMNS)}) FROM STDIN", lines)
    connection.exec_driver_sql(exclusion("unit_blocks"))
    connection.exec_driver_sql("ANALYZE unit_blocks")


def fill_registry(connection: Connection, runs: Iterable[Run], since: datetime) -> None:
    """Put the registry's blocks into its books, and open the accounts that they lie in."""
    for account_type, identifier in ACCOUNTS:
        account = Account(account_type, identifier)
        if holdings.find_account(connection, account) is None:
            holdings.open_account(connection, account, 0, since)
    instant = unit_blocks.c.since.type.bind_processor(connection.dialect)
    at = since if instant is None else instant(since)
    rows = (
        (*units, *_kind(run.kind), 0, at, at)
        for run in runs
        for units in ((each.originating_registry, each.start, each.end) for each in run.registry)
    )
    _insert(connection, "unit_blocks", _REGISTRY_COLUMNS, rows)


def _kind(kind: Kind, *issued: int) -> tuple[Any, ...]:
    return (
        kind.unit_type,
        *issued,
        kind.original_period,
        kind.applicable_period,
        kind.lulucf_activity,
        kind.project,
        kind.track,
        None if kind.expiry_date is None else kind.expiry_date.isoformat(),
        kind.account_type,
        kind.account_identifier,
    )


def _insert(connection: Connection, table: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
    while page := list(islice(rows, PAGE)):
        connection.exec_driver_sql(statement, page)


def _moment(connection: Connection, at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f") if connection.dialect.name == "sqlite" else at.isoformat()


def _copied(value: Any) -> str:
    return r"\N" if value is None else str(int(value)) if isinstance(value, int) else str(value)
