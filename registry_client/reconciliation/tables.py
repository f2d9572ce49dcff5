"""What a registry keeps of reconciliations, and of the log's notices."""

from __future__ import annotations

import sqlalchemy as sa

from registry_client.tables import Instant, metadata

reconciliations = sa.Table(
    "reconciliations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("identifier", sa.String, nullable=False, unique=True),
    sa.Column("snapshot_at", Instant, nullable=False),
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("phase", sa.Integer),
    sa.Column("freeze_at", Instant, index=True),
    sa.Column("frozen_at", Instant),
)
"""`freeze_at` is the timer of the snapshot: there until the copy is made, whose time is `frozen_at`."""

reconciliation_history = sa.Table(
    "reconciliation_history",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("reconciliation", sa.ForeignKey("reconciliations.id"), nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("phase", sa.Integer),
    sa.Column("cause", sa.String, nullable=False),
    sa.Column("codes", sa.JSON, nullable=False),
)

snapshot_blocks = sa.Table(
    "snapshot_blocks",
    metadata,
    sa.Column("reconciliation", sa.ForeignKey("reconciliations.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("originating_registry", sa.String, nullable=False),
    sa.Column("range_start", sa.BigInteger, nullable=False),
    sa.Column("range_end", sa.BigInteger, nullable=False),
    sa.Column("unit_type", sa.Integer, nullable=False),
    sa.Column("supp_unit_type", sa.Integer, nullable=False),
    sa.Column("applicable_period", sa.Integer, nullable=False),
    sa.Column("account_type", sa.Integer, nullable=False),
    sa.Column("account_identifier", sa.BigInteger, nullable=False),
    sa.Column("reserved_by", sa.String),
    sqlite_with_rowid=False,
)
"""The frozen copy of all blocks, numbered by originating registry and serial; `reserved_by` as it was then."""

replies = sa.Table(
    "replies",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("reconciliation", sa.ForeignKey("reconciliations.id"), nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("request", sa.LargeBinary, nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("due_at", Instant),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("parts", sa.Integer, nullable=False),
    sa.Column("done_at", Instant),
    sa.Column("note", sa.String),
)
"""Answers that are owed: `kind` names the class of the request, `position` is the last snapshot block that went into
one of the `parts` made so far. An answer for which `due_at` is absent is never made."""

sa.Index("replies_due", replies.c.due_at, sqlite_where=replies.c.done_at.is_(None))

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("identifier", sa.BigInteger, nullable=False, index=True),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
"""Every notice of the log, a later one of the same identifier beside the earlier: together they are its history."""
