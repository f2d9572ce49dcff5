"""The lean double: parties that a tester plays, each with calls of its own, an endpoint, and an inbox to wait at.

A double of a registry offers the registry's port and calls the log's; a double of the log the other way round. Messages
are written and read by `itl.wire`; what must be wrong is sent as bytes.
"""

from __future__ import annotations

import base64
import hmac
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import requests

from itl.clock import Clock, system_clock
from itl.messages import (
    ProvideTimeRequest,
    ProvideTimeResponse,
    TransactionStatusRequest,
    content_digest,
    dump,
)
from itl.wire.contract import OPERATIONS, Port
from itl.wire.decode import decode_any, decode_reply
from itl.wire.documents import IMPORTED, wsdl
from itl.wire.encode import encode_fault, encode_reply, encode_request
from itl.wire.faults import ClientFault, PeerFault, WireFault
from itl.wire.http import TrustedProxies, address, basic
from registry_client.conformance.evidence import Evidence, readable
from registry_client.conformance.results import Exchange
from registry_client.conformance.shape import faults_of_reply, faults_of_request, is_envelope
from registry_client.conformance.suite import Failed
from registry_client.soap import session

_OPERATION_OF = {operation.request: name for port in Port for name, operation in OPERATIONS[port].items()}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back on the wire. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What the double answers to a call: an HTTP status with a body."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """A call of the peer: typed, and as it was on the wire."""

    operation: str
    message: Any
    body: bytes
    at: datetime


_XML = "text/xml; charset=utf-8"

Answering = Callable[[Received], Answer]

LetsIn = Callable[[str | None, str | None], bool]
"""Whether a caller who shows this user and password may call."""


@dataclass(frozen=True, slots=True)
class _OfAnyMessage:
    """The requirements that any message of a peer can break, whatever a test is about."""

    answer: str
    reply: str
    call: str
    once: str
    head: str


_OF_THE_PEER = {
    Port.TRANSACTION_LOG: _OfAnyMessage("CONNECT-1", "SHAPE-REPLY", "SHAPE-CALL", "ONCE-2", "CONNECT-6"),
    Port.REGISTRY: _OfAnyMessage("R-CONNECT-1", "R-SHAPE-REPLY", "R-SHAPE-CALL", "R-ONCE-3", "R-CONNECT-5"),
}
"""By the port that the peer offers."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a party is known to the peer: HTTP Basic, or a client certificate with its key; `authority` whom it trusts.

    `called_by` is user and password that the peer must give when it calls the party; None: it needs none.
    """

    user: str | None = None
    password: str | None = None
    certificate: str | None = None
    key: str | None = None
    authority: str | None = None
    called_by: tuple[str, str] | None = None


@dataclass(slots=True)
class _Inbox:
    """What came, in its order; what was taken out is marked, not removed, so that what is left over can be told."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    waiting: list[Received] = field(default_factory=list)
    acknowledged: dict[bytes, Answer] = field(default_factory=dict)
    """What was answered, by the digest of the message."""
    unread: bool = False
    """Something came that cannot be read: what is waited for may have been it."""


