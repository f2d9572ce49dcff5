"""How far a long command is, on standard error: one line that is written over, or now and then a line into a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO


class Progress:
    """Counts `things` up to `total`; says how many there were, at which rate, and how long the rest will take."""

    def __init__(
        self,
        total: int,
        things: str,
        stream: TextIO | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total, self._things = total, things
        self._stream = stream or sys.stderr
        self._monotonic = monotonic
        self._every = 0.5 if self._stream.isatty() else 30.0
        self._begun = self._said = monotonic()
        self._before: int | None = None
        self._done = 0

    def add(self, count: int) -> None:
        """`count` more are done. What was there at the first call does not count for the rate."""
        if self._before is None:
            self._before = count
            self._begun = self._monotonic()
        self._done += count
        if self._monotonic() - self._said >= self._every:
            self._said = self._monotonic()
            self._say()

    def end(self) -> None:
        """Leave the line that was written over."""
        if self._stream.isatty():
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _say(self) -> None:
        rate = (self._done - (self._before or 0)) / max(self._said - self._begun, 1e-9)
        line = f"{self._done:,} of {self._total:,} {self._things}, {rate:,.0f} a second"
        if rate > 0:
            left = int((self._total - self._done) / rate)
            line += f", {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left"
        self._stream.write(f"\r\x1b[K{line}" if self._stream.isatty() else f"{line}\n")
        self._stream.flush()
