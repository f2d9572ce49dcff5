"""An HTTP server for the endpoints: waitress, which speaks 1.0 and 1.1, keep-alive, chunked and 100-continue."""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import Any
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server

from itl.errors import UsageError
from itl.wire.limits import LIMITS

# A body beyond the limit of the wire is read so far, so that its sender gets a SOAP fault; beyond this it is HTTP 413.
_ROOM = 2

logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of every request that waits for a thread

_BACKLOG = 1024  # connections that wait to be taken

_LONGEST_WAIT = 1.0  # of one round of the loop, seconds
_DRAIN = 10.0  # for running requests when the server closes, seconds


class Server:
    """A server that runs in the background until it is closed. `port` is the bound one, `url` the root URL."""

    def __init__(self, app: WSGIApplication, host: str, port: int, threads: int, largest: int) -> None:
        listening = listen(host, port)
        self.host, self.port = listening.getsockname()[:2]
        self.url = url_of(listening)
        self._loop = _Loop(app, listening, threads, largest)
        self._thread = threading.Thread(target=self._loop.run, name=f"http-{self.port}", daemon=True)
        self._thread.start()

    def close(self, drain: float = _DRAIN) -> None:
        """Take no more connections, let requests end (at most `drain` seconds), then stop."""
        self._loop.stop(drain)
        self._thread.join()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def listen(host: str, port: int) -> socket.socket:
    """A socket at which connections queue from now on; port 0 takes a free one. UsageError if the port is taken."""
    return _listen(host, port, shared=False)


def listen_shared(host: str, port: int, queues: int) -> list[socket.socket]:
    """As many sockets at one address, among which the kernel deals out the connections. UsageError if it is taken.

    Processes that took from one queue would let the one that is awake take all: eight connections went to one of two
    processes every third time.
    """
    with listen(host, port) as free:  # who shares a port is not told that others have it
        port = free.getsockname()[1]
    return [_listen(host, port, shared=True) for _ in range(queues)]


def _listen(host: str, port: int, *, shared: bool) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise UsageError(f"cannot listen on {host} port {port}: {error.strerror}; give another") from error
    return listening


def url_of(listening: socket.socket) -> str:
    """The root URL that a socket listens at, without a slash at its end."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(
    app: WSGIApplication,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    threads: int = 4,
    largest: int = LIMITS.largest_request(),
) -> Server:
    """Serve `app` in the background; port 0 takes a free one. `largest` is the largest body that an endpoint reads."""
    return Server(app, host, port, threads, largest)


def run(
    app: WSGIApplication, listening: socket.socket, *, threads: int = 4, largest: int = LIMITS.largest_request()
) -> None:
    """Serve `app` until KeyboardInterrupt or SystemExit (what a signal handler raises), then let requests end."""
    loop = _Loop(app, listening, threads, largest)
    try:
        loop.run()
    except (KeyboardInterrupt, SystemExit):
        loop.stop(_DRAIN)
        loop.run()


class _Loop:
    """waitress's own loop, one round at a time, so that it can be left when the last request has been answered."""

    def __init__(self, app: WSGIApplication, listening: socket.socket, threads: int, largest: int) -> None:
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            app,
            map=self._sockets,
            sockets=[listening],
            backlog=_BACKLOG,
            threads=threads,
            ident=None,
            max_request_body_size=_ROOM * largest,
            inbuf_overflow=largest,  # no file for what is about to be read at once
            connection_limit=1000,
            clear_untrusted_proxy_headers=False,  # the endpoint judges for itself whom it trusts
        )
        self._deadline: float | None = None
        self._waking = threading.Lock()  # the loop must not close what wakes it while it is being woken

    def run(self) -> None:
        while self._deadline is None:
            self._round()
        for taken in list(self._sockets.values()):
            if isinstance(taken, BaseWSGIServer):
                wasyncore.dispatcher.close(taken)
        while self._draining() and time.monotonic() < self._deadline:
            self._round()
        self._server.task_dispatcher.shutdown()
        with self._waking:
            wasyncore.close_all(self._sockets)

    def stop(self, drain: float) -> None:
        with self._waking:
            self._deadline = time.monotonic() + drain
            self._server.pull_trigger()

    def _round(self) -> None:
        wasyncore.loop(timeout=_LONGEST_WAIT, use_poll=True, map=self._sockets, count=1)

    def _draining(self) -> bool:
        channels = [taken for taken in self._sockets.values() if isinstance(taken, HTTPChannel)]
        for channel in channels:
            with channel.requests_lock:
                if not channel.requests:
                    channel.close_when_flushed = True
        return bool(channels)
