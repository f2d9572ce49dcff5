"""The steps of enrolments, what is kept of client certificates, and whether a log in use is a test or production."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from itl.store.columns import BigKey, Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "enrolment_entries",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=True),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "result IN ('received', 'passed', 'failed', 'waiver', 'waived')", name=op.f("ck_enrolment_entries_result")
        ),
        sa.ForeignKeyConstraint(["registry"], ["registries.code"], name=op.f("fk_enrolment_entries_registry")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment_entries")),
    )
    op.create_index(op.f("ix_enrolment_entries_registry"), "enrolment_entries", ["registry"])
    for column in ("subject", "issuer"):
        op.add_column("credentials", sa.Column(column, sa.String(), nullable=True))
    for column in ("valid_from", "valid_until"):
        op.add_column("credentials", sa.Column(column, Instant(), nullable=True))
    _keep_those_in_use()


def _keep_those_in_use() -> None:
    """A log with registries is a sandbox, or it is in production with them: they were live, and stay so."""
    connection = op.get_bind()
    settings = sa.table("settings", sa.column("name"), sa.column("value"))
    registries = sa.table("registries", sa.column("code"), sa.column("kind"))
    known = {row.name: row.value for row in connection.execute(sa.select(settings))}
    live = sa.select(registries.c.code).where(registries.c.kind.in_(("party", "cdm")))
    codes = connection.execute(live.order_by(registries.c.code)).scalars().all()
    if not codes:
        return
    is_test = known.get("admit_unrecorded_projects") == "true"
    if "environment" not in known:
        value = "test" if is_test else "production"
        connection.execute(settings.insert(), {"name": "environment", "value": value})
    columns = ("registry", "step", "result", "recorded_by", "evidence")
    entries = sa.table("enrolment_entries", *map(sa.column, columns), sa.column("recorded_at", Instant()))
    row = {
        "step": "go-live",
        "result": "passed",
        "recorded_by": "migration 0012",
        "recorded_at": datetime.now(UTC),
        "evidence": "in use before enrolment was a procedure",
    }
    connection.execute(entries.insert(), [row | {"registry": code} for code in codes])
