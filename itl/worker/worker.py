"""The worker's loop: timers, batches, until closed; woken by the door when it runs in the same process."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from itl.clock import Clock
from itl.lifecycle.transaction import LogIdentity, Practice
from itl.settings import Settings
from itl.store import gather
from itl.store.database import Database
from itl.store.reference_data import ReferenceData
from itl.wake import Pause, Wake
from itl.worker.batch import work_once
from itl.worker.judging import Bench, log_bench
from itl.worker.timers import ring_timers

log = structlog.get_logger(__name__)


TOGETHER = 0.03
"""Seconds that a worker waits after a batch that was not full, so that tasks come together: one alone costs as much as
ten. What comes when nothing was going on is done at once."""


class Worker:
    """Does the work of one database's inbox. Several may run: tasks and timers are claimed by row."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        identity: LogIdentity,
        practice: Practice,
        wake: Wake,
        after_work: Callable[[], None] = lambda: None,
        bench: Bench = log_bench,
    ) -> None:
        self._database, self._clock, self._settings = database, clock, settings
        self._identity, self._practice, self._wake = identity, practice, wake
        self._after_work, self._bench = after_work, bench
        self._reference = ReferenceData(database, clock)
        self._closing = threading.Event()

    def run(self) -> None:
        """Until `close`: ring timers and do batches; wait when there is nothing to do."""
        pause = Pause(self._settings.poll)
        while not self._closing.is_set():
            try:
                done = self.once()
            except Exception:
                log.exception("the worker was stopped by its database, it tries again")
                done = 0
            if 0 < done < self._settings.batch:
                self._closing.wait(TOGETHER)
            if done or self._wake.wait(pause.take()):
                pause.found()

    def once(self) -> int:
        """One round: what is due of the timers, and one batch; returns how much was done."""
        due = gather.due(self._database, self._clock())
        rung = done = 0
        if due.timers:
            rung = ring_timers(self._database, self._clock, self._identity, self._practice)
        if due.work:
            done = work_once(
                self._database,
                self._reference,
                self._clock,
                self._identity,
                self._settings.batch,
                bench=self._bench,
            )
        if rung or done:
            self._after_work()
        return rung + done

    def close(self) -> None:
        """End `run` after the batch that is under way."""
        self._closing.set()
        self._wake.ring()
