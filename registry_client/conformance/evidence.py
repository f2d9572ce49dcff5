"""What was exchanged during one test, and what was wrong with it by itself: its shape, or that it came again."""

from __future__ import annotations

import threading

from registry_client.conformance.results import Exchange

MOST_TEXT = 20_000
"""Characters of one message that are kept; what is longer is cut in the middle."""


class Evidence:
    """Collects, for one test at a time. Safe for threads: the peer calls while it is called."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._faults: list[tuple[str, tuple[str, ...]]] = []

    def begin(self) -> None:
        """A test begins: what came since the last one belongs to none."""
        with self._lock:
            self._exchanges, self._faults = [], []

    def end(self) -> tuple[Exchange, ...]:
        """All exchanges of the test, in the order in which they began."""
        with self._lock:
            return tuple(sorted(self._exchanges, key=lambda each: each.sent_at))

    def add(self, exchange: Exchange) -> None:
        with self._lock:
            self._exchanges.append(exchange)

    def fault(self, text: str, *breaks: str) -> None:
        """Something is wrong with a message, whatever the test is about; it breaks these requirements.

        Without any, it breaks all that the test covers.
        """
        with self._lock:
            if (text, breaks) not in self._faults:
                self._faults.append((text, breaks))

    def faults(self) -> list[tuple[str, tuple[str, ...]]]:
        """What is wrong, and what each of it breaks."""
        with self._lock:
            return list(self._faults)


def readable(body: bytes) -> str:
    """A message as text, of bounded length; bytes that are no UTF-8 are shown as replaced."""
    text = body.decode("utf-8", "replace")
    if len(text) <= MOST_TEXT:
        return text
    half = MOST_TEXT // 2
    return f"{text[:half]}\n[... {len(text) - MOST_TEXT} characters left out ...]\n{text[-half:]}"
