"""The relay service: messages between registries and supplementary logs that the log passes on without reading them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from itl.checks import door
from itl.checks.viability import RELAY_IDENTIFIER_USED
from itl.clock import Clock
from itl.lifecycle.transaction import LogIdentity
from itl.messages import RelayRequest, RelayResponse
from itl.services.service import Service
from itl.store.database import Database
from itl.store.reference_data import ReferenceData
from itl.store.relays import accept_relay
from itl.wake import Wake
from itl.wire.endpoint import Call


class RelayService(Service):
    """The log's side of `relayMessage`."""

    def __init__(
        self, database: Database, reference: ReferenceData, clock: Clock, identity: LogIdentity, wake_relay: Wake
    ) -> None:
        super().__init__(database, reference, clock, identity)
        self._wake_relay = wake_relay

    def handlers(self) -> Mapping[str, Callable[[Call, Any], Any]]:
        """What serves each operation."""
        return {"relayMessage": self.relay_message}

    def relay_message(self, call: Call, request: RelayRequest) -> RelayResponse:
        """Stages 1 to 3; the message is kept, and waits on the addressee's relay lane."""

        answer = self._take(
            call,
            request,
            RelayResponse,
            lambda sender, reference, now: door.relay(request, sender, reference, now, self._override.off),
            lambda arrival, content, reference, now: accept_relay(
                self._database, arrival, request, content, now=now, stamp=reference.stamp
            ),
            used=RELAY_IDENTIFIER_USED,
        )
        self._wake_relay.ring()
        return answer
