"""Handovers of registries between logs, and units that came into the ledger from elsewhere."""

import sqlalchemy as sa
from alembic import op

from itl.store.columns import BigKey, Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UNDER_WAY = sa.text("status IN ('begun', 'exported', 'accepted', 'imported')")
STATUS = (
    "(side = 'giving' AND status IN ('begun', 'exported', 'gone', 'lifted')) OR "
    "(side = 'taking' AND status IN ('accepted', 'imported', 'opened', 'withdrawn'))"
)
SERIALS = "serial_start BETWEEN 1 AND serial_end AND serial_end <= 999999999999999"


def upgrade() -> None:
    op.create_table(
        "handovers",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("other", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.Column("deadline_at", Instant(), nullable=True),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("contents", sa.Text(), nullable=True),
        sa.Column("differences", sa.Text(), nullable=True),
        sa.Column("accepted_by", sa.String(), nullable=True),
        sa.Column("reconciliation", sa.String(), nullable=True),
        sa.CheckConstraint("side IN ('giving', 'taking')", name=op.f("ck_handovers_side")),
        sa.CheckConstraint(STATUS, name=op.f("ck_handovers_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
    )
    op.create_index(
        "uq_handovers_under_way",
        "handovers",
        ["registry"],
        unique=True,
        sqlite_where=UNDER_WAY,
        postgresql_where=UNDER_WAY,
    )
    op.create_index("uq_handovers_digest", "handovers", ["side", "digest"], unique=True)
    op.create_table(
        "handover_transactions",
        sa.Column("transaction_id", BigKey, nullable=False),
        sa.Column("handover_id", BigKey, nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["transactions.id"], name=op.f("fk_handover_transactions_transaction_id")
        ),
        sa.ForeignKeyConstraint(["handover_id"], ["handovers.id"], name=op.f("fk_handover_transactions_handover_id")),
        sa.PrimaryKeyConstraint("transaction_id", name=op.f("pk_handover_transactions")),
    )
    op.create_table(
        "arrivals",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("handover_id", BigKey, nullable=True),
        sa.Column("transaction_id", BigKey, nullable=True),
        sa.Column("originating_registry", sa.String(), nullable=False),
        sa.Column("serial_start", sa.BigInteger(), nullable=False),
        sa.Column("serial_end", sa.BigInteger(), nullable=False),
        sa.Column("issued_unit_type", sa.SmallInteger(), nullable=False),
        sa.Column("original_commit_period", sa.SmallInteger(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.CheckConstraint(SERIALS, name=op.f("ck_arrivals_serials")),
        sa.CheckConstraint("(handover_id IS NULL) <> (transaction_id IS NULL)", name=op.f("ck_arrivals_cause")),
        sa.ForeignKeyConstraint(["handover_id"], ["handovers.id"], name=op.f("fk_arrivals_handover_id")),
        sa.ForeignKeyConstraint(["transaction_id"], ["transactions.id"], name=op.f("fk_arrivals_transaction_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrivals")),
    )
    op.create_index(
        op.f("ix_arrivals_originating_registry_serial_start"), "arrivals", ["originating_registry", "serial_start"]
    )
