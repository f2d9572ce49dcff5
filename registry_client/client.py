"""A registry's calls to the hub, over zeep: typed messages out, typed answers in, one small family of errors."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

import requests
from lxml import etree
from requests.auth import HTTPBasicAuth

from itl.codes import PartyType
from itl.messages import (
    EvaluationResult,
    MessageRequest,
    MessageResponse,
    NotificationRequest,
    NotificationResponse,
    ProposalRequest,
    ProposalResponse,
    ProposalTransaction,
    ReceiveAuditTrailRequest,
    ReceiveUnitBlocksRequest,
    TransactionStatusRequest,
    TransactionStatusResponse,
)
from itl.wire.contract import OPERATIONS, Port
from itl.wire.decode import decode_reply
from itl.wire.encode import encode_request
from itl.wire.envelope import parse
from itl.wire.faults import ClientFault, PeerFault
from itl.wire.limits import LIMITS
from registry_client import soap
from registry_client.delivery import Response
from registry_client.errors import FaultEntry, HubFault, HubUnreachable
from registry_client.queues import Outgoing

_OPERATIONS: dict[type[Any], str] = {
    operation.request: name for name, operation in OPERATIONS[Port.TRANSACTION_LOG].items()
}

_LARGE = (ReceiveUnitBlocksRequest, ReceiveAuditTrailRequest)
"""Requests without a bound on their size, written by this contract's own encoder."""

Answer = TypeVar("Answer")


