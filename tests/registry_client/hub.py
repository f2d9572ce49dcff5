"""The few-line log over real HTTP: registries call it by SOAP, and it calls them."""

from __future__ import annotations

import threading
from types import TracebackType

import requests

from itl.clock import system_clock
from itl.wire.contract import OPERATIONS, Port
from itl.wire.decode import decode_reply
from itl.wire.encode import encode_request
from itl.wire.endpoint import Credentials, build
from itl.wire.server import serve
from registry_client.delivery import Response
from registry_client.queues import Incoming, Outgoing
from tests.registry_client.log import Log

RETRY = 0.05
"""Seconds until a registry that is away is called again."""


def call(url: str, message: object, *, user: str | None = None, password: str = "") -> object:
    """Call a registry's endpoint as a hub does; its typed reply."""
    port = Port.REGISTRY
    operation = next(name for name, entry in OPERATIONS[port].items() if entry.request is type(message))
    reply = requests.post(
        url,
        encode_request(port, operation, message),
        headers={"SOAPAction": f'"{operation}"', "Content-Type": "text/xml; charset=utf-8"},
        auth=None if user is None else (user, password),
        timeout=20,
    )
    if reply.status_code not in (200, 500):
        reply.raise_for_status()
    return decode_reply(port, operation, reply.content)


class HttpLog(Log):
    """A `Log` that is served at `url`, and relays to the `addresses` of registries until they answer."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: dict[str, str] = {}
        self.is_locked = False
        self._woken = threading.Condition()
        self._closing = False
        operations = (
            "acceptProposal",
            "acceptNotification",
            "acceptMessage",
            "getTransactionStatus",
            "receiveTotals",
            "receiveUnitBlocks",
            "receiveAuditTrail",
        )
        self._server = serve(
            build(
                Port.TRANSACTION_LOG,
                {name: lambda call, message: self.send(message) for name in operations},
                authenticate=self._identify,
                clock=system_clock,
            ),
            "127.0.0.1",
        )
        self.url = f"{self._server.url}/TransactionLogService"
        self._relaying = threading.Thread(target=self._relay, daemon=True)
        self._relaying.start()

    def __enter__(self) -> HttpLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._woken:
            self._closing = True
            self._woken.notify()
        self._relaying.join()
        self._server.close()

    def send(self, request: Outgoing) -> Response:
        response = super().send(request)
        with self._woken:
            self._woken.notify()
        return response

    def _identify(self, credentials: Credentials) -> str | None:
        """Basic user and password are the registry's code in lower case."""
        return None if self.is_locked or credentials.user != credentials.password else credentials.user

    def _relay(self) -> None:
        while True:
            with self._woken:
                self._woken.wait_for(lambda: self._closing or self.waiting)
                if self._closing:
                    return
            if not self._relayed(*self.waiting[0]):
                with self._woken:
                    self._woken.wait_for(lambda: self._closing, RETRY)
            else:
                del self.waiting[0]

    def _relayed(self, addressee: str, message: Incoming) -> bool:
        try:
            reply = call(self.addresses[addressee], message)
        except requests.ConnectionError:
            return False
        return getattr(reply, "result_identifier", 0) == 1
