"""The load generator: clients that each send a prepared proposal, wait for its answer, and send the next.

It is one loop over plain sockets that are kept open and sends bytes made beforehand, so that it costs little beside
the server that it measures.
"""

from __future__ import annotations

import base64
import re
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from itl.bench.proposals import REGISTRY, Prepared
from itl.errors import LogError

_STALLED = 60.0  # seconds without a byte from anybody
_PIECE = 64 * 1024

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_ACCEPTED = re.compile(rb"<(?:\w+:)?resultIdentifier[^>]*>1<")


class LoadError(LogError):
    """A server that did not accept what it was sent: what was measured would say nothing."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load. Every message sent was accepted; `latencies` has the seconds that each took."""

    seconds: float
    latencies: tuple[float, ...]

    @property
    def accepted(self) -> int:
        return len(self.latencies)

    @property
    def per_second(self) -> float:
        return self.accepted / self.seconds


def load(url: str, message: Prepared, numbers: Iterator[int], *, clients: int, seconds: float, most: int) -> Load:
    """Send messages, numbered from `numbers`, until the time is over or `most` are sent; all answers are waited for.

    The seconds counted end with the last answer. Raises LoadError for an answer that is not an acceptance.
    """
    address = urlsplit(url)
    head = (
        f"POST {address.path or '/'} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: text/xml; charset=utf-8\r\n"
        f'SOAPAction: ""\r\nAuthorization: Basic {_basic(REGISTRY.lower())}\r\nContent-Length: {message.size}\r\n\r\n'
    ).encode()
    before = head + message.before
    latencies: list[float] = []
    with selectors.DefaultSelector() as selector:
        busy: list[_Client] = []
        try:
            busy += (_Client(selector, address.hostname or "", address.port or 80) for _ in range(clients))
            begun = time.perf_counter()
            last = begun + seconds
            sent = 0
            for client in busy[:most]:
                client.send(before, message.digits(next(numbers)), message.after)
                sent += 1
            while len(latencies) < sent:
                ready = selector.select(_STALLED)
                if not ready:
                    raise LoadError(f"{url} has been silent for {_STALLED:g} s")
                for key, _ in ready:
                    client = key.data
                    if not client.step():
                        continue
                    now = time.perf_counter()
                    latencies.append(now - client.since)
                    if now < last and sent < most:
                        client.send(before, message.digits(next(numbers)), message.after)
                        sent += 1
            return Load(time.perf_counter() - begun, tuple(latencies))
        except OSError as error:
            raise LoadError(f"{url} broke the connection: {error}") from error
        finally:
            for client in busy:
                client.close()


class _Client:
    """One connection: what is still to be sent of its request, and what has come of the answer."""

    def __init__(self, selector: selectors.BaseSelector, host: str, port: int) -> None:
        self._selector = selector
        self._socket = socket.create_connection((host, port), _STALLED)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self._unsent = memoryview(b"")
        self._answer = b""
        self.since = 0.0
        selector.register(self._socket, selectors.EVENT_READ, self)

    def send(self, *pieces: bytes) -> None:
        """Begin a request."""
        self.since = time.perf_counter()
        self._answer = b""
        done = self._socket.sendmsg(pieces)
        if done < sum(map(len, pieces)):
            self._unsent = memoryview(b"".join(pieces))[done:]
            self._selector.modify(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self)

    def step(self) -> bool:
        """Go on with what the socket is ready for; whether the answer is complete."""
        if self._unsent:
            self._send_on()
        try:
            piece = self._socket.recv(_PIECE)
        except BlockingIOError:
            return False
        if not piece:
            raise ConnectionResetError("closed before the answer was complete")
        self._answer += piece
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end:
            return False
        length = _LENGTH.search(head)
        if length is None or len(body) < int(length[1]):
            return False
        if not _ACCEPTED.search(body):
            raise LoadError(f"not accepted: {head.splitlines()[0].decode()} {body[:1000].decode(errors='replace')}")
        return True

    def _send_on(self) -> None:
        try:
            done = self._socket.send(self._unsent)
        except BlockingIOError:
            return
        self._unsent = self._unsent[done:]
        if not self._unsent:
            self._selector.modify(self._socket, selectors.EVENT_READ, self)

    def close(self) -> None:
        self._socket.close()


def _basic(name: str) -> str:
    return base64.b64encode(f"{name}:{name}".encode()).decode()
