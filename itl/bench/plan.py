"""What is to be measured, and how often and how long."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from itl.bench.rows import Part

BY_ITSELF = (Part.ACCEPT, Part.COMPLETE)
"""The parts that are measured where none is asked for: they take a few minutes, and nothing that the user must give."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` is the length of one load of proposals, `most` the messages that end it sooner."""

    parts: tuple[Part, ...] = BY_ITSELF
    blocks: tuple[int, ...] = (1, 100, 1000)
    rounds: int = 7
    seconds: float = 0.7
    most: int = 100_000
    clients: int = 8
    threads: int = 8
    steady_blocks: int = 10
    """Unit blocks in the proposals of the open loop."""
    steady_seconds: float = 3.0
    """Length of one open loop, in which a hundredth of the messages must be some."""
    complete_seconds: float = 5.0
    """Length of one load of whole transactions, and of pgbench beside it."""
    open: int = 64
    """Transactions that are open at one time."""
    supplementary_log: bool = False
    """Also measure whole transactions about which a supplementary log is asked."""
    pgbench_scale: int = 10
    """Hundred thousands of accounts."""
    ledger: tuple[int, ...] = (10_000, 1_000_000)
    """Unit blocks that are in the ledger."""
    ledger_constraint: bool = False
    """Also build the exclusion constraint of the large ledgers."""
    ledger_proposals: int = 50
    """Proposals of one round in each ledger: half of what a worker takes at one time."""
    workers: tuple[int, ...] = (1, 2, 4)
    backlog: int = 6000
    """Proposals that are waiting when the workers begin."""
    long_minutes: float = 10.0
    issuances: Path | None = None
    cancellations: Path | None = None
    replay_limit: int | None = None


def processors() -> int:
    """Processors that this process may use; PostgreSQL is served by as many processes."""
    return len(os.sched_getaffinity(0))
