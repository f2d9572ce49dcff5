"""The tables of handovers: a registry with its units and its history goes from one log to another."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

from itl.store.columns import Instant, key, metadata, serials

_UNDER_WAY = "status IN ('begun', 'exported', 'accepted', 'imported')"

handovers = Table(
    "handovers",
    metadata,
    key(),
    Column("registry", String, nullable=False),
    Column("side", String, nullable=False),
    Column("other", String),
    Column("status", String, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("deadline_at", Instant),
    Column("changed_at", Instant, nullable=False),
    Column("digest", LargeBinary),
    Column("contents", Text),
    Column("differences", Text),
    Column("accepted_by", String),
    Column("reconciliation", String),
    CheckConstraint("side IN ('giving', 'taking')", "side"),
    CheckConstraint(
        "(side = 'giving' AND status IN ('begun', 'exported', 'gone', 'lifted')) OR "
        "(side = 'taking' AND status IN ('accepted', 'imported', 'opened', 'withdrawn'))",
        "status",
    ),
    Index(
        "uq_handovers_under_way",
        "registry",
        unique=True,
        sqlite_where=text(_UNDER_WAY),
        postgresql_where=text(_UNDER_WAY),
    ),
    Index("uq_handovers_digest", "side", "digest", unique=True),
)
"""Every handover of a registry, on the side of this log, with where it stands; who did each step, and why, is in
`actions`. `other`: the code of the other log, NULL where it is not known yet. `digest`: of the file. `contents`: what
is in it, and `differences`: what `accepted_by` lets pass, both as JSON. `reconciliation`: the last one that shows that
log and registry agree."""

handover_transactions = Table(
    "handover_transactions",
    metadata,
    Column("transaction_id", ForeignKey("transactions.id"), primary_key=True),
    Column("handover_id", ForeignKey("handovers.id"), nullable=False),
)
"""Transactions that another log saw, from their beginning to their end."""

arrivals = Table(
    "arrivals",
    metadata,
    key(),
    Column("handover_id", ForeignKey("handovers.id")),
    Column("transaction_id", ForeignKey("transactions.id")),
    *serials(),
    Column("issued_unit_type", SmallInteger, nullable=False),
    Column("original_commit_period", SmallInteger, nullable=False),
    Column("since", Instant, nullable=False),
    CheckConstraint("(handover_id IS NULL) <> (transaction_id IS NULL)", "cause"),
    Index(None, "originating_registry", "serial_start"),
)
"""Units that came into this ledger otherwise than by an issuance here: with a handover, or by a transfer from where
this log does not see."""
