"""What the log does from time to time: timers that are rows, rung in a thread of their own.

A task may read for long, so it reads first, in a unit of work that locks nothing, and then writes what follows in one
short commit, in which it claims its timer: of several workers one does it, and transactions go on meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from itl.clock import Clock
from itl.lifecycle.transaction import LogIdentity
from itl.reference import Reference
from itl.settings import Settings
from itl.store import notice_book, notice_raising, standing, time_comparisons, timers
from itl.store.database import Database
from itl.store.notice_rules import RULES, Look
from itl.store.reference_data import ReferenceData
from itl.store.time_comparisons import Tolerance
from itl.store.timers import Timer
from itl.wake import Wake

log = structlog.get_logger(__name__)

TIME, STANDING, NOTICES, OVERDUE = "time", "standing", "notices", "overdue notices"


@dataclass(frozen=True, slots=True)
class Office:
    """What tasks work with."""

    database: Database
    reference: ReferenceData
    clock: Clock
    settings: Settings
    identity: LogIdentity


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of timer."""

    subjects: Callable[[Reference], Iterable[str]]
    """For whom or what there is a timer of this kind."""
    every: Callable[[Settings], float]
    """Seconds between two times, where the timer has no interval of its own."""
    run: Callable[[Office, Timer], None]


def registries_with_address(reference: Reference) -> list[str]:
    """Registries in force that can be called."""
    return [code for code, each in reference.registries.items() if each.is_registry and each.url is not None]


def ask_for_the_time(office: Office, timer: Timer) -> None:
    """A question that has no answer when the next one is due is given up, so that none of them pile up."""
    with office.database.write() as connection:
        now = office.clock()
        if not timers.claim(connection, timer):
            return
        every = timer.every or timedelta(seconds=office.settings.time_every)
        tolerance = tolerance_of(office.settings)
        time_comparisons.ask(
            connection, timer.subject, office.identity, tolerance, "schedule", now, expires_at=now + every
        )
        timers.done(connection, timer, now, every)


def tolerance_of(settings: Settings) -> Tolerance:
    """How far clocks may be off, by the settings."""
    return Tolerance(timedelta(seconds=settings.time_warning), timedelta(seconds=settings.time_alarm))


def look_for_lasting_trouble(office: Office, timer: Timer) -> None:
    """Propose to the operator what may have to be suspended."""
    settings = office.settings
    lasting = {
        "unreachable": timedelta(seconds=settings.suspend_unreachable_after),
        "inconsistent": timedelta(seconds=settings.suspend_inconsistent_after),
        "unreconciled": timedelta(seconds=settings.suspend_unreconciled_after),
    }
    with office.database.write() as connection:
        now = office.clock()
        if timers.claim(connection, timer):
            for each in standing.propose(connection, lasting, now):
                log.warning(
                    "suspension proposed", registry=each.registry, rule=each.rule, since=each.since, why=each.why
                )
            timers.done(connection, timer, now, timedelta(seconds=STANDING_EVERY))


def raise_notices(office: Office, timer: Timer) -> None:
    """What a rule finds, which may take long, and then the notices, in one commit with their messages."""
    rule, settings = timer.subject, office.settings
    with office.database.snapshot() as connection:
        now = office.clock()
        reference = office.reference.fresh(connection)
        look = Look(connection, reference, now, timedelta(days=settings.expiry_notice_days))
        drafts = list(RULES[rule].find(look))
    with office.database.write() as connection:
        if timers.claim(connection, timer):
            due = now.date() + timedelta(days=settings.notice_due_days)
            notice_raising.carry_out(connection, rule, drafts, reference, due, now)
            timers.done(connection, timer, now, timedelta(seconds=settings.notices_every))


def look_for_overdue_notices(office: Office, timer: Timer) -> None:
    with office.database.write() as connection:
        now = office.clock()
        if timers.claim(connection, timer):
            notice_book.note_overdue(connection, now)
            timers.done(connection, timer, now, timedelta(seconds=office.settings.notices_every))


STANDING_EVERY = 300.0

TASKS: Mapping[str, Task] = {
    NOTICES: Task(lambda _reference: RULES, lambda settings: settings.notices_every, raise_notices),
    OVERDUE: Task(lambda _reference: [""], lambda settings: settings.notices_every, look_for_overdue_notices),
    STANDING: Task(lambda _reference: [""], lambda _settings: STANDING_EVERY, look_for_lasting_trouble),
    TIME: Task(registries_with_address, lambda settings: settings.time_every, ask_for_the_time),
}


class Administration:
    """Rings the timers of one database. Several may run: timers are claimed by row."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        identity: LogIdentity,
        after_work: Callable[[], None] = lambda: None,
        tasks: Mapping[str, Task] = TASKS,
    ) -> None:
        self._office = Office(database, ReferenceData(database, clock), clock, settings, identity)
        self._after_work, self._tasks = after_work, tasks
        self._wake = Wake()
        self._closing = threading.Event()
        self._ensured: int | None = None

    def run(self) -> None:
        """Until `close`: do what is due, then wait."""
        while not self._closing.is_set():
            try:
                self.once()
            except Exception:
                log.exception("administration was stopped by its database, it tries again")
            self._wake.wait(self._office.settings.poll)

    def once(self) -> int:
        """All that is due now; returns how many timers rang."""
        self._ensure()
        with self._office.database.read() as connection:
            due = timers.due(connection, self._office.clock())
        rung = [timer for timer in due if timer.kind in self._tasks]
        for timer in rung:
            if self._closing.is_set():
                break
            self._ring(timer)
        if rung:
            self._after_work()
        return len(rung)

    def close(self) -> None:
        """End `run` after the task that is under way."""
        self._closing.set()
        self._wake.ring()

    def _ring(self, timer: Timer) -> None:
        try:
            self._tasks[timer.kind].run(self._office, timer)
        except Exception as error:
            log.exception("a timer failed, it is put off", kind=timer.kind, subject=timer.subject)
            with self._office.database.write() as connection:
                timers.put_off(connection, timer, self._office.clock(), str(error))

    def _ensure(self) -> None:
        """There is a timer for all that need one, each due for the first time one interval after it is made.

        Who needs one follows from the reference data, so its stamp says when to look.
        """
        with self._office.database.read() as connection:
            reference = self._office.reference.fresh(connection)
        if reference.stamp == self._ensured:
            return
        with self._office.database.write() as connection:
            for kind, task in self._tasks.items():
                first = self._office.clock() + timedelta(seconds=task.every(self._office.settings))
                timers.ensure(connection, kind, task.subjects(reference), first)
        self._ensured = reference.stamp
