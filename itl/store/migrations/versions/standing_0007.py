"""Status of registries and versions of the standard as facts, and registries that are proposed for suspension."""

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from itl.store.columns import BigKey, Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ALWAYS = datetime(1997, 12, 11, tzinfo=UTC)
STATUS = {
    "in_force": "registry in force",
    "may_propose": "registry may propose",
    "may_accept": "registry may accept",
    "may_reconcile": "registry may reconcile",
}


def upgrade() -> None:
    op.add_column("lanes", sa.Column("failing_since", Instant(), nullable=True))
    op.create_table(
        "suspension_proposals",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("proposed_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("closed_as", sa.String(), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.CheckConstraint(
            "closed_as IN ('suspended', 'dismissed', 'over')", name=op.f("ck_suspension_proposals_closed_as")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspension_proposals")),
        sa.UniqueConstraint("registry", "rule", "since", name=op.f("uq_suspension_proposals_registry_rule_since")),
    )
    _move_to_facts()
    for column in STATUS:
        op.drop_column("registries", column)
    op.drop_table("versions")


def _move_to_facts() -> None:
    """What a registry may not do becomes a fact, as does each version; they were so whenever anybody could ask."""
    connection = op.get_bind()
    registries = sa.table("registries", sa.column("code"), *(sa.column(name, sa.Boolean()) for name in STATUS))
    rows = [
        _fact(STATUS[column], False, subject=row.code)
        for row in connection.execute(sa.select(registries))
        for column in STATUS
        if not getattr(row, column)
    ]
    versions = sa.table("versions", sa.column("major"), sa.column("minor"))
    rows += [
        _fact("version accepted", True, number=row.major, detail=row.minor)
        for row in connection.execute(sa.select(versions))
    ]
    if rows:
        names = ("name", "subject", "number", "period", "detail", "value", "recorded_by", "reason")
        times = (sa.column("valid_from", Instant()), sa.column("recorded_at", Instant()))
        connection.execute(sa.table("facts", *map(sa.column, names), *times).insert(), rows)


def _fact(name: str, value: object, subject: str = "", number: int = 0, detail: int = 0) -> dict[str, object]:
    return {
        "name": name,
        "subject": subject,
        "number": number,
        "period": 0,
        "detail": detail,
        "value": json.dumps(value),
        "valid_from": ALWAYS,
        "recorded_at": datetime.now(UTC),
        "recorded_by": "migration 0007",
        "reason": "recorded before this had a history",
    }
