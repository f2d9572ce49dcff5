"""A whole reconciliation, rehearsed over HTTP, and what is found beside what was planted.

Nothing waits: both clocks stand, and go on to the next time at which a side has something to do, once there is nothing
left for either.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from itl.errors import LogError
from itl.rehearsal.log_side import LogSide
from itl.rehearsal.planting import Finding, Plan, plan
from itl.rehearsal.registry_side import RegistrySide
from itl.rehearsal.sides import Elsewhere, Side

NOON = datetime(2012, 11, 22, 12, 0, tzinfo=UTC)
"""When the rehearsal takes place."""

SETTLED = frozenset({"ended", "intervention"})
"""Steps at which nothing more comes by itself."""

MOST_TURNS = 1_000
"""How often the clock goes on at most: a reconciliation that takes more goes round in a circle."""

Made = Callable[..., Side]


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How a rehearsal went. `seconds` by phase, preparing not counted in `total`; `memory` is the most bytes that each
    process had."""

    blocks: int
    seed: int
    planted: int
    found: int
    missed: tuple[Finding, ...]
    false: tuple[Finding, ...]
    ended: str
    seconds: dict[str, float]
    memory: dict[str, int]

    @property
    def is_right(self) -> bool:
        return not self.missed and not self.false


def rehearse(
    blocks: int,
    faults: int,
    seed: int,
    *,
    database: str | None = None,
    made: Made = Elsewhere,
    tell: Callable[[str], None] = lambda text: None,
) -> Rehearsed:
    """Rehearse a reconciliation over `blocks` blocks of the log with `faults` faults of the registry.

    `database` is an empty one for the log, None a temporary file; `made` makes each side, by default in a process of
    its own. UsageError if the database is not empty, or there is no room for so many faults.
    """
    planned = plan(seed, blocks, faults)
    seconds: dict[str, float] = defaultdict(float)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="itl-rehearsal-")))
        with _timed(seconds, "preparing"):
            log, registry = _both(stack, made, database or f"sqlite:///{directory / 'log.db'}", directory, planned)
            tell(f"filling both sides: {blocks:,} blocks")
            for side in (log, registry):
                side.send("fill", seed, blocks)
            for side in (log, registry):
                side.take()
            log.ask("meet", registry.ask("address"))
        log.ask("begin")
        ended = carry_through(log, registry, seconds, tell)
        found = log.ask("findings")
        memory = {"log": log.ask("peak"), "registry": registry.ask("peak")}
    seconds["total"] = sum(value for phase, value in seconds.items() if phase != "preparing")
    expected = set(planned.expected)
    return Rehearsed(
        blocks,
        seed,
        len(planned.expected),
        len(expected & set(found)),
        tuple(sorted(expected - set(found))),
        tuple(sorted(set(found) - expected)),
        ended,
        dict(seconds),
        memory,
    )


def _both(stack: ExitStack, made: Made, database: str, directory: Path, planned: Plan) -> tuple[Side, Side]:
    log = made(LogSide, database, NOON)
    stack.callback(log.close)
    url = f"sqlite:///{directory / 'registry.db'}"
    registry = made(RegistrySide, url, NOON, log.ask("address"), planned.misbehave)
    stack.callback(registry.close)
    return log, registry


def carry_through(
    log: Side,
    registry: Side,
    seconds: dict[str, float],
    tell: Callable[[str], None] = lambda text: None,
) -> str:
    """Let both sides do what they have to do, and the clocks go on, until nothing more comes by itself; the last step.

    Wall-clock time is added to `seconds` by phase. LogError for a reconciliation that comes to no end.
    """
    at = NOON
    step: str = ""
    for _ in range(MOST_TURNS):
        while True:
            before = step
            step, due = log.ask("stands")
            if step != before:
                tell(f"{at:%H:%M:%S} {step}")
            with _timed(seconds, _phase(step)):
                log.send("work")
                registry.send("work")
                busy = log.take() + registry.take()
            if not busy:
                break
        if step in SETTLED:
            return step
        times = [each for each in (due, registry.ask("next_time")) if each is not None and each > at]
        if not times:
            raise LogError(
                f"the reconciliation stands at {step}, and nothing is due: look at it by `itl reconcile show`"
            )
        at = min(times)
        for side in (log, registry):
            side.ask("stand_at", at)
    raise LogError(f"the reconciliation came to no end in {MOST_TURNS} turns; it stands at {step}")


def _phase(step: str) -> str:
    """A step by the phase that it belongs to, as the standard has it."""
    for phase in ("totals", "unit blocks", "audit trail"):
        if phase in step:
            return phase
    return "result" if step in SETTLED else "initiation"


@contextmanager
def _timed(seconds: dict[str, float], phase: str) -> Iterator[Any]:
    begun = time.perf_counter()
    yield
    seconds[phase] += time.perf_counter() - begun
