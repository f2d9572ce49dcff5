"""The HTTP requests that come in on one connection, read by llhttp (`httptools`), within bounds.

Whatever the peer sends, what is kept of it is at most one request under way and those that one piece of bytes ended.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

LARGEST_HEAD = 256 * 1024
"""Bytes of a request line with its headers; also what may come between two pieces of a body, or behind its end."""

MOST_HEADERS = 200


@dataclass(frozen=True, slots=True)
class Request:
    """A request that has arrived whole. `target` is as sent; the body is without the encoding of its transfer."""

    method: str
    target: bytes
    version: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    keep_alive: bool
    """Whether the peer wants to go on with the connection after the answer."""


class Requests:
    """Takes the bytes of a connection; `arrived` are the requests in them that nobody has taken yet.

    `refusal` is the HTTP status of what cannot be read as a request; nothing behind it is read.
    """

    def __init__(self, largest_body: int) -> None:
        self.arrived: deque[Request] = deque()
        self.refusal: int | None = None
        self._largest_body = largest_body
        self._parser: Any = HttpRequestParser(self)
        self._without_body = 0
        self._awaits_continue = False
        self._reset()

    def feed(self, data: bytes) -> None:
        """Read what came next."""
        self._without_body += len(data)
        while data and self.refusal is None:
            try:
                self._parser.feed_data(data)
                break
            except HttpParserUpgrade as offer:  # which may be left alone: the request counts as it is without it
                data = self._without_offer() + data[offer.args[0] :]
            except HttpParserError:
                self.refusal = self._problem or 400
        if self._without_body > LARGEST_HEAD:
            self.refusal = self.refusal or 431

    def take_continue(self) -> bool:
        """Whether the peer waits to be told to go on with the body; once for each request."""
        awaited, self._awaits_continue = self._awaits_continue, False
        return awaited

    def _without_offer(self) -> bytes:
        """The head of a request that offers another protocol, as Java's client does in every first call, without that.

        llhttp takes such a head for the end of HTTP, and would not read its body.
        """
        parser = self._parser
        first = b"%s %s HTTP/%s\r\n" % (parser.get_method(), self._target, parser.get_http_version().encode())
        kept = (b"%s: %s\r\n" % header for header in self._headers if header[0].lower() != b"upgrade")
        return first + b"".join(kept) + b"\r\n"

    def _reset(self) -> None:
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()
        self._has_head = False
        self._problem: int | None = None

    def _refuse(self, status: int) -> None:
        self._problem = status
        raise ValueError(status)  # which ends `feed_data`

    # What llhttp calls -----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._reset()

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._has_head:
            return  # what comes behind a body is not wanted
        if len(self._headers) == MOST_HEADERS:
            self._refuse(431)
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._has_head = True
        if self._parser.get_method() == b"CONNECT":
            self._refuse(501)
        for name, value in self._headers:
            match name.lower():
                case b"content-length" if int(value) > self._largest_body:
                    self._refuse(413)
                case b"expect" if value.lower() == b"100-continue":
                    self._awaits_continue = self._parser.get_http_version() == "1.1"

    def on_body(self, body: bytes) -> None:
        self._without_body = 0
        self._awaits_continue = False
        self._body += body
        if len(self._body) > self._largest_body:
            self._refuse(413)

    def on_message_complete(self) -> None:
        self._without_body = 0
        self._awaits_continue = False
        parser = self._parser
        if parser.should_upgrade():
            return  # see `_without_offer`
        self.arrived.append(
            Request(
                parser.get_method().decode("ascii"),
                self._target,
                parser.get_http_version(),
                tuple(self._headers),
                bytes(self._body),
                parser.should_keep_alive(),
            )
        )
