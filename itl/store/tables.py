"""The tables of the store, one definition for SQLite and PostgreSQL; `migrations` builds them, a test compares.

Invariants that the database itself keeps: an identifier is occupied once; the same message takes effect once; a serial
of an originating registry is in one unit block; a serial is in one open transaction. The two range rules are an
exclusion constraint on PostgreSQL and a guard trigger on SQLite (`guards`).
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
    LargeBinary,
    Row,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from itl.store.administration_tables import actions, suspension_proposals, time_comparisons, timers
from itl.store.columns import BigKey, Instant, attributes, key, metadata, serials
from itl.store.correction_tables import correction_blocks, corrections, inconsistencies
from itl.store.handover_tables import arrivals, handover_transactions, handovers
from itl.store.reconciliation_tables import (
    received_sums,
    received_transaction_blocks,
    received_transactions,
    received_unit_blocks,
    reconciliation_answers,
    reconciliation_history,
    reconciliation_schedules,
    reconciliation_supplements,
    reconciliation_totals,
    reconciliations,
)
from itl.store.reference_tables import (
    credentials,
    enrolment_entries,
    facts,
    notice_blocks,
    notice_history,
    notices,
    parties,
    reference_stamp,
    registries,
    scheme_members,
    scheme_routes,
    scheme_types,
    schemes,
    settings,
)

__all__ = [
    "BigKey",
    "Instant",
    "actions",
    "arrivals",
    "correction_blocks",
    "corrections",
    "credentials",
    "enrolment_entries",
    "facts",
    "handover_transactions",
    "handovers",
    "inconsistencies",
    "metadata",
    "notice_blocks",
    "notice_history",
    "notices",
    "parties",
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
    "reference_stamp",
    "registries",
    "scheme_members",
    "scheme_routes",
    "scheme_types",
    "schemes",
    "settings",
    "suspension_proposals",
    "time_comparisons",
    "timers",
]

Record = Row[*tuple[Any, ...]]
"""A row of a query, its columns by name."""

_TEXT = "operation = 'acceptMessage'"

MAIN_QUEUE, RELAY_QUEUE = "main", "relay"
"""What the log itself has to tell, and what it passes on for others (`relayMessage`)."""

# Messages ------------------------------------------------------------------------------------------------------------

messages = Table(
    "messages",
    metadata,
    key(),
    Column("direction", String, nullable=False),
    Column("sender", String),
    Column("addressee", String),
    Column("operation", String),
    Column("transaction_identifier", String),
    Column("remote_address", String),
    Column("body", LargeBinary, nullable=False),
    Column("body_size", Integer, nullable=False),
    Column("body_digest", LargeBinary, nullable=False),
    Column("reply", LargeBinary),
    Column("request_in_at", Instant),
    Column("request_out_at", Instant),
    Column("response_in_at", Instant),
    Column("response_out_at", Instant),
    Column("outcome", String, nullable=False),
    Column("response_codes", String),
    Column("detail", Text),
    Column("reconciliation_identifier", String),
    CheckConstraint("direction IN ('in', 'out')", "direction"),
    CheckConstraint("outcome IN ('accepted', 'repeat', 'refused', 'fault', 'unreachable')", "outcome"),
    Index(None, "transaction_identifier"),
    Index(
        "ix_messages_reconciliation_identifier",
        "reconciliation_identifier",
        sqlite_where=text("reconciliation_identifier IS NOT NULL"),
        postgresql_where=text("reconciliation_identifier IS NOT NULL"),
    ),
)
"""Every message, both ways, raw. `body` is compressed (`arrival`); size and digest (SHA-256) are of the plain bytes."""

inbox = Table(
    "inbox",
    metadata,
    key(),
    Column("message", ForeignKey("messages.id"), nullable=False),
    Column("sender", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("content_digest", LargeBinary, nullable=False),
    Column("transaction_id", ForeignKey("transactions.id")),
    Column("work", String),
    Column("content", LargeBinary),
    Column("received_at", Instant, nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("not_before", Instant),
    Column("problem", Text),
    UniqueConstraint("sender", "content_digest"),
    CheckConstraint("work IS NULL OR work IN ('judge', 'settle')", "work"),
    Index("ix_inbox_waiting", "id", sqlite_where=text("work IS NOT NULL"), postgresql_where=text("work IS NOT NULL")),
    Index("ix_inbox_texts", "id", sqlite_where=text(_TEXT), postgresql_where=text(_TEXT)),
)
"""Every accepted message once. `work` says what a worker still has to do for it, NULL once it is done. `content` is
compressed (`arrival`)."""

outbox = Table(
    "outbox",
    metadata,
    key(),
    Column("receiver", String, nullable=False),
    Column("transaction_id", ForeignKey("transactions.id")),
    Column("operation", String, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", Instant, nullable=False),
    Column("delivered_at", Instant),
    Column("outcome", String),
    Column("response_codes", String),
    Column("problem", Text),
    Column("topic", String),
    Column("queue", String, nullable=False, server_default=MAIN_QUEUE),
    Column("once", Boolean, nullable=False, server_default=false()),
    Column("sending_since", Instant),
    Column("expires_at", Instant),
    Index(
        "ix_outbox_waiting",
        "receiver",
        "id",
        sqlite_where=text("delivered_at IS NULL"),
        postgresql_where=text("delivered_at IS NULL"),
    ),
    Index(None, "transaction_id"),
    Index("ix_outbox_texts", "id", sqlite_where=text(_TEXT), postgresql_where=text(_TEXT)),
    Index(
        "ix_outbox_topic",
        "topic",
        sqlite_where=text("topic IS NOT NULL"),
        postgresql_where=text("topic IS NOT NULL"),
    ),
)
"""What the log has to tell. `delivered_at`: the delivery has ended, as `outcome` says. Messages of one transaction, and
those of one `topic`, go to a receiver in their order. `queue`: by which lane; what is only relayed has one of its own,
so that neither holds the other up. `once`: the receiver would refuse it a second time, so an attempt is written down
before it goes out (`sending_since`), and not repeated where it may have arrived. `expires_at`: from then on nobody
needs it."""

lanes = Table(
    "lanes",
    metadata,
    Column("receiver", String, primary_key=True),
    Column("queue", String, primary_key=True, server_default=MAIN_QUEUE),
    Column("holder", String),
    Column("held_until", Instant),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("failing_since", Instant),
    Column("not_before", Instant),
    Column("problem", Text),
)
"""A lane of delivery per receiver and queue: which process has it, until when, and how long it waits for a peer that is
down; `failing_since`: the first of its `failures` in a row."""

relays = Table(
    "relays",
    metadata,
    Column("sender", String, primary_key=True),
    Column("relay_identifier", String, primary_key=True),
    Column("content_digest", LargeBinary, nullable=False),
    Column("addressee", String, nullable=False),
    Column("operation_name", String, nullable=False),
    Column("message", ForeignKey("messages.id"), nullable=False),
    Column("outbox", ForeignKey("outbox.id"), nullable=False),
    Column("received_at", Instant, nullable=False),
)
"""What was taken for passing on, once for each identifier of a sender."""

# Transactions --------------------------------------------------------------------------------------------------------

transactions = Table(
    "transactions",
    metadata,
    key(),
    Column("identifier", String, nullable=False),
    Column("occupies", Boolean, nullable=False),
    Column("transaction_type", Integer, nullable=False),
    Column("supp_transaction_type", Integer),
    Column("transferring_registry", String, nullable=False),
    Column("transferring_account_type", Integer),
    Column("transferring_account_identifier", BigInteger),
    Column("acquiring_registry", String, nullable=False),
    Column("acquiring_account_type", Integer),
    Column("acquiring_account_identifier", BigInteger),
    Column("notification_identifier", BigInteger),
    Column("status", SmallInteger, nullable=False),
    Column("status_at", Instant, nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("deadline_at", Instant),
    Column("settled_at", Instant),
    Column("confirmed_at", Instant),
    Column("flagged_at", Instant),
    Column("ended_at", Instant),
    Column("asked", String),
    Index(
        "uq_transactions_identifier",
        "identifier",
        unique=True,
        sqlite_where=text("occupies"),
        postgresql_where=text("occupies"),
    ),
    Index(
        "ix_transactions_deadline_at",
        "deadline_at",
        sqlite_where=text("deadline_at IS NOT NULL"),
        postgresql_where=text("deadline_at IS NOT NULL"),
    ),
)
"""`occupies`: the identifier passed check 2001 and is taken. `deadline_at`: the timer of the clean-up, NULL when none
runs. `settled_at`: the ledger carries the completion. `ended_at`: nothing more is expected of anybody. `asked`:
codes of the supplementary logs that were asked about it, in order, with blanks between; NULL: none. Their answers stand
in `transaction_supplements`."""

transaction_supplements = Table(
    "transaction_supplements",
    metadata,
    Column("transaction_id", ForeignKey("transactions.id"), primary_key=True),
    Column("stl", String, primary_key=True),
    Column("answer", SmallInteger),
    Column("answered_at", Instant),
    Column("response_codes", String),
    Column("answer_by", Instant),
    CheckConstraint("answer IS NULL OR answer IN (9, 10)", "answer"),
)
"""What each supplementary log that was asked about a transaction has said. `answer_by`: how long it has to, by its
scheme."""

transaction_blocks = Table(
    "transaction_blocks",
    metadata,
    Column("transaction_id", ForeignKey("transactions.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    *serials(),
    *attributes(),
    Column("block_role", String),
    Column("transferring_account_type", Integer),
    Column("transferring_account_identifier", BigInteger),
    Column("acquiring_account_type", Integer),
    Column("acquiring_account_identifier", BigInteger),
    Column("year_in_commitment_period", Integer),
    Column("installation_identifier", BigInteger),
)
"""The blocks of every proposal that passed the checks, as proposed."""

status_history = Table(
    "status_history",
    metadata,
    key(),
    Column("transaction_id", ForeignKey("transactions.id"), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("set_by", String, nullable=False),
    Column("message", ForeignKey("messages.id")),
    Index(None, "transaction_id"),
)

evaluations = Table(
    "evaluations",
    metadata,
    key(),
    Column("transaction_id", ForeignKey("transactions.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("evaluated_by", String, nullable=False),
    Column("results", LargeBinary, nullable=False),
    Index(None, "transaction_id"),
)
"""What each judge found, as JSON: a list of [code, result, blocks]."""

# Running totals ------------------------------------------------------------------------------------------------------


def _total_key() -> list[Column[Any]]:
    return [
        Column("kind", String, primary_key=True),
        Column("subject", String, primary_key=True),
        Column("period", BigInteger, primary_key=True, autoincrement=False),
        Column("detail", BigInteger, primary_key=True, autoincrement=False),
    ]


totals = Table(
    "totals",
    metadata,
    *_total_key(),
    Column("completed", BigInteger, nullable=False),
    Column("open", BigInteger, nullable=False),
)
"""What limits rest on (`ledger.totals`), counted in the commit of what it counts; `itl audit` counts anew."""

transaction_totals = Table(
    "transaction_totals",
    metadata,
    Column("transaction_id", ForeignKey("transactions.id"), primary_key=True),
    *_total_key(),
    Column("quantity", BigInteger, nullable=False),
)
"""What each open transaction has in the open part of totals; gone once it is carried out or has ended otherwise."""

# Ledger --------------------------------------------------------------------------------------------------------------

unit_blocks = Table(
    "unit_blocks",
    metadata,
    key(),
    *serials(),
    *attributes(),
    Column("issued_unit_type", SmallInteger, nullable=False),
    Column("replaced", Boolean, nullable=False, server_default=false()),
    Column("registry", String, nullable=False),
    Column("account_type", SmallInteger, nullable=False),
    Column("account_identifier", BigInteger),
    Column("since", Instant, nullable=False),
    Column("transaction_id", ForeignKey("transactions.id")),
    Column("correction_id", ForeignKey("corrections.id")),
    Index("uq_unit_blocks_serials", "originating_registry", "serial_start", unique=True),
    Index(
        "ix_unit_blocks_expiring",
        "originating_registry",
        "project_identifier",
        sqlite_where=text("expiry_date IS NOT NULL"),
        postgresql_where=text("expiry_date IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)
"""Where every unit is now: a partition of the serials issued. `transaction_id` or `correction_id`: what put it there. A
row keeps its `id` in history, so none is given twice, which SQLite would do after the newest row is gone."""

past_unit_blocks = Table(
    "past_unit_blocks",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    *serials(),
    *attributes(),
    Column("issued_unit_type", SmallInteger, nullable=False),
    Column("replaced", Boolean, nullable=False, server_default=false()),
    Column("registry", String, nullable=False),
    Column("account_type", SmallInteger, nullable=False),
    Column("account_identifier", BigInteger),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("transaction_id", ForeignKey("transactions.id")),
    Column("closed_by", ForeignKey("transactions.id")),
    Column("correction_id", ForeignKey("corrections.id")),
    Column("closed_by_correction", ForeignKey("corrections.id")),
    Index(None, "originating_registry", "serial_start"),
    Index(None, "until"),
)
"""Blocks as they were, from `since` to before `until`: with `unit_blocks` the holdings of any past instant."""

reservations = Table(
    "reservations",
    metadata,
    key(),
    Column("transaction_id", ForeignKey("transactions.id"), nullable=False),
    *serials(),
    Index("uq_reservations_serials", "originating_registry", "serial_start", unique=True),
    Index(None, "transaction_id"),
)
"""Units that a transaction at 1, 2, 8 or 9 keeps from every other (check 4010), the serials of an open issuance too."""

PARTITIONED = (unit_blocks, reservations)
"""Tables in which no serial of an originating registry may stand twice."""
