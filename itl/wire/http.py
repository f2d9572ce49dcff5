"""What the endpoint reads from HTTP: who calls, from where, by which address, and the body."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote, unquote_to_bytes

from itl.wire.envelope import too_large
from itl.wire.faults import ClientFault
from itl.wire.inflate import inflate

Environ: TypeAlias = Mapping[str, Any]

CERTIFICATE_HEADER = "X-Client-Certificate"

_PIECE = 64 * 1024
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a caller shows: Basic user and password, and the certificate (PEM) that a trusted proxy handed over."""

    user: str | None
    password: str | None
    certificate: bytes | None


class TrustedProxies:
    """The addresses (or networks, as `10.0.0.0/8`) whose word on certificate, address and scheme is taken."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(address, strict=False) for address in addresses]

    def sent(self, environ: Environ) -> bool:
        """Whether the request came through one of them."""
        try:
            address = ipaddress.ip_address(environ.get("REMOTE_ADDR", ""))
        except ValueError:  # a socket without an address
            return False
        return any(address in network for network in self._networks)


def credentials(environ: Environ, proxies: TrustedProxies) -> Credentials:
    """What the caller shows; parts that are absent, or that cannot be read, are None."""
    user, password = basic(environ.get("HTTP_AUTHORIZATION", ""))
    escaped = environ.get("HTTP_" + CERTIFICATE_HEADER.upper().replace("-", "_"), "")
    certificate = unquote_to_bytes(escaped) if escaped and proxies.sent(environ) else None
    return Credentials(user, password, certificate)


def remote_address(environ: Environ, proxies: TrustedProxies) -> str:
    """The caller's address: the last that a trusted proxy names, else the connection's own."""
    named = str(environ.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
    return named if named and proxies.sent(environ) else str(environ.get("REMOTE_ADDR", ""))


def address(environ: Environ, proxies: TrustedProxies) -> str:
    """The URL that the request was sent to, without its query."""
    trusted = proxies.sent(environ)
    scheme = environ["wsgi.url_scheme"]
    host = environ.get("HTTP_HOST", "")
    if trusted:
        scheme = environ.get("HTTP_X_FORWARDED_PROTO", scheme)
        host = environ.get("HTTP_X_FORWARDED_HOST", host)
    if not _HOST.fullmatch(host):
        host = f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    if scheme not in ("http", "https"):
        scheme = "http"
    return f"{scheme}://{host}{quote(environ.get('SCRIPT_NAME', '') + environ.get('PATH_INFO', ''))}"


def read_body(environ: Environ, largest: int) -> bytes:
    """The body as sent, of at most `largest` bytes; ClientFault if it is larger."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal():
        raise ClientFault("the Content-Length is not a number")
    if int(length) > largest:
        raise too_large(f"the message has {length} bytes, at most {largest} are read")
    return b"".join(_pieces(environ["wsgi.input"], int(length)))


def inflated(environ: Environ, body: bytes, largest: int) -> bytes:
    """The body without its content encoding; ClientFault if the encoding is unknown or the body broken or too large."""
    encoding = environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding in ("gzip", "x-gzip"):
        return inflate([body], largest)
    raise ClientFault(f"the content encoding {encoding} is not read here; gzip is, and none")


def _pieces(stream: Any, length: int) -> Iterator[bytes]:
    while length > 0:
        piece = stream.read(min(length, _PIECE))
        if not piece:
            raise ClientFault("the body is shorter than its Content-Length")
        length -= len(piece)
        yield piece


def basic(header: str) -> tuple[str | None, str | None]:
    """User and password of an Authorization header; None for both where it has none that can be read."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None, None
    try:
        text = decoded.decode()
    except UnicodeDecodeError:
        text = decoded.decode("latin-1")
    user, colon, password = text.partition(":")
    return (user, password) if colon else (None, None)
