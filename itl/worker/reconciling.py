"""The loop of reconciliations: schedules that are due, timers that rang, answers that are to be compared.

A loop of its own, beside the worker's, so that a long comparison holds up no transaction. Everything is claimed by row;
a comparison, which takes its time, by a lease.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy.exc import IntegrityError

from itl.clock import Clock
from itl.errors import ConflictError
from itl.holders import is_dead, new_holder
from itl.lifecycle.reconciliation_events import ONWARD, Step, TimeUp
from itl.lifecycle.transaction import LogIdentity
from itl.settings import Settings
from itl.store import reconciliations as store
from itl.store import supplementary_reconciliations as supplements
from itl.store.database import Database
from itl.store.passing_on import collect
from itl.store.reconciliation_acceptance import shortfall
from itl.store.reconciliation_answers import has_answer
from itl.store.reconciliations import Plan, Reconciliation
from itl.store.reference_data import load_reference
from itl.store.schedules import advance, due_schedules
from itl.wake import Wake
from itl.worker.comparing import compared

log = structlog.get_logger(__name__)

LEASE = timedelta(hours=1)
"""Longer than any comparison; that of a process that died on this machine is released by the next that starts."""
PUT_OFF_FIRST, PUT_OFF_MOST = timedelta(seconds=30), timedelta(hours=1)
IN_PARTS = (Step.UNIT_BLOCKS, Step.AUDIT_TRAIL)
SCHEDULE = "schedule"
"""Who starts what no operator did."""


class Reconciler:
    """Carries the reconciliations of one database on. Several may run."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        identity: LogIdentity,
        wake: Wake,
        after_work: Callable[[], None] = lambda: None,
    ) -> None:
        self._database, self._clock, self._settings = database, clock, settings
        self._identity, self._wake, self._after_work = identity, wake, after_work
        self._holder = new_holder()
        self._closing = threading.Event()

    def run(self) -> None:
        """Until `close`: do what is due; wait when nothing is."""
        self.release_dead_leases()
        while not self._closing.is_set():
            try:
                done = self.once()
            except Exception:
                log.exception("reconciling was stopped by its database, it tries again")
                done = 0
            if not done:
                self._wake.wait(self._settings.poll)

    def close(self) -> None:
        """End `run` after what is under way."""
        self._closing.set()
        self._wake.ring()

    def once(self) -> int:
        """One round; returns how much was done."""
        if not store.anything_due(self._database, self._clock()):
            return 0
        done = self._start_scheduled() + self._ring_timer() + self._compare() + self._bring_on_part()
        if done:
            self._after_work()
        return done

    def release_dead_leases(self) -> None:
        """Free what a process of this machine had in hand when it was killed, without waiting for the lease."""
        with self._database.write() as connection:
            for key, holder in store.leases(connection):
                if is_dead(holder):
                    store.release(connection, key, holder)

    def _start_scheduled(self) -> int:
        """Begin one reconciliation that is due; where one is running already, it counts for this time as well."""
        try:
            with self._database.write() as connection:
                now = self._clock()
                for schedule in due_schedules(connection, now, limit=1):
                    next_at = advance(connection, schedule, now)
                    running = store.running_of(connection, schedule.registry)
                    if running is None:
                        registry = load_reference(connection, now).registry_in_force(schedule.registry)
                        may = registry is not None and registry.may_reconcile
                        plan = Plan(
                            schedule.registry, SCHEDULE, schedule.reason, by_account=schedule.by_account, scheduled=True
                        )
                        store.start(connection, plan, self._identity, now, may=may)
                    log.info("reconciliation due", registry=schedule.registry, running=running, next_at=next_at)
                    return 1
        except IntegrityError:  # another process began one at this moment: looked at again
            return 1
        return 0

    def _ring_timer(self) -> int:
        with self._database.write() as connection:
            found = store.due(connection, self._clock(), limit=1)
        for each in found:
            self._attempt(each, self._time_up)
        return len(found)

    def _time_up(self, found: Reconciliation) -> None:
        with self._database.write() as connection:
            now = self._clock()
            again = store.find(connection, found.head.identifier, lock=True)
            if again is None or again.due_at is None or again.due_at > now or again.head != found.head:
                return  # another process, or an answer, was first
            received = found.head.step in (*IN_PARTS, *ONWARD) and has_answer(connection, found.id)
            blocks = found.head.step in (Step.UNIT_BLOCKS, Step.UNIT_BLOCKS_ONWARD)
            wanting = shortfall(connection, found) if received and blocks else None
            event = TimeUp(received, wanting)
            progress = store.proceed(connection, again, event, self._identity, now, self._identity.code)
        log.info(
            "timer of a reconciliation rang",
            reconciliation=found.head.identifier,
            step=found.head.step,
            becomes=progress.step,
            outcome=progress.outcome,
        )

    def _compare(self) -> int:
        now = self._clock()
        with self._database.write() as connection:
            found = store.lease(connection, self._holder, now, now + LEASE)
        if found is None:
            return 0
        self._attempt(found, self._compare_one)
        return 1

    def _compare_one(self, found: Reconciliation) -> None:
        tolerance = timedelta(seconds=self._settings.reconciliation_tolerance)
        with compared(self._database, found, tolerance) as record, self._database.write() as connection:
            now = self._clock()
            if not store.holds(connection, found, self._holder, now + LEASE):
                raise ConflictError(f"{found.head.identifier} is in other hands; what was found here is dropped")
            event = record(connection, self._identity.code, now)
            progress = store.proceed(connection, found, event, self._identity, now, self._identity.code)
        log.info(
            "compared",
            reconciliation=found.head.identifier,
            step=found.head.step,
            becomes=progress.step,
            status=progress.status,
            detail=progress.detail,
        )

    def _bring_on_part(self) -> int:
        """A supplementary log's part whose timer rang, or that wants something of the registry."""
        with self._database.write() as connection:
            due = supplements.next_due(connection, self._clock())
        if due is None:
            return 0
        key, stl = due
        try:
            self._part(key, stl)
        except ConflictError as moved:
            log.info("moved on meanwhile", supplementary_log=stl, problem=str(moved))
        except Exception as error:
            log.exception("a supplementary log's part put off", supplementary_log=stl)
            with self._database.write() as connection:
                wait = _wait(supplements.failures_of_part(connection, key, stl))
                supplements.put_off_part(connection, key, stl, self._clock() + wait, str(error))
        return 1

    def _part(self, key: int, stl: str) -> None:
        with self._database.write() as connection:
            now = self._clock()
            found = store.with_id(connection, key, lock=True)
            part = supplements.part_of(connection, key, stl)
            if part is None or not supplements.is_due(connection, key, stl, now):
                return  # another process, or a message, was first
            if part.wants is not None:
                collect(connection, found, part, self._identity, now)
            else:
                supplements.proceed_part(
                    connection, key, found.head, part, TimeUp(), self._identity, now, self._identity.code
                )
        log.info(
            "brought on a supplementary log's part",
            reconciliation=found.head.identifier,
            supplementary_log=stl,
            step=part.step,
        )

    def _attempt(self, found: Reconciliation, do: Callable[[Reconciliation], None]) -> None:
        """What fails is put off with its problem on record: it holds up no other reconciliation."""
        try:
            do(found)
        except ConflictError as moved:
            log.info("moved on meanwhile", reconciliation=found.head.identifier, problem=str(moved))
            with self._database.write() as connection:
                store.release(connection, found.id, self._holder)
        except Exception as error:
            log.exception("reconciliation put off", reconciliation=found.head.identifier)
            with self._database.write() as connection:
                now = self._clock()
                failures = store.failures_of(connection, found)
                store.put_off(connection, found, now + _wait(failures), str(error))


def _wait(failures: int) -> timedelta:
    """Until the next attempt, after so many that failed before."""
    return min(PUT_OFF_MOST, PUT_OFF_FIRST * (1 << min(failures, 20)))
