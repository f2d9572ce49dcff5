"""Tables of what reconciliations found to differ, and of what operators did about it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from itl.store.columns import Instant, key, metadata, serials

corrections = Table(
    "corrections",
    metadata,
    key(),
    Column("registry", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("status", String, nullable=False),
    Column("message", Text),
    Column("reason", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("evidence_digest", LargeBinary),
    Column("proposed_at", Instant, nullable=False),
    Column("proposed_by", String, nullable=False),
    Column("ended_at", Instant),
    Column("ended_by", String),
    Column("end_reason", Text),
    CheckConstraint("kind IN ('record', 'request', 'release')", "kind"),
    CheckConstraint("status IN ('proposed', 'confirmed', 'withdrawn')", "status"),
    CheckConstraint("status <> 'confirmed' OR ended_by <> proposed_by", "two_persons"),
    Index(
        "ix_corrections_proposed",
        "id",
        sqlite_where=text("status = 'proposed'"),
        postgresql_where=text("status = 'proposed'"),
    ),
)
"""What an operator proposed to do about units of `registry`, and another person confirmed. `kind`: change the log's own
`record`, send the registry a `request` (its text in `message`), or `release` units that are found to be right.
`evidence`: its text or the name of its file, then with the file's SHA-256."""

correction_blocks = Table(
    "correction_blocks",
    metadata,
    Column("correction_id", ForeignKey("corrections.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    *serials(),
    Column("before", Text),
    Column("after", Text),
)
"""The units of a correction; of the log's record what they were when it was proposed and what they shall be, as JSON,
NULL for nothing."""

inconsistencies = Table(
    "inconsistencies",
    metadata,
    key(),
    Column("reconciliation_id", ForeignKey("reconciliations.id"), nullable=False),
    Column("registry", String, nullable=False),
    Column("log", String, nullable=False),
    Column("originating_registry", String, nullable=False),
    Column("serial_start", BigInteger, nullable=False),
    Column("serial_end", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("log_view", Text),
    Column("registry_view", Text, nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("explained_by", Text),
    Column("closed_at", Instant),
    Column("closed_by", String),
    Column("close_reason", Text),
    Column("closing_reconciliation_id", ForeignKey("reconciliations.id")),
    Column("closing_correction_id", ForeignKey("corrections.id")),
    CheckConstraint("kind IN ('missing', 'unknown', 'elsewhere', 'double')", "kind"),
    CheckConstraint("explained_by IS NULL OR closed_at IS NOT NULL", "explained_is_closed"),
    Index(
        "uq_inconsistencies_open",
        "registry",
        "log",
        "originating_registry",
        "serial_start",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    Index(None, "reconciliation_id", "id"),
)
"""Every difference that a reconciliation of `registry` with `log` found, with both views as JSON. Units of those that
are open (`closed_at` NULL) are kept from transactions; open ones of a registry and a log do not overlap. One that
transactions in flight explain (`explained_by`, their identifiers) is closed when it is found."""
