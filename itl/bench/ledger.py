"""Ledgers of a size, filled by the database itself: a row for each unit block, as issuances would have left them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, islice
from math import gcd

from sqlalchemy import Connection, text

from itl.bench.connection import LoadError
from itl.bench.proposals import HERE, REGISTRY, Units
from itl.clock import system_clock
from itl.store.database import Database
from itl.store.guards import exclusion
from itl.store.recount import count_anew

SIZE = 10
"""Units of a block; behind each lies a gap of as many, so that no two blocks are one."""
PERIOD = 2
_CONSTRAINED = 20_000
"""Rows up to which the exclusion constraint is built anew: it takes about 0.1 ms a row."""


def fill(url: str, blocks: int, registries: Iterable[str] = (REGISTRY,), *, constraint: bool = False) -> bool:
    """Put `blocks` blocks of AAU of each registry into an empty ledger, held by it; totals are counted anew.

    PostgreSQL only. Whether the table has its exclusion constraint afterwards: a large one only gets it if `constraint`
    asks for it. A verdict does not need it (blocks are looked up by the B-tree), only what changes a block checks it.
    """
    database = Database(url)
    codes = list(registries)
    with database.write() as connection:
        connection.execute(text("ALTER TABLE unit_blocks DROP CONSTRAINT ex_unit_blocks_serials"))
        for code in codes:
            _issue(connection, code, blocks)
        constrained = constraint or blocks * len(codes) <= _CONSTRAINED
        if constrained:
            connection.execute(text(exclusion("unit_blocks")))
        count_anew(connection)
        connection.execute(text("ANALYZE"))
    database.close()
    return constrained


def serials(blocks: int) -> Iterator[int]:
    """The first serials of all blocks of such a ledger, each followed by one far away from it."""
    step = next(step for step in count(int(0.6180339887 * blocks) + 1) if gcd(step, blocks) == 1)  # golden section
    return (1 + 2 * SIZE * (number * step % blocks) for number in range(blocks))


def take(found: Iterator[int], blocks: int) -> Units:
    """The next so many of `serials`; LoadError where there are no more."""
    starts = tuple(islice(found, blocks))
    if len(starts) < blocks:
        raise LoadError("the ledger has fewer blocks than the proposals would name; give a larger one, or fewer rounds")
    return Units(starts, SIZE, PERIOD)


def _issue(connection: Connection, code: str, blocks: int) -> None:
    statement = text("""
        INSERT INTO unit_blocks (originating_registry, serial_start, serial_end, unit_type, original_commit_period,
            applicable_commit_period, issued_unit_type, registry, account_type, account_identifier, since)
        SELECT :code, 1 + 2 * :size * n, :size + 2 * :size * n, 1, :period, :period, 1, :code, 100, :account, :now
        FROM generate_series(0::bigint, :blocks - 1) AS n
    """)
    values = {"code": code, "size": SIZE, "blocks": blocks, "period": PERIOD, "account": HERE, "now": system_clock()}
    connection.execute(statement, values)
