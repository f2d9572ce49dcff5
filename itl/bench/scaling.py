"""Verdicts per second by one worker process and by several: a backlog of several registries, judged away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count

from itl.bench import counts, databases, servers
from itl.bench.connection import Address, now
from itl.bench.ledger import fill, serials, take
from itl.bench.load import load
from itl.bench.plan import Plan, processors
from itl.bench.proposals import Dialect, Units, transfer
from itl.bench.rows import POSTGRESQL, Of, Part, Row, ratios, spread

REGISTRIES = ("AT", "BE", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IT", "JP", "NL")
"""Workers take turns over the units of one originating registry, so that only several keep several of them busy."""
SLICES = 10
"""The backlog comes in so many parts of each registry, in turns; the first is judged before the time is taken."""
_PATIENCE = 600.0  # seconds


def measure(server: str, plan: Plan, tell: Callable[[str], None]) -> Iterator[Row]:
    """A row for each number of worker processes, on a new database of the PostgreSQL at `server`.

    The proposals are internal transfers of one block, accepted before the workers start and held back until all of them
    have judged some: a worker's first batches also make its statements. LoadError if they do not judge them all.
    """
    each = -(-plan.backlog // (len(REGISTRIES) * SLICES))
    rounds = plan.rounds * len(plan.workers)
    with databases.new_postgresql(server) as url:
        databases.enrol_more(url, REGISTRIES)
        fill(url, each * SLICES * rounds, REGISTRIES)
        found = {code: serials(each * SLICES * rounds) for code in REGISTRIES}
        numbers = count()
        rates: dict[int, list[float]] = {workers: [] for workers in plan.workers}
        with servers.log(url, processors(), plan.threads) as log:
            for _ in range(plan.rounds):
                for workers in plan.workers:
                    for _ in range(SLICES):
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


def _judged_away(url: str, workers: int, slice_: int) -> float:
    """Verdicts a second of so many workers, once they have judged the first slice of the backlog."""
    with servers.workers(url, workers):
        counts.release(url, slice_)
        counts.wait_until_judged(url, _PATIENCE)
        counts.release(url)
        begun = now()
        counts.wait_until_judged(url, _PATIENCE)
        return slice_ * (SLICES - 1) / (now() - begun)
