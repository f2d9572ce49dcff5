"""What the log is to reach, each from figures that are taken in one run on one machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import ge, le

from itl.bench.proposals import Dialect
from itl.bench.rows import POSTGRESQL, Of, Part, Row

ROUNDS = 7
"""Fewer paired rounds tell too little to say that a target is reached, or missed."""


@dataclass(frozen=True, slots=True)
class Target:
    """A figure of the row that is of all that `of` says: its median is at least `value`, or at most."""

    name: str
    part: Part
    of: Of
    figure: str
    value: float
    at_most: bool = False
    rounds: int = ROUNDS


def _accepting(dialect: Dialect, blocks: int, value: float) -> Target:
    name = f"accepting {blocks:,} {'block' if blocks == 1 else 'blocks'} {dialect}, beside the echo"
    of: Of = {"database": POSTGRESQL, "message": str(dialect), "blocks": blocks, "load": "all"}
    return Target(name, Part.ACCEPT, of, "beside echo", value)


def _growing(blocks: int, value: float) -> Target:
    name = f"a proposal of {blocks} {'block' if blocks == 1 else 'blocks'}, 10,000,000 in the ledger beside 10,000"
    of: Of = {"in the ledger": 10_000_000, "beside": 10_000, "blocks": blocks}
    return Target(name, Part.LEDGER, of, "beside smallest", value, at_most=True)


_LONG: Of = {"long enough": "yes"}

TARGETS = (
    _accepting(Dialect.INLINE, 1, 1.2),
    _accepting(Dialect.INLINE, 100, 5.0),
    _accepting(Dialect.INLINE, 1000, 7.0),
    _accepting(Dialect.MULTIREF, 1, 1.0),
    _accepting(Dialect.MULTIREF, 100, 3.0),
    _accepting(Dialect.MULTIREF, 1000, 3.0),
    Target(
        "p99 in ms of accepting 10 blocks at 80 % of the load that it bears",
        Part.ACCEPT,
        {"database": POSTGRESQL, "message": str(Dialect.INLINE), "blocks": 10, "load": "80 %"},
        "p99 ms",
        50.0,
        at_most=True,
    ),
    Target("completed transactions, beside pgbench -N", Part.COMPLETE, {"blocks": 1}, "beside pgbench", 0.20),
    Target("all of them through a supplementary log, beside none", Part.COMPLETE, {"blocks": 1}, "beside none", 0.50),
    _growing(1, 1.5),
    _growing(10, 2.0),
    Target("minutes of the replay of all reports", Part.REPLAY, {"real reports": "yes"}, "minutes", 10.0, True, 1),
    Target("throughput of the last minute, beside the first", Part.LONG, _LONG, "last beside first", 0.95, rounds=1),
    Target("memory in the last minute, beside the first", Part.LONG, _LONG, "memory beside first", 1.1, True, 1),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A target and what was measured; `reached` is None where it was not, or in too few rounds."""

    name: str
    target: float
    value: float | None
    reached: bool | None


def judge(rows: Iterable[Row], targets: Iterable[Target] = TARGETS) -> list[Judged]:
    """Every target, in the light of `rows`."""
    measured = list(rows)
    return [_judged(target, measured) for target in targets]


def _judged(target: Target, rows: list[Row]) -> Judged:
    for row in rows:
        if row.part is target.part and target.of.items() <= row.of.items() and target.figure in row.figures:
            value = row.figures[target.figure].median
            enough = row.rounds >= target.rounds
            reached = (le if target.at_most else ge)(value, target.value) if enough else None
            return Judged(target.name, target.value, value, reached)
    return Judged(target.name, target.value, None, None)
