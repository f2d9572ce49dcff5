"""Schemes with their routes, what their supplementary logs answered, and messages that are only passed on."""

import sqlalchemy as sa
from alembic import op

from itl.store.columns import BigKey, Instant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_schemes()
    _create_supplements()
    _create_relays()


def _create_schemes() -> None:
    op.create_table(
        "schemes",
        sa.Column("stl", sa.String(), nullable=False),
        sa.Column("answer_within", sa.Integer(), nullable=True),
        sa.Column("retired_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["stl"], ["registries.code"], name=op.f("fk_schemes_stl")),
        sa.PrimaryKeyConstraint("stl", name=op.f("pk_schemes")),
    )
    op.create_table(
        "scheme_routes",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("stl", sa.String(), nullable=False),
        sa.Column("transaction_type", sa.SmallInteger(), nullable=True),
        sa.Column("supp_transaction_type", sa.Integer(), nullable=True),
        sa.Column("unit_type", sa.SmallInteger(), nullable=True),
        sa.Column("supp_unit_type", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["stl"], ["registries.code"], name=op.f("fk_scheme_routes_stl")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheme_routes")),
    )
    op.create_index(op.f("ix_scheme_routes_stl"), "scheme_routes", ["stl"])
    op.execute("INSERT INTO schemes (stl) SELECT stl FROM scheme_members UNION SELECT stl FROM scheme_types")


def _create_supplements() -> None:
    op.add_column("transactions", sa.Column("asked", sa.String(), nullable=True))
    op.create_table(
        "transaction_supplements",
        sa.Column("transaction_id", BigKey, nullable=False),
        sa.Column("stl", sa.String(), nullable=False),
        sa.Column("answer", sa.SmallInteger(), nullable=True),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("response_codes", sa.String(), nullable=True),
        sa.Column("answer_by", Instant(), nullable=True),
        sa.CheckConstraint("answer IS NULL OR answer IN (9, 10)", name=op.f("ck_transaction_supplements_answer")),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            name=op.f("fk_transaction_supplements_transaction_id"),
        ),
        sa.PrimaryKeyConstraint("transaction_id", "stl", name=op.f("pk_transaction_supplements")),
    )


def _create_relays() -> None:
    op.add_column("registries", sa.Column("relay_url", sa.String(), nullable=True))
    op.add_column("outbox", sa.Column("queue", sa.String(), server_default="main", nullable=False))
    with op.batch_alter_table("lanes") as lanes:
        lanes.add_column(sa.Column("queue", sa.String(), server_default="main", nullable=False))
        lanes.drop_constraint("pk_lanes", type_="primary")
        lanes.create_primary_key("pk_lanes", ["receiver", "queue"])
    op.create_table(
        "relays",
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("relay_identifier", sa.String(), nullable=False),
        sa.Column("content_digest", sa.LargeBinary(), nullable=False),
        sa.Column("addressee", sa.String(), nullable=False),
        sa.Column("operation_name", sa.String(), nullable=False),
        sa.Column("message", BigKey, nullable=False),
        sa.Column("outbox", BigKey, nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["message"], ["messages.id"], name=op.f("fk_relays_message")),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name=op.f("fk_relays_outbox")),
        sa.PrimaryKeyConstraint("sender", "relay_identifier", name=op.f("pk_relays")),
    )
