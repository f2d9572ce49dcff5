"""A registry: accounts and units, proposals to the log and transfers from it, in a store that survives a crash.

Every public method is one unit of work and safe for threads. What the hub sends is stored and acknowledged by
`receive`, and takes effect in `process`; what the hub is told is queued, and leaves in `deliver`. Both passes can be
called by hand, or run in the background between `start` and `stop`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from itl.clock import Clock, system_clock
from itl.codes import SHARE_OF_PROCEEDS_ACCOUNT
from itl.messages import (
    MessageRequest,
)
from registry_client import bookings, delivery, holdings, incoming, journal, misbehaving, proposing, queues
from registry_client.background import Background
from registry_client.delivery import Hub
from registry_client.errors import TransactionError
from registry_client.faults import Misbehaviour
from registry_client.identifiers import AccountNumber
from registry_client.proposals import Proposals
from registry_client.queues import Incoming, Received
from registry_client.reconciliation import replies
from registry_client.records import Records
from registry_client.rules import WITHOUT_RULES, Decision, Delay, Rules
from registry_client.settings import Settings
from registry_client.store import Store
from registry_client.transactions import Event, State, Transaction
from registry_client.units import Account, Block
from registry_client.work import Work, log

CDM_ACCOUNTS = (
    (Account(110, 1000), 0),
    (Account(*SHARE_OF_PROCEEDS_ACCOUNT), 0),
    (Account(240, 2240), 2),
    (Account(241, 2241), 2),
    (Account(242, 2242), 2),
)
"""The fixed accounts of the CDM registry with their periods (2240 to 2242 and 1100 are published numbers)."""

PARTY_ACCOUNTS = ((Account(100, 1001), 0),)
"""The holding account that every Party's registry begins with."""


