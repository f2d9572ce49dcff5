"""How the replies of a registry's endpoint go wrong, on request: what the hub hears at the level of HTTP and XML."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from lxml import etree

from itl.codes import ResultIdentifier
from itl.messages import MessageResponse, ProvideTimeResponse
from itl.wire.contract import Port
from itl.wire.encode import encode_reply
from registry_client.faults import Fault
from registry_client.settings import Settings

_XML = "text/xml; charset=utf-8"
_HTML = "text/html; charset=utf-8"

PAGE = b"<html><body><h1>It works!</h1></body></html>"
"""What a server says that has lost its application."""


def misbehaving(app: WSGIApplication, settings: Callable[[], Settings]) -> WSGIApplication:
    """`app`, whose replies to calls go wrong as the settings of the moment ask for."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        of = settings()
        faults = of.faults & _SPOILT if environ["REQUEST_METHOD"] == "POST" else frozenset()
        if not faults:
            return app(environ, start_response)
        if Fault.UNAVAILABLE in faults:
            start_response("503 Service Unavailable", [("Content-Type", _HTML), ("Content-Length", "0")])
            return [b""]
        if Fault.SLOW in faults:
            time.sleep(of.slowness.total_seconds())
        status, headers, body = _whole(app, environ)
        for fault in faults & _SPOIL.keys():
            headers["Content-Type"], body = _SPOIL[fault](environ, headers["Content-Type"], body)
        # a server closes the connection when fewer bytes come than were announced
        missing = 100 if Fault.BREAKS_OFF in faults else 0
        kept = body[: len(body) // 2] if missing else body
        headers["Content-Length"] = str(len(body) + missing)
        start_response(status, list(headers.items()))
        return [kept]

    return answer


def _whole(app: WSGIApplication, environ: WSGIEnvironment) -> tuple[str, dict[str, str], bytes]:
    """The whole answer of `app`: status, headers, body."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        started.append((status, headers))
        return lambda written: None

    body = b"".join(app(environ, start))
    status, headers = started[-1]
    return status, dict(headers), body


Spoil = Callable[[WSGIEnvironment, str, bytes], tuple[str, bytes]]


def _of_other_operation(environ: WSGIEnvironment, kind: str, body: bytes) -> tuple[str, bytes]:
    asked_time = "provideTime" in environ.get("HTTP_SOAPACTION", "")
    accepted = ResultIdentifier.ACCEPTED
    if asked_time:
        return _XML, encode_reply(Port.REGISTRY, "acceptMessage", MessageResponse(result_identifier=accepted))
    reply = ProvideTimeResponse(system_time=datetime.now(UTC), result_identifier=accepted)
    return _XML, encode_reply(Port.REGISTRY, "provideTime", reply)


def _without_result(environ: WSGIEnvironment, kind: str, body: bytes) -> tuple[str, bytes]:
    envelope = etree.fromstring(body)
    for found in envelope.iter("{*}resultIdentifier"):
        parent = found.getparent()
        if parent is not None:
            parent.remove(found)
    return kind, etree.tostring(envelope, xml_declaration=True, encoding="utf-8")


_SPOIL: Mapping[Fault, Spoil] = MappingProxyType(
    {
        Fault.WRONG_REPLY: _of_other_operation,
        Fault.BARE_REPLY: _without_result,
        Fault.EMPTY_REPLY: lambda environ, kind, body: (kind, b""),
        Fault.NONSENSE: lambda environ, kind, body: (_HTML, PAGE),
    }
)
_SPOILT = _SPOIL.keys() | {Fault.UNAVAILABLE, Fault.SLOW, Fault.BREAKS_OFF}
