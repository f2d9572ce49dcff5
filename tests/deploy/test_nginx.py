"""The shipped nginx files with a log and a registry behind them: who is let in, as whom, and what passes."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from itl.cli.main import main
from itl.cli.sandbox import prepare
from itl.cli.serving import PATH
from itl.codes import ResultIdentifier
from itl.hub import Hub
from itl.settings import Settings
from itl.store import tables as t
from itl.wire import server
from itl.wire.contract import Port
from itl.wire.decode import decode_reply
from itl.wire.faults import PeerFault
from itl.wire.limits import LIMITS
from itl.wire.outgoing import Peer
from tests.deploy.certificates import Authority, Issued

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deploy" / "nginx"
ISSUANCE = (ROOT / "docs" / "examples" / "issuance.xml").read_bytes()
HOST = "itl.example.org"

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

FRAME = """
{user}
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    include {home}/{name};
}}
"""


@contextlib.contextmanager
def nginx(home: Path, name: str, changes: dict[str, str]) -> Iterator[None]:
    """nginx with the shipped file `name`, addresses and paths in it changed; it is there when it has daemonised."""
    text = (SHIPPED / name).read_text()
    for old, new in changes.items():
        assert old in text, f"{name} does not say {old}"
        text = text.replace(old, new)
    (home / name).write_text(text)
    frame = home / "nginx.conf"
    frame.write_text(FRAME.format(home=home, name=name, user="user root;" if os.geteuid() == 0 else ""))
    command = [str(NGINX), "-p", str(home), "-c", str(frame), "-e", str(home / "error.log")]
    for arguments in (["-t"], []):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "[warn]" not in done.stderr
    try:
        yield
    finally:
        subprocess.run([*command, "-s", "stop"], check=True)


@contextlib.contextmanager
def port_nobody_answers() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        number: int = found.getsockname()[1]
        return number


class Front:
    """nginx in front of a log in which GB is enrolled with a certificate."""

    def __init__(self, hub: Hub, port: int, authority: Authority, stranger: Authority) -> None:
        self.hub, self.port, self.authority = hub, port, authority
        self.gb, self.nobody = authority.issue("gb"), authority.issue("nobody")
        self.expired = authority.issue("expired", expired=True)
        self.strange = stranger.issue("strange")

    def context(self, shown: Issued | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        if shown is not None:
            context.load_cert_chain(shown.certificate, shown.key)
        return context

    def post(self, body: bytes, shown: Issued | None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPSConnection("localhost", self.port, context=self.context(shown), timeout=60)
        with contextlib.closing(connection):
            connection.request("POST", PATH, body, {"Content-Type": "text/xml", "Host": HOST, **headers})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def said(self, body: bytes, shown: Issued | None, **headers: str) -> Any:
        """Result 1, or the codes of a refusal."""
        status, answer = self.post(body, shown, **headers)
        assert status == 200
        reply = decode_reply(Port.TRANSACTION_LOG, "acceptProposal", answer)
        return 1 if reply.result_identifier == ResultIdentifier.ACCEPTED else reply.response_codes

    def logged(self) -> list[tuple[str | None, str | None]]:
        """Sender and address of every message in the log."""
        with self.hub.database.read() as connection:
            rows = connection.execute(t.messages.select().order_by(t.messages.c.id))
            return [(row.sender, row.remote_address) for row in rows]


@pytest.fixture
def front(fresh_database: Any, tmp_path: Path) -> Iterator[Front]:
    settings = Settings(database=fresh_database("sqlite"), trusted_proxies=("127.0.0.1",))
    prepare(settings)
    authority, stranger = Authority(tmp_path, "authority"), Authority(tmp_path, "stranger")
    log = authority.issue("log")
    hub = Hub(settings)
    port = free_port()
    with server.serve(hub.application()) as serving, port_nobody_answers() as down:
        found = Front(hub, port, authority, stranger)
        for code, issued in (("GB", found.gb), ("GB", found.expired)):
            given = ["enrol", code, "--certificate", str(issued.certificate), "--database", settings.database]
            assert main(given) == 0
        changes = {
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "127.0.0.1:8080": f"127.0.0.1:{serving.port}",
            "127.0.0.1:8081": f"127.0.0.1:{down}",  # one of the two is down all the time
            "/etc/itl/tls/server.crt": str(log.certificate),
            "/etc/itl/tls/server.key": str(log.key),
            "/etc/itl/tls/registry-authorities.crt": str(authority.certificate),
        }
        with nginx(tmp_path, "incoming.conf", changes):
            yield found
    hub.close()


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
