"""The first schema: reference data, message log, transactions, ledger."""

import sqlalchemy as sa
from alembic import op

from itl.store.guards import EXTENSION, exclusion, triggers
from itl.store.tables import BigKey, Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "commitment_periods",
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("start_at", Instant(), nullable=False),
        sa.Column("end_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_commitment_periods")),
    )
    op.create_table(
        "lanes",
        sa.Column("receiver", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("held_until", Instant(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", Instant(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("receiver", name=op.f("pk_lanes")),
    )
    op.create_table(
        "messages",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("sender", sa.String(), nullable=True),
        sa.Column("addressee", sa.String(), nullable=True),
        sa.Column("operation", sa.String(), nullable=True),
        sa.Column("transaction_identifier", sa.String(), nullable=True),
        sa.Column("remote_address", sa.String(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("body_size", sa.Integer(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=True),
        sa.Column("request_in_at", Instant(), nullable=True),
        sa.Column("request_out_at", Instant(), nullable=True),
        sa.Column("response_in_at", Instant(), nullable=True),
        sa.Column("response_out_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("response_codes", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_messages_direction")),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'repeat', 'refused', 'fault', 'unreachable')", name=op.f("ck_messages_outcome")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    op.create_index(op.f("ix_messages_transaction_identifier"), "messages", ["transaction_identifier"], unique=False)
    op.create_table(
        "parties",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_parties")),
    )
    op.create_table(
        "reference_stamp",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_reference_stamp_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_stamp")),
    )
    op.create_table(
        "registries",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("in_force", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("may_propose", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("may_accept", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("may_reconcile", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("notify_refusals", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("call_user", sa.String(), nullable=True),
        sa.Column("call_password", sa.String(), nullable=True),
        sa.Column("enrolled_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_registries")),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
    )
    op.create_table(
        "transactions",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("occupies", sa.Boolean(), nullable=False),
        sa.Column("transaction_type", sa.Integer(), nullable=False),
        sa.Column("supp_transaction_type", sa.Integer(), nullable=True),
        sa.Column("transferring_registry", sa.String(), nullable=False),
        sa.Column("transferring_account_type", sa.Integer(), nullable=True),
        sa.Column("transferring_account_identifier", sa.BigInteger(), nullable=True),
        sa.Column("acquiring_registry", sa.String(), nullable=False),
        sa.Column("acquiring_account_type", sa.Integer(), nullable=True),
        sa.Column("acquiring_account_identifier", sa.BigInteger(), nullable=True),
        sa.Column("notification_identifier", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("status_at", Instant(), nullable=False),
        sa.Column("proposed_at", Instant(), nullable=False),
        sa.Column("deadline_at", Instant(), nullable=True),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("confirmed_at", Instant(), nullable=True),
        sa.Column("flagged_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transactions")),
    )
    op.create_index(
        "ix_transactions_deadline_at",
        "transactions",
        ["deadline_at"],
        unique=False,
        sqlite_where=sa.text("deadline_at IS NOT NULL"),
        postgresql_where=sa.text("deadline_at IS NOT NULL"),
    )
    op.create_index(
        "uq_transactions_identifier",
        "transactions",
        ["identifier"],
        unique=True,
        sqlite_where=sa.text("occupies"),
        postgresql_where=sa.text("occupies"),
    )
    op.create_table(
        "versions",
        sa.Column("major", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("minor", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("major", "minor", name=op.f("pk_versions")),
    )
    op.create_table(
        "credentials",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=True),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.CheckConstraint("kind IN ('basic', 'certificate')", name=op.f("ck_credentials_kind")),
        sa.ForeignKeyConstraint(["registry"], ["registries.code"], name=op.f("fk_credentials_registry")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("kind", "name", name=op.f("uq_credentials_kind_name")),
    )
    op.create_table(
        "evaluations",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("transaction_id", BigKey, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("evaluated_by", sa.String(), nullable=False),
        sa.Column("results", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["transaction_id"], ["transactions.id"], name=op.f("fk_evaluations_transaction_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
    )
    op.create_index(op.f("ix_evaluations_transaction_id"), "evaluations", ["transaction_id"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("message", BigKey, nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("content_digest", sa.LargeBinary(), nullable=False),
        sa.Column("transaction_id", BigKey, nullable=True),
        sa.Column("work", sa.String(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", Instant(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.CheckConstraint("work IS NULL OR work IN ('judge', 'settle')", name=op.f("ck_inbox_work")),
        sa.ForeignKeyConstraint(["message"], ["messages.id"], name=op.f("fk_inbox_message")),
        sa.ForeignKeyConstraint(["transaction_id"], ["transactions.id"], name=op.f("fk_inbox_transaction_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("sender", "content_digest", name=op.f("uq_inbox_sender_content_digest")),
    )
    op.create_index(
        "ix_inbox_waiting",
        "inbox",
        ["id"],
        unique=False,
        sqlite_where=sa.text("work IS NOT NULL"),
        postgresql_where=sa.text("work IS NOT NULL"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("receiver", sa.String(), nullable=False),
        sa.Column("transaction_id", BigKey, nullable=True),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", Instant(), nullable=False),
        sa.Column("delivered_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("response_codes", sa.String(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["transaction_id"], ["transactions.id"], name=op.f("fk_outbox_transaction_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_transaction_id"), "outbox", ["transaction_id"], unique=False)
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["receiver", "id"],
        unique=False,
        sqlite_where=sa.text("delivered_at IS NULL"),
        postgresql_where=sa.text("delivered_at IS NULL"),
    )
    op.create_table(
        "party_periods",
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("period", sa.SmallInteger(), nullable=False),
        sa.Column("true_up_end", Instant(), nullable=False),
        sa.Column("assigned_amount", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["party"], ["parties.code"], name=op.f("fk_party_periods_party")),
        sa.ForeignKeyConstraint(["period"], ["commitment_periods.number"], name=op.f("fk_party_periods_period")),
        sa.PrimaryKeyConstraint("party", "period", name=op.f("pk_party_periods")),
    )
    op.create_table(
        "past_unit_blocks",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("originating_registry", sa.String(), nullable=False),
        sa.Column("serial_start", sa.BigInteger(), nullable=False),
        sa.Column("serial_end", sa.BigInteger(), nullable=False),
        sa.Column("unit_type", sa.SmallInteger(), nullable=False),
        sa.Column("supp_unit_type", sa.Integer(), nullable=True),
        sa.Column("original_commit_period", sa.SmallInteger(), nullable=False),
        sa.Column("applicable_commit_period", sa.SmallInteger(), nullable=False),
        sa.Column("lulucf_activity", sa.SmallInteger(), nullable=True),
        sa.Column("project_identifier", sa.Integer(), nullable=True),
        sa.Column("track", sa.SmallInteger(), nullable=True),
        sa.Column("expiry_date", sa.Date(), nullable=True),
        sa.Column("issued_unit_type", sa.SmallInteger(), nullable=False),
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("account_type", sa.SmallInteger(), nullable=False),
        sa.Column("account_identifier", sa.BigInteger(), nullable=True),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.Column("transaction_id", BigKey, nullable=True),
        sa.Column("closed_by", BigKey, nullable=True),
        sa.CheckConstraint(
            "serial_start BETWEEN 1 AND serial_end AND serial_end <= 999999999999999",
            name=op.f("ck_past_unit_blocks_serials"),
        ),
        sa.ForeignKeyConstraint(["closed_by"], ["transactions.id"], name=op.f("fk_past_unit_blocks_closed_by")),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["transactions.id"], name=op.f("fk_past_unit_blocks_transaction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_past_unit_blocks")),
    )
    op.create_index(
        op.f("ix_past_unit_blocks_originating_registry_serial_start"),
        "past_unit_blocks",
        ["originating_registry", "serial_start"],
        unique=False,
    )
    op.create_index(op.f("ix_past_unit_blocks_until"), "past_unit_blocks", ["until"], unique=False)
    op.create_table(
        "projects",
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_type", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("track", sa.SmallInteger(), nullable=True),
        sa.ForeignKeyConstraint(["host"], ["parties.code"], name=op.f("fk_projects_host")),
        sa.PrimaryKeyConstraint("host", "number", "unit_type", name=op.f("pk_projects")),
    )
    op.create_table(
        "reservations",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("transaction_id", BigKey, nullable=False),
        sa.Column("originating_registry", sa.String(), nullable=False),
        sa.Column("serial_start", sa.BigInteger(), nullable=False),
        sa.Column("serial_end", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "serial_start BETWEEN 1 AND serial_end AND serial_end <= 999999999999999",
            name=op.f("ck_reservations_serials"),
        ),
        sa.ForeignKeyConstraint(["transaction_id"], ["transactions.id"], name=op.f("fk_reservations_transaction_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
    )
    op.create_index(op.f("ix_reservations_transaction_id"), "reservations", ["transaction_id"], unique=False)
    op.create_index("uq_reservations_serials", "reservations", ["originating_registry", "serial_start"], unique=True)
    op.create_table(
        "scheme_members",
        sa.Column("stl", sa.String(), nullable=False),
        sa.Column("registry", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["registry"], ["registries.code"], name=op.f("fk_scheme_members_registry")),
        sa.ForeignKeyConstraint(["stl"], ["registries.code"], name=op.f("fk_scheme_members_stl")),
        sa.PrimaryKeyConstraint("stl", "registry", name=op.f("pk_scheme_members")),
    )
    op.create_table(
        "scheme_types",
        sa.Column("stl", sa.String(), nullable=False),
        sa.Column("transaction_type", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("supp_transaction_type", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["stl"], ["registries.code"], name=op.f("fk_scheme_types_stl")),
        sa.PrimaryKeyConstraint("stl", "transaction_type", "supp_transaction_type", name=op.f("pk_scheme_types")),
    )
    op.create_table(
        "status_history",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("transaction_id", BigKey, nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("message", BigKey, nullable=True),
        sa.ForeignKeyConstraint(["message"], ["messages.id"], name=op.f("fk_status_history_message")),
        sa.ForeignKeyConstraint(["transaction_id"], ["transactions.id"], name=op.f("fk_status_history_transaction_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_history")),
    )
    op.create_index(op.f("ix_status_history_transaction_id"), "status_history", ["transaction_id"], unique=False)
    op.create_table(
        "transaction_blocks",
        sa.Column("transaction_id", BigKey, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("originating_registry", sa.String(), nullable=False),
        sa.Column("serial_start", sa.BigInteger(), nullable=False),
        sa.Column("serial_end", sa.BigInteger(), nullable=False),
        sa.Column("unit_type", sa.SmallInteger(), nullable=False),
        sa.Column("supp_unit_type", sa.Integer(), nullable=True),
        sa.Column("original_commit_period", sa.SmallInteger(), nullable=False),
        sa.Column("applicable_commit_period", sa.SmallInteger(), nullable=False),
        sa.Column("lulucf_activity", sa.SmallInteger(), nullable=True),
        sa.Column("project_identifier", sa.Integer(), nullable=True),
        sa.Column("track", sa.SmallInteger(), nullable=True),
        sa.Column("expiry_date", sa.Date(), nullable=True),
        sa.Column("block_role", sa.String(), nullable=True),
        sa.Column("transferring_account_type", sa.Integer(), nullable=True),
        sa.Column("transferring_account_identifier", sa.BigInteger(), nullable=True),
        sa.Column("acquiring_account_type", sa.Integer(), nullable=True),
        sa.Column("acquiring_account_identifier", sa.BigInteger(), nullable=True),
        sa.Column("year_in_commitment_period", sa.Integer(), nullable=True),
        sa.Column("installation_identifier", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "serial_start BETWEEN 1 AND serial_end AND serial_end <= 999999999999999",
            name=op.f("ck_transaction_blocks_serials"),
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["transactions.id"], name=op.f("fk_transaction_blocks_transaction_id")
        ),
        sa.PrimaryKeyConstraint("transaction_id", "position", name=op.f("pk_transaction_blocks")),
    )
    op.create_table(
        "unit_blocks",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("originating_registry", sa.String(), nullable=False),
        sa.Column("serial_start", sa.BigInteger(), nullable=False),
        sa.Column("serial_end", sa.BigInteger(), nullable=False),
        sa.Column("unit_type", sa.SmallInteger(), nullable=False),
        sa.Column("supp_unit_type", sa.Integer(), nullable=True),
        sa.Column("original_commit_period", sa.SmallInteger(), nullable=False),
        sa.Column("applicable_commit_period", sa.SmallInteger(), nullable=False),
        sa.Column("lulucf_activity", sa.SmallInteger(), nullable=True),
        sa.Column("project_identifier", sa.Integer(), nullable=True),
        sa.Column("track", sa.SmallInteger(), nullable=True),
        sa.Column("expiry_date", sa.Date(), nullable=True),
        sa.Column("issued_unit_type", sa.SmallInteger(), nullable=False),
        sa.Column("registry", sa.String(), nullable=False),
        sa.Column("account_type", sa.SmallInteger(), nullable=False),
        sa.Column("account_identifier", sa.BigInteger(), nullable=True),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("transaction_id", BigKey, nullable=True),
        sa.CheckConstraint(
            "serial_start BETWEEN 1 AND serial_end AND serial_end <= 999999999999999",
            name=op.f("ck_unit_blocks_serials"),
        ),
        sa.ForeignKeyConstraint(["transaction_id"], ["transactions.id"], name=op.f("fk_unit_blocks_transaction_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_blocks")),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_unit_blocks_serials", "unit_blocks", ["originating_registry", "serial_start"], unique=True)

    op.execute(sa.text("INSERT INTO reference_stamp (id, stamp) VALUES (1, 1)"))
    if op.get_bind().dialect.name == "sqlite":
        for table in ("unit_blocks", "reservations"):
            for trigger in triggers(table):
                op.execute(trigger)
    else:
        op.execute(EXTENSION)
        for table in ("unit_blocks", "reservations"):
            op.execute(exclusion(table))
