"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from datetime import timedelta


def wait(failures: int, first: float, most: float, draw: float | None = None) -> timedelta:
    """After `failures` failures (1 or more): doubles from `first` to `most` seconds, less up to half of it by chance.

    The jitter keeps registries that failed together from being tried together. `draw` in [0, 1) replaces the chance.
    """
    full = min(most, first * 2.0 ** min(failures - 1, 60))
    return timedelta(seconds=full * (1 - 0.5 * (random.random() if draw is None else draw)))
