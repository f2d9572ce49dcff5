"""An HTTP server for the endpoints: HTTP 1.0 and 1.1, kept connections, chunks, 100-continue; for Linux.

Its threads wait for all connections together (`epoll`), and the one that is woken reads, answers and writes: a call
costs one change of threads. Who sends slowly, or nothing, holds a connection but no thread, and so does a slow reader.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from contextlib import suppress
from math import inf
from wsgiref.types import WSGIApplication

import structlog

from itl.errors import UsageError
from itl.wire.limits import LIMITS
from itl.wire.requests import Requests
from itl.wire.wsgi import CONTINUE, Site, refusal

# A body beyond the limit of the wire is read so far, so that its sender gets a SOAP fault; beyond this it is HTTP 413.
_ROOM = 2

_BACKLOG = 1024  # connections that wait to be taken
_CONNECTIONS = 1000  # that are kept at one time; more wait to be taken
_PIECE = 256 * 1024  # bytes read at one time

_IDLE = 120.0  # seconds without a byte after which a connection is closed
_LINGER = 5.0  # seconds for the peer to read the last answer and close, before its connection is cut
_LOOK = 1.0  # seconds between two looks for such connections
_DRAIN = 10.0  # for running requests when the server closes, seconds

_READ = (
    select.EPOLLIN | select.EPOLLONESHOT
)  # once: whoever is woken has the connection for itself, until it waits anew
_WRITE = select.EPOLLOUT | select.EPOLLONESHOT

_log = structlog.get_logger(__name__)


class Server:
    """A server that runs in the background until it is closed. `port` is the bound one, `url` the root URL."""

    def __init__(self, app: WSGIApplication, host: str, port: int, threads: int, largest: int) -> None:
        listening = listen(host, port)
        self.host, self.port = listening.getsockname()[:2]
        self.url = url_of(listening)
        self._serving = _Serving(app, listening, threads, largest)

    def close(self, drain: float = _DRAIN) -> None:
        """Take no more connections, let requests end (at most `drain` seconds), then stop."""
        self._serving.stop(drain)

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
    serving = _Serving(app, listening, threads, largest)
    try:
        threading.Event().wait()
    except (KeyboardInterrupt, SystemExit):
        serving.stop(_DRAIN)


class _Serving:
    """Threads that serve the connections of one listening socket until they are told to stop."""

    def __init__(self, app: WSGIApplication, listening: socket.socket, threads: int, largest: int) -> None:
        host, port = listening.getsockname()[:2]
        listening.setblocking(False)
        self._listening = listening
        self._stopping = threading.Event()
        self._site = Site(app, host, port, self._stopping.is_set)
        self._largest = _ROOM * largest
        self._connections: dict[int, _Connection] = {}
        self._look_at = time.monotonic() + _LOOK
        self._bell, self._ringer = socket.socketpair()
        self._poll = select.epoll()
        self._poll.register(listening, _READ)
        self._poll.register(self._bell, select.EPOLLIN)  # nobody answers it, so it wakes every thread
        self._threads = [threading.Thread(target=self._run, name=f"http-{port}", daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def stop(self, drain: float) -> None:
        """Take no more connections, answer what has arrived (for at most `drain` seconds), then close them all."""
        if self._stopping.is_set():
            return
        deadline = time.monotonic() + drain
        self._stopping.set()
        self._listening.close()
        self._ringer.send(b"x")
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for connection in self._connections.copy().values():
            connection.close()
        self._poll.close()
        self._bell.close()
        self._ringer.close()

    def _run(self) -> None:
        listening, bell = self._listening.fileno(), self._bell.fileno()
        while not self._poll.closed:
            stopping = self._stopping.is_set()
            events = self._poll.poll(0 if stopping else _LOOK, 2 if stopping else 1)  # one beside the bell
            if stopping and all(number == bell for number, _ in events):
                return
            for number, _ in events:
                if number == listening:
                    self._accept()
                elif number != bell:
                    self._attend(self._connections[number])
            if time.monotonic() >= self._look_at:
                self._look()

    def _accept(self) -> None:
        """Take the connections that wait, as many as there is room for; `_look` goes on with it where there is none."""
        try:
            while len(self._connections) < _CONNECTIONS:
                plain, peer = self._listening.accept()
                plain.setblocking(False)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                number = plain.fileno()
                self._connections[number] = _Connection(plain, peer[:2], self._largest)
                self._poll.register(number, _READ)
            return
        except BlockingIOError:  # that was all
            pass
        except OSError as error:  # it is closed, or there is no room for another file
            if not self._stopping.is_set():
                _log.warning("no connection taken", problem=str(error))
            return
        try:
            self._poll.modify(self._listening, _READ)
        except (OSError, ValueError):  # it was closed meanwhile
            if not self._stopping.is_set():
                raise

    def _look(self) -> None:
        """Cut the connections of which nothing is heard, and take new ones in their place.

        Cut, not closed: that wakes the thread whose turn it is, which closes it, and no other has it in hand.
        """
        now = time.monotonic()
        self._look_at = now + _LOOK
        for connection in self._connections.copy().values():
            if connection.cut_at < now:
                connection.cut()
        self._accept()

    def _attend(self, connection: _Connection) -> None:
        """What a connection is ready for; then it waits for what comes next, or is closed."""
        number, lingers = connection.number, connection.lingers
        if not lingers:
            connection.cut_at = inf
        try:
            if connection.flush() and connection.read():
                while answer := self._next_answer(connection):
                    connection.write(answer)
                if not lingers:
                    connection.cut_at = time.monotonic() + (_LINGER if connection.lingers else _IDLE)
                self._poll.modify(number, _WRITE if connection.unsent else _READ)
                return  # from here on it may be in another thread's hands
        except OSError:  # the peer is gone
            pass
        except Exception:
            _log.exception("a connection failed")
        del self._connections[number]
        connection.close()

    def _next_answer(self, connection: _Connection) -> bytes:
        """What is to be written next, as long as it is taken; nothing where the peer's turn is."""
        requests = connection.requests
        if connection.unsent or connection.ends:
            return b""
        if requests.arrived:
            answer, keep = self._site.answer(requests.arrived.popleft(), connection.peer)
            connection.ends = not keep
            return answer
        if requests.refusal is not None:
            connection.ends = True
            return refusal(requests.refusal)
        return CONTINUE if requests.take_continue() else b""


