"""The tables of administration: what operators did, timers that are no transaction's, time comparisons, proposals."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, Text, UniqueConstraint, text

from itl.store.columns import Instant, key, metadata

_DUE = "due_at IS NOT NULL"

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

timers = Table(
    "timers",
    metadata,
    Column("kind", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("every_seconds", Integer),
    Column("due_at", Instant),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("problem", Text),
    Index("ix_timers_due_at", "due_at", sqlite_where=text(_DUE), postgresql_where=text(_DUE)),
)
"""What the log does from time to time (`worker.administration`). `every_seconds` NULL: as the settings say. `due_at`
NULL: switched off. `failures` in a row, with the last problem."""

time_comparisons = Table(
    "time_comparisons",
    metadata,
    key(),
    Column("registry", String, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("asked_by", String, nullable=False),
    Column("warning_ms", BigInteger, nullable=False),
    Column("alarm_ms", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("outcome", String),
    Column("problem", Text),
    Column("sent_at", Instant),
    Column("answered_at", Instant),
    Column("registry_time", Instant),
    Column("offset_ms", BigInteger),
    Column("round_trip_ms", BigInteger),
    Column("verdict", String),
    Column("ended_at", Instant),
    Index(None, "registry", "id"),
    CheckConstraint("verdict IN ('within', 'warning', 'alarm')", "verdict"),
)
"""Every time that a registry was asked for its time, and what came of it, against the tolerances of that time."""

suspension_proposals = Table(
    "suspension_proposals",
    metadata,
    key(),
    Column("registry", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("since", Instant, nullable=False),
    Column("why", Text, nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("closed_as", String),
    Column("closed_by", String),
    UniqueConstraint("registry", "rule", "since"),
    CheckConstraint("closed_as IN ('suspended', 'dismissed', 'over')", "closed_as"),
)
"""Where a rule found lasting trouble with a registry: proposed to the operator, who suspends it or does not. Once for
each trouble, by when it began (`since`); `over` where the trouble ended first."""
