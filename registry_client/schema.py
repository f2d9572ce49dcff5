"""The schema of a registry's database: made where there is none, brought up to date where it is older."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn

from registry_client import tables
from registry_client.errors import StoreError
from registry_client.reconciliation import tables as reconciliation_tables

VERSION = 3

ADDED = {
    2: (
        tables.past_unit_blocks,
        reconciliation_tables.reconciliations,
        reconciliation_tables.reconciliation_history,
        reconciliation_tables.snapshot_blocks,
        reconciliation_tables.replies,
        reconciliation_tables.notices,
    ),
    3: (tables.misbehaviours,),
}
"""Tables that came with a version."""

WIDENED = {3: (tables.unit_blocks.c.replaced, tables.past_unit_blocks.c.replaced)}
"""Columns that tables of before got with a version; a table that is made on the way has them already."""

CHANGED = {
    2: (
        "ALTER TABLE unit_blocks ADD COLUMN since BIGINT NOT NULL DEFAULT 0",
        "UPDATE unit_blocks SET since = acquired_at",
        "ALTER TABLE transactions ADD COLUMN notice BIGINT",
        "UPDATE transactions SET notice = json_extract(CAST(proposal AS TEXT), '$.notification_identifier')",
        "CREATE INDEX ix_transactions_notice ON transactions (notice)",
        "CREATE INDEX ix_transactions_changed_at ON transactions (changed_at)",
        "INSERT INTO notices (identifier, received_at, content)"
        " SELECT json_extract(CAST(content AS TEXT), '$.notification_identifier'), received_at, content"
        " FROM inbox WHERE kind = 'ITLNoticeRequest' AND taken_at IS NOT NULL ORDER BY id",
    )
}
"""Statements that bring what was there to a version, run after its tables are made. Of the time before version 2 there
is no history of blocks: each counts as having been as it is since it was acquired."""


def bring_up(connection: sa.Connection, url: str, code: str) -> None:
    """Make the schema or bring it to `VERSION`, in the caller's unit of work; StoreError if it is a newer one."""
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version == 0 and not sa.inspect(connection).get_table_names():
        tables.metadata.create_all(connection)
        for trigger in tables.TRIGGERS:
            connection.exec_driver_sql(trigger)
        connection.execute(tables.owner.insert().values(code=code))
    elif not 1 <= version <= VERSION:
        raise StoreError(
            f"{url} has version {version}, this program reads 1 to {VERSION}: use the program that made it"
        )
    else:
        for step in range(version + 1, VERSION + 1):
            tables.metadata.create_all(connection, ADDED.get(step, ()))
            for column in WIDENED.get(step, ()):
                _widen(connection, column)
            for statement in CHANGED.get(step, ()):
                connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")


def _widen(connection: sa.Connection, column: sa.Column[Any]) -> None:
    table = column.table
    if column.name not in {each["name"] for each in sa.inspect(connection).get_columns(table.name)}:
        described = CreateColumn(column).compile(connection)
        connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {described}")
