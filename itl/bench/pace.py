"""When the next message is to begin: as soon as anybody is free (a closed loop), or by a clock (an open one).

In an open loop a message counts from the time at which it was due. A log that falls behind then shows it in all that
had to wait, where a closed loop would just ask less of it.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable
from dataclasses import dataclass, field

from itl.bench.connection import STALLED, LoadError, now, turn


@dataclass(slots=True)
class Pace:
    """`seconds` long, at most `most` messages, `rate` of them a second or as many as can be."""

    seconds: float
    most: int | None = None
    rate: float | None = None
    begun: float = field(default_factory=now)
    sent: int = 0

    def due(self, at: float) -> float | None:
        """Since when the next message is due; None where none is, yet or any more."""
        if self.is_over(at):
            return None
        if self.rate is None:
            return at
        due = self.begun + self.sent / self.rate
        return due if due <= at else None

    def wait(self, at: float) -> float:
        """Seconds until the next message is due, or none any more."""
        if self.rate is None or self.is_over(at):
            return 0.0
        return max(0.0, min(self.begun + self.sent / self.rate, self.begun + self.seconds) - at)

    def is_over(self, at: float) -> bool:
        return at >= self.begun + self.seconds or (self.most is not None and self.sent >= self.most)

    @property
    def unsent(self) -> int:
        """Messages that were due in the time and never went out, since nobody was free."""
        if self.rate is None:
            return 0
        meant = int(self.seconds * self.rate)
        return max(0, (meant if self.most is None else min(meant, self.most)) - self.sent)


def drive(
    selector: selectors.BaseSelector,
    pace: Pace,
    *,
    free: Callable[[], int],
    begin: Callable[[float], None],
    busy: Callable[[], int],
    silence: str,
) -> None:
    """Begin messages at their pace while anybody is free, and go on until the pace is over and nobody is busy.

    Raises LoadError, saying `silence`, where somebody is busy and nothing comes from anybody.
    """
    heard = now()
    while True:
        at = now()
        while free() and (due := pace.due(at)) is not None:
            pace.sent += 1
            begin(due)
        over = pace.is_over(at)
        if over and not busy():
            return
        waits = not over and pace.rate is not None and free()
        if turn(selector, pace.wait(at) if waits else max(0.0, heard + STALLED - at)):
            heard = now()
        elif busy() and now() >= heard + STALLED:
            raise LoadError(f"nothing came for {STALLED:g} s; {silence}")
