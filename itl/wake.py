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
