"""The shipped nginx files with a log and a registry behind them: who is let in, as whom, and what passes."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from itl.cli.serving import PATH
from itl.wire.contract import Port
from itl.wire.decode import decode_reply
from itl.wire.faults import PeerFault
from itl.wire.limits import LIMITS
from itl.wire.outgoing import Peer
from tests.deploy.certificates import Authority, Issued
from tests.deploy.front import HOST, NGINX, Front, free_port, nginx
from tests.deploy.front import front as nginx_front

ROOT = Path(__file__).parents[2]
ISSUANCE = (ROOT / "docs" / "examples" / "issuance.xml").read_bytes()

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@pytest.fixture
def front(fresh_database: Any, tmp_path: Path) -> Iterator[Front]:
    with nginx_front(fresh_database("sqlite"), tmp_path) as front:
        yield front


def test_a_certificate_is_the_registry_it_is_enrolled_for(front: Front) -> None:
    assert front.said(ISSUANCE, front.gb) == 1
    assert front.said(ISSUANCE, front.nobody) == (1001,)
    assert front.said(ISSUANCE.replace(b"<from>GB", b"<from>FR"), front.gb) == (1002,)
    assert front.logged() == [("GB", "127.0.0.1"), (None, "127.0.0.1"), ("GB", "127.0.0.1")]


@pytest.mark.parametrize("shown", ["none", "expired", "strange"])
def test_nobody_else_reaches_the_log(front: Front, shown: str) -> None:
    certificate = None if shown == "none" else getattr(front, shown)
    password = {"Authorization": "Basic Z2I6Z2I="}  # gb:gb
    assert front.post(ISSUANCE, certificate, **password)[0] == 400
    assert front.logged() == []


def test_what_a_caller_says_of_itself_does_not_count(front: Front) -> None:
    claimed = {"X-Client-Certificate": "anything", "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "evil.example"}
    assert front.said(ISSUANCE, front.gb, **claimed) == 1
    assert front.logged() == [("GB", "127.0.0.1")]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_versions(front: Front, version: ssl.TLSVersion) -> None:
    context = front.context(front.gb)
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        assert secured.version() == version.name.replace("_", ".")


def test_older_tls_is_refused(front: Front) -> None:
    context = front.context(front.gb)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", front.port), timeout=60) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="localhost")


def test_http_1_0_without_a_host(front: Front) -> None:
    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=60) as plain,
        front.context(front.gb).wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        head = f"POST {PATH} HTTP/1.0\r\nContent-Type: text/xml\r\nContent-Length: {len(ISSUANCE)}\r\n\r\n"
        secured.sendall(head.encode() + ISSUANCE)
        answer = b"".join(iter(lambda: secured.recv(65536), b""))
    head_of_answer, _, body = answer.partition(b"\r\n\r\n")
    assert head_of_answer.startswith(b"HTTP/1.1 200")
    assert decode_reply(Port.TRANSACTION_LOG, "acceptProposal", body).result_identifier == 1


def padded(size: int) -> bytes:
    """The issuance with comments behind it, `size` bytes."""
    comment = b"<!--" + b"." * 1_000_000 + b"-->"
    longer = ISSUANCE + comment * ((size - len(ISSUANCE)) // len(comment))
    return longer + b" " * (size - len(longer))


def test_sizes(front: Front) -> None:
    largest = LIMITS.request_bytes_of("acceptProposal")
    assert front.said(padded(largest), front.gb) == 1
    status, answer = front.post(padded(largest + 1), front.gb)
    assert status == 500
    with pytest.raises(PeerFault, match="too large"):
        decode_reply(Port.TRANSACTION_LOG, "acceptProposal", answer)
    assert front.post(b" " * (33 * 1024 * 1024 + 1), front.gb)[0] == 413


def test_the_wsdl_names_the_public_address(front: Front) -> None:
    connection = http.client.HTTPSConnection("localhost", front.port, context=front.context(front.gb), timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", f"{PATH}?wsdl", headers={"Host": HOST})
        assert f'location="https://{HOST}{PATH}"'.encode() in connection.getresponse().read()


class TLSRegistry(BaseHTTPRequestHandler):
    """A registry's front that wants a client certificate."""

    def do_POST(self) -> None:
        certificate: Any = self.request.getpeercert()
        ((_, name),) = certificate["subject"][0]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = f"{name}, {self.request_version}, {self.path}, {len(body)} bytes".encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def tls_registry(authority: Authority, shown: Issued) -> Iterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.certificate))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(shown.certificate, shown.key)
    with HTTPServer(("127.0.0.1", 0), TLSRegistry) as registry:
        registry.socket = context.wrap_socket(registry.socket, server_side=True)
        thread = threading.Thread(target=registry.serve_forever, daemon=True)
        thread.start()
        yield registry.server_port
        registry.shutdown()
        thread.join()


@pytest.mark.parametrize(("verified", "status"), [(True, 200), (False, 502)])
def test_the_log_calls_a_registry_with_its_certificate(tmp_path: Path, verified: bool, status: int) -> None:
    authority, stranger = Authority(tmp_path, "authority"), Authority(tmp_path, "stranger")
    log, port = authority.issue("log"), free_port()
    with tls_registry(authority, (authority if verified else stranger).issue("registry")) as registry:
        changes = {
            "127.0.0.1:9001;": f"127.0.0.1:{port};",
            "https://registry-gb.example.org:443": f"https://127.0.0.1:{registry}",
            "proxy_ssl_name                registry-gb.example.org": "proxy_ssl_name localhost",
            "/etc/itl/tls/client.crt": str(log.certificate),
            "/etc/itl/tls/client.key": str(log.key),
            "/etc/itl/tls/registry-authorities.crt": str(authority.certificate),
        }
        with nginx(tmp_path, "outgoing.conf", changes), Peer(f"http://127.0.0.1:{port}/") as peer:
            reply = peer.post("acceptNotification", ISSUANCE)
    assert reply.status == status
    if verified:
        assert reply.body.decode() == f"log, HTTP/1.0, /RegistryService, {len(ISSUANCE)} bytes"
