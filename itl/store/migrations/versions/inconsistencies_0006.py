"""Inconsistencies, and corrections of the ledger with what they closed and opened."""

import sqlalchemy as sa
from alembic import op

from itl.store.columns import BigKey, Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SERIALS = "serial_start BETWEEN 1 AND serial_end AND serial_end <= 999999999999999"


def upgrade() -> None:
    _create_corrections()
    _create_inconsistencies()
    for table, column in (
        ("unit_blocks", "correction_id"),
        ("past_unit_blocks", "correction_id"),
        ("past_unit_blocks", "closed_by_correction"),
    ):
        _add_correction(table, column)


def _create_corrections() -> None:
    op.create_table(
        "corrections",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("evidence_digest", sa.LargeBinary(), nullable=True),
        sa.Column("proposed_at", Instant(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('record', 'request', 'release')", name=op.f("ck_corrections_kind")),
        sa.CheckConstraint("status IN ('proposed', 'confirmed', 'withdrawn')", name=op.f("ck_corrections_status")),
        sa.CheckConstraint("status <> 'confirmed' OR ended_by <> proposed_by", name=op.f("ck_corrections_two_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    _create_partial_index("ix_corrections_proposed", "corrections", ["id"], "status = 'proposed'")
    op.create_table(
        "correction_blocks",
        sa.Column("correction_id", BigKey, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        *_serials(),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.CheckConstraint(SERIALS, name=op.f("ck_correction_blocks_serials")),
        sa.ForeignKeyConstraint(["correction_id"], ["corrections.id"], name=op.f("fk_correction_blocks_correction_id")),
        sa.PrimaryKeyConstraint("correction_id", "position", name=op.f("pk_correction_blocks")),
    )


def _create_inconsistencies() -> None:
    op.create_table(
        "inconsistencies",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("reconciliation_id", BigKey, nullable=False),
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("log", sa.String(), nullable=False),
        *_serials(),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("log_view", sa.Text(), nullable=True),
        sa.Column("registry_view", sa.Text(), nullable=False),
        sa.Column("found_at", Instant(), nullable=False),
        sa.Column("explained_by", sa.Text(), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("close_reason", sa.Text(), nullable=True),
        sa.Column("closing_reconciliation_id", BigKey, nullable=True),
        sa.Column("closing_correction_id", BigKey, nullable=True),
        sa.CheckConstraint(
            "kind IN ('missing', 'unknown', 'elsewhere', 'double')", name=op.f("ck_inconsistencies_kind")
        ),
        sa.CheckConstraint(
            "explained_by IS NULL OR closed_at IS NOT NULL", name=op.f("ck_inconsistencies_explained_is_closed")
        ),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_inconsistencies_{column}"))
            for column, table in (
                ("reconciliation_id", "reconciliations"),
                ("closing_reconciliation_id", "reconciliations"),
                ("closing_correction_id", "corrections"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inconsistencies")),
    )
    columns = ["registry", "log", "originating_registry", "serial_start"]
    _create_partial_index("uq_inconsistencies_open", "inconsistencies", columns, "closed_at IS NULL", unique=True)
    op.create_index(op.f("ix_inconsistencies_reconciliation_id_id"), "inconsistencies", ["reconciliation_id", "id"])


def _add_correction(table: str, column: str) -> None:
    """With the constraint in the column, which SQLite adds without copying the table, and so without its guards."""
    of_type = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE {table} ADD COLUMN {column} {of_type} CONSTRAINT fk_{table}_{column} REFERENCES corrections (id)"
    )


def _serials() -> list[sa.Column[object]]:
    return [
        sa.Column("originating_registry", sa.String(), nullable=False),
        sa.Column("serial_start", sa.BigInteger(), nullable=False),
        sa.Column("serial_end", sa.BigInteger(), nullable=False),
    ]


def _create_partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
