"""The HTTP server over real sockets: who is slow, silent or hostile harms nobody else; what has come is answered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest

from itl.wire import server
from itl.wire.requests import LARGEST_HEAD, MOST_HEADERS
from itl.wire.server import Server, serve

LENGTH = b"Content-Length"
DEADLINE = 20.0  # seconds for what must come to pass
LARGE = b"x" * 20_000_000  # more than a socket takes that nobody reads


class App:
    """Tells what it was given; `/large` gets much, `/wait` waits until it may go on, `/fail` fails."""

    def __init__(self) -> None:
        self.environs: list[dict[str, Any]] = []
        self.entered, self.leave = threading.Event(), threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.environs.append(environ)
        match environ["PATH_INFO"]:
            case "/wait":
                self.entered.set()
                assert self.leave.wait(DEADLINE)
            case "/fail":
                raise RuntimeError("secret")
        body = LARGE if environ["PATH_INFO"] == "/large" else environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [body]


@pytest.fixture
def app() -> App:
    return App()


@contextmanager
def connected(running: Server) -> Iterator[socket.socket]:
    with socket.create_connection((running.host, running.port), timeout=DEADLINE) as line:
        yield line


def post(body: bytes = b"", headers: bytes = b"", path: bytes = b"/") -> bytes:
    return b"POST %s HTTP/1.1\r\nHost: hub\r\n%sContent-Length: %d\r\n\r\n%s" % (path, headers, len(body), body)


def answer(line: socket.socket) -> tuple[int, bytes]:
    """Status and body of the next answer; nothing behind it is read."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += exactly(line, 1)
    first, *headers = head.split(b"\r\n")
    length = next((int(value) for name, _, value in (each.partition(b": ") for each in headers) if name == LENGTH), 0)
    return int(first.split()[1]), exactly(line, length)


