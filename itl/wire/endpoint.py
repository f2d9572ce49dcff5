"""The SOAP endpoint of a port as a WSGI application: served by Spyne, spoken by our own protocol.

POST is a call, on whatever path the application is mounted; GET with `?wsdl`, or of a file that the WSDL imports,
gives the interface to anybody; GET otherwise says what is here. Every failure of a call is a SOAP fault with HTTP 500,
but one: who is not known is asked for a password (HTTP 401).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from wsgiref.types import StartResponse

import structlog

from itl.clock import Clock
from itl.wire import documents
from itl.wire.contract import OPERATIONS, WSDL_FILES, Port
from itl.wire.encode import encode_fault
from itl.wire.faults import WireFault
from itl.wire.http import (
    Credentials,
    Environ,
    TrustedProxies,
    address,
    credentials,
    inflated,
    read_body,
    remote_address,
)
from itl.wire.limits import LIMITS, Limits
from itl.wire.protocol import Call, Handler, LogApplication, SoapFault, internal_fault, wire_fault
from itl.wire.validation import warm_up

with warnings.catch_warnings():  # Spyne 2.14 uses what later Pythons deprecate
    warnings.simplefilter("ignore")
    from spyne import MethodContext
    from spyne.server.wsgi import WsgiApplication

__all__ = ["Call", "Credentials", "Handler", "beside", "build"]

Authenticate: TypeAlias = Callable[[Credentials], Any]
Wsgi: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]
OnRefusal: TypeAlias = Callable[[Call, WireFault], None]

_XML = "text/xml; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: str
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def build(
    port: Port,
    handlers: Mapping[str, Handler],
    *,
    authenticate: Authenticate,
    clock: Clock,
    on_refusal: OnRefusal | None = None,
    limits: Limits = LIMITS,
    trusted_proxies: Sequence[str] = (),
    realm: str = "International Transaction Log",
    public_url: str | None = None,
    notice: str = "",
) -> WsgiApplication:
    """The WSGI application that serves the operations of `port` that have a handler.

    A handler takes the `Call` and the typed request and returns the typed reply; what it raises is a Server fault,
    unless it is a `WireFault` itself. `authenticate` gives the caller's identity, or None for HTTP 401. `on_refusal` is
    told of every call that ends in a fault, with the bytes received. `public_url` is the endpoint's address in
    the WSDL, else it is taken from the request. `trusted_proxies` are the addresses or networks whose headers are
    believed: X-Client-Certificate, X-Forwarded-For, -Proto and -Host. `notice` is told to whoever asks what is here.
    """
    unknown = sorted(handlers.keys() - OPERATIONS[port].keys())
    if unknown:
        raise ValueError(f"{port.value} has no operation {', '.join(unknown)}")
    warm_up()
    endpoint = _Endpoint(LogApplication(port, handlers, limits))
    proxies = TrustedProxies(trusted_proxies)
    endpoint.configure(port, authenticate, clock, on_refusal, limits, proxies, realm, public_url, notice)
    return endpoint


def beside(main: WsgiApplication, others: Mapping[str, WsgiApplication]) -> Wsgi:
    """One WSGI application of several endpoints: `others` by the last step of their path, `main` on any other path."""

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        step = environ.get("PATH_INFO", "").rpartition("/")[2]
        return others.get(step, main)(environ, start_response)  # type: ignore[no-any-return]

    return application


class _Endpoint(WsgiApplication):  # type: ignore[misc]
    def configure(
        self,
        port: Port,
        authenticate: Authenticate,
        clock: Clock,
        on_refusal: OnRefusal | None,
        limits: Limits,
        proxies: TrustedProxies,
        realm: str,
        public_url: str | None,
        notice: str,
    ) -> None:
        self._port = port
        self._authenticate = authenticate
        self._clock = clock
        self._on_refusal = on_refusal
        self._largest = limits.largest_request()
        self._proxies = proxies
        self._challenge = 'Basic realm="{}", charset="UTF-8"'.format(realm.replace('"', "'"))
        self._public_url = public_url
        self._notice = notice

    def __call__(self, req_env: Environ, start_response: StartResponse, wsgi_url: str | None = None) -> Iterable[bytes]:
        """Answer one HTTP request."""
        try:
            answer = self._answer(req_env)
        except Exception:
            _log.exception("endpoint failed")
            answer = _fault(internal_fault())
        headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body))), *answer.headers]
        start_response(answer.status, headers)
        return [b"" if req_env["REQUEST_METHOD"] == "HEAD" else answer.body]

    def _answer(self, environ: Environ) -> _Answer:
        method = environ["REQUEST_METHOD"]
        if method == "POST":
            return self._called(environ)
        if method in ("GET", "HEAD"):
            return self._described(environ)
        text = b"POST calls an operation, GET shows what there is\n"
        return _Answer("405 Method Not Allowed", _TEXT, text, (("Allow", "GET, HEAD, POST"),))

    def _described(self, environ: Environ) -> _Answer:
        url = self._public_url or address(environ, self._proxies)
        query = environ.get("QUERY_STRING", "").partition("=")[0].lower()
        file = environ.get("PATH_INFO", "").rpartition("/")[2]
        if query == "wsdl" or file == WSDL_FILES[self._port]:
            return _Answer("200 OK", _XML, documents.wsdl(self._port, url, self._notice))
        if file in documents.IMPORTED:
            return _Answer("200 OK", _XML, documents.IMPORTED[file])
        text = f"{self._port.value}: SOAP 1.1 over HTTP POST. Its interface: {url}?wsdl\n"
        return _Answer("200 OK", _TEXT, f"{text}{self._notice}\n".encode() if self._notice else text.encode())

    def _called(self, environ: Environ) -> _Answer:
        identity = self._authenticate(credentials(environ, self._proxies))
        if identity is None:
            text = b"user and password, or a client certificate, are needed\n"
            return _Answer("401 Unauthorized", _TEXT, text, (("WWW-Authenticate", self._challenge),))
        received_at, sender = self._clock(), remote_address(environ, self._proxies)
        body = b""
        try:
            body = read_body(environ, self._largest)
            body = inflated(environ, body, self._largest)
        except WireFault as fault:
            return self._refused(Call(None, identity, body, received_at, sender), fault)
        ctx = MethodContext(self, MethodContext.SERVER)
        ctx.in_string = [body]
        call = None
        try:
            self.app.in_protocol.create_in_document(ctx)
            call = ctx.udc = Call(ctx.in_document.operation, identity, body, received_at, sender)
            self.app.in_protocol.decompose_incoming_envelope(ctx)
        except SoapFault as error:
            return self._refused(call or Call(None, identity, body, received_at, sender), error.fault)
        self.app.in_protocol.deserialize(ctx)
        self.app.process_request(ctx)
        self.app.out_protocol.serialize(ctx)
        self.app.out_protocol.create_out_string(ctx)
        if ctx.out_error is not None:
            return self._faulted(call, wire_fault(ctx.out_error))
        return _Answer("200 OK", _XML, ctx.out_document)

    def _refused(self, call: Call, fault: WireFault) -> _Answer:
        _log.info("refused", operation=call.operation, remote_address=call.remote_address, reason=fault.reason)
        return self._faulted(call, fault)

    def _faulted(self, call: Call, fault: WireFault) -> _Answer:
        if self._on_refusal is not None:
            self._on_refusal(call, fault)
        return _fault(fault)


def _fault(fault: WireFault) -> _Answer:
    return _Answer("500 Internal Server Error", _XML, encode_fault(fault))