class _Connection:
    """One peer's connection, in the hands of one thread at a time."""

    __slots__ = ("_socket", "cut_at", "ends", "number", "peer", "requests", "unsent")

    def __init__(self, plain: socket.socket, peer: tuple[str, int], largest: int) -> None:
        self._socket = plain
        self.number = plain.fileno()
        self.peer = peer
        self.requests = Requests(largest)
        self.unsent = b""
        self.ends = False
        """The last answer was given; what the peer still sends is not read as requests."""
        self.cut_at = time.monotonic() + _IDLE
        """When it is cut unless the peer does something; whoever sends on behind the last answer wins no time by it."""

    @property
    def lingers(self) -> bool:
        """The last answer has gone out whole."""
        return self.ends and not self.unsent

    def read(self) -> bool:
        """Take what has come; False at the end of it."""
        if self.unsent:
            return True
        try:
            data = self._socket.recv(_PIECE)
        except BlockingIOError:
            return True
        if not self.ends:
            self.requests.feed(data)
        return bool(data)

    def write(self, data: bytes) -> None:
        """Send as much as the peer takes; after the last answer, say that it was that."""
        self.unsent += data
        self.flush()

    def flush(self) -> bool:
        if self.unsent:
            with suppress(BlockingIOError):
                self.unsent = self.unsent[self._socket.send(self.unsent) :]
            if self.lingers:
                self._socket.shutdown(socket.SHUT_WR)
        return True

    def cut(self) -> None:
        with suppress(OSError):  # it is gone already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()