def exactly(line: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = line.recv(size - len(data))
        assert piece, f"closed after {data!r}"
        data += piece
    return bytes(data)


def is_closed(line: socket.socket) -> bool:
    try:
        return line.recv(1) == b""
    except ConnectionResetError:
        return True


def test_silent_and_slow_peers_hold_no_thread(app: App) -> None:
    with serve(app, threads=1) as running, ExitStack() as lines:
        for begun in (b"", b"PO", post(b"abc")[:-1], b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab"):
            for _ in range(10):
                lines.enter_context(connected(running)).sendall(begun)
        line = lines.enter_context(connected(running))
        line.sendall(post(b"prompt"))
        assert answer(line) == (200, b"prompt")


def test_a_request_may_come_byte_by_byte(app: App) -> None:
    with serve(app, threads=1) as running, connected(running) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in post(b"abc"):
            line.sendall(bytes([byte]))
        assert answer(line) == (200, b"abc")


def test_who_does_not_read_holds_no_thread(app: App) -> None:
    with serve(app, threads=1) as running, connected(running) as slow, connected(running) as line:
        slow.sendall(post(path=b"/large") + post(b"behind it"))
        line.sendall(post(b"prompt"))
        assert answer(line) == (200, b"prompt")
        assert answer(slow) == (200, LARGE)
        assert answer(slow) == (200, b"behind it")


def test_who_goes_away_harms_nobody(app: App) -> None:
    with serve(app, threads=1) as running:
        for left in (b"POST", post(path=b"/large"), post(b"abc")):
            with connected(running) as line:
                line.sendall(left)
        with connected(running) as line:
            line.sendall(post(b"abc"))
            assert answer(line) == (200, b"abc")


def test_many_connections_are_served_by_few_threads(app: App) -> None:
    with serve(app, threads=2) as running, ExitStack() as stack:
        lines = [stack.enter_context(connected(running)) for _ in range(200)]
        for round_ in range(2):
            for number, line in enumerate(lines):
                line.sendall(post(b"%d %d" % (number, round_)))
            assert [answer(line)[1] for line in lines] == [b"%d %d" % (number, round_) for number in range(200)]


def test_more_connections_than_are_kept_wait_for_their_turn(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_CONNECTIONS", 2)
    monkeypatch.setattr(server, "_LOOK", 0.05)
    with serve(app) as running, ExitStack() as stack:
        first, second, third = (stack.enter_context(connected(running)) for _ in range(3))
        for line in (first, second):
            line.sendall(post(b"abc"))
            assert answer(line) == (200, b"abc")
        third.sendall(post(b"at last"))
        third.settimeout(0.1)
        with pytest.raises(TimeoutError):
            third.recv(1)
        third.settimeout(DEADLINE)
        first.close()
        assert answer(third) == (200, b"at last")


def test_of_whom_nothing_is_heard_is_cut_off(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_IDLE", 0.1)
    monkeypatch.setattr(server, "_LOOK", 0.05)
    with serve(app) as running, connected(running) as silent, connected(running) as begun, connected(running) as busy:
        begun.sendall(b"POST / HT")
        busy.sendall(post(path=b"/wait"))
        assert is_closed(silent)
        assert is_closed(begun)
        app.leave.set()
        assert answer(busy) == (200, b"")


REFUSED = {
    "a head that does not end": (b"POST / HTTP/1.1\r\nX: " + b"x" * 2 * LARGEST_HEAD, 431),
    "too many headers": (post(headers=b"X: y\r\n" * (MOST_HEADERS + 1)), 431),
    "a body that is announced too large": (post()[:-5] + b"99\r\n\r\n", 413),
    "a body that grows too large": (post(headers=b"Transfer-Encoding: chunked\r\n")[:-4], 400),
    "chunks that grow too large": (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"a\r\n0123456789\r\n" * 20,
        413,
    ),
    "an endless name of a chunk": (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 2 * LARGEST_HEAD,
        431,
    ),
    "an endless trailer": (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"x" * 2 * LARGEST_HEAD,
        431,
    ),
    "two lengths": (post(b"abc", b"Content-Length: 2\r\n"), 400),
    "a length and chunks": (post(b"abc", b"Transfer-Encoding: chunked\r\n"), 400),
    "a line end in a header": (post(headers=b"X: a\nY: b\r\n"), 400),
    "another protocol": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a tunnel": (b"CONNECT hub:80 HTTP/1.1\r\n\r\n", 501),
    "no path": (b"GET hub:80 HTTP/1.1\r\n\r\n", 400),
    "an application that fails": (post(path=b"/fail"), 500),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(app: App, case: str) -> None:
    """What came before is answered; the peer can read the refusal, though it has not ended, and the connection ends."""
    request, status = REFUSED[case]
    with serve(app, largest=10) as running, connected(running) as line:
        line.sendall(post(b"before") + request)
        assert answer(line) == (200, b"before")
        found, said = answer(line)
        assert found == status
        assert b"secret" not in said
        assert is_closed(line)


def test_a_peer_that_sends_on_can_read_its_refusal_and_is_cut_off(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_LINGER", 0.2)
    monkeypatch.setattr(server, "_LOOK", 0.05)
    with serve(app, largest=10) as running, connected(running) as line:
        line.sendall(b"rubbish\r\n\r\n" + b"x" * 1_000_000)
        assert answer(line)[0] == 400
        assert line.recv(1) == b""
        with suppress(ConnectionError):  # else it goes on for ever
            while True:
                line.sendall(b"x")


def test_headers_as_the_application_sees_them(app: App) -> None:
    with serve(app) as running, connected(running) as line:
        sent = (
            b"X-Client-Certificate: a\r\nX_Client_Certificate: forged\r\nX-Forwarded-For: 1\r\nx-forwarded-for: 2\r\n"
        )
        line.sendall(post(b"abc", sent, b"/a%20b?c=d%20e"))
        assert answer(line) == (200, b"abc")
    (environ,) = app.environs
    wanted = {
        "HTTP_X_CLIENT_CERTIFICATE": "a",
        "HTTP_X_FORWARDED_FOR": "1, 2",
        "CONTENT_LENGTH": "3",
        "PATH_INFO": "/a b",
        "QUERY_STRING": "c=d%20e",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_PORT": str(running.port),
    }
    assert {name: environ.get(name) for name in wanted} == wanted


def test_what_comes_behind_a_body_is_no_header(app: App) -> None:
    with serve(app) as running, connected(running) as line:
        line.sendall(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Forwarded-For: 1\r\n\r\n"
        )
        assert answer(line) == (200, b"abc")
    assert "HTTP_X_FORWARDED_FOR" not in app.environs[0]


OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"


@pytest.mark.parametrize(
    ("request_", "body"),
    [
        (post(b"abc", OFFER), b"abc"),
        (post(b"", OFFER), b""),
        (b"POST / HTTP/1.1\r\n" + OFFER + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc"),
    ],
)
@pytest.mark.parametrize("size", [1, 100_000])
def test_another_protocol_that_is_offered_is_not_taken(app: App, request_: bytes, body: bytes, size: int) -> None:
    """As Java's client offers HTTP/2 in the first call of a connection."""
    with serve(app) as running, connected(running) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        everything = request_ + post(b"next")
        for start in range(0, len(everything), size):
            line.sendall(everything[start : start + size])
        assert answer(line) == (200, body)
        assert answer(line) == (200, b"next")


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [("1.1", "", True), ("1.1", "close", False), ("1.0", "", False), ("1.0", "keep-alive", True)],
)
def test_connections_are_kept_as_the_peer_wants(app: App, version: str, connection: str, kept: bool) -> None:
    request = post(b"abc", f"Connection: {connection}\r\n".encode() if connection else b"")
    with serve(app) as running, connected(running) as line:
        line.sendall(request.replace(b"HTTP/1.1", f"HTTP/{version}".encode()))
        assert answer(line) == (200, b"abc")
        if kept:
            line.sendall(post(b"next"))
            assert answer(line) == (200, b"next")
        else:
            assert line.recv(1) == b""


def test_an_answer_that_is_not_as_long_as_it_says_ends_its_connection() -> None:
    """Else the peer waits for the rest, or takes the rest for the next answer."""

    def wrong(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "9")])
        return [b"half"]

    with serve(wrong) as running, connected(running) as line:
        line.sendall(post())
        received = b"".join(iter(lambda: line.recv(1000), b""))
    assert b"Connection: close" in received
    assert received.endswith(b"\r\n\r\nhalf")


def test_closing_answers_what_has_arrived(app: App) -> None:
    """Also what still waits for a thread; then the peers are told that nothing more will come."""
    with serve(app, threads=1) as running, connected(running) as first, connected(running) as second:
        second.sendall(post(b"warm"))
        assert answer(second) == (200, b"warm")
        first.sendall(post(path=b"/wait"))
        assert app.entered.wait(DEADLINE)
        second.sendall(post(b"in time"))
        closing = threading.Thread(target=running.close)
        closing.start()
        app.leave.set()
        for line, body in ((first, b""), (second, b"in time")):
            assert answer(line) == (200, body)
            assert is_closed(line)
        closing.join(DEADLINE)
        assert not closing.is_alive()


def test_closing_does_not_wait_for_ever(app: App) -> None:
    running = serve(app)
    with connected(running) as line:
        line.sendall(post(path=b"/wait"))
        assert app.entered.wait(DEADLINE)
        running.close(drain=0.05)
        assert is_closed(line)
        app.leave.set()


def test_a_server_that_is_closed_while_a_thread_takes_connections_ends_in_order(app: App) -> None:
    """The socket is closed between the last connection and the wait for the next."""
    running = serve(app)
    serving = running._serving
    listening = serving._listening

    class ClosedMeanwhile:
        def accept(self) -> Any:
            serving._stopping.set()
            listening.close()
            raise BlockingIOError

        def fileno(self) -> int:
            return listening.fileno()

    serving._listening = ClosedMeanwhile()  # type: ignore[assignment]
    serving._accept()
    serving._listening = listening
    serving._stopping.clear()
    running.close()