class RegistryClient:
    """Calls the hub at `hub_url` as the registry `code`.

    `user` and `password` for HTTP Basic; `certificate` a client certificate: the path of a PEM file with its key, or
    the paths of both; `authority` the path of the certificates to trust, instead of the system's. `timeout` in seconds,
    for connecting and for each wait for the answer. Safe for threads: each has a session of its own. Every call is
    HubUnreachable or HubFault if there is no answer.
    """

    def __init__(
        self,
        hub_url: str,
        *,
        code: str,
        user: str | None = None,
        password: str | None = None,
        certificate: str | tuple[str, str] | None = None,
        authority: str | None = None,
        timeout: float = 60.0,
        hub_code: str = "ITL",
        versions: tuple[int, int] = (1, 1),
    ) -> None:
        self.hub_url = hub_url
        self.code = code
        self.hub_code = hub_code
        self.versions = versions
        self._timeout = (min(timeout, 10.0), timeout)
        self._authentication = HTTPBasicAuth(user, password or "") if user is not None else None
        self._certificate = certificate
        self._authority = authority
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    def propose(self, proposal: ProposalTransaction) -> ProposalResponse:
        """Propose a transaction."""
        major, minor = self.versions
        request = ProposalRequest(
            sender=self.code,
            addressee=self.hub_code,
            major_version=major,
            minor_version=minor,
            proposed_transaction=proposal,
        )
        return self._call(request, ProposalResponse)

    def notify(
        self,
        transaction_identifier: str,
        status: int,
        evaluation_result: Sequence[EvaluationResult] = (),
        *,
        party_type: int = PartyType.TRANSFERRING_REGISTRY,
    ) -> NotificationResponse:
        """Tell the log what became of a transaction."""
        major, minor = self.versions
        request = NotificationRequest(
            sender=self.code,
            addressee=self.hub_code,
            major_version=major,
            minor_version=minor,
            transaction_identifier=transaction_identifier,
            transaction_status=status,
            party_type=party_type,
            evaluation_result=tuple(evaluation_result),
        )
        return self._call(request, NotificationResponse)

    def status(self, transaction_identifier: str) -> TransactionStatusResponse:
        """Ask the log where a transaction stands."""
        major, minor = self.versions
        request = TransactionStatusRequest(
            sender=self.code,
            addressee=self.hub_code,
            major_version=major,
            minor_version=minor,
            transaction_identifier=transaction_identifier,
        )
        return self._call(request, TransactionStatusResponse)

    def message(self, text: str, at: datetime) -> MessageResponse:
        """Tell the administrators of the log something; `at` is aware, and part of what makes a message a repeat."""
        major, minor = self.versions
        request = MessageRequest(
            sender=self.code,
            addressee=self.hub_code,
            major_version=major,
            minor_version=minor,
            message_content=text,
            message_date_time=at,
        )
        return self._call(request, MessageResponse)

    def send(self, request: Outgoing) -> Response:
        """Send a request that is complete with its head; the answer of its operation."""
        return cast(Response, self._answer(request))

    def close(self) -> None:
        """Close the connections of all threads; no thread may be in a call."""
        while self._sessions:
            self._sessions.pop().close()
        self._local = threading.local()

    def _call(self, request: Outgoing, answer: type[Answer]) -> Answer:
        response = self._answer(request)
        if not isinstance(response, answer):  # the decoder holds each operation to its type
            raise TypeError(f"{type(response).__name__} answers {type(request).__name__}")
        return response

    def _answer(self, request: Outgoing) -> Any:
        operation = _OPERATIONS[type(request)]
        send = self._post if isinstance(request, _LARGE) else self._render
        try:
            reply = send(operation, request)
        except (requests.RequestException, OSError) as error:
            raise HubUnreachable(f"{self.hub_url} gave no answer: {error}") from error
        return self._read(operation, reply)

    def _render(self, operation: str, request: Outgoing) -> requests.Response:
        """Let zeep write and send a request."""
        service = self._service()
        binding = service._binding.get(operation)
        part = soap.value_of(request, binding.input.body.type.elements[0][1].type)
        reply: requests.Response = getattr(service, operation)(part)
        return reply

    def _post(self, operation: str, request: Outgoing) -> requests.Response:
        """Send what would take zeep a second per ten thousand blocks, over the same session."""
        self._service()
        session: requests.Session = self._local.session
        body = encode_request(Port.TRANSACTION_LOG, operation, request)
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{operation}"'}
        return session.post(self.hub_url, body, headers=headers, timeout=self._timeout)

    def _read(self, operation: str, reply: requests.Response) -> Any:
        body = reply.content
        if reply.status_code not in (200, 500):
            hint = "; look at user and password" if reply.status_code in (401, 403) else ""
            raise HubUnreachable(f"{self.hub_url} answered HTTP {reply.status_code} {reply.reason}{hint}")
        try:
            return decode_reply(Port.TRANSACTION_LOG, operation, body)
        except PeerFault as fault:
            kind = fault.kind.rpartition(":")[2]
            raise HubFault(kind, fault.reason, _entries(body)) from fault
        except ClientFault as fault:
            raise HubUnreachable(f"{self.hub_url} answered what is no answer to {operation}: {fault}") from fault

    def _service(self) -> Any:
        if not hasattr(self._local, "service"):
            session = soap.session(certificate=self._certificate, authority=self._authority or True)
            session.auth = self._authentication
            self._sessions.append(session)
            self._local.session = session
            zeep_client = soap.client(session, self._timeout, Port.TRANSACTION_LOG)
            self._local.service = soap.service(zeep_client, Port.TRANSACTION_LOG, self.hub_url)
        return self._local.service


def _entries(body: bytes) -> tuple[FaultEntry, ...]:
    """The errors that a fault's detail lists, where it lists them as this contract's hub does."""
    fault = parse(body, LIMITS.reply_bytes, LIMITS).body[0]
    errors = fault.iterfind("detail/*/error")
    return tuple(FaultEntry(_code(error), _text(error, "path"), _text(error, "reason")) for error in errors)


def _code(error: etree._Element) -> int | None:
    text = _text(error, "code")
    return int(text) if text.isascii() and text.isdigit() else None


def _text(error: etree._Element, name: str) -> str:
    return (error.findtext(name) or "").strip()
