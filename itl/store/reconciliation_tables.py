"""Tables of reconciliation: where each one stands, what registry and log said, and when the next is due."""

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
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    false,
    text,
)

from itl.store.columns import Instant, key, metadata

reconciliations = Table(
    "reconciliations",
    metadata,
    key(),
    Column("identifier", String(20), nullable=False, unique=True),
    Column("registry", String, nullable=False),
    Column("begins_with", String, nullable=False),
    Column("by_account", Boolean, nullable=False, server_default=false()),
    Column("snapshot_at", Instant, nullable=False),
    Column("status", SmallInteger),
    Column("step", String, nullable=False),
    Column("running", Boolean, nullable=False),
    Column("due_at", Instant),
    Column("asked", Text),
    Column("outcome", String),
    Column("problem", Text),
    Column("follows", ForeignKey("reconciliations.id")),
    Column("attempt", Integer, nullable=False, server_default="1"),
    Column("scheduled", Boolean, nullable=False, server_default=false()),
    Column("started_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("holder", String),
    Column("held_until", Instant),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("led_by", String),
    CheckConstraint("begins_with IN ('totals', 'unit blocks', 'audit trail')", "begins_with"),
    Index(
        "uq_reconciliations_running",
        "registry",
        unique=True,
        sqlite_where=text("running"),
        postgresql_where=text("running"),
    ),
    Index(
        "ix_reconciliations_due_at",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    Index(None, "registry", "snapshot_at"),
)
"""`status` is that of the standard's list, NULL before the registry has confirmed; `step` is what comes next
(`lifecycle.reconciliation`). `running`: a registry has one at a time, while those that wait for an operator stay open
beside it. `due_at`: the timer, when somebody must look again; work on it is leased by `holder` until `held_until`.
`asked`: JSON of what was asked for in the present phase. `follows`: the one that this one repeats. `led_by`: the log
that leads it, where that is another one."""

reconciliation_history = Table(
    "reconciliation_history",
    metadata,
    key(),
    Column("reconciliation_id", ForeignKey("reconciliations.id"), nullable=False),
    Column("status", SmallInteger),
    Column("step", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("set_by", String, nullable=False),
    Column("message", ForeignKey("messages.id")),
    Column("response_codes", String),
    Column("detail", Text),
    Column("stl", String),
    Index(None, "reconciliation_id"),
)
"""Every status and step with who brought it about, and what was found on the way; `stl`: of that supplementary log's
part, not of the log's own."""

reconciliation_supplements = Table(
    "reconciliation_supplements",
    metadata,
    Column("reconciliation_id", ForeignKey("reconciliations.id"), primary_key=True),
    Column("stl", String, primary_key=True),
    Column("step", String, nullable=False),
    Column("status", SmallInteger),
    Column("asked", Text),
    Column("due_at", Instant),
    Column("outcome", String),
    Column("ended_at", Instant),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("problem", Text),
    CheckConstraint("status IS NULL OR status IN (8, 9, 10, 11)", "status"),
    Index(
        "ix_reconciliation_supplements_due_at",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
)
"""The parts of supplementary logs in reconciliations (`lifecycle.supplementary_reconciliation`); columns as those of
`reconciliations`."""

reconciliation_answers = Table(
    "reconciliation_answers",
    metadata,
    Column("reconciliation_id", ForeignKey("reconciliations.id"), primary_key=True),
    Column("message", ForeignKey("messages.id"), primary_key=True),
    Column("operation", String, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""What the registry answered, compressed, kept as long as a supplementary log may want to see it."""

reconciliation_totals = Table(
    "reconciliation_totals",
    metadata,
    key(),
    Column("reconciliation_id", ForeignKey("reconciliations.id"), nullable=False),
    Column("side", String, nullable=False),
    Column("account_type", SmallInteger, nullable=False),
    Column("account_identifier", BigInteger),
    Column("account_period", SmallInteger, nullable=False),
    Column("unit_type", SmallInteger, nullable=False),
    Column("supp_unit_type", Integer),
    Column("units", BigInteger, nullable=False),
    CheckConstraint("side IN ('registry', 'log')", "side"),
    Index(None, "reconciliation_id"),
)
"""Totals as the registry sent them, and as the log counted them beside them."""


def _part() -> list[Column[Any]]:
    """What a registry sent in one of the messages of its answer."""
    return [
        Column("reconciliation_id", ForeignKey("reconciliations.id"), primary_key=True),
        Column("message", ForeignKey("messages.id"), primary_key=True),
        Column("position", Integer, primary_key=True, autoincrement=False),
    ]


def _serials() -> list[Column[Any]]:
    """As the registry says: it may say anything that passed the door."""
    return [
        Column("originating_registry", String, nullable=False),
        Column("serial_start", BigInteger, nullable=False),
        Column("serial_end", BigInteger, nullable=False),
    ]


received_unit_blocks = Table(
    "received_unit_blocks",
    metadata,
    *_part(),
    *_serials(),
    Column("unit_type", SmallInteger, nullable=False),
    Column("supp_unit_type", Integer),
    Column("account_type", SmallInteger, nullable=False),
    Column("account_identifier", BigInteger),
    Column("applicable_commit_period", SmallInteger, nullable=False),
    Index("ix_received_unit_blocks_serials", "reconciliation_id", "originating_registry", "serial_start"),
)
"""The registry's unit blocks, kept until the reconciliation has ended; what was sent stays in `messages`."""

received_sums = Table(
    "received_sums",
    metadata,
    *_part(),
    Column("account_type", SmallInteger, nullable=False),
    Column("account_period", SmallInteger, nullable=False),
    Column("unit_type", SmallInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
)
"""The units of the blocks of each part by placement, so that nobody has to add up all blocks to see whether they are
all."""

received_transactions = Table(
    "received_transactions",
    metadata,
    *_part(),
    Column("identifier", String, nullable=False),
    Column("transaction_type", Integer, nullable=False),
    Column("status_at", Instant, nullable=False),
    Column("transferring_registry", String, nullable=False),
    Column("acquiring_registry", String, nullable=False),
)
"""The transactions of the registry's audit trail."""

received_transaction_blocks = Table(
    "received_transaction_blocks",
    metadata,
    *_part(),
    Column("block", Integer, primary_key=True, autoincrement=False),
    *_serials(),
    Column("unit_type", SmallInteger, nullable=False),
    Column("applicable_commit_period", SmallInteger, nullable=False),
    Column("block_role", String),
    Column("transferring_account_type", Integer),
    Column("acquiring_account_type", Integer),
    Index("ix_received_transaction_blocks_serials", "reconciliation_id", "originating_registry", "serial_start"),
)
"""And their unit blocks."""

reconciliation_schedules = Table(
    "reconciliation_schedules",
    metadata,
    Column("registry", String, primary_key=True),
    Column("every_seconds", Integer, nullable=False),
    Column("next_at", Instant),
    Column("by_account", Boolean, nullable=False, server_default=false()),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("every_seconds > 0", "every_seconds"),
)
"""How often each registry is reconciled with; `next_at` NULL: stopped."""

__all__ = [
    "received_sums",
    "received_transaction_blocks",
    "received_transactions",
    "received_unit_blocks",
    "reconciliation_answers",
    "reconciliation_history",
    "reconciliation_schedules",
    "reconciliation_supplements",
    "reconciliation_totals",
    "reconciliations",
]
