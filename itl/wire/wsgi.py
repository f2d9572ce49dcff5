"""One HTTP request answered by a WSGI application: the environment it gets, the bytes that go back."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIApplication

import structlog
from httptools import HttpParserInvalidURLError, parse_url

from itl.wire.requests import Request

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_WITHOUT_BODY = ("1", "204", "304")
"""How the statuses begin whose answers have no body and no length."""

_log = structlog.get_logger(__name__)


class Site:
    """Where `app` is served. `is_closing`: from then on every answer is the last of its connection."""

    def __init__(self, app: WSGIApplication, host: str, port: int, is_closing: Callable[[], bool]) -> None:
        self._app, self._is_closing = app, is_closing
        self._environ = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": f"[{host}]" if ":" in host else host,
            "SERVER_PORT": str(port),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
        }

    def answer(self, request: Request, peer: tuple[str, int]) -> tuple[bytes, bool]:
        """The whole answer, in the bytes of HTTP, and whether another may follow on the connection."""
        try:
            status, headers, body = self._asked(self._environ_of(request, peer))
        except HttpParserInvalidURLError:
            return refusal(400), False
        except Exception:
            _log.exception("application failed")
            return refusal(500), False
        keep = request.keep_alive and not self._is_closing() and _is_whole(headers, body, request)
        return _written(status, headers, body, request, keep=keep), keep

    def _asked(self, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        said: list[Any] = []
        pieces: list[bytes] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None, /) -> Any:
            said[:] = [status, headers]
            return pieces.append

        answer: Iterable[bytes] = self._app(environ, start_response)
        try:
            pieces.extend(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        status, headers = said
        return status, headers, b"".join(pieces)

    def _environ_of(self, request: Request, peer: tuple[str, int]) -> dict[str, Any]:
        path, query = _parts(request.target)
        environ: dict[str, Any] = {
            **self._environ,
            "REQUEST_METHOD": request.method,
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "SERVER_PROTOCOL": f"HTTP/{request.version}",
            "REMOTE_ADDR": peer[0],
            "REMOTE_PORT": str(peer[1]),
            "wsgi.input": BytesIO(request.body),
        }
        for name, value in request.headers:
            key = _key(name)
            if key is not None:
                text = value.decode("latin-1")
                environ[key] = f"{environ[key]}, {text}" if key in environ else text
        environ["CONTENT_LENGTH"] = str(len(request.body))
        return environ


def refusal(status: int) -> bytes:
    """The answer to what is no request that could be answered, after which the connection ends."""
    reason = HTTPStatus(status).phrase
    body = f"{reason}\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    return _head(f"{status} {reason}", [*headers, ("Connection", "close")]) + body


@lru_cache(256)
def _parts(target: bytes) -> tuple[bytes, bytes]:
    url = parse_url(target)
    return url.path or b"/", url.query or b""


@lru_cache(256)
def _key(name: bytes) -> str | None:
    """The name of a header in the environment.

    One with `_` has none: it would pass for the header with `-`, which only a trusted proxy may set.
    """
    if b"_" in name:
        return None
    key = name.decode("ascii").upper().replace("-", "_")
    return key if key == "CONTENT_TYPE" else f"HTTP_{key}"


def _is_whole(headers: list[tuple[str, str]], body: bytes, request: Request) -> bool:
    """Whether the peer can tell where the answer ends: if it was told another length than the body's, it cannot."""
    told = [value for name, value in headers if name.lower() == "content-length"]
    return request.method == "HEAD" or told in ([], [str(len(body))])


def _written(status: str, headers: list[tuple[str, str]], body: bytes, request: Request, *, keep: bool) -> bytes:
    if not keep:
        headers = [*headers, ("Connection", "close")]
    elif request.version == "1.0":
        headers = [*headers, ("Connection", "keep-alive")]
    if status.startswith(_WITHOUT_BODY):
        return _head(status, headers)
    if not any(name.lower() == "content-length" for name, _ in headers):
        headers = [*headers, ("Content-Length", str(len(body)))]
    return _head(status, headers) + (b"" if request.method == "HEAD" else body)


def _head(status: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status}\r\n{lines}Date: {_date(int(time.time()))}\r\n\r\n".encode("latin-1")


@lru_cache(1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
