"""The shipped nginx files in front of a log or of registries."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
from tests.deploy.certificates import Authority, Issued

SHIPPED = Path(__file__).parents[2] / "deploy" / "nginx"
HOST = "itl.example.org"

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
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


@contextlib.contextmanager
def front(database: str, directory: Path) -> Iterator[Front]:
    """nginx with the shipped file, in front of a sandbox in a new `database`; their files are put in `directory`."""
    settings = Settings(database=database, trusted_proxies=("127.0.0.1",))
    prepare(settings)
    authority, stranger = Authority(directory, "authority"), Authority(directory, "stranger")
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
        with nginx(directory, "incoming.conf", changes):
            yield found
    hub.close()
