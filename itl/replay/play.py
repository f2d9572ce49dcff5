"""A whole replay: what is fed, what became of it, and whether the ledger then shows what the reports say."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from itl.errors import UsageError
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
from itl.store.opening import is_carried_out
from itl.store.schema import require_current

LOOK_AGAIN = 0.1
"""How long to wait until the ledger of another process is looked at again, in seconds."""

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
        waiting = _waiting(reported, hub.completed())
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
    found = None if compare is None else _compared(compare, fed, hub.patience)
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


def _waiting(reported: Sequence[Reported], completed: Mapping[str, int]) -> list[Reported]:
    """Those of the transactions that are not among the completed ones; UsageError if a completed one is another."""
    for each in reported:
        here = sum(row.units.quantity for row in each.rows)
        there = completed.get(each.identifier, here)
        if here != there:
            raise UsageError(
                f"{each.identifier} is of {here} units, but of {there} on the database: it is from other reports, "
                "or an earlier --limit cut the transaction in two; begin on an empty database"
            )
    return [each for each in reported if each.identifier not in completed]


def _compared(url: str, rows: Sequence[Row], patience: float = 0.0) -> tuple[Difference, ...]:
    """Where the ledger differs from the reports, once it has carried out what is completed."""
    database = Database(url)
    end = time.monotonic() + patience
    try:
        require_current(database)
        while time.monotonic() < end:
            with database.read() as connection:
                if is_carried_out(connection):
                    break
            time.sleep(LOOK_AGAIN)
        with database.read() as connection:
            return tuple(differences(expected(rows), holdings(connection)))
    finally:
        database.close()


def _count(reported: Sequence[Reported]) -> int:
    return sum(len(each.rows) for each in reported)
