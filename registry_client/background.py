"""The two passes of a registry in threads of their own, each asleep until there is something for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

log = logging.getLogger("registry_client")

Pass = tuple[Callable[[], int], Callable[[], float | None]]

PAUSE_AFTER_ERROR = 1.0
"""Seconds after which a pass that failed as a whole (a full disk, a locked database) is tried again."""


class Background:
    """Runs the pass of `process` and of `deliver` until it returns 0, then sleeps until `wake`, or until its next time.

    Each is the pass, and what gives the seconds until it has something to do by itself, None if nothing. `version` is
    a number that another connection's commits change.
    """

    def __init__(
        self,
        name: str,
        process: Pass,
        deliver: Pass,
        version: Callable[[], int],
        changed: Callable[[], None],
    ) -> None:
        self._name = name
        self._process = process
        self._deliver = deliver
        self._version = version
        self._changed = changed
        self._wakers = (threading.Event(), threading.Event())
        self._stopping = threading.Event()
        self._threads: dict[str, threading.Thread] = {}

    def start(self) -> None:
        """Begin both passes, unless they run."""
        process, deliver = self._wakers
        self._run("process", lambda: self._loop(*self._process, process))
        self._run("deliver", lambda: self._loop(*self._deliver, deliver))

    def follow(self, interval: timedelta) -> None:
        """Begin to look for what other connections wrote, and call `changed` for it."""
        self._run("follow", lambda: self._watch(interval))

    def stop(self) -> None:
        self._stopping.set()
        self.wake()
        while self._threads:
            self._threads.popitem()[1].join()
        self._stopping.clear()

    def wake(self) -> None:
        """Something was committed: both passes look whether it is for them."""
        for waker in self._wakers:
            waker.set()

    def _loop(self, act: Callable[[], int], pause: Callable[[], float | None], waker: threading.Event) -> None:
        while not self._stopping.is_set():
            waker.clear()
            try:
                busy = act()
                seconds = 0.0 if busy else pause()
            except Exception:
                log.exception("a pass of registry %s failed", self._name)
                seconds = PAUSE_AFTER_ERROR
            if seconds != 0.0:
                waker.wait(seconds)

    def _watch(self, interval: timedelta) -> None:
        seen = self._version()
        while not self._stopping.wait(interval.total_seconds()):
            current = self._version()
            if current != seen:
                seen = current
                self._changed()

    def _run(self, task: str, act: Callable[[], None]) -> None:
        if task not in self._threads:
            thread = threading.Thread(target=act, name=f"{self._name}-{task}", daemon=True)
            self._threads[task] = thread
            thread.start()
