"""The registry's tables. The database itself sees to it that no unit lies in two blocks, and a block only shrinks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

metadata = sa.MetaData()


class Instant(sa.TypeDecorator[datetime]):
    """An aware time, stored as microseconds since 1970 in UTC: exact, and ordered as numbers are."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


owner = sa.Table(
    "owner",
    metadata,
    sa.Column("code", sa.String, primary_key=True),
)
"""One row: the registry whose database this is."""

numbers = sa.Table(
    "numbers",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("next", sa.BigInteger, nullable=False),
)
"""Running numbers: `transaction`, `account`, and `serial:XX` for the units of each originating registry."""

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("account_type", sa.Integer, primary_key=True),
    sa.Column("identifier", sa.BigInteger, primary_key=True),
    sa.Column("period", sa.Integer, nullable=False),
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("closed_at", Instant),
)


misbehaviours = sa.Table(
    "misbehaviours",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("fault", sa.String, nullable=False),
    sa.Column("units", sa.String),
)
"""Faults that the registry commits on request; `units` is a printed serial range."""


def _block() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("originating_registry", sa.String, nullable=False),
        sa.Column("range_start", sa.BigInteger, nullable=False),
        sa.Column("range_end", sa.BigInteger, nullable=False),
        sa.Column("unit_type", sa.Integer, nullable=False),
        sa.Column("supp_unit_type", sa.Integer, nullable=False),
        sa.Column("original_period", sa.Integer, nullable=False),
        sa.Column("applicable_period", sa.Integer, nullable=False),
        sa.Column("lulucf_activity", sa.Integer),
        sa.Column("project", sa.Integer),
        sa.Column("track", sa.Integer),
        sa.Column("expiry_date", sa.Date),
        sa.Column("account_type", sa.Integer, nullable=False),
        sa.Column("account_identifier", sa.BigInteger, nullable=False),
        sa.Column("acquired_at", Instant, nullable=False),
        sa.Column("reserved_by", sa.String),
        sa.Column("since", Instant, nullable=False),
        sa.Column("replaced", sa.Boolean, nullable=False, server_default=sa.false()),
    ]


unit_blocks = sa.Table(
    "unit_blocks",
    metadata,
    *_block(),
    sa.Index("ix_unit_blocks_reserved_by", "reserved_by"),
    sa.UniqueConstraint("originating_registry", "range_start"),
    sa.CheckConstraint("range_start >= 1 AND range_end >= range_start"),
    sa.ForeignKeyConstraint(["account_type", "account_identifier"], ["accounts.account_type", "accounts.identifier"]),
)
"""What the registry holds; `since` is when a block became as it is. Units that were `replaced` stay where they lie."""

sa.Index(
    "free_units",
    unit_blocks.c.account_type,
    unit_blocks.c.account_identifier,
    unit_blocks.c.unit_type,
    unit_blocks.c.acquired_at,
    unit_blocks.c.originating_registry,
    unit_blocks.c.range_start,
    sqlite_where=unit_blocks.c.reserved_by.is_(None),
)

past_unit_blocks = sa.Table(
    "past_unit_blocks", metadata, *_block(), sa.Column("until", Instant, nullable=False, index=True)
)
"""Blocks as they were from `since` to before `until`: with `unit_blocks`, what was held at any past instant."""

transactions = sa.Table(
    "transactions",
    metadata,
    sa.Column("identifier", sa.String, primary_key=True),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("transaction_type", sa.Integer, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("proposal", sa.LargeBinary, nullable=False),
    sa.Column("notice", sa.BigInteger, index=True),
    sa.Column("proposed_at", Instant, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    sa.Column("enquire_at", Instant, index=True),
    sa.Index("ix_transactions_changed_at", "changed_at"),
)
"""`notice` is the notice that it answers. `enquire_at` is absent once the state is final: nothing more is expected."""

history = sa.Table(
    "history",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("transaction_identifier", sa.ForeignKey("transactions.identifier"), nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("cause", sa.String, nullable=False),
)

answers = sa.Table(
    "answers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("transaction_identifier", sa.ForeignKey("transactions.identifier"), nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("code", sa.Integer, nullable=False),
    sa.Column("blocks", sa.JSON, nullable=False),
)
"""Response codes; `blocks` is a list of printed serial ranges."""

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("taken_at", Instant),
    sa.Column("note", sa.String),
)
"""What the hub sent, each content once; `kind` names the message class, `note` says why it had no effect."""

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("lane", sa.String, nullable=False, index=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("queued_at", Instant, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("faulted", sa.Boolean, nullable=False),
    sa.Column("done_at", Instant),
    sa.Column("result", sa.Integer),
    sa.Column("codes", sa.JSON),
    sa.Column("note", sa.String),
)
"""Calls to the hub, in order within a lane: a transaction's identifier, a reconciliation, or empty for messages.

`content` is JSON, compressed with zlib where it is large. `faulted`: this call waits for itself, not for the hub, which
was reached but answered with a fault; or the call is to be late.
"""

sa.Index("inbox_untaken", inbox.c.id, sqlite_where=inbox.c.taken_at.is_(None))
sa.Index("outbox_undone", outbox.c.lane, outbox.c.id, sqlite_where=outbox.c.done_at.is_(None))

TRIGGERS = (
    """
    CREATE TRIGGER a_unit_is_in_one_block BEFORE INSERT ON unit_blocks
    WHEN (SELECT range_end FROM unit_blocks
          WHERE originating_registry = NEW.originating_registry AND range_start <= NEW.range_end
          ORDER BY range_start DESC LIMIT 1) >= NEW.range_start
    BEGIN SELECT RAISE(ABORT, 'units that the registry holds already'); END
    """,
    """
    CREATE TRIGGER a_block_only_shrinks BEFORE UPDATE OF originating_registry, range_start, range_end ON unit_blocks
    WHEN NEW.originating_registry <> OLD.originating_registry
         OR NEW.range_start < OLD.range_start OR NEW.range_end > OLD.range_end
    BEGIN SELECT RAISE(ABORT, 'a block only shrinks'); END
    """,
)
