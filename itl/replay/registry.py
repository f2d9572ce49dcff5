"""The CDM registry's side of the exchange: what it calls, and the endpoint where the log calls it back."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from itl.clock import Clock
from itl.codes import CDM, PartyType, ResultIdentifier
from itl.errors import UsageError
from itl.messages import (
    EvaluationResult,
    NotificationRequest,
    NotificationResponse,
    ProposalRequest,
    ProposalTransaction,
    TransactionStatusRequest,
)
from itl.wire import endpoint, server
from itl.wire.contract import Port
from itl.wire.decode import decode_reply
from itl.wire.encode import encode_request
from itl.wire.endpoint import Call, Credentials
from itl.wire.faults import ClientFault
from itl.wire.outgoing import HttpReply, Peer, PeerUnreachable

MAJOR_VERSION, MINOR_VERSION = 1, 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What the log answered to a call: whether it took it, and the codes if not."""

    accepted: bool
    codes: tuple[int, ...]


class Registry:
    """Calls of the CDM registry to the log at `url`.

    A log that cannot be reached is tried again for `patience` seconds, then it is PeerUnreachable: a call that had been
    received all the same does no harm twice. PeerFault for a SOAP fault, UsageError for what is no answer of a log.
    """

    def __init__(self, url: str, user: str, password: str, log_code: str = "ITL", patience: float = 0.0) -> None:
        try:
            self._peer = Peer(url, user=user, password=password)
        except ValueError as error:
            raise UsageError(f"--hub: {error}") from error
        self._patience = patience
        self._head: dict[str, Any] = {
            "sender": CDM,
            "addressee": log_code,
            "major_version": MAJOR_VERSION,
            "minor_version": MINOR_VERSION,
        }

    def propose(self, proposal: ProposalTransaction) -> Answer:
        return self._told("acceptProposal", ProposalRequest(**self._head, proposed_transaction=proposal))

    def notify(self, identifier: str, status: int) -> Answer:
        """Tell the log what became of the registry's own transaction."""
        notification = NotificationRequest(
            **self._head,
            transaction_identifier=identifier,
            transaction_status=int(status),
            party_type=int(PartyType.TRANSFERRING_REGISTRY),
            evaluation_result=(),
        )
        return self._told("acceptNotification", notification)

    def status(self, identifier: str) -> int | None:
        """Where the transaction stands; None for one that the log does not know."""
        request = TransactionStatusRequest(**self._head, transaction_identifier=identifier)
        reply = self._call("getTransactionStatus", request)
        accepted = reply.result_identifier == ResultIdentifier.ACCEPTED
        return int(reply.transaction_status) if accepted else None

    def close(self) -> None:
        self._peer.close()

    def _told(self, operation: str, message: object) -> Answer:
        reply = self._call(operation, message)
        return Answer(reply.result_identifier == ResultIdentifier.ACCEPTED, reply.response_codes or ())

    def _call(self, operation: str, message: object) -> Any:
        reply = self._posted(operation, encode_request(Port.TRANSACTION_LOG, operation, message))
        if reply.status == 401:
            raise UsageError(f"the hub at {self._peer.url} knows no such user or password; give --user and --password")
        try:
            return decode_reply(Port.TRANSACTION_LOG, operation, reply.body)
        except ClientFault as error:
            raise UsageError(
                f"{self._peer.url} does not answer as a log, HTTP status {reply.status}: {error}"
            ) from error

    def _posted(self, operation: str, body: bytes) -> HttpReply:
        end, pause = time.monotonic() + self._patience, 0.1
        while True:
            try:
                return self._peer.post(operation, body)
            except PeerUnreachable:
                if time.monotonic() + pause > end:
                    raise
            time.sleep(pause)
            pause = min(5.0, 2 * pause)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where the log says that a transaction stands, and what it found; `findings` None: it was not told."""

    status: int | None
    findings: tuple[EvaluationResult, ...] | None = None


class Mailbox:
    """The registry's endpoint: keeps what the log notifies until it is asked for. Only the log knows the password."""

    def __init__(self, clock: Clock, host: str = "127.0.0.1", port: int = 0) -> None:
        self.user, self.password = "log", secrets.token_hex(16)
        self._kept: dict[str, Verdict] = {}
        self._arrived = threading.Condition()
        application = endpoint.build(
            Port.REGISTRY,
            {"acceptNotification": self._accept},
            authenticate=self._authenticate,
            clock=clock,
            realm=CDM,
        )
        try:
            self._server = server.serve(application, host, port, threads=1)
        except OSError as error:
            raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}; give another --listen") from error

    @property
    def url(self) -> str:
        return self._server.url + "/"

    def take(self, identifier: str, seconds: float = 0.0) -> Verdict | None:
        """What was notified of the transaction last, waited for at most `seconds`; each notification is told once."""
        with self._arrived:
            self._arrived.wait_for(lambda: identifier in self._kept, seconds)
            return self._kept.pop(identifier, None)

    def close(self) -> None:
        self._server.close()

    def __enter__(self) -> Mailbox:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self, _call: Call, notification: NotificationRequest) -> NotificationResponse:
        verdict = Verdict(notification.transaction_status, notification.evaluation_result)
        with self._arrived:
            self._kept[notification.transaction_identifier] = verdict
            self._arrived.notify_all()
        return NotificationResponse(result_identifier=int(ResultIdentifier.ACCEPTED))

    def _authenticate(self, shown: Credentials) -> str | None:
        right = shown.user == self.user and hmac.compare_digest((shown.password or "").encode(), self.password.encode())
        return self.user if right else None
