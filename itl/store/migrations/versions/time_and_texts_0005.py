"""Timers of administration, comparisons of clocks, and finding free-text messages."""

import sqlalchemy as sa
from alembic import op

from itl.store.columns import BigKey, Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "timers",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("every_seconds", sa.Integer(), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_timers")),
    )
    _partial_index("ix_timers_due_at", "timers", "due_at", "due_at IS NOT NULL")
    op.create_table(
        "time_comparisons",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("warning_ms", sa.BigInteger(), nullable=False),
        sa.Column("alarm_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("registry_time", Instant(), nullable=True),
        sa.Column("offset_ms", sa.BigInteger(), nullable=True),
        sa.Column("round_trip_ms", sa.BigInteger(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.CheckConstraint("verdict IN ('within', 'warning', 'alarm')", name=op.f("ck_time_comparisons_verdict")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_comparisons")),
    )
    op.create_index(op.f("ix_time_comparisons_registry_id"), "time_comparisons", ["registry", "id"], unique=False)
    _partial_index("ix_inbox_texts", "inbox", "id", "operation = 'acceptMessage'")
    _partial_index("ix_outbox_texts", "outbox", "id", "operation = 'acceptMessage'")


def _partial_index(name: str, table: str, column: str, where: str) -> None:
    op.create_index(name, table, [column], unique=False, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
