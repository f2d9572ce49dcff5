"""The tables of a supplementary log, beside those of the log, in a metadata of their own.

What the scheme was told of members, accounts, plans, agreements, windows and emissions is kept as the log keeps its
facts: rows are added, never changed. In force at an instant is, of the rows about one thing, the one with the latest
start that is not after it; of several with the same start the one that was recorded last.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

from itl.store import tables as log
from itl.store.columns import Instant, key
from itl.store.columns import metadata as _log_metadata

metadata = MetaData(naming_convention=_log_metadata.naming_convention)


def _history() -> list[Column[Any]]:
    """From when a row says what is so, and who told it, when and why."""
    return [
        Column("valid_from", Instant, nullable=False),
        Column("recorded_at", Instant, nullable=False),
        Column("recorded_by", String, nullable=False),
        Column("reason", Text, nullable=False),
    ]


members = Table(
    "supplement_members",
    metadata,
    key(),
    Column("registry", String, nullable=False),
    Column("link", String, nullable=False),
    Column("may_propose", Boolean, nullable=False),
    Column("may_accept", Boolean, nullable=False),
    *_history(),
    CheckConstraint("link IN ('direct', 'freezing', 'through')", "link"),
    Index(None, "registry"),
)
"""The registries of the scheme: their link, and the scheme's own status of them."""

accounts = Table(
    "supplement_accounts",
    metadata,
    key(),
    Column("registry", String, nullable=False),
    Column("account_type", SmallInteger, nullable=False),
    Column("identifier", BigInteger, nullable=False),
    Column("holder", String, nullable=False),
    Column("installation", BigInteger),
    Column("blocked", Boolean, nullable=False),
    Column("closed", Boolean, nullable=False),
    *_history(),
    CheckConstraint("holder IN ('party', 'operator', 'person')", "holder"),
    Index(None, "identifier", "account_type", "registry"),
)

plan = Table(
    "supplement_plan",
    metadata,
    key(),
    Column("registry", String, nullable=False),
    Column("period", SmallInteger, nullable=False),
    Column("installation", BigInteger, nullable=False),
    Column("year", Integer, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    *_history(),
    CheckConstraint("quantity >= 0", "quantity"),
    Index(None, "registry", "period", "installation", "year"),
)
"""Allocation plan tables: what each installation gets for a year; installation 0 and year 0 are the reserve."""

agreements = Table(
    "supplement_agreements",
    metadata,
    key(),
    Column("registry", String, nullable=False),
    Column("agreed", Boolean, nullable=False),
    *_history(),
    Index(None, "registry"),
)
"""Registries outside the scheme to which allowances may go, or no longer."""

windows = Table(
    "supplement_windows",
    metadata,
    key(),
    Column("period", SmallInteger, nullable=False),
    Column("opens", Instant, nullable=False),
    Column("closes", Instant, nullable=False),
    Column("first_year", Integer, nullable=False),
    Column("last_year", Integer, nullable=False),
    *_history(),
)
"""When units of a period may be surrendered, and for which years."""

emissions = Table(
    "supplement_emissions",
    metadata,
    key(),
    Column("registry", String, nullable=False),
    Column("installation", BigInteger, nullable=False),
    Column("year", Integer, nullable=False),
    Column("verified", BigInteger, nullable=False),
    *_history(),
    CheckConstraint("verified >= 0", "verified"),
    Index(None, "registry", "installation", "year"),
)
"""Verified emissions of an installation in a year, tonnes of CO2 equivalent."""

KEYS: dict[Table, tuple[str, ...]] = {
    members: ("registry",),
    accounts: ("registry", "account_type", "identifier"),
    plan: ("registry", "period", "installation", "year"),
    agreements: ("registry",),
    windows: ("period",),
    emissions: ("registry", "installation", "year"),
}
"""What a row of each table is about."""


def _figure_key(**how: Any) -> list[Column[Any]]:
    return [
        Column("kind", String, **how),
        Column("registry", String, **how),
        Column("period", SmallInteger, autoincrement=False, **how),
        Column("installation", BigInteger, autoincrement=False, **how),
        Column("year", Integer, autoincrement=False, **how),
    ]


figures = Table(
    "supplement_figures",
    metadata,
    *_figure_key(primary_key=True),
    Column("completed", BigInteger, nullable=False),
)
"""What completed transactions made of each figure, in units."""

flows = Table(
    "supplement_flows",
    metadata,
    Column("transaction_id", ForeignKey(log.transactions.c.id), primary_key=True),
    *_figure_key(primary_key=True),
    Column("quantity", BigInteger, nullable=False),
    Index(None, "kind", "registry", "period", "installation", "year"),
)
"""What transactions that passed add to figures until they are carried out; of one that ended otherwise, nothing."""

documents = Table(
    "supplement_documents",
    metadata,
    key(),
    Column("sender", String, nullable=False),
    Column("relay_identifier", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("content_digest", Text, nullable=False),
    Column("outcome", String, nullable=False),
    Column("problem", Text),
    CheckConstraint("outcome IN ('carried out', 'refused')", "outcome"),
    Index("uq_supplement_documents_sender_relay_identifier", "sender", "relay_identifier", unique=True),
)
"""Relayed documents of members, each once, and what became of them."""
