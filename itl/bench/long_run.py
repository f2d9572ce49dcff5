"""A long run of whole transactions: whether the end of it is as its beginning, in throughput and in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from itl.bench import counts, databases, memory
from itl.bench.completing import playing
from itl.bench.connection import LoadError
from itl.bench.plan import Plan
from itl.bench.rows import POSTGRESQL, Of, Part, Row, spread
from itl.clock import system_clock

ENOUGH = 10.0
"""Minutes that are long enough to say anything of a target."""


def measure(server: str, plan: Plan, tell: Callable[[str], None]) -> Iterator[Row]:
    """A row of `plan.long_minutes` on a new database of the PostgreSQL at `server`.

    Windows of a minute (of a run of less than two, its halves), each by what the ledger has carried out in it. The
    memory is that of the log's processes at the end of a window.
    """
    seconds = 60 * plan.long_minutes
    window = min(60.0, seconds / 2)
    rates: list[float] = []
    sizes: list[dict[int, int]] = []
    with databases.new_postgresql(server) as url, playing(url, plan) as player:
        for number in range(1, max(2, int(seconds / window)) + 1):
            since = system_clock()
            player.run(window).require_accepted()
            until = system_clock()
            rates.append(counts.settled(url, since, until) / (until - since).total_seconds())
            sizes.append(memory.resident(os.getpid()))
            tell(
                f"long: after {number * window / 60:.3g} minutes {rates[-1]:,.0f} a second, {_mib(sizes[-1]):,.0f} MiB"
            )
        counts.wait_until_settled(url)
    of: Of = {
        "database": POSTGRESQL,
        "minutes": f"{plan.long_minutes:g}",
        "long enough": "yes" if plan.long_minutes >= ENOUGH else "no",
    }
    figures = {
        "first /s": rates[0],
        "last /s": rates[-1],
        "least /s": min(rates),
        "last beside first": rates[-1] / rates[0],
        "first MiB": _mib(sizes[0]),
        "last MiB": _mib(sizes[-1]),
        "memory beside first": growth(sizes[0], sizes[-1]),
    }
    yield Row(Part.LONG, of, {name: spread([value]) for name, value in figures.items()}, 1)


def growth(first: Mapping[int, int], last: Mapping[int, int]) -> float:
    """The memory of the process that grew most, beside what it had. LoadError where they are not the same processes."""
    if first.keys() != last.keys() or not first:
        raise LoadError(f"the log ran in processes {sorted(first)}, and then in {sorted(last)}: one of them ended")
    return max(last[process] / size for process, size in first.items())


def _mib(sizes: Mapping[int, int]) -> float:
    """All of them together."""
    return sum(sizes.values()) / 2**20
