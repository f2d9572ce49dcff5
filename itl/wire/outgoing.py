"""Calls to a peer: one kept connection, a deadline for the whole exchange, a bound on the answer.

Requests carry a Content-Length (Axis's own server does not read chunks); answers are read as they come, HTTP/1.0
without a length included. One `Peer` serves one lane at a time; it is not shared by threads.
"""

from __future__ import annotations

import base64
import http.client
import io
import select
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from itl.errors import LogError
from itl.wire.limits import LIMITS, Limits

_PIECE = 64 * 1024


class PeerUnreachable(LogError):  # noqa: N818 - what it says of the peer
    """No answer could be had from a peer. `never_sent`: it certainly has not received the call; else it may have."""

    def __init__(self, message: str, *, never_sent: bool = False) -> None:
        super().__init__(message)
        self.never_sent = never_sent


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What a peer answered: status code, headers by lower-case name, and the whole body."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Peer:
    """The other side of an outgoing lane. `timeout` bounds a whole exchange, in seconds."""

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        timeout: float = 60.0,
        limits: Limits = LIMITS,
        certificate: str | None = None,
        key: str | None = None,
        authority: str | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url} is not the http or https URL of a peer")
        self.url = url
        self._host, self._port = parts.hostname, parts.port
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._timeout = timeout
        self._largest = limits.reply_bytes
        self._context = _context(certificate, key, authority) if parts.scheme == "https" else None
        self._headers = {"Content-Type": "text/xml; charset=utf-8", "Accept": "text/xml", "User-Agent": "open-itl"}
        if user is not None:
            token = base64.b64encode(f"{user}:{password or ''}".encode()).decode()
            self._headers["Authorization"] = f"Basic {token}"
        self._connection: http.client.HTTPConnection | None = None

    def post(self, operation: str, body: bytes) -> HttpReply:
        """The peer's answer to a call of `operation`, whatever its status; PeerUnreachable if none came in time."""
        deadline = time.monotonic() + self._timeout
        sent = False
        try:
            connection = self._sent({**self._headers, "SOAPAction": f'"{operation}"'}, body, deadline)
            sent = True
            response = connection.getresponse()
            content = self._content(response)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            said = f"{self.url} gave no answer to {operation}: {_said(error, self._timeout)}"
            raise PeerUnreachable(said, never_sent=not sent) from error
        if response.will_close:
            self.close()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return HttpReply(response.status, content, MappingProxyType(headers))

    def close(self) -> None:
        """Drop the connection; the next call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _sent(self, headers: dict[str, str], body: bytes, deadline: float) -> http.client.HTTPConnection:
        """The connection on which the whole request went out; a part of one is as good as nothing."""
        kept = self._kept(deadline)
        if kept is not None:
            try:
                kept.request("POST", self._target, body, headers)
            except OSError:  # not sent whole, so it cannot have been taken: once more, on a new connection
                self.close()
            else:
                return kept
        self._connection = self._opened(deadline)
        self._connection.request("POST", self._target, body, headers)
        return self._connection

    def _kept(self, deadline: float) -> http.client.HTTPConnection | None:
        """The connection of the last call, if the peer has not closed it since."""
        connection = self._connection
        if connection is None or not isinstance(connection.sock, _TimedSocket):
            return None
        if connection.sock.disturbed():
            self.close()
            return None
        connection.sock.deadline = deadline
        return connection

    def _opened(self, deadline: float) -> http.client.HTTPConnection:
        port = self._port or (80 if self._context is None else 443)
        plain = socket.create_connection((self._host, port), timeout=_left(deadline))
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                plain.settimeout(_left(deadline))
                plain = self._context.wrap_socket(plain, server_hostname=self._host)
        except BaseException:
            plain.close()
            raise
        connection = http.client.HTTPConnection(self._host, port)
        connection.sock = _TimedSocket(plain, deadline)
        return connection

    def _content(self, response: http.client.HTTPResponse) -> bytes:
        out = bytearray()
        while piece := response.read(_PIECE):
            out += piece
            if len(out) > self._largest:
                raise http.client.HTTPException(f"the answer has more than {self._largest} bytes")
        if response.length:  # read piece by piece, http.client does not mind a body that ends too soon
            raise http.client.IncompleteRead(bytes(out), response.length)
        return bytes(out)


class _TimedSocket:
    """A socket whose every operation ends at one deadline, however slowly the other side drips."""

    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._socket = plain
        self.deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(_left(self.deadline))
        self._socket.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        # The socket's own file keeps it open: http.client closes the socket before it reads a body that has no length.
        return io.BufferedReader(_TimedReader(self, self._socket.makefile("rb", buffering=0)))

    def receive(self, raw: socket.SocketIO, buffer: Any) -> int | None:
        self._socket.settimeout(_left(self.deadline))
        return raw.readinto(buffer)

    def disturbed(self) -> bool:
        """Whether there is something to read where nothing should be: the end of the stream, or bytes unasked for."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        self._socket.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, timed: _TimedSocket, raw: socket.SocketIO) -> None:
        super().__init__()
        self._timed = timed
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        return self._timed.receive(self._raw, buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _said(error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"not within {timeout:g} s"
    return str(error) or type(error).__name__


def _context(certificate: str | None, key: str | None, authority: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority)
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context