class Party:
    """One party that the tester plays, towards the peer at `url`.

    `patience` is how long, in seconds, a call of the peer is waited for; a call to it may take as long. `answer` is
    what the party says to a call unless a test wants otherwise (default: result 1), `lets_in` who may call (default:
    whoever shows what `access` says, or anybody).
    """

    def __init__(
        self,
        code: str,
        peer: str,
        url: str,
        access: Access,
        evidence: Evidence,
        *,
        offers: Port = Port.REGISTRY,
        versions: tuple[int, int] = (1, 1),
        patience: float = 15.0,
        clock: Clock = system_clock,
        answer: Answering | None = None,
        lets_in: LetsIn | None = None,
    ) -> None:
        self.code, self.peer, self.url = code, peer, url
        self.offers = offers
        self.calls = Port.TRANSACTION_LOG if offers is Port.REGISTRY else Port.REGISTRY
        self._breaks = _OF_THE_PEER[self.calls]
        self.versions, self.patience, self.clock = versions, patience, clock
        self.access = access
        self._evidence = evidence
        self._inbox = _Inbox()
        self._answering: dict[str, Answering] = {}
        self._answer = answer or self.accepted
        self._lets_in = lets_in or self._shows_what_it_must
        pair = (access.certificate, access.key) if access.certificate and access.key else access.certificate
        self._session = session(certificate=pair, authority=access.authority or True)

    def close(self) -> None:
        self._session.close()

    # Calls to the peer ------------------------------------------------------------------------------------------------

    def head(self) -> dict[str, Any]:
        """The four elements that every request begins with."""
        return {
            "sender": self.code,
            "addressee": self.peer,
            "major_version": self.versions[0],
            "minor_version": self.versions[1],
        }

    def call(self, message: Any) -> Any:
        """The typed answer to a message. Failed where there is none of the contract, with HTTP 200."""
        operation = _OPERATION_OF[type(message)]
        reply = self.post(operation, encode_request(self.calls, operation, message))
        return self.read(operation, reply)

    def read(self, operation: str, reply: Reply) -> Any:
        """The typed answer in `reply`; Failed if it is none. What is wrong with its shape is put down."""
        try:
            message = decode_reply(self.calls, operation, reply.body)
        except PeerFault as error:
            said = f"{operation} of {self.code} was answered with HTTP {reply.status}: {error}"
            raise Failed(said, self._breaks.answer) from error
        except ClientFault as error:
            said = f"the answer to {operation} of {self.code}, HTTP {reply.status}, cannot be read: {error}"
            in_soap = reply.status == 200 and is_envelope(reply.body)
            raise Failed(said, self._breaks.reply if in_soap else self._breaks.answer) from error
        if reply.status != 200:
            said = f"{operation} of {self.code} was answered with HTTP {reply.status}, an answer has 200"
            raise Failed(said, self._breaks.answer)
        content_type = reply.headers.get("content-type", "")
        if not content_type.startswith("text/xml"):
            self._evidence.fault(
                f"the reply to {operation} is not text/xml but {content_type or 'of no type'}", self._breaks.answer
            )
        for fault in faults_of_reply(self.calls, operation, reply.body):
            self._evidence.fault(fault, self._breaks.reply)
        return message

    def post(
        self,
        operation: str,
        body: bytes,
        *,
        user: tuple[str, str] | bool | None = True,
        content_type: str = "text/xml; charset=utf-8",
    ) -> Reply:
        """The raw answer to raw bytes. `user` is True for the party's own, None for no user at all."""
        headers = {"Content-Type": content_type, "SOAPAction": f'"{operation}"', "User-Agent": "registry-conformance"}
        own = (self.access.user, self.access.password or "") if self.access.user is not None else None
        shown = own if user is True else user
        if isinstance(shown, tuple):
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(shown).encode()).decode()
        sent_at = self.clock()
        try:
            found = self._session.post(self.url, data=body, headers=headers, timeout=max(self.patience, 3.0))
        except requests.RequestException as error:
            self._keep(self.code, self.peer, operation, sent_at, body, None, str(error).encode())
            raise Failed(f"{self.url} gave no answer to {operation}: {error}", self._breaks.answer) from error
        self._keep(self.code, self.peer, operation, sent_at, body, found.status_code, found.content)
        return Reply(found.status_code, {name.lower(): value for name, value in found.headers.items()}, found.content)

    def is_let_in_without_certificate(self, operation: str, body: bytes) -> bool:
        """Whether a call without a client certificate gets through to SOAP: an answer, or a fault."""
        with closing(session(certificate=None, authority=self.access.authority or True)) as bare:
            sent_at = self.clock()
            try:
                found = bare.post(self.url, data=body, headers={"SOAPAction": f'"{operation}"'}, timeout=self.patience)
            except requests.RequestException as error:
                self._keep(self.code, self.peer, operation, sent_at, body, None, str(error).encode())
                return False
            self._keep(self.code, self.peer, operation, sent_at, body, found.status_code, found.content)
            return found.status_code in (200, 500) and is_envelope(found.content)

    def get(self, url: str) -> Reply:
        """The raw answer to GET; Failed where none comes."""
        sent_at = self.clock()
        try:
            found = self._session.get(url, timeout=max(self.patience, 3.0))
        except requests.RequestException as error:
            raise Failed(f"GET {url} gave no answer: {error}") from error
        self._keep(self.code, self.peer, "GET", sent_at, url.encode(), found.status_code, found.content)
        return Reply(found.status_code, {name.lower(): value for name, value in found.headers.items()}, found.content)

    # Calls of the peer ------------------------------------------------------------------------------------------------

    def expect(
        self,
        operation: str,
        what: str,
        fits: Callable[[Any], bool] = lambda _: True,
        patience: float | None = None,
    ) -> Received:
        """The first call of the peer not yet taken that fits, waited for; Failed, which says `what`, if none comes.

        `patience` is how long, if that is another time than the party's.
        """
        self.expect_any((operation,), what, fits, patience)
        found = self.came(operation, fits)
        if found is None:
            raise RuntimeError(f"{operation} was taken by somebody else: a party has one who waits")
        return found

    def expect_any(
        self,
        operations: Sequence[str],
        what: str,
        fits: Callable[[Any], bool] = lambda _: True,
        patience: float | None = None,
    ) -> None:
        """Wait for the first of several calls, and leave it where it is; Failed, which says `what`, if none comes."""
        seconds = self.patience if patience is None else patience
        if not self.wait_for(operations, seconds, fits):
            with self._inbox.changed:
                waiting = ", ".join(each.operation for each in self._inbox.waiting[-5:]) or "nothing else"
            raise Failed(
                f"{self.peer} did not call {' or '.join(operations)} of {self.code} ({what})"
                f"{f' within {seconds:g} s' if seconds else ''}; waiting: {waiting}",
                *((self._breaks.call,) if self._inbox.unread else ()),
            )

    def wait_for(self, operations: Sequence[str], seconds: float, fits: Callable[[Any], bool] = lambda _: True) -> bool:
        """Whether one of several calls comes in time; it is left where it is."""
        deadline = time.monotonic() + seconds
        with self._inbox.changed:
            while not any(each.operation in operations and fits(each.message) for each in self._inbox.waiting):
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._inbox.changed.wait(left)
        return True

    def came(self, operation: str, fits: Callable[[Any], bool] = lambda _: True) -> Received | None:
        """A call that came already and was not taken yet; None if there is none."""
        with self._inbox.changed:
            for place, each in enumerate(self._inbox.waiting):
                if each.operation == operation and fits(each.message):
                    return self._inbox.waiting.pop(place)
        return None

    def peek(self, operation: str, fits: Callable[[Any], bool] = lambda _: True) -> Received | None:
        """The same, but it is left where it is."""
        with self._inbox.changed:
            return next(
                (each for each in self._inbox.waiting if each.operation == operation and fits(each.message)), None
            )

    @contextmanager
    def answering(self, operation: str, answer: Answering) -> Iterator[None]:
        """For a while, answer calls of `operation` otherwise than usual."""
        self._answering[operation] = answer
        try:
            yield
        finally:
            del self._answering[operation]

    def accepted(self, received: Received) -> Answer:
        """Result 1, or the time where that is asked for."""
        response = OPERATIONS[self.offers][received.operation].response
        if isinstance(received.message, ProvideTimeRequest):
            return self.reply(received, ProvideTimeResponse(system_time=self.clock(), result_identifier=1))
        return self.reply(received, response(result_identifier=1))

    def refused(self, received: Received, codes: Sequence[int]) -> Answer:
        """Result 0 with codes."""
        response = OPERATIONS[self.offers][received.operation].response
        return self.reply(received, response(result_identifier=0, response_codes=tuple(codes)))

    def reply(self, received: Received, message: Any) -> Answer:
        return Answer(200, encode_reply(self.offers, received.operation, message))

    def take(self, user: tuple[str | None, str | None], operation: str | None, body: bytes) -> Answer:
        """Answer one call of the peer, and put it into the inbox."""
        at = self.clock()
        answer = self._answered(user, body, at)
        self._keep(self.peer, self.code, operation or "?", at, body, answer.status, answer.body)
        return answer

    def _answered(self, user: tuple[str | None, str | None], body: bytes, at: datetime) -> Answer:
        if not self._lets_in(*user):
            return Answer(401, b"user and password are needed\n")
        try:
            decoded = decode_any(body)
        except WireFault as fault:
            self._inbox.unread = True
            self._evidence.fault(f"{self.peer} sent {self.code} what cannot be read: {fault}", self._breaks.call)
            return Answer(500, encode_fault(fault))
        if decoded.operation not in OPERATIONS[self.offers]:
            self._evidence.fault(
                f"{self.peer} called {decoded.operation}, which {self.code} does not offer", self._breaks.call
            )
            return Answer(500, encode_fault(ClientFault(f"{decoded.operation} is not an operation of this service")))
        for wrong in faults_of_request(self.offers, decoded.operation, body):
            self._evidence.fault(wrong, self._breaks.call)
        self._judge_head(decoded.operation, decoded.message)
        received = Received(decoded.operation, decoded.message, body, at)
        digest = content_digest(decoded.operation, dump(decoded.message))
        with self._inbox.changed:
            answered = self._inbox.acknowledged.get(digest)
            if answered is not None and not isinstance(decoded.message, TransactionStatusRequest):
                self._evidence.fault(
                    f"{self.peer} sent {decoded.operation} to {self.code} again, though it was acknowledged",
                    self._breaks.once,
                )
                return answered
            answer = self._answering.get(decoded.operation, self._answer)(received)
            if answer.status == 200:
                self._inbox.acknowledged[digest] = answer
            self._inbox.waiting.append(received)
            self._inbox.changed.notify_all()
        return answer

    def _shows_what_it_must(self, user: str | None, password: str | None) -> bool:
        expected = self.access.called_by
        given = f"{user or ''}:{password or ''}"
        return expected is None or hmac.compare_digest(given.encode(), ":".join(expected).encode())

    def _judge_head(self, operation: str, message: Any) -> None:
        said = "from {} to {}, of version {}.{}".format
        expected = said(self.peer, self.code, *self.versions)
        told = said(message.sender, message.addressee, message.major_version, message.minor_version)
        if told != expected:
            self._evidence.fault(f"{operation} must be {expected}; it is {told}", self._breaks.head)

    def _keep(
        self,
        sender: str,
        receiver: str,
        operation: str,
        sent_at: datetime,
        request: bytes,
        status: int | None,
        reply: bytes,
    ) -> None:
        self._evidence.add(
            Exchange(sender, receiver, operation, sent_at, self.clock(), readable(request), status, readable(reply))
        )


