"""What the log is to reach, each a ratio taken in one run: accepting on PostgreSQL beside the echo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from itl.bench.measure import Result
from itl.bench.proposals import Dialect


@dataclass(frozen=True, slots=True)
class Target:
    """The least ratio of messages per second, ours by the echo's."""

    dialect: Dialect
    blocks: int
    ratio: float

    @property
    def name(self) -> str:
        return f"accepting {self.blocks} {'block' if self.blocks == 1 else 'blocks'} {self.dialect} on PostgreSQL"


TARGETS = (
    Target(Dialect.INLINE, 1, 1.2),
    Target(Dialect.INLINE, 100, 5.0),
    Target(Dialect.INLINE, 1000, 7.0),
    Target(Dialect.MULTIREF, 1, 1.0),
    Target(Dialect.MULTIREF, 100, 3.0),
    Target(Dialect.MULTIREF, 1000, 3.0),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A target and what was measured; both last ones are None where it was not."""

    name: str
    target: float
    value: float | None
    reached: bool | None


def judge(results: Iterable[Result]) -> list[Judged]:
    """Every target, in the light of `results`."""
    values = {
        (result.dialect, result.blocks): result.ratio.median for result in results if result.engine == "PostgreSQL"
    }
    return [_judged(target, values.get((target.dialect, target.blocks))) for target in TARGETS]


def _judged(target: Target, value: float | None) -> Judged:
    return Judged(target.name, target.ratio, value, None if value is None else value >= target.ratio)
