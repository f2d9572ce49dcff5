"""Figures of the ledger: what was issued, converted, held, cancelled, retired, used for replacement; at any instant."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import astuple, dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, union_all

from itl.codes import (
    CANCELLATION_ACCOUNTS,
    REPLACEMENT_ACCOUNTS,
    RETIREMENT_ACCOUNTS,
    SYMBOLS,
)
from itl.store import tables as t


@dataclass(frozen=True, slots=True)
class Holding:
    """Units of one originating registry, type and original commitment period; quantities in units.

    `issued` counts by the type at issuance, all others by the type now:
    issued + converted_in - converted_out = held + cancelled + retired + replaced.
    """

    party: str
    unit: str
    cp: int
    issued: int = 0
    converted_in: int = 0
    converted_out: int = 0
    held: int = 0
    cancelled: int = 0
    retired: int = 0
    replaced: int = 0

    @property
    def is_balanced(self) -> bool:
        return (
            self.issued + self.converted_in - self.converted_out
            == self.held + self.cancelled + self.retired + self.replaced
        )


COLUMNS = tuple(Holding.__dataclass_fields__)


def holdings(connection: Connection, at: datetime | None = None) -> list[Holding]:
    """Holdings by originating registry, unit and original period, now or as they were at the instant `at`."""
    names = (
        "originating_registry",
        "issued_unit_type",
        "unit_type",
        "original_commit_period",
        "account_type",
        "serial_start",
        "serial_end",
    )
    present = select(*(t.unit_blocks.c[name] for name in names))
    if at is None:
        blocks = present.subquery()
    else:
        past = select(*(t.past_unit_blocks.c[name] for name in names)).where(
            t.past_unit_blocks.c.since <= at, t.past_unit_blocks.c.until > at
        )
        blocks = union_all(present.where(t.unit_blocks.c.since <= at), past).subquery()
    keys = [blocks.c[name] for name in names[:5]]
    quantity = func.sum(blocks.c.serial_end - blocks.c.serial_start + 1)
    figures: dict[tuple[str, str, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in connection.execute(select(*keys, quantity.label("units")).group_by(*keys)):
        party, period, units = row.originating_registry, row.original_commit_period, int(row.units)
        before, now = SYMBOLS[row.issued_unit_type], SYMBOLS[row.unit_type]
        figures[party, before, period]["issued"] += units
        if before != now:
            figures[party, before, period]["converted_out"] += units
            figures[party, now, period]["converted_in"] += units
        figures[party, now, period][_class(row.account_type)] += units
    return [Holding(party, unit, cp, **figures[party, unit, cp]) for party, unit, cp in sorted(figures)]


def held_by(connection: Connection) -> Counter[tuple[str, int, int]]:
    """Units by the registry that holds them, account type and unit type."""
    keys = (t.unit_blocks.c.registry, t.unit_blocks.c.account_type, t.unit_blocks.c.unit_type)
    quantity = func.sum(t.unit_blocks.c.serial_end - t.unit_blocks.c.serial_start + 1)
    rows = connection.execute(select(*keys, quantity.label("units")).group_by(*keys))
    return Counter({(row.registry, row.account_type, row.unit_type): int(row.units) for row in rows})


def as_row(holding: Holding) -> tuple[str | int, ...]:
    """The values in the order of `COLUMNS`."""
    return astuple(holding)


def _class(account_type: int) -> str:
    for name, accounts in (
        ("cancelled", CANCELLATION_ACCOUNTS),
        ("retired", RETIREMENT_ACCOUNTS),
        ("replaced", REPLACEMENT_ACCOUNTS),
    ):
        if account_type in accounts:
            return name
    return "held"
