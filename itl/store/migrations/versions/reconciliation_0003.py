"""Reconciliation; messages that may go out just once, that expire, and that keep their order by topic."""

import sqlalchemy as sa
from alembic import op

from itl.store.columns import BigKey, Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _extend_outbox()
    _create_reconciliations()
    _create_answers()
    op.create_table(
        "reconciliation_schedules",
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("every_seconds", sa.Integer(), nullable=False),
        sa.Column("next_at", Instant(), nullable=True),
        sa.Column("by_account", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("every_seconds > 0", name=op.f("ck_reconciliation_schedules_every_seconds")),
        sa.PrimaryKeyConstraint("registry", name=op.f("pk_reconciliation_schedules")),
    )


def _extend_outbox() -> None:
    op.add_column("outbox", sa.Column("topic", sa.String(), nullable=True))
    op.add_column("outbox", sa.Column("once", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("outbox", sa.Column("sending_since", Instant(), nullable=True))
    op.add_column("outbox", sa.Column("expires_at", Instant(), nullable=True))
    _create_partial_index("ix_outbox_topic", "outbox", ["topic"], "topic IS NOT NULL")
    op.add_column("messages", sa.Column("reconciliation_identifier", sa.String(), nullable=True))
    _create_partial_index(
        "ix_messages_reconciliation_identifier",
        "messages",
        ["reconciliation_identifier"],
        "reconciliation_identifier IS NOT NULL",
    )


def _create_reconciliations() -> None:
    op.create_table(
        "reconciliations",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("identifier", sa.String(20), nullable=False),
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("begins_with", sa.String(), nullable=False),
        sa.Column("by_account", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("snapshot_at", Instant(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("running", sa.Boolean(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("asked", sa.Text(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("follows", BigKey, nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="1", nullable=False),
        sa.Column("scheduled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("held_until", Instant(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "begins_with IN ('totals', 'unit blocks', 'audit trail')", name=op.f("ck_reconciliations_begins_with")
        ),
        sa.ForeignKeyConstraint(["follows"], ["reconciliations.id"], name=op.f("fk_reconciliations_follows")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliations")),
        sa.UniqueConstraint("identifier", name=op.f("uq_reconciliations_identifier")),
    )
    _create_partial_index("uq_reconciliations_running", "reconciliations", ["registry"], "running", unique=True)
    _create_partial_index("ix_reconciliations_due_at", "reconciliations", ["due_at"], "due_at IS NOT NULL")
    op.create_index(op.f("ix_reconciliations_registry_snapshot_at"), "reconciliations", ["registry", "snapshot_at"])
    op.create_table(
        "reconciliation_history",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("reconciliation_id", BigKey, nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("message", BigKey, nullable=True),
        sa.Column("response_codes", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["message"], ["messages.id"], name=op.f("fk_reconciliation_history_message")),
        _of_a_reconciliation("reconciliation_history"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_history")),
    )
    op.create_index(
        op.f("ix_reconciliation_history_reconciliation_id"), "reconciliation_history", ["reconciliation_id"]
    )


def _create_answers() -> None:
    op.create_table(
        "reconciliation_totals",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("reconciliation_id", BigKey, nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("account_type", sa.SmallInteger(), nullable=False),
        sa.Column("account_identifier", sa.BigInteger(), nullable=True),
        sa.Column("account_period", sa.SmallInteger(), nullable=False),
        sa.Column("unit_type", sa.SmallInteger(), nullable=False),
        sa.Column("supp_unit_type", sa.Integer(), nullable=True),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("side IN ('registry', 'log')", name=op.f("ck_reconciliation_totals_side")),
        _of_a_reconciliation("reconciliation_totals"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_totals")),
    )
    op.create_index(op.f("ix_reconciliation_totals_reconciliation_id"), "reconciliation_totals", ["reconciliation_id"])
    _create_received(
        "received_unit_blocks",
        *_serials(),
        sa.Column("unit_type", sa.SmallInteger(), nullable=False),
        sa.Column("supp_unit_type", sa.Integer(), nullable=True),
        sa.Column("account_type", sa.SmallInteger(), nullable=False),
        sa.Column("account_identifier", sa.BigInteger(), nullable=True),
        sa.Column("applicable_commit_period", sa.SmallInteger(), nullable=False),
    )
    _create_received(
        "received_sums",
        sa.Column("account_type", sa.SmallInteger(), nullable=False),
        sa.Column("account_period", sa.SmallInteger(), nullable=False),
        sa.Column("unit_type", sa.SmallInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
    )
    _create_received(
        "received_transactions",
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("transaction_type", sa.Integer(), nullable=False),
        sa.Column("status_at", Instant(), nullable=False),
        sa.Column("transferring_registry", sa.String(), nullable=False),
        sa.Column("acquiring_registry", sa.String(), nullable=False),
    )
    _create_received(
        "received_transaction_blocks",
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        *_serials(),
        sa.Column("unit_type", sa.SmallInteger(), nullable=False),
        sa.Column("applicable_commit_period", sa.SmallInteger(), nullable=False),
        sa.Column("block_role", sa.String(), nullable=True),
        sa.Column("transferring_account_type", sa.Integer(), nullable=True),
        sa.Column("acquiring_account_type", sa.Integer(), nullable=True),
    )
    for table in ("received_unit_blocks", "received_transaction_blocks"):
        op.create_index(f"ix_{table}_serials", table, ["reconciliation_id", "originating_registry", "serial_start"])


def _create_received(table: str, *columns: sa.Column[object]) -> None:
    parts = ["block"] if columns[0].name == "block" else []
    op.create_table(
        table,
        sa.Column("reconciliation_id", BigKey, nullable=False),
        sa.Column("message", BigKey, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["message"], ["messages.id"], name=op.f(f"fk_{table}_message")),
        _of_a_reconciliation(table),
        sa.PrimaryKeyConstraint("reconciliation_id", "message", "position", *parts, name=op.f(f"pk_{table}")),
    )


def _serials() -> list[sa.Column[object]]:
    return [
        sa.Column("originating_registry", sa.String(), nullable=False),
        sa.Column("serial_start", sa.BigInteger(), nullable=False),
        sa.Column("serial_end", sa.BigInteger(), nullable=False),
    ]


def _of_a_reconciliation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["reconciliation_id"], ["reconciliations.id"], name=op.f(f"fk_{table}_reconciliation_id")
    )


def _create_partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
