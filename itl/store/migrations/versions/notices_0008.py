"""Notices that the log raises and tells: by which rule, how they stand, what befell them."""

import sqlalchemy as sa
from alembic import op

from itl.store.columns import BigKey, Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

FIRST = "sent_as IS NOT NULL AND sent_type <> 10"
OUTSTANDING = "status <> 3"


def upgrade() -> None:
    with op.batch_alter_table("notices") as notices:
        for column in (
            sa.Column("rule", sa.String(), nullable=True),
            sa.Column("rule_key", sa.String(), nullable=True),
            sa.Column("rule_part", sa.Integer(), nullable=True),
            sa.Column("content", sa.Text(), nullable=True),
            sa.Column("raised", sa.Boolean(), server_default=sa.false(), nullable=False),
            sa.Column("told_status", sa.SmallInteger(), nullable=True),
            sa.Column("overdue_at", Instant(), nullable=True),
            sa.Column("withdrawn_at", Instant(), nullable=True),
        ):
            notices.add_column(column)
        notices.create_unique_constraint(op.f("uq_notices_rule_rule_key_rule_part"), ["rule", "rule_key", "rule_part"])
    op.execute("UPDATE notices SET told_status = status")
    _index("ix_notices_outstanding", "notices", "action_due_date", OUTSTANDING, unique=False)
    op.create_table(
        "notice_history",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("notice", sa.BigInteger(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("target_value", sa.BigInteger(), nullable=True),
        sa.Column("sent_as", sa.BigInteger(), nullable=True),
        sa.Column("sent_type", sa.SmallInteger(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_history")),
    )
    op.create_index(op.f("ix_notice_history_notice"), "notice_history", ["notice"], unique=False)
    _index("uq_notice_history_sent_as", "notice_history", "sent_as", FIRST, unique=True)


def _index(name: str, table: str, column: str, where: str, *, unique: bool) -> None:
    op.create_index(name, table, [column], unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
