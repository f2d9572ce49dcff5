"""What the tables are made of: the metadata that they belong to, and the columns that several of them have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    SmallInteger,
    String,
)
from sqlalchemy.types import TypeDecorator

from itl.codes import MAX_SERIAL

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """A point in time: aware and in UTC outside, `timestamptz` on PostgreSQL, sortable text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)  # type: ignore[no-any-return]


BigKey = BigInteger().with_variant(Integer, "sqlite")
"""Only `INTEGER PRIMARY KEY` counts up by itself on SQLite."""


def key() -> Column[int]:
    """A key that counts up."""
    return Column("id", BigKey, primary_key=True, autoincrement=True)


def serials() -> list[Column[Any] | CheckConstraint]:
    """A range of serials of an originating registry."""
    return [
        Column("originating_registry", String, nullable=False),
        Column("serial_start", BigInteger, nullable=False),
        Column("serial_end", BigInteger, nullable=False),
        CheckConstraint(f"serial_start BETWEEN 1 AND serial_end AND serial_end <= {MAX_SERIAL}", "serials"),
    ]


def attributes() -> list[Column[Any]]:
    """What the units of a block are."""
    return [
        Column("unit_type", SmallInteger, nullable=False),
        Column("supp_unit_type", Integer),
        Column("original_commit_period", SmallInteger, nullable=False),
        Column("applicable_commit_period", SmallInteger, nullable=False),
        Column("lulucf_activity", SmallInteger),
        Column("project_identifier", Integer),
        Column("track", SmallInteger),
        Column("expiry_date", Date),
    ]
