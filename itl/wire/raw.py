"""Captured traffic: a raw HTTP request or answer, or the envelope alone, to the envelope's bytes."""

from __future__ import annotations

import re

from itl.wire.faults import ClientFault
from itl.wire.inflate import inflate
from itl.wire.limits import LIMITS

_START = re.compile(rb"(?:[A-Z]+ \S+ HTTP/1\.[01]|HTTP/1\.[01] [0-9]{3}[^\r\n]*)\r?\n")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[^\r\n]*\r?\n")


def read_http_or_envelope(data: bytes, largest: int = LIMITS.largest_request()) -> bytes:
    """The SOAP envelope in a capture, at most `largest` bytes once inflated; ClientFault if the capture is broken."""
    if not _START.match(data):
        return data
    end = _END_OF_HEAD.search(data)
    if end is None:
        raise ClientFault("the HTTP head has no end: an empty line is missing")
    headers = _headers(data[: end.start()])
    body = data[end.end() :]
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _unchunked(body)
    elif headers.get("content-length", "").isdecimal():
        body = body[: int(headers["content-length"])]
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding in ("gzip", "x-gzip"):
        return inflate([body], largest)
    if encoding != "identity":
        raise ClientFault(f"the content encoding {encoding} is not read")
    return body


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").splitlines()[1:]
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _unchunked(body: bytes) -> bytes:
    out = bytearray()
    place = 0
    while True:
        size = _CHUNK.match(body, place)
        if size is None:
            raise ClientFault("the chunked body is broken: a chunk's size is missing")
        start, length = size.end(), int(size[1], 16)
        if length == 0:
            return bytes(out)
        if start + length > len(body):
            raise ClientFault("the chunked body ends before its last chunk")
        out += body[start : start + length]
        place = start + length + (2 if body[start + length : start + length + 2] == b"\r\n" else 1)
