"""A whole replay: what is fed, what became of it, and whether the ledger then shows what the reports say."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from itl.replay import exchange
from itl.replay.exchange import Log, Refusal
from itl.replay.figures import Difference, differences, expected
from itl.replay.own_hub import OwnHub
from itl.replay.remote_hub import RemoteHub
from itl.replay.reports import Row
from itl.replay.transactions import Reported, is_foreign, transactions
from itl.settings import Settings
from itl.store.database import Database
from itl.store.holdings import holdings
from itl.store.schema import require_current

Watch = Callable[[int], None]
"""Is told how many more rows are done."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a replay. A row is one unit block."""

    rows: int
    transactions: int
    """How many rows were fed, and as how many transactions."""
    earlier: int
    """Transactions that an earlier replay had completed; they count nowhere else."""
    seconds: float
    refusals: tuple[Refusal, ...]
    left_out: tuple[Row, ...]
    differences: tuple[Difference, ...] | None
    """None: the log's holdings were not looked at."""

    @property
    def went_well(self) -> bool:
        return not self.refusals and not self.differences


def on_own_hub(settings: Settings, rows: Sequence[Row], watch: Watch, *, resume: bool = False) -> Result:
    """Replay `rows`, which are in order, through a log of its own on the database of `settings`."""
    hub = OwnHub(settings, rows, resume=resume)
    try:
        reported = transactions(rows)
        completed = hub.completed()
        waiting = [each for each in reported if each.identifier not in completed]
        watch(len(rows) - _count(waiting))
        seconds, refusals = _feed(hub, waiting, watch)
    finally:
        hub.close()
    found = _compared(settings.database, rows)
    return Result(_count(waiting), len(waiting), len(reported) - len(waiting), seconds, refusals, (), found)


def on_remote_hub(
    hub: RemoteHub, rows: Sequence[Row], watch: Watch, *, first_number: int = 1, compare: str | None = None
) -> Result:
    """Replay `rows`, which are in order, through a log that runs elsewhere; `compare` is the URL of its database."""
    fed = [row for row in rows if not is_foreign(row)]
    left_out = tuple(row for row in rows if is_foreign(row))
    reported = transactions(fed, first_number)
    watch(len(left_out))
    seconds, refusals = _feed(hub, reported, watch)
    found = None if compare is None else _compared(compare, fed)
    return Result(len(fed), len(reported), 0, seconds, refusals, left_out, found)


def _feed(log: Log, reported: Sequence[Reported], watch: Watch) -> tuple[float, tuple[Refusal, ...]]:
    refusals: list[Refusal] = []

    def done(each: Reported, refusal: Refusal | None) -> None:
        if refusal is not None:
            refusals.append(refusal)
        watch(len(each.rows))

    start = time.monotonic()
    exchange.run(log, reported, done)
    return time.monotonic() - start, tuple(refusals)


def _compared(url: str, rows: Sequence[Row]) -> tuple[Difference, ...]:
    database = Database(url)
    try:
        require_current(database)
        with database.read() as connection:
            return tuple(differences(expected(rows), holdings(connection)))
    finally:
        database.close()


def _count(reported: Sequence[Reported]) -> int:
    return sum(len(each.rows) for each in reported)
