"""The first schema of a supplementary log."""

import sqlalchemy as sa
from alembic import op

from itl.store.columns import BigKey, Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _told(
        "members",
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("may_propose", sa.Boolean(), nullable=False),
        sa.Column("may_accept", sa.Boolean(), nullable=False),
        check=("link", "link IN ('direct', 'freezing', 'through')"),
        index=("registry",),
    )
    _told(
        "accounts",
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("account_type", sa.SmallInteger(), nullable=False),
        sa.Column("identifier", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("installation", sa.BigInteger(), nullable=True),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        check=("holder", "holder IN ('party', 'operator', 'person')"),
        index=("identifier", "account_type", "registry"),
    )
    _told(
        "plan",
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("period", sa.SmallInteger(), nullable=False),
        sa.Column("installation", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        check=("quantity", "quantity >= 0"),
        index=("registry", "period", "installation", "year"),
    )
    _told(
        "agreements",
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        index=("registry",),
    )
    _told(
        "windows",
        sa.Column("period", sa.SmallInteger(), nullable=False),
        sa.Column("opens", Instant(), nullable=False),
        sa.Column("closes", Instant(), nullable=False),
        sa.Column("first_year", sa.Integer(), nullable=False),
        sa.Column("last_year", sa.Integer(), nullable=False),
    )
    _told(
        "emissions",
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("installation", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("verified", sa.BigInteger(), nullable=False),
        check=("verified", "verified >= 0"),
        index=("registry", "installation", "year"),
    )
    op.create_table(
        "supplement_figures",
        *_figure_key(),
        sa.Column("completed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*FIGURE, name=op.f("pk_supplement_figures")),
    )
    op.create_table(
        "supplement_flows",
        sa.Column("transaction_id", BigKey, nullable=False),
        *_figure_key(),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["transactions.id"], name=op.f("fk_supplement_flows_transaction_id")
        ),
        sa.PrimaryKeyConstraint("transaction_id", *FIGURE, name=op.f("pk_supplement_flows")),
    )
    op.create_index(op.f(f"ix_supplement_flows_{'_'.join(FIGURE)}"), "supplement_flows", list(FIGURE))
    op.create_table(
        "supplement_documents",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("relay_identifier", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("content_digest", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.CheckConstraint("outcome IN ('carried out', 'refused')", name=op.f("ck_supplement_documents_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplement_documents")),
    )
    op.create_index(
        op.f("uq_supplement_documents_sender_relay_identifier"),
        "supplement_documents",
        ["sender", "relay_identifier"],
        unique=True,
    )


FIGURE = ("kind", "registry", "period", "installation", "year")


def _figure_key() -> list[sa.Column[object]]:
    return [
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("period", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("installation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
    ]


def _told(
    name: str,
    *columns: sa.Column[object],
    check: tuple[str, str] | None = None,
    index: tuple[str, ...] = (),
) -> None:
    """A table of what the scheme was told, with from when it is so, and who told it, when and why."""
    table = f"supplement_{name}"
    checks = [] if check is None else [sa.CheckConstraint(check[1], name=op.f(f"ck_{table}_{check[0]}"))]
    op.create_table(
        table,
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        *columns,
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        *checks,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    if index:
        op.create_index(op.f(f"ix_{table}_{'_'.join(index)}"), table, list(index))
