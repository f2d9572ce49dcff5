"""The relay: sees which lanes have mail and runs each, so that a dead one delays nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from itl.clock import Clock
from itl.holders import is_dead, new_holder
from itl.lifecycle.transaction import LogIdentity
from itl.relay.lane import run_lane
from itl.relay.outcomes import Outcomes
from itl.relay.sender import Sender
from itl.settings import Settings
from itl.store import delivery
from itl.store.database import Database
from itl.store.delivery import Address, Lane
from itl.wake import Pause, Wake
from itl.wire.outgoing import Peer

log = structlog.get_logger(__name__)


class Relay:
    """Delivers the outbox of one database. Several may run, in one process or many: lanes are leased."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        identity: LogIdentity,
        wake: Wake,
        after_delivery: Callable[[], None] = lambda: None,
    ) -> None:
        self._sender = Sender(database, clock, settings, identity, new_holder())
        self._wake = wake
        self._after_delivery = after_delivery
        self._running: dict[Lane, Outcomes] = {}
        self._guard = threading.Lock()
        self._closing = threading.Event()
        self._peers: dict[Lane, tuple[Address, Peer | None]] = {}

    def run(self) -> None:
        """Until `close`: look for mail, start lanes, wait to be woken."""
        self.release_dead_leases()
        with ThreadPoolExecutor(self._sender.settings.lanes, thread_name_prefix="lane") as pool:
            pause = Pause(self._sender.settings.poll)
            while not self._closing.is_set():
                try:
                    self._record_late()
                    self._start_lanes(pool)
                except Exception:
                    log.exception("the relay could not look for mail, it tries again")
                if self._wake.wait(pause.take()):
                    pause.found()
        self.hang_up()

    def close(self) -> None:
        """End `run` after the deliveries that are under way."""
        self._closing.set()
        self._wake.ring()

    def hang_up(self) -> None:
        """Let go of the connections that are kept open; no lane may be running."""
        for _, peer in self._peers.values():
            if peer is not None:
                peer.close()
        self._peers.clear()

    def deliver_once(self) -> int:
        """All that is due now, lane by lane in this thread; returns how many messages were delivered."""
        waiting = delivery.waiting_lanes(self._sender.database, self._sender.clock())
        return sum(run_lane(self._sender, lane, self._peer(lane, at)) for lane, at in waiting.items())

    def release_dead_leases(self) -> None:
        """Free the lanes that a process of this machine held when it was killed, without waiting for the lease."""
        with self._sender.database.write() as connection:
            for lane, holder in delivery.held_lanes(connection):
                if is_dead(holder):
                    delivery.leave_lane(connection, lane, holder)

    def _record_late(self) -> None:
        """While a peer takes its time over one message, what it answered before does not wait for that."""
        with self._guard:
            late = [outcomes for outcomes in self._running.values() if outcomes.are_late]
        for outcomes in late:
            outcomes.record()

    def _start_lanes(self, pool: ThreadPoolExecutor) -> None:
        for lane, address in delivery.waiting_lanes(self._sender.database, self._sender.clock()).items():
            with self._guard:
                if lane in self._running:
                    continue
                outcomes = self._running[lane] = Outcomes(self._sender, lane)
            pool.submit(self._lane, lane, address, outcomes)

    def _lane(self, lane: Lane, address: Address, outcomes: Outcomes) -> None:
        delivered = 0
        try:
            peer = self._peer(lane, address)
            delivered = run_lane(self._sender, lane, peer, lambda: not self._closing.is_set(), outcomes)
        except Exception:
            log.exception("a lane broke off, it is taken up again", receiver=lane.receiver, queue=lane.queue)
        finally:
            with self._guard:
                del self._running[lane]
        if delivered:
            self._after_delivery()
            self._wake.ring()

    def _peer(self, lane: Lane, address: Address) -> Peer | None:
        """The connection to a receiver, kept open as long as its address stays the same. One lane uses it at a time."""
        known = self._peers.get(lane)
        if known is None or known[0] != address:
            known = self._peers[lane] = (address, self._connected(address))
        return known[1]

    def _connected(self, address: Address) -> Peer | None:
        settings = self._sender.settings
        if address.url is None:
            return None
        return Peer(
            address.url,
            user=address.user,
            password=address.password,
            timeout=settings.delivery_timeout,
            certificate=settings.call_certificate,
            key=settings.call_key,
            authority=settings.call_authority,
        )
