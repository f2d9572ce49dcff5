"""Calls to peers of every kind: old, slow, dead, talkative, and those that close the line between two calls."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from itl.wire.limits import Limits
from itl.wire.outgoing import HttpReply, Peer, PeerUnreachable

BODY = b"<Envelope/>"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
OLD = b"HTTP/1.0 200 OK\r\nServer: Axis\r\nSet-Cookie: 3\r\nSet-Cookie2: 3\r\n\r\nfine"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n2\r\nne\r\n0\r\n\r\n"
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK

Answer = Callable[[socket.socket], None]


class ScriptedPeer:
    """A server that answers its n-th connection with the n-th script, and remembers what it read."""

    def __init__(self, *scripts: Answer, context: ssl.SSLContext | None = None) -> None:
        self.read: list[bytes] = []
        self.done = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._context = context
        self._thread = threading.Thread(target=self._serve, args=(scripts,), daemon=True)
        self._thread.start()
        scheme = "https" if context else "http"
        self.url = f"{scheme}://localhost:{self._listening.getsockname()[1]}/RegistryService"

    def _serve(self, scripts: tuple[Answer, ...]) -> None:
        for script in scripts:
            with contextlib.suppress(OSError):
                line, _ = self._listening.accept()
                with line if self._context is None else self._context.wrap_socket(line, server_side=True) as wrapped:
                    wrapped.settimeout(20)
                    script(wrapped)

    def request(self, line: socket.socket) -> bytes:
        """Read one whole request."""
        data = b""
        while not data.endswith(BODY):
            piece = line.recv(65536)
            if not piece:
                return data
            data += piece
        self.read.append(data)
        return data

    def close(self) -> None:
        self.done.set()
        self._listening.close()
        self._thread.join(20)


@contextlib.contextmanager
def peer(*answers: bytes | Answer) -> Iterator[ScriptedPeer]:
    """A peer with one connection for each of `answers`: bytes are sent when a request has been read."""
    scripted: ScriptedPeer

    def script(answer: bytes | Answer) -> Answer:
        if not isinstance(answer, bytes):
            return answer

        def send(line: socket.socket) -> None:
            scripted.request(line)
            line.sendall(answer)

        return send

    scripted = ScriptedPeer(*(script(item) for item in answers))
    try:
        yield scripted
    finally:
        scripted.close()


@pytest.mark.parametrize("answer", [OK, OLD, CHUNKED, CONTINUED])
def test_answers_of_every_kind_are_read(answer: bytes) -> None:
    with peer(answer) as registry:
        reply = call(registry.url)
    assert (reply.status, reply.body) == (200, b"fine")


@pytest.mark.parametrize("status", [b"202 Accepted", b"302 Found", b"401 Unauthorized", b"500 Internal Server Error"])
def test_every_status_is_handed_over(status: bytes) -> None:
    with peer(b"HTTP/1.1 " + status + b"\r\nX-Why: so\r\nContent-Length: 4\r\n\r\nwhat") as registry:
        reply = call(registry.url)
    assert (reply.status, reply.body, reply.headers["x-why"]) == (int(status[:3]), b"what", "so")


def test_the_request_is_what_axis_reads() -> None:
    with peer(OK) as registry:
        call(registry.url + "?a=b", user="itl", password="pä:ss")
    (request,) = registry.read
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /RegistryService?a=b HTTP/1.1"
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    assert headers["content-length"] == str(len(body)) == str(len(BODY))
    assert headers["soapaction"] == '"acceptProposal"'
    assert headers["content-type"] == "text/xml; charset=utf-8"
    assert headers["authorization"] == "Basic aXRsOnDDpDpzcw=="
    assert "transfer-encoding" not in headers


def test_the_connection_is_kept() -> None:
    def three(line: socket.socket) -> None:
        for _ in range(3):
            registry.request(line)
            line.sendall(OK)

    with peer(three) as registry:
        caller = Peer(registry.url, timeout=20)
        assert [caller.post("acceptProposal", BODY).body for _ in range(3)] == [b"fine"] * 3
        caller.close()
    assert len(registry.read) == 3


def test_a_connection_that_was_closed_meanwhile_is_opened_again() -> None:
    with peer(OK, OK, OLD, OK) as registry:
        caller = Peer(registry.url, timeout=20)
        for _ in range(4):
            assert caller.post("acceptProposal", BODY).body == b"fine"
            until_closed(caller)
        caller.close()
    assert len(registry.read) == 4


def call(url: str, body: bytes = BODY, **options: Any) -> HttpReply:
    """One call of acceptProposal by a peer of its own."""
    with Peer(url, **{"timeout": 20, **options}) as caller:
        return caller.post("acceptProposal", body)


def until_closed(caller: Peer) -> None:
    """Wait until the end of the stream has come in, as it will have between two real calls."""
    connection = caller._connection
    if connection is None:
        return
    deadline = time.monotonic() + 20
    while not connection.sock.disturbed():
        assert time.monotonic() < deadline


def test_a_call_that_may_have_been_taken_is_not_repeated() -> None:
    def take_and_close(line: socket.socket) -> None:
        registry.request(line)
        line.sendall(OK)
        registry.request(line)

    with peer(take_and_close, OK) as registry:
        caller = Peer(registry.url, timeout=20)
        caller.post("acceptProposal", BODY)
        with pytest.raises(PeerUnreachable, match="gave no answer to acceptNotification"):
            caller.post("acceptNotification", BODY)
        assert len(registry.read) == 2
        assert caller.post("acceptNotification", BODY).body == b"fine"
        caller.close()


def drip(registry_done: threading.Event, head: bytes, line: socket.socket) -> None:
    line.recv(65536)
    line.sendall(head)
    while not registry_done.wait(0.01):
        line.sendall(b"x")


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n", b""],
)
def test_dripping_ends_at_the_deadline(head: bytes) -> None:
    with peer(lambda line: drip(registry.done, head, line)) as registry:
        started = time.monotonic()
        with pytest.raises(PeerUnreachable, match=r"not within 0\.3 s"):
            call(registry.url, timeout=0.3)
        assert time.monotonic() - started < 10


def test_silence_ends_at_the_deadline() -> None:
    with peer(lambda _: registry.done.wait(20)) as registry:
        with pytest.raises(PeerUnreachable, match=r"not within 0\.2 s") as silent:
            call(registry.url, timeout=0.2)
        assert not silent.value.never_sent


def test_a_peer_that_does_not_read_ends_at_the_deadline() -> None:
    with peer(lambda _: registry.done.wait(20)) as registry:
        with pytest.raises(PeerUnreachable, match=r"not within 0\.2 s") as unread:
            call(registry.url, b" " * 50_000_000, timeout=0.2)
        assert unread.value.never_sent


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5_000,
        b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 5_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"30d40\r\n" + b"x" * 200_000,
    ],
)
def test_long_answers_are_not_read_to_their_end(answer: bytes) -> None:
    with peer(answer) as registry, pytest.raises(PeerUnreachable, match="the answer has more than 900 bytes"):
        call(registry.url, limits=Limits(reply_bytes=900))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"rubbish\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nfine\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
def test_broken_answers_are_no_answers(answer: bytes) -> None:
    with peer(answer) as registry:
        with pytest.raises(PeerUnreachable, match="gave no answer to acceptProposal") as broken:
            call(registry.url)
        assert not broken.value.never_sent


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(PeerUnreachable, match="refused") as refused:
        call(f"http://127.0.0.1:{port}/")
    assert refused.value.never_sent
    with pytest.raises(PeerUnreachable):
        call("http://nowhere.invalid/")


@pytest.mark.parametrize("url", ["ftp://x/", "registry", "http://", "file:///etc/passwd"])
def test_what_is_no_url_of_a_peer(url: str) -> None:
    with pytest.raises(ValueError, match="is not the http or https URL of a peer"):
        Peer(url)


def certificate(
    directory: Path, name: str, issuer: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None = None
) -> tuple[x509.Name, ec.EllipticCurvePrivateKey]:
    """A key and its certificate as PEM files in `directory`, self-signed as an authority without `issuer`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    issuer_name, issuer_key = issuer or (subject, key)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=issuer is None,
        crl_sign=issuer is None,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(usage, critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
    (directory / f"{name}.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (directory / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return subject, key


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("pki")
    authority = certificate(directory, "authority")
    certificate(directory, "registry", authority)
    certificate(directory, "itl", authority)
    return directory


def mutual(pki: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "registry.pem", pki / "registry.key")
    context.load_verify_locations(pki / "authority.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_mutual_tls(pki: Path) -> None:
    def answer(line: socket.socket) -> None:
        for _ in range(2):
            registry.request(line)
            line.sendall(OK)

    registry = ScriptedPeer(answer, context=mutual(pki))
    caller = Peer(
        registry.url,
        timeout=20,
        certificate=str(pki / "itl.pem"),
        key=str(pki / "itl.key"),
        authority=str(pki / "authority.pem"),
    )
    try:
        assert [caller.post("acceptProposal", BODY).body for _ in range(2)] == [b"fine", b"fine"]
    finally:
        caller.close()
        registry.close()


@pytest.mark.parametrize("ours", [False, True])
def test_tls_that_does_not_prove_itself(pki: Path, ours: bool) -> None:
    """A registry of an unknown authority, and a call without our certificate."""
    registry = ScriptedPeer(lambda line: line.sendall(OK), context=mutual(pki))
    options = (
        {"certificate": str(pki / "itl.pem"), "key": str(pki / "itl.key")}
        if ours
        else {"authority": str(pki / "authority.pem")}
    )
    try:
        with pytest.raises(PeerUnreachable):
            call(registry.url, **options)
    finally:
        registry.close()
