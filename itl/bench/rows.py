"""Rows of what was measured: of what, and figures, each as the median of several rounds with their extremes."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Of = Mapping[str, str | int]
"""What was measured, by name."""

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"


class Part(StrEnum):
    """A part of the bench, which can be asked for alone."""

    ACCEPT = "accept"
    """Proposals accepted durably, beside Spyne's empty echo and beside lxml alone."""
    COMPLETE = "complete"
    """Whole transactions, beside pgbench."""
    LEDGER = "ledger"
    """Time for a proposal as the ledger grows."""
    REPLAY = "replay"
    """The CDM registry's real traffic."""
    LONG = "long"
    """Throughput and memory at the end of a long run, beside its beginning."""
    SCALE = "scale"
    """Verdicts by one worker process and by several."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several rounds, and their extremes."""

    median: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Row:
    """`of` says what was measured, by name; `figures` what came of it, by name with the unit."""

    part: Part
    of: Of
    figures: Mapping[str, Spread]
    rounds: int


def spread(values: Iterable[float]) -> Spread:
    """Median and extremes of at least one value."""
    found = list(values)
    return Spread(statistics.median(found), min(found), max(found))


def ratios(ours: Iterable[float], theirs: Iterable[float]) -> Spread:
    """Ours by theirs, of each pair."""
    return spread(mine / its for mine, its in zip(ours, theirs, strict=True))


def row_of(document: Mapping[str, Any]) -> Row:
    """A row of a report that was written as JSON."""
    figures = {name: Spread(**each) for name, each in document["figures"].items()}
    return Row(Part(document["part"]), document["of"], figures, document["rounds"])