class Registry(Records, Proposals):
    """The registry `settings.code`, with its data at `database` and `hub` to reach the log.

    `durable`: every commit is on disk when it returns; else it survives the death of the process, not of the machine
    (for sandboxes and replays). Without a `hub` it only queues what another process on the same database delivers.

    `rules` are the registry's own. StoreError if the database is another's.
    """

    def __init__(
        self,
        settings: Settings,
        hub: Hub | None,
        *,
        database: str = "sqlite://",
        durable: bool = True,
        rules: Rules = WITHOUT_RULES,
        clock: Clock = system_clock,
    ) -> None:
        self.settings = settings
        super().__init__(Store(database, settings.code, durable=durable))
        self._hub = hub
        self._rules = rules
        self._clock = clock
        self._subscribers: list[Callable[[Event], None]] = []
        self._changed = threading.Condition()
        self._executor = ThreadPoolExecutor(settings.senders, thread_name_prefix=f"{settings.code}-sender")
        self._processing = threading.Lock()
        self._delivering = threading.Lock()
        self._background = Background(
            settings.code,
            (self.process, self._next_step),
            (self.deliver, self._next_delivery),
            self.store.version,
            self._heard_of_another,
        )
        with self._work() as work:
            for account, period in CDM_ACCOUNTS if settings.is_cdm else PARTY_ACCOUNTS:
                if holdings.find_account(work.connection, account) is None:
                    holdings.open_account(work.connection, account, period, work.now)
            self._kept_faults = misbehaving.kept(work.connection)
        if not settings.misbehave:
            self.settings = replace(settings, misbehave=self._kept_faults)

    @property
    def code(self) -> str:
        return self.settings.code

    def misbehave(self, *wanted: Misbehaviour) -> None:
        """From now on commit these faults and no others; none: mean well again. It is kept in the database, where a
        process that follows it sees it."""
        with self._work() as work:
            misbehaving.keep(work.connection, wanted)
        self._misbehave(wanted)

    def seed(self, accounts: Sequence[AccountNumber], blocks: Sequence[Block]) -> None:
        """Have accounts and units from the beginning, of which no transaction tells and the log does not hear.

        For registries in play. What was seeded before, or is there, stays as it is; AccountError for units in an
        account that is not there.
        """
        with self._work() as work:
            for number in accounts:
                account = Account(number.account_type, number.identifier)
                if holdings.find_account(work.connection, account) is None:
                    holdings.open_account(work.connection, account, number.period, work.now)
            new = [block for block in blocks if holdings.next_number(work.connection, f"seed:{block.range}", 0) == 0]
            for block in new:
                proposing.open_account_of(work, block.account)
                proposing.next_serials(work, block.range.originating_registry, block.quantity, block.range.start)
            if new:
                bookings.add(work.connection, new, work.now)

    # Accounts

    def open_account(self, account_type: int, *, period: int = 0, identifier: int | None = None) -> AccountNumber:
        """A new account, with a new number or `identifier`; AccountError if that exists."""
        with self._work() as work:
            account = Account(account_type, identifier) if identifier else proposing.next_account(work, account_type)
            holdings.open_account(work.connection, account, period, work.now)
        return AccountNumber(self.code, account.account_type, account.identifier, period)

    def close_account(self, account: Account) -> None:
        """Close an account for good; AccountError if it does not exist or still holds units."""
        with self._work() as work:
            holdings.close_account(work.connection, account, work.now)

    # Messages to the log

    def message(self, text: str) -> None:
        """Let the administrators of the log be told something."""
        major, minor = self.settings.versions
        with self._work() as work:
            request = MessageRequest(
                sender=self.code,
                addressee=self.settings.hub_code,
                major_version=major,
                minor_version=minor,
                message_content=text,
                message_date_time=work.now,
            )
            queues.queue(work.connection, "", request, work.now)

    # What the hub sends

    def receive(self, message: Incoming) -> tuple[int, ...]:
        """Store a message of the hub before it is acknowledged; the codes of why not, if it is not.

        The same content again is acknowledged again, and has no second effect.
        """
        codes = incoming.wrong_head(message, self.settings) or incoming.denial(message, self.settings)
        if not codes:
            with self._work() as work:
                queues.receive(work.connection, message, work.now)
        return codes

    def decide(self, identifier: str, decision: Decision) -> None:
        """Answer a transfer to this registry that the policy delayed; TransactionError if it does not wait for that."""
        with self._work() as work:
            transaction = journal.get(work.connection, identifier)
            if transaction.state is not State.RECEIVED or isinstance(decision, Delay):
                raise TransactionError(f"{identifier} is {transaction.state}: there is nothing to decide")
            incoming.answer(work, transaction, decision)

    def now(self) -> datetime:
        """The registry's time, as it tells it to the log."""
        return self._clock()

    # Passes

    def process(self) -> int:
        """Take up messages that wait in the inbox, a batch at most, and do what reconciliations have to do by now.

        How much there was to do, in messages and steps.
        """
        with self._processing:
            return self._take_up() + self._keep_time()

    def deliver(self) -> int:
        """Send calls that are due, a batch at most; how many were tried."""
        with self._delivering:
            if self._hub is None or self._next_delivery() != 0.0:
                return 0
            self._enquire()
            with self.store.read() as connection:
                calls = queues.due(connection, self._clock(), self.settings.batch)
            sent = delivery.send(self._hub, calls, self._executor)
            with self._work() as work:
                delivery.record(work, sent)
            return len(calls)

    def settle(self) -> None:
        """Process and deliver until nothing is left that could be done now."""
        while self.process() + self.deliver():
            pass

    def start(self, *, follow: timedelta | None = None) -> None:
        """Process and deliver in the background, woken by what happens here.

        `follow`: also look at this interval whether another process wrote to the database.
        """
        self._background.start()
        if follow is not None:
            self.follow(follow)

    def follow(self, interval: timedelta) -> None:
        """Look at this interval whether another process wrote to the database, so that `wait` sees it; until `stop`."""
        self._background.follow(interval)

    def stop(self) -> None:
        """End the background passes; what waits stays in the store."""
        self._background.stop()

    def close(self) -> None:
        """Stop, and let go of the database."""
        self.stop()
        self._executor.shutdown()
        self.store.close()

    def wait(self, identifier: str, timeout: float) -> Transaction:
        """Wait until a transaction is settled here: final, and the hub told all that it is to be told.

        It may still have to come, as a transfer to this registry. TimeoutError after `timeout` seconds.
        """

        def settled() -> bool:
            with self.store.read() as connection:
                found = journal.find(connection, identifier)
            return found is not None and found.is_settled

        with self._changed:
            if not self._changed.wait_for(settled, timeout):
                raise TimeoutError(f"{identifier} is not settled in registry {self.code} after {timeout} seconds")
        return self.transaction(identifier)

    def on_event(self, tell: Callable[[Event], None]) -> None:
        """Let `tell` be called, after each commit and in the thread that made it, with what happened."""
        self._subscribers.append(tell)

    # Inside

    def _follow(self, work: Work, received: Received) -> None:
        subject, transaction = incoming.subject(received.message)
        note = work.guarded(lambda: incoming.follow(work, received.message), subject, transaction)
        queues.take(work.connection, received, work.now, note)

    def _take_up(self) -> int:
        with self.store.read() as connection:
            if not queues.untaken(connection, 1):
                return 0
        with self._work() as work:
            waiting = queues.untaken(work.connection, self.settings.batch)
            for received in waiting:
                self._follow(work, received)
        return len(waiting)

    def _keep_time(self) -> int:
        """One step: a snapshot is frozen, or a part of an answer made."""
        if self._next_step() != 0.0:
            return 0
        with self._work() as work:
            return int(replies.act(work))

    def _next_step(self) -> float | None:
        """Seconds until a snapshot or an answer is due; None if nothing waits."""
        with self.store.read() as connection:
            return self._until(replies.next_due(connection))

    def _until(self, at: datetime | None) -> float | None:
        return None if at is None else max(0.0, (at - self._clock()).total_seconds())

    def _enquire(self) -> None:
        with self.store.read() as connection:
            if not journal.to_enquire(connection, self._clock(), 1):
                return
        with self._work() as work:
            delivery.enquire_about_silent(work)

    def _next_delivery(self) -> float | None:
        """Seconds until a call is due; None if nothing waits."""
        with self.store.read() as connection:
            due = [at for at in (queues.next_due(connection), journal.next_enquiry(connection)) if at is not None]
        return self._until(min(due, default=None))

    def _heard_of_another(self) -> None:
        """Another process wrote to the database: perhaps proposals, perhaps which faults are to be committed."""
        with self.store.read() as connection:
            kept = misbehaving.kept(connection)
            latest = self._clock() + self.settings.enquire_after
            is_late = journal.late_enquiries(connection, latest)
        if kept != self._kept_faults:
            self._misbehave(kept)
        if is_late:  # a command proposed with its own patience; who runs the registry has the say
            with self._work() as work:
                journal.hasten_enquiries(work.connection, latest)
        self._stir()

    def _misbehave(self, wanted: tuple[Misbehaviour, ...]) -> None:
        self._kept_faults = wanted
        self.settings = replace(self.settings, misbehave=wanted)

    def _stir(self) -> None:
        """Something was committed: passes and waiters look whether it is for them."""
        self._background.wake()
        with self._changed:
            self._changed.notify_all()

    @contextmanager
    def _work(self) -> Iterator[Work]:
        """A unit of work; when it is committed, waiters and passes wake and subscribers are told."""
        with self.store.write() as connection:
            work = Work(connection, self._clock(), self.settings, self._rules)
            yield work
        self._stir()
        for tell in tuple(self._subscribers):
            for event in work.events:
                try:
                    tell(event)
                except Exception:
                    log.exception("a subscriber failed on %s", event)
