"""Accepting in paired rounds: the echo, then lxml alone, then the log, so that what else the machine does falls on all.

Then an open loop: how long messages take at 80 % of what the log just bore.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count

from itl.bench import bare, counts, servers
from itl.bench.connection import Address, LoadError
from itl.bench.load import Load, load
from itl.bench.plan import Plan, processors
from itl.bench.proposals import REGISTRY, Dialect, Prepared, prepare
from itl.bench.rows import POSTGRESQL, SQLITE, Of, Part, Row, Spread, ratios, spread
from itl.store.database import Database

STEADY = 0.8
"""Of the messages that the log bears, how many an open loop sends."""


@dataclass(slots=True)
class _Sides:
    """What answers, and what has been sent so far."""

    plan: Plan
    engine: str
    database: str
    echo: str
    log: str
    lxml: bare.Count
    numbers: Iterator[int] = field(default_factory=count)
    accepted: int = 0

    def load(self, url: str, message: Prepared, seconds: float, most: int | None, rate: float | None = None) -> Load:
        caller = Address(url, REGISTRY.lower(), REGISTRY.lower())
        requests = message.requests(self.numbers)
        done = load(caller, requests, clients=self.plan.clients, seconds=seconds, most=most, rate=rate)
        if url == self.log:
            self.accepted += done.accepted
        return done.require_accepted()


def measure(url: str, plan: Plan, tell: Callable[[str], None]) -> Iterator[Row]:
    """A row for each dialect and size on the database at `url`, which is prepared and holds no proposals.

    SQLite is served by one process, PostgreSQL by one for each processor; so are the echo, and lxml. Raises LoadError
    if anything was not accepted, or is not in the database afterwards.
    """
    engine = SQLITE if Database(url).is_sqlite else POSTGRESQL
    processes = 1 if engine == SQLITE else processors()
    with ExitStack() as stack:
        lxml = stack.enter_context(bare.reading(processes))
        echo = stack.enter_context(servers.echo(processes, plan.threads))
        log = stack.enter_context(servers.log(url, processes, plan.threads))
        sides = _Sides(plan, engine, url, echo, log, lxml)
        for dialect in Dialect:
            for blocks in plan.blocks:
                message = prepare(blocks, dialect)
                what: Of = {"message": str(dialect), "blocks": blocks, "load": "all"}
                tell(f"accept: {engine}, {dialect}, {blocks} in {message.size:,} bytes")
                yield _row(sides, what, *_rounds(sides, message, blocks))
        tell(f"accept: {engine}, {Dialect.INLINE}, {plan.steady_blocks}, at {STEADY:.0%} of what it bears")
        what = {"message": str(Dialect.INLINE), "blocks": plan.steady_blocks, "load": f"{100 * STEADY:g} %"}
        yield _steady_row(sides, what, *_steady_rounds(sides, prepare(plan.steady_blocks, Dialect.INLINE)))


def _rounds(sides: _Sides, message: Prepared, blocks: int) -> tuple[list[Load], list[Load], list[float]]:
    """The loads of the log and of the echo, and the rates of lxml alone; of each, one more is only to warm up."""
    plan = sides.plan
    ours: list[Load] = []
    echoes: list[Load] = []
    alone: list[float] = []
    for number in range(plan.rounds + 1):
        most = plan.most if number else min(plan.most, 2 * plan.clients)
        echoes.append(sides.load(sides.echo, message, plan.seconds, most))
        alone.append(sides.lxml(blocks, plan.seconds, most if number else 1))
        ours.append(sides.load(sides.log, message, plan.seconds, most))
    return ours[1:], echoes[1:], alone[1:]


def _steady_rounds(sides: _Sides, message: Prepared) -> tuple[list[Load], list[Load]]:
    """Loads as fast as it goes, each with one at so much of its rate behind it."""
    plan = sides.plan
    full: list[Load] = []
    steady: list[Load] = []
    for _ in range(plan.rounds):
        full.append(sides.load(sides.log, message, plan.seconds, plan.most))
        steady.append(sides.load(sides.log, message, plan.steady_seconds, plan.most, STEADY * full[-1].per_second))
    return full, steady


def _row(sides: _Sides, what: Of, ours: Sequence[Load], echoes: Sequence[Load], alone: Sequence[float]) -> Row:
    rates = [each.per_second for each in ours]
    echo_rates = [each.per_second for each in echoes]
    return Row(
        Part.ACCEPT,
        {"database": sides.engine, **what},
        {
            "log /s": spread(rates),
            "echo /s": spread(echo_rates),
            "lxml /s": spread(alone),
            "beside echo": ratios(rates, echo_rates),
            "beside lxml": ratios(rates, alone),
            "p50 ms": _percentile(ours, 50),
            "p99 ms": _percentile(ours, 99),
            "stored so far": _stored(sides),
        },
        len(ours),
    )


def _steady_row(sides: _Sides, what: Of, full: Sequence[Load], steady: Sequence[Load]) -> Row:
    return Row(
        Part.ACCEPT,
        {"database": sides.engine, **what},
        {
            "offered /s": spread(STEADY * each.per_second for each in full),
            "log /s": spread(each.per_second for each in steady),
            "unsent": spread(float(each.unsent) for each in steady),
            "p50 ms": _percentile(steady, 50),
            "p99 ms": _percentile(steady, 99),
            "longest ms": _percentile(steady, 100),
            "stored so far": _stored(sides),
        },
        len(steady),
    )


def _percentile(loads: Sequence[Load], percent: float) -> Spread:
    return spread(1000 * (each.percentile(percent) or 0.0) for each in loads)


def _stored(sides: _Sides) -> Spread:
    """How many proposals the database holds so far: as many as were accepted, or LoadError."""
    found = counts.accepted(sides.database)
    if found != sides.accepted:
        raise LoadError(f"{sides.accepted} proposals were accepted, {found} are in {sides.engine}")
    return spread([float(found)])
