"""Waking a loop of this process when there is something to do; across processes the loops look by themselves."""

from __future__ import annotations

import threading


class Wake:
    """A bell: rung by who makes work, waited for by who does it. A ring while nobody waits is not lost."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def ring(self) -> None:
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """True if it was rung, False if the time ran out; either way the next wait starts anew."""
        rung = self._event.wait(seconds)
        self._event.clear()
        return rung


class Pause:
    """How long a loop that found nothing waits until it looks again: doubled from a hundredth to `most` seconds.

    What other processes make is so found soon while there is traffic, and seldom looked for while there is none.
    """

    FIRST = 0.01

    def __init__(self, most: float) -> None:
        self._most = most
        self._next = min(self.FIRST, most)

    def found(self) -> None:
        """There was something to do, so there may be more soon."""
        self._next = min(self.FIRST, self._most)

    def take(self) -> float:
        """The seconds to wait now."""
        seconds, self._next = self._next, min(self._most, 2 * self._next)
        return seconds
