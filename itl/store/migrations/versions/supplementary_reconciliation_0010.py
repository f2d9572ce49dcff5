"""The parts of supplementary logs in reconciliations, and reconciliations that another log leads."""

import sqlalchemy as sa
from alembic import op

from itl.store.columns import BigKey, Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reconciliations", sa.Column("led_by", sa.String(), nullable=True))
    op.add_column("reconciliation_history", sa.Column("stl", sa.String(), nullable=True))
    op.create_table(
        "reconciliation_supplements",
        sa.Column("reconciliation_id", BigKey, nullable=False),
        sa.Column("stl", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("asked", sa.Text(), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IS NULL OR status IN (8, 9, 10, 11)", name=op.f("ck_reconciliation_supplements_status")
        ),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"],
            ["reconciliations.id"],
            name=op.f("fk_reconciliation_supplements_reconciliation_id"),
        ),
        sa.PrimaryKeyConstraint("reconciliation_id", "stl", name=op.f("pk_reconciliation_supplements")),
    )
    op.create_index(
        "ix_reconciliation_supplements_due_at",
        "reconciliation_supplements",
        ["due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "reconciliation_answers",
        sa.Column("reconciliation_id", BigKey, nullable=False),
        sa.Column("message", BigKey, nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"], ["reconciliations.id"], name=op.f("fk_reconciliation_answers_reconciliation_id")
        ),
        sa.ForeignKeyConstraint(["message"], ["messages.id"], name=op.f("fk_reconciliation_answers_message")),
        sa.PrimaryKeyConstraint("reconciliation_id", "message", name=op.f("pk_reconciliation_answers")),
    )
