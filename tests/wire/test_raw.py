"""Captured traffic of any kind gives the envelope, or says what is broken."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from itl.wire.faults import ClientFault
from itl.wire.raw import read_http_or_envelope

ENVELOPE = b"<?xml version='1.0'?>\n<Envelope/>"
HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\n"
SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.http"))


def chunked(content: bytes, size: int = 5) -> bytes:
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    return b"".join(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_samples(sample: Path) -> None:
    body = read_http_or_envelope(sample.read_bytes())
    assert body.startswith(b"<?xml")
    assert body.rstrip().endswith(b"Envelope>")


@pytest.mark.parametrize(
    "data",
    [
        ENVELOPE,
        HEAD + b"\r\n" + ENVELOPE,
        HEAD.replace(b"\r", b"") + b"\n" + ENVELOPE,
        HEAD + b"Content-Length: %d\r\n\r\n" % len(ENVELOPE) + ENVELOPE + b"\r\n",
        HEAD + b"content-length: 9999\r\n\r\n" + ENVELOPE,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(ENVELOPE),
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(ENVELOPE, mtime=0),
        HEAD
        + b"Content-Encoding: GZIP\r\nTransfer-Encoding: Chunked\r\n\r\n"
        + chunked(gzip.compress(ENVELOPE, mtime=0)),
        b"HTTP/1.0 200 OK\r\nSet-Cookie: 3\r\n\r\n" + ENVELOPE,
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Encoding: identity\r\n\r\n" + ENVELOPE,
    ],
)
def test_forms(data: bytes) -> None:
    assert read_http_or_envelope(data) == ENVELOPE


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HEAD, "the HTTP head has no end"),
        (HEAD + b"Content-Encoding: br\r\n\r\n" + ENVELOPE, "the content encoding br is not read"),
        (HEAD + b"Content-Encoding: gzip\r\n\r\n" + ENVELOPE, "is not gzip"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + ENVELOPE, "a chunk's size is missing"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(ENVELOPE)[:27], "ends before its last chunk"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc", "a chunk's size is missing"),
        (HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b" " * 40_000_000, mtime=0), "too large"),
    ],
)
def test_what_is_broken(data: bytes, reason: str) -> None:
    with pytest.raises(ClientFault, match=reason):
        read_http_or_envelope(data)
