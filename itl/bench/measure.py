"""Paired rounds: the echo, then the log, then the echo again, so that what else the machine does falls on both."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from itl.bench import databases, servers
from itl.bench.connection import Address, LoadError
from itl.bench.load import Load, load
from itl.bench.proposals import REGISTRY, Dialect, Prepared, prepare
from itl.store.database import Database

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. `seconds` is the length of one load, `most` the messages that end it sooner."""

    blocks: tuple[int, ...] = (1, 100, 1000)
    rounds: int = 7
    seconds: float = 0.7
    most: int = 100_000
    clients: int = 8
    threads: int = 8


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several rounds, and their extremes."""

    median: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Result:
    """One row: messages per second of both sides, their ratio in pairs (ours by the echo's), our latencies in ms."""

    engine: str
    processes: int
    dialect: Dialect
    blocks: int
    size: int
    """Bytes of the message."""
    rounds: int
    accepted: int
    """Messages that the log accepted in all rounds; as many were found in the database."""
    ours: Spread
    echo: Spread
    ratio: Spread
    p50: float
    p99: float


def measure(url: str, plan: Plan, tell: Callable[[str], None]) -> Iterator[Result]:
    """A row for each size and dialect on the database at `url`, which is prepared and holds no proposals.

    SQLite is served by one process, PostgreSQL by one for each processor; so is the echo. Raises LoadError if anything
    was not accepted, or is not in the database afterwards.
    """
    engine = SQLITE if Database(url).is_sqlite else POSTGRESQL
    processes = 1 if engine == SQLITE else len(os.sched_getaffinity(0))
    numbers = count()
    stored = 0
    with servers.echo(processes, plan.threads) as echo_url, servers.log(url, processes, plan.threads) as log_url:
        for dialect in Dialect:
            for blocks in plan.blocks:
                message = prepare(blocks, dialect)
                tell(f"{engine}, {blocks} {'block' if blocks == 1 else 'blocks'} {dialect} ({message.size:,} bytes)")
                ours, echoes = _rounds(log_url, echo_url, message, numbers, plan)
                accepted = sum(round_.accepted for round_ in ours)
                stored += accepted
                if (found := databases.accepted(url)) != stored:
                    raise LoadError(f"{stored} proposals were accepted, {found} are in {engine}")
                yield _result(engine, processes, dialect, blocks, message.size, ours[1:], echoes[1:])


def _rounds(
    log_url: str, echo_url: str, message: Prepared, numbers: Iterator[int], plan: Plan
) -> tuple[list[Load], list[Load]]:
    """The loads of the log and of the echo; the first of each is only to warm them up."""
    ours: list[Load] = []
    echoes: list[Load] = []
    for number in range(plan.rounds + 1):
        most = plan.most if number else min(plan.most, 2 * plan.clients)
        for url, loads in ((echo_url, echoes), (log_url, ours)):
            caller = Address(url, REGISTRY.lower(), REGISTRY.lower())
            done = load(caller, message, numbers, clients=plan.clients, seconds=plan.seconds, most=most)
            loads.append(done.require_accepted())
    return ours, echoes


def _result(
    engine: str,
    processes: int,
    dialect: Dialect,
    blocks: int,
    size: int,
    ours: Sequence[Load],
    echoes: Sequence[Load],
) -> Result:
    latencies = [1000 * latency for round_ in ours for latency in round_.latencies]
    return Result(
        engine=engine,
        processes=processes,
        dialect=dialect,
        blocks=blocks,
        size=size,
        rounds=len(ours),
        accepted=len(latencies),
        ours=_spread(round_.per_second for round_ in ours),
        echo=_spread(round_.per_second for round_ in echoes),
        ratio=_spread(mine.per_second / its.per_second for mine, its in zip(ours, echoes, strict=True)),
        p50=statistics.median(latencies),
        p99=sorted(latencies)[len(latencies) * 99 // 100],
    )


def _spread(values: Iterable[float]) -> Spread:
    found = list(values)
    return Spread(statistics.median(found), min(found), max(found))
