"""Reference data as facts with history, notices, running totals, and whether a unit was replaced."""

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from itl.store.columns import BigKey, Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ALWAYS = datetime(1997, 12, 11, tzinfo=UTC)
LEDGER = ("unit_blocks", "past_unit_blocks")
SERIALS = "serial_start BETWEEN 1 AND serial_end AND serial_end <= 999999999999999"


def upgrade() -> None:
    _create_facts()
    _create_notices()
    _create_totals()
    _move_reference_data()
    for table in LEDGER:
        op.add_column(table, sa.Column("replaced", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_unit_blocks_expiring",
        "unit_blocks",
        ["originating_registry", "project_identifier"],
        unique=False,
        sqlite_where=sa.text("expiry_date IS NOT NULL"),
        postgresql_where=sa.text("expiry_date IS NOT NULL"),
    )
    for table in ("party_periods", "projects", "commitment_periods"):
        op.drop_table(table)


def _create_facts() -> None:
    op.create_table(
        "facts",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.SmallInteger(), nullable=False),
        sa.Column("detail", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facts")),
    )
    op.create_index(
        op.f("ix_facts_name_subject_number_period_detail_valid_from"),
        "facts",
        ["name", "subject", "number", "period", "detail", "valid_from"],
        unique=False,
    )


def _create_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("identifier", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("notice_type", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("project_host", sa.String(), nullable=True),
        sa.Column("project_number", sa.Integer(), nullable=True),
        sa.Column("unit_type", sa.SmallInteger(), nullable=True),
        sa.Column("target_value", sa.BigInteger(), nullable=True),
        sa.Column("target_date", sa.Date(), nullable=True),
        sa.Column("lulucf_activity", sa.SmallInteger(), nullable=True),
        sa.Column("commit_period", sa.SmallInteger(), nullable=True),
        sa.Column("action_due_date", sa.Date(), nullable=True),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN (1, 2, 3)", name=op.f("ck_notices_status")),
        sa.PrimaryKeyConstraint("identifier", name=op.f("pk_notices")),
    )
    op.create_index(
        op.f("ix_notices_project_host_project_number"), "notices", ["project_host", "project_number"], unique=False
    )
    op.create_table(
        "notice_blocks",
        sa.Column("notice", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("originating_registry", sa.String(), nullable=False),
        sa.Column("serial_start", sa.BigInteger(), nullable=False),
        sa.Column("serial_end", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(SERIALS, name=op.f("ck_notice_blocks_serials")),
        sa.ForeignKeyConstraint(["notice"], ["notices.identifier"], name=op.f("fk_notice_blocks_notice")),
        sa.PrimaryKeyConstraint("notice", "position", name=op.f("pk_notice_blocks")),
    )


def _create_totals() -> None:
    op.create_table(
        "totals",
        *_total_key(),
        sa.Column("completed", sa.BigInteger(), nullable=False),
        sa.Column("open", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", "period", "detail", name=op.f("pk_totals")),
    )
    op.create_table(
        "transaction_totals",
        sa.Column("transaction_id", BigKey, nullable=False),
        *_total_key(),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["transactions.id"], name=op.f("fk_transaction_totals_transaction_id")
        ),
        sa.PrimaryKeyConstraint(
            "transaction_id", "kind", "subject", "period", "detail", name=op.f("pk_transaction_totals")
        ),
    )


def _total_key() -> list[sa.Column[object]]:
    return [
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("period", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("detail", sa.BigInteger(), autoincrement=False, nullable=False),
    ]


def _move_reference_data() -> None:
    """What was there becomes facts that were always valid, which is how it was used."""
    connection = op.get_bind()
    instant = Instant()
    rows = []
    periods = sa.table("commitment_periods", sa.column("number"), _at("start_at"), _at("end_at"))
    for row in connection.execute(sa.select(periods)):
        rows.append(_fact("period start", row.start_at.isoformat(), period=row.number))
        rows.append(_fact("period end", row.end_at.isoformat(), period=row.number))
    known = sa.table(
        "party_periods", sa.column("party"), sa.column("period"), _at("true_up_end"), sa.column("assigned_amount")
    )
    for row in connection.execute(sa.select(known)):
        rows.append(_fact("true-up end", row.true_up_end.isoformat(), subject=row.party, period=row.period))
        if row.assigned_amount is not None:
            rows.append(_fact("assigned amount", row.assigned_amount, subject=row.party, period=row.period))
    projects = sa.table("projects", *map(sa.column, ("host", "number", "unit_type", "track")))
    units: dict[tuple[str, int], set[int]] = {}
    tracks: dict[tuple[str, int], int] = {}
    for row in connection.execute(sa.select(projects)):
        units.setdefault((row.host, row.number), set()).add(row.unit_type)
        if row.track is not None:
            tracks[row.host, row.number] = row.track
    for (host, number), types in units.items():
        rows.append(_fact("project units", sorted(types), subject=host, number=number))
    for (host, number), track in tracks.items():
        rows.append(_fact("project track", track, subject=host, number=number))
    if rows:
        names = ("name", "subject", "number", "period", "detail", "value", "recorded_by", "reason")
        facts = sa.table(
            "facts", *map(sa.column, names), sa.column("valid_from", instant), sa.column("recorded_at", instant)
        )
        connection.execute(facts.insert(), rows)


def _at(name: str) -> sa.ColumnClause[datetime]:
    return sa.column(name, Instant())


def _fact(name: str, value: object, subject: str = "", number: int = 0, period: int = 0) -> dict[str, object]:
    return {
        "name": name,
        "subject": subject,
        "number": number,
        "period": period,
        "detail": 0,
        "value": json.dumps(value),
        "valid_from": ALWAYS,
        "recorded_at": datetime.now(UTC),
        "recorded_by": "migration 0002",
        "reason": "recorded before facts had a history",
    }
