"""Verdicts per second by one worker process and by several: a backlog of several registries, judged away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count

from itl.bench import counts, databases, servers
from itl.bench.connection import Address, LoadError, now
from itl.bench.ledger import fill, serials, take
from itl.bench.load import load
from itl.bench.plan import Plan, processors
from itl.bench.proposals import Dialect, Units, transfer
from itl.bench.rows import POSTGRESQL, Of, Part, Row, ratios, spread

REGISTRIES = ("AT", "BE", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IT", "JP", "NL")
"""Workers take turns over the units of one originating registry, so that only several keep several of them busy."""
_LOOK_AGAIN = 0.05
_PATIENCE = 600.0  # seconds


def measure(server: str, plan: Plan, tell: Callable[[str], None]) -> Iterator[Row]:
    """A row for each number of worker processes, on a new database of the PostgreSQL at `server`.

    The proposals are internal transfers of one block, accepted before the workers start and held back until all of them
    are up. LoadError if they do not judge them all.
    """
    each = -(-plan.backlog // len(REGISTRIES))
    rounds = plan.rounds * len(plan.workers)
    with databases.new_postgresql(server) as url:
        databases.enrol_more(url, REGISTRIES)
        fill(url, each * rounds, REGISTRIES)
        found = {code: serials(each * rounds) for code in REGISTRIES}
        numbers = count()
        rates: dict[int, list[float]] = {workers: [] for workers in plan.workers}
        with servers.log(url, processors(), plan.threads) as log:
            for _ in range(plan.rounds):
                for workers in plan.workers:
                    for code, its in found.items():
                        _propose(log, code, [take(its, 1) for _ in range(each)], numbers, plan.clients)
                    counts.hold_back(url)
                    rates[workers].append(_judged_away(url, workers, each * len(REGISTRIES)))
                    tell(f"scale: {workers} worker processes, {rates[workers][-1]:,.0f} verdicts a second")
    for workers, its_rates in rates.items():
        figures = {"verdicts /s": spread(its_rates), "beside one": ratios(its_rates, rates[plan.workers[0]])}
        of: Of = {"database": POSTGRESQL, "workers": workers, "registries": len(REGISTRIES)}
        yield Row(Part.SCALE, of, figures, plan.rounds)


def _propose(log: str, code: str, units: Sequence[Units], numbers: Iterator[int], clients: int) -> None:
    messages = (transfer(each, Dialect.INLINE, code).request(next(numbers)) for each in units)
    caller = Address(log, code.lower(), code.lower())
    load(caller, messages, clients=clients, seconds=float("inf"), most=len(units)).require_accepted()


def _judged_away(url: str, workers: int, proposals: int) -> float:
    """Verdicts a second of so many workers, which are all up when as many proposals are released."""
    before = counts.judged(url)
    with servers.workers(url, workers):
        begun = now()
        counts.release(url)
        while (left := before + proposals - counts.judged(url)) > 0:
            if now() > begun + _PATIENCE:
                raise LoadError(f"{workers} workers have left {left} of {proposals} proposals in {_PATIENCE:g} s")
            time.sleep(_LOOK_AGAIN)
        return proposals / (now() - begun)
