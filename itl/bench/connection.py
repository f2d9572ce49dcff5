"""The load generator's side of HTTP: connections that stay open, on which prepared bytes go out and answers come back.

All sockets are in one loop and none of them blocks, so that the generator costs little beside what it measures.
"""

from __future__ import annotations

import base64
import re
import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from itl.errors import LogError, UsageError

STALLED = 60.0  # seconds without a byte from anybody
_PIECE = 64 * 1024
_NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class LoadError(LogError):
    """A load that could not be carried through, or not as it was meant: what was measured would say nothing."""


@dataclass(frozen=True, slots=True)
class Address:
    """A log's endpoint, and what a caller shows it: user and password, or the PEM file of a client certificate."""

    url: str
    user: str | None = None
    password: str | None = None
    certificate: str | None = None
    key: str | None = None
    authority: str | None = None
    """PEM file with the authorities that the log's own certificate may be of; None: those that the system trusts."""

    def head(self) -> bytes:
        """The head of every request, but for its length."""
        parts = urlsplit(self.url)
        lines = [f"POST {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}", "Content-Type: text/xml; charset=utf-8"]
        if self.user is not None:
            token = base64.b64encode(f"{self.user}:{self.password or ''}".encode()).decode()
            lines.append(f"Authorization: Basic {token}")
        return "\r\n".join([*lines, 'SOAPAction: ""', "Content-Length: "]).encode()

    def connect(self) -> socket.socket:
        """A new connection; its handshake is done. LoadError where there is none to be had."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{self.url} is not the http or https URL of a log")
        try:
            plain = socket.create_connection((parts.hostname, self.port), STALLED)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if parts.scheme == "http":
                return plain
            context = ssl.create_default_context(cafile=self.authority)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
            return context.wrap_socket(plain, server_hostname=parts.hostname)
        except OSError as error:
            raise LoadError(f"no connection to {self.url}: {error}") from error

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the log answered: HTTP status and body."""

    status: int
    body: bytes


Then = Callable[[Reply], None]


class Calls:
    """`clients` connections to a log, and the calls that wait for one of them to be free, in their order.

    What is told of an answer may make further calls. Raises LoadError where a connection breaks.
    """

    def __init__(self, selector: selectors.BaseSelector, address: Address, clients: int) -> None:
        self._head = address.head()
        self._waiting: deque[tuple[Sequence[bytes], Then]] = deque()
        self._connections: list[_Connection] = []
        try:
            for _ in range(clients):
                self._connections.append(_Connection(selector, address, self._next))
        except BaseException:
            self.close()
            raise
        self._idle = list(self._connections)

    @property
    def free(self) -> int:
        """Connections that have nothing to do."""
        return len(self._idle)

    def call(self, pieces: Sequence[bytes], then: Then) -> None:
        """Send a request whose body is `pieces`, at once or as soon as a connection is free; `then` gets the answer."""
        request = (self._head, b"%d\r\n\r\n" % sum(map(len, pieces)), *pieces)
        if self._idle:
            self._idle.pop().send(request, then)
        else:
            self._waiting.append((request, then))

    def close(self) -> None:
        for each in self._connections:
            each.close()

    def _next(self, connection: _Connection) -> None:
        if self._waiting:
            connection.send(*self._waiting.popleft())
        else:
            self._idle.append(connection)


class _Connection:
    """One connection: what is still to be sent of its request, and what has come of the answer."""

    def __init__(
        self, selector: selectors.BaseSelector, address: Address, when_free: Callable[[_Connection], None]
    ) -> None:
        self._selector, self._when_free = selector, when_free
        self._url = address.url
        self._socket = address.connect()
        self._socket.setblocking(False)
        self._unsent = memoryview(b"")
        self._answer = b""
        self._then: Then | None = None
        selector.register(self._socket, selectors.EVENT_READ, self.ready)

    def send(self, pieces: Sequence[bytes], then: Then) -> None:
        """Begin a request."""
        self._then, self._answer = then, b""
        try:
            done = 0
            if not isinstance(self._socket, ssl.SSLSocket):  # which cannot send pieces
                done = self._socket.sendmsg(pieces)
                if done == sum(map(len, pieces)):
                    return
            self._unsent = memoryview(b"".join(pieces))[done:]
            self._selector.modify(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self.ready)
        except OSError as error:
            raise self._broken(error) from error

    def ready(self) -> None:
        """Go on with what the socket is ready for."""
        try:
            if self._unsent:
                self._send_on()
            self._receive()
            while isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():  # read from the wire already
                self._receive()
        except _NOTHING_YET:
            pass
        except OSError as error:
            raise self._broken(error) from error
        self._take()

    def _receive(self) -> None:
        piece = self._socket.recv(_PIECE)
        if not piece:
            raise ConnectionResetError("closed before the answer was complete")
        self._answer += piece

    def _take(self) -> None:
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end:
            return
        length, status = _LENGTH.search(head), _STATUS.match(head)
        if length is None or status is None:
            raise LoadError(f"{self._url} does not answer as a log: {head[:200].decode(errors='replace')}")
        then = self._then
        if len(body) < int(length[1]) or then is None:
            return
        self._then = None
        self._when_free(self)
        then(Reply(int(status[1]), body))

    def _send_on(self) -> None:
        done = self._socket.send(self._unsent)
        self._unsent = self._unsent[done:]
        if not self._unsent:
            self._selector.modify(self._socket, selectors.EVENT_READ, self.ready)

    def close(self) -> None:
        self._socket.close()

    def _broken(self, error: OSError) -> LoadError:
        return LoadError(f"{self._url} broke the connection: {error}")


def turn(selector: selectors.BaseSelector, timeout: float) -> bool:
    """Let every socket that is ready within `timeout` seconds go on; whether any was."""
    ready = selector.select(timeout)
    for key, _ in ready:
        key.data()
    return bool(ready)


def now() -> float:
    """Seconds by a clock that only measures durations."""
    return time.perf_counter()
