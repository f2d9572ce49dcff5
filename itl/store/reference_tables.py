"""The tables of reference data: who takes part, what the log was told, and its notices."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from itl.store.columns import Instant, key, metadata, serials

_OUTSTANDING = "status <> 3"
_FIRST = "sent_as IS NOT NULL AND sent_type <> 10"

settings = Table("settings", metadata, Column("name", String, primary_key=True), Column("value", Text, nullable=False))

reference_stamp = Table(
    "reference_stamp",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("stamp", BigInteger, nullable=False),
    CheckConstraint("id = 1", "single"),
)

registries = Table(
    "registries",
    metadata,
    Column("code", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("notify_refusals", Boolean, nullable=False, server_default=false()),
    Column("url", String),
    Column("call_user", String),
    Column("call_password", String),
    Column("relay_url", String),
    Column("enrolled_at", Instant, nullable=False),
)

credentials = Table(
    "credentials",
    metadata,
    key(),
    Column("registry", ForeignKey("registries.code"), nullable=False),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("secret", String),
    Column("revoked_at", Instant),
    Column("subject", String),
    Column("issuer", String),
    Column("valid_from", Instant),
    Column("valid_until", Instant),
    UniqueConstraint("kind", "name"),
    CheckConstraint("kind IN ('basic', 'certificate')", "kind"),
)

enrolment_entries = Table(
    "enrolment_entries",
    metadata,
    key(),
    Column("registry", ForeignKey("registries.code"), nullable=False),
    Column("step", String, nullable=False),
    Column("item", String),
    Column("result", String, nullable=False),
    Column("recorded_by", String, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("digest", LargeBinary),
    CheckConstraint("result IN ('received', 'passed', 'failed', 'waiver', 'waived')", "result"),
    Index(None, "registry"),
)
"""What was recorded of the steps of enrolments (`lifecycle.enrolment`): rows are added, never changed."""

parties = Table("parties", metadata, Column("code", String, primary_key=True), Column("name", String))

facts = Table(
    "facts",
    metadata,
    key(),
    Column("name", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("period", SmallInteger, nullable=False),
    Column("detail", Integer, nullable=False),
    Column("value", Text, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("recorded_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Index(None, "name", "subject", "number", "period", "detail", "valid_from"),
)
"""What the log was told of Parties, periods, projects and accounts (`facts`): rows are added, never changed. The value
is JSON; `null` withdraws. Parts of the key that a fact does not have are empty or 0."""

notices = Table(
    "notices",
    metadata,
    Column("identifier", BigInteger, primary_key=True, autoincrement=False),
    Column("notice_type", SmallInteger, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("registry", String, nullable=False),
    Column("project_host", String),
    Column("project_number", Integer),
    Column("unit_type", SmallInteger),
    Column("target_value", BigInteger),
    Column("target_date", Date),
    Column("lulucf_activity", SmallInteger),
    Column("commit_period", SmallInteger),
    Column("action_due_date", Date),
    Column("recorded_at", Instant, nullable=False),
    Column("recorded_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("rule", String),
    Column("rule_key", String),
    Column("rule_part", Integer),
    Column("content", Text),
    Column("raised", Boolean, nullable=False, server_default=false()),
    Column("told_status", SmallInteger),
    Column("overdue_at", Instant),
    Column("withdrawn_at", Instant),
    CheckConstraint("status IN (1, 2, 3)", "status"),
    UniqueConstraint("rule", "rule_key", "rule_part"),
    Index(None, "project_host", "project_number"),
    Index(
        "ix_notices_outstanding",
        "action_due_date",
        sqlite_where=text(_OUTSTANDING),
        postgresql_where=text(_OUTSTANDING),
    ),
)
"""Notices to registries. `raised`: by this log, which told the registry (else it was loaded from a file); `rule` and
`rule_key`: by which rule about what, the parts of what it asks for numbered. `told_status`: what the registry heard
last; where it differs from `status`, an answer was carried out in this very commit."""

notice_history = Table(
    "notice_history",
    metadata,
    key(),
    Column("notice", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("event", String, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("target_value", BigInteger),
    Column("sent_as", BigInteger),
    Column("sent_type", SmallInteger),
    Column("content", Text),
    Column("by", String, nullable=False),
    Column("reason", Text),
    Index(None, "notice"),
    Index(
        "uq_notice_history_sent_as", "sent_as", unique=True, sqlite_where=text(_FIRST), postgresql_where=text(_FIRST)
    ),
)
"""What befell notices; `sent_as` and `sent_type`: the identifier and type under which the registry was told of it."""

notice_blocks = Table(
    "notice_blocks",
    metadata,
    Column("notice", ForeignKey("notices.identifier"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    *serials(),
)
"""The units that a notice lists."""

schemes = Table(
    "schemes",
    metadata,
    Column("stl", ForeignKey("registries.code"), primary_key=True),
    Column("answer_within", Integer),
    Column("retired_at", Instant),
)
"""Regional schemes behind a supplementary log; `answer_within` in seconds. A retired one is asked no more."""

scheme_types = Table(
    "scheme_types",
    metadata,
    Column("stl", ForeignKey("registries.code"), primary_key=True),
    Column("transaction_type", SmallInteger, primary_key=True, autoincrement=False),
    Column("supp_transaction_type", Integer, primary_key=True, autoincrement=False),
)

scheme_members = Table(
    "scheme_members",
    metadata,
    Column("stl", ForeignKey("registries.code"), primary_key=True),
    Column("registry", ForeignKey("registries.code"), primary_key=True),
)

scheme_routes = Table(
    "scheme_routes",
    metadata,
    key(),
    Column("stl", ForeignKey("registries.code"), nullable=False),
    Column("transaction_type", SmallInteger),
    Column("supp_transaction_type", Integer),
    Column("unit_type", SmallInteger),
    Column("supp_unit_type", Integer),
    Index(None, "stl"),
)
"""Which transactions of members the STL is asked about; NULL is any."""