def _document(party: Party, environ: WSGIEnvironment) -> bytes | None:
    """The interface of the port that a party offers, or a file that it imports; None for another question."""
    if environ.get("QUERY_STRING", "").lower() == "wsdl":
        return wsdl(party.offers, address(environ, TrustedProxies(())))
    return IMPORTED.get(environ.get("PATH_INFO", "").rpartition("/")[2])


def endpoint(parties: Iterable[Party]) -> WSGIApplication:
    """The address of all parties as one WSGI application: each at its code, `/GB`; one alone at every path.

    POST is a call; GET with `?wsdl` gives the interface, for stacks that read it before they call.
    """
    by_code = {party.code: party for party in parties}

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        code = environ.get("PATH_INFO", "").strip("/").partition("/")[0]
        party = next(iter(by_code.values())) if len(by_code) == 1 else by_code.get(code)
        if party is not None and environ["REQUEST_METHOD"] == "GET":
            document = _document(party, environ)
            if document is not None:
                start_response("200 OK", [("Content-Type", _XML), ("Content-Length", str(len(document)))])
                return [document]
        if party is None or environ["REQUEST_METHOD"] != "POST":
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [f"a conformance tester: POST to /{' or /'.join(by_code)}\n".encode()]
        body = environ["wsgi.input"].read()
        operation = environ.get("HTTP_SOAPACTION", "").strip('"') or None
        answer = party.take(basic(environ.get("HTTP_AUTHORIZATION", "")), operation, body)
        head = [("Content-Type", _XML), ("Content-Length", str(len(answer.body)))]
        if answer.status == 401:
            head.append(("WWW-Authenticate", 'Basic realm="conformance tester"'))
        start_response(f"{answer.status} {'OK' if answer.status == 200 else 'Answer of the test'}", head)
        return [answer.body]

    return application
