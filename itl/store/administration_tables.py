"""The tables of administration: what operators did, timers that are no transaction's, time comparisons, proposals."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text

from itl.store.columns import Instant, key, metadata

actions = Table(
    "actions",
    metadata,
    key(),
    Column("at", Instant, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("reason", Text),
    Column("detail", Text),
    Index(None, "subject"),
)
"""Everything that an operator did, in the commit that does it; rows are added, never changed. `detail` is JSON."""
