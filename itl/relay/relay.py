"""The relay: sees which registries have mail and runs a lane for each, so that a dead one delays nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from itl.clock import Clock
from itl.holders import is_dead, new_holder
from itl.lifecycle.transaction import LogIdentity
from itl.relay.lane import Sender, run_lane
from itl.settings import Settings
from itl.store import delivery
from itl.store.database import Database
from itl.store.reference_data import call_addresses
from itl.wake import Wake
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
        self._running: set[str] = set()
        self._guard = threading.Lock()
        self._closing = threading.Event()
        self._peers: dict[str, tuple[tuple[str | None, ...], Peer | None]] = {}

    def run(self) -> None:
        """Until `close`: look for mail, start lanes, wait to be woken."""
        self.release_dead_leases()
        with ThreadPoolExecutor(self._sender.settings.lanes, thread_name_prefix="lane") as pool:
            while not self._closing.is_set():
                try:
                    self._start_lanes(pool)
                except Exception:
                    log.exception("the relay could not look for mail, it tries again")
                self._wake.wait(self._sender.settings.poll)
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
        with self._sender.database.read() as connection:
            receivers = delivery.waiting_receivers(connection, self._sender.clock())
        return sum(run_lane(self._sender, receiver, self._peer(receiver)) for receiver in receivers)

    def release_dead_leases(self) -> None:
        """Free the lanes that a process of this machine held when it was killed, without waiting for the lease."""
        with self._sender.database.write() as connection:
            for receiver, holder in delivery.held_lanes(connection):
                if is_dead(holder):
                    delivery.leave_lane(connection, receiver, holder)

    def _start_lanes(self, pool: ThreadPoolExecutor) -> None:
        with self._sender.database.read() as connection:
            receivers = delivery.waiting_receivers(connection, self._sender.clock())
        for receiver in receivers:
            with self._guard:
                if receiver in self._running:
                    continue
                self._running.add(receiver)
            pool.submit(self._lane, receiver)

    def _lane(self, receiver: str) -> None:
        delivered = 0
        try:
            delivered = run_lane(self._sender, receiver, self._peer(receiver), lambda: not self._closing.is_set())
        except Exception:
            log.exception("a lane broke off, it is taken up again", receiver=receiver)
        finally:
            with self._guard:
                self._running.discard(receiver)
        if delivered:
            self._after_delivery()
            self._wake.ring()

    def _peer(self, receiver: str) -> Peer | None:
        """The connection to a registry, kept open as long as its address stays the same. One lane uses it at a time."""
        with self._sender.database.read() as connection:
            address = call_addresses(connection).get(receiver, (None, None, None))
        known = self._peers.get(receiver)
        if known is None or known[0] != address:
            known = self._peers[receiver] = (address, self._connected(*address))
        return known[1]

    def _connected(self, url: str | None, user: str | None, password: str | None) -> Peer | None:
        settings = self._sender.settings
        if url is None:
            return None
        return Peer(
            url,
            user=user,
            password=password,
            timeout=settings.delivery_timeout,
            certificate=settings.call_certificate,
            key=settings.call_key,
            authority=settings.call_authority,
        )
