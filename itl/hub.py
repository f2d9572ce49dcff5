"""The log put together: one database, one clock, and the parts that share them in one process."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from itl.checks.override import PLAIN, Override, load
from itl.clock import Clock, system_clock
from itl.codes import ReconciliationStatus
from itl.errors import UsageError
from itl.lifecycle.reconciliation_events import Practice as ReconciliationPractice
from itl.lifecycle.transaction import LogIdentity, Practice
from itl.reference import Environment
from itl.relay.relay import Relay
from itl.roles import Loop, role_of
from itl.services.reconciliation import ReconciliationService
from itl.services.relay import RelayService
from itl.services.service import Service
from itl.services.transaction import TransactionService
from itl.settings import Settings
from itl.store.acceptance import log_answer
from itl.store.arrival import Arrival
from itl.store.database import Database
from itl.store.enrolment import FIRST_VERSION
from itl.store.environment import require_environment
from itl.store.reference_data import ReferenceData
from itl.store.schema import require_current
from itl.wake import Wake
from itl.wire import endpoint
from itl.wire.contract import Port, service_name
from itl.wire.faults import WireFault
from itl.wire.limits import LIMITS
from itl.worker.administration import Administration
from itl.worker.judging import log_bench
from itl.worker.reconciling import Reconciler
from itl.worker.worker import Worker

REALM = "International Transaction Log"
NOTICE = "This is a test environment: no unit in it is real."
"""What the endpoints of a test environment tell whoever asks what they are."""


class Hub:
    """A log on the database of `settings`. Any of its parts may run here; the others run elsewhere on the same one.

    Raises StoreError where the database is not at the schema of this program, UsageError where it is of another
    environment than the settings say.
    """

    def __init__(self, settings: Settings, clock: Clock = system_clock) -> None:
        self.settings, self.clock = settings, clock
        self.role = role_of(settings.role)
        self.database = Database(settings.database, connections=settings.threads + settings.lanes)
        require_current(self.database, () if self.role is None else self.role.migrations)
        require_environment(self.database, settings.environment)
        self.reference = ReferenceData(self.database, clock, timedelta(seconds=settings.clock_tolerance))
        self.identity = identity_of(self.reference, settings)
        self.practice = Practice(settings.cleanup, settings.flag_accepted)
        self.wake_worker, self.wake_relay, self.wake_reconciler = Wake(), Wake(), Wake()
        self.worker = Worker(
            self.database,
            clock,
            settings,
            self.identity,
            self.practice,
            self.wake_worker,
            self.wake_relay.ring,
            log_bench if self.role is None else self.role.bench,
        )
        self.relay = Relay(self.database, clock, settings, self.identity, self.wake_relay, self._after_delivery)
        self.administration = Administration(self.database, clock, settings, self.identity, self.wake_relay.ring)
        self.reconciler = Reconciler(
            self.database, clock, settings, self.identity, self.wake_reconciler, self.wake_relay.ring
        )
        self.loops: Mapping[str, Loop] = {
            "worker": self.worker,
            "reconciler": self.reconciler,
            "relay": self.relay,
            "administration": self.administration,
            **({} if self.role is None else self.role.loops(self)),
        }
        """What works by itself, each in a thread: by name."""
        self._threads: list[threading.Thread] = []

    def application(self) -> endpoint.Wsgi:
        """The WSGI application of all that is offered here: the log's port, and beside it what a role adds."""
        service = TransactionService(
            self.database,
            self.reference,
            self.clock,
            self.identity,
            self.practice,
            self.wake_worker,
            self.wake_relay,
        )
        reconciliations = ReconciliationService(
            self.database, self.reference, self.clock, self.identity, self.wake_reconciler
        )
        log = self.offer(Port.TRANSACTION_LOG, {**service.handlers(), **reconciliations.handlers()}, service)
        relays = RelayService(self.database, self.reference, self.clock, self.identity, self.wake_relay)
        relay = self.offer(Port.RELAY, relays.handlers(), relays)
        added = {} if self.role is None else self.role.applications(self)
        return endpoint.beside(log, {service_name(Port.RELAY): relay, **added})

    def offer(self, port: Port, handlers: Mapping[str, endpoint.Handler], service: Service) -> Any:
        """The endpoint of a port with what it serves; `service` knows who calls."""
        public = self.settings.public_url
        if public is not None and port is not Port.TRANSACTION_LOG:
            public = f"{public.rpartition('/')[0]}/{service_name(port)}"
        return endpoint.build(
            port,
            handlers,
            authenticate=service.authenticate,
            clock=self.clock,
            on_refusal=self._log_refusal,
            limits=replace(LIMITS, validate=self.settings.validate_by_schema),
            trusted_proxies=self.settings.trusted_proxies,
            realm=REALM,
            public_url=public,
            notice=NOTICE if self.reference.current.environment is Environment.TEST else "",
        )

    def start_work(self) -> None:
        """Run all loops in threads of this process."""
        for name, loop in self.loops.items():
            thread = threading.Thread(target=loop.run, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def settle_down(self) -> None:
        """Do, in this thread, all that is due now for transactions and reconciliations: for tests, and to step through
        old traffic."""
        while self.worker.once() or self.reconciler.once() or self.relay.deliver_once():
            pass

    def close(self) -> None:
        """End the loops after what they have in hand, and let the database go."""
        for loop in self.loops.values():
            loop.close()
        for thread in self._threads:
            thread.join(self.settings.delivery_timeout + 5)
        if not self._threads:
            self.relay.hang_up()
        self.database.close()

    def _after_delivery(self) -> None:
        self.wake_worker.ring()
        self.wake_reconciler.ring()

    def _log_refusal(self, call: endpoint.Call, fault: WireFault) -> None:
        """What could not be read is kept as well, raw, with what was wrong with it."""
        identity = call.identity
        arrival = Arrival(
            operation=call.operation,
            sender=None if identity is None else identity.registry,
            addressee=None,
            transaction_identifier=None,
            body=call.body,
            received_at=call.received_at,
            remote_address=call.remote_address,
        )
        log_answer(self.database, arrival, "fault", self.clock(), detail=str(fault)[:4000])


def reconciliation_practice(settings: Settings) -> ReconciliationPractice:
    """Times of a reconciliation by the settings; UsageError for a status that tells no registry that it agrees."""
    told = settings.reconciliation_equal_status
    if told not in (ReconciliationStatus.VALIDATED, ReconciliationStatus.COMPLETED):
        raise UsageError(f"setting reconciliation_equal_status: {told} is neither 2 (validated) nor 5 (completed)")
    return ReconciliationPractice(
        lead=timedelta(seconds=settings.reconciliation_lead),
        grace=timedelta(seconds=settings.reconciliation_grace),
        confirmation=timedelta(seconds=settings.reconciliation_confirmation),
        totals=timedelta(seconds=settings.reconciliation_totals_timeout),
        unit_blocks=timedelta(seconds=settings.reconciliation_blocks_timeout),
        audit_trail=timedelta(seconds=settings.reconciliation_trail_timeout),
        parts=timedelta(seconds=settings.reconciliation_parts_wait),
        attempts=settings.reconciliation_attempts,
        equal_status=told,
    )


def override_of(settings: Settings) -> Override:
    """The override file of the settings; UsageError where it cannot be followed."""
    return PLAIN if settings.overrides is None else load(Path(settings.overrides))


def identity_of(reference: ReferenceData, settings: Settings) -> LogIdentity:
    """What the log signs its messages with: its code, and the version that a registry speaks of which nothing is said.

    As a message goes out it is written in the version that its receiver speaks (`store.versions`).
    """
    role = role_of(settings.role)
    major, minor = min(reference.current.versions, default=FIRST_VERSION)
    return LogIdentity(
        reference.current.log_code,
        major,
        minor,
        settings.tell_acquirer_of_termination,
        override_of(settings),
        reconciliation_practice(settings),
        {} if role is None else role.led,
    )
