"""The examples of the pages, played against a sandbox as a newcomer would play them."""

from __future__ import annotations

import importlib.util
import io
import json
import queue
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests

from itl.checks.override import parse
from itl.cli.main import main
from itl.cli.sandbox import Sandbox, sandbox
from itl.codes import TransactionStatus, TransactionType
from itl.settings import Settings
from itl.wire.contract import Port
from itl.wire.decode import decode_reply, decode_request
from itl.wire.server import serve
from registry_client.client import RegistryClient
from registry_client.endpoint import application
from registry_client.registry import Registry
from registry_client.settings import Settings as RegistrySettings
from registry_client.transactions import State
from tests.databases import FreshDatabase
from tests.docs.pages import EXAMPLES, ROOT, section, typed
from tests.hub.world import World, units

PATIENCE = 30.0


def module(name: str) -> ModuleType:
    """An example as a module."""
    found = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    loaded = importlib.util.module_from_spec(found)
    found.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def running(fresh_database: FreshDatabase) -> Iterator[Sandbox]:
    with sandbox(Settings(database=fresh_database("sqlite"), port=0)) as found:
        yield found


@pytest.fixture
def received(running: Sandbox) -> Iterator[Callable[[], Any]]:
    """The listener of the pages, enrolled for GB by command: gives what the log sent next, decoded."""
    listener = module("listener")
    bodies: queue.Queue[str] = queue.Queue()

    class Listening(listener.Endpoint):  # type: ignore[misc, name-defined]
        def take(self, _operation: str, body: str) -> None:
            bodies.put(body)

        def log_message(self, *_: object) -> None:
            pass

    server = listener.endpoint(0)
    server.RequestHandlerClass = Listening
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/"
    assert main(["enrol", "GB", "--url", address, "--database", database(running)]) == 0
    yield lambda: decode_request(Port.REGISTRY, bodies.get(timeout=PATIENCE).encode()).message
    server.shutdown()
    thread.join()
    server.server_close()


def database(running: Sandbox) -> str:
    return running.hub.settings.database


def post(running: Sandbox, operation: str, file: str) -> Any:
    """The reply to an example, sent as the pages send it with curl."""
    answer = requests.post(
        running.url,
        data=(EXAMPLES / file).read_bytes(),
        headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{operation}"'},
        auth=("gb", "gb"),
        timeout=PATIENCE,
    )
    assert answer.status_code == 200
    return decode_reply(Port.TRANSACTION_LOG, operation, answer.content)


def test_the_first_ten_minutes(
    running: Sandbox, received: Callable[[], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "registry_developer.rst").read_text()

    assert post(running, "acceptProposal", "issuance.xml").result_identifier == 1
    told = received()
    assert (told.transaction_identifier, told.transaction_status, told.evaluation_result) == ("GB900001", 2, ())
    assert post(running, "getTransactionStatus", "status.xml").transaction_status == 2

    assert post(running, "acceptNotification", "completed.xml").result_identifier == 1
    assert post(running, "acceptNotification", "completed.xml").result_identifier == 1
    assert post(running, "getTransactionStatus", "status.xml").transaction_status == 4
    assert post(running, "acceptProposal", "issuance.xml").result_identifier == 1

    assert post(running, "acceptProposal", "issuance-again.xml").result_identifier == 1
    told = received()
    (refused,) = told.evaluation_result
    assert (told.transaction_identifier, told.transaction_status, refused.response_code) == ("GB900002", 3, 5010)

    capsys.readouterr()
    assert main(["holdings", "--database", database(running), "--json"]) == 0
    (held,) = json.loads(capsys.readouterr().out)
    assert (held["party"], held["unit"], held["cp"], held["issued"]) == ("GB", "AAU", 2, 1000)
    assert main(["transaction", "GB900002", "--database", database(running)]) == 0
    shown = capsys.readouterr().out
    for line in (
        "GB900002: issuance (1), GB to GB, now 3 checked discrepancy",
        "checks of ITL: 36 passed, 1 failed, of 112",
        "5010 GB 1-1000  (itl check 5010)",
    ):
        assert line in shown
        assert line in page


def test_the_share_of_proceeds_is_paid(running: Sandbox, received: Callable[[], Any], tmp_path: Path) -> None:
    """With the CDM registry beside it, as the sandbox of the page runs one."""
    client = RegistryClient(running.url, code="CDM", user="cdm", password="cdm")
    with (
        closing(client),
        closing(Registry(RegistrySettings(code="CDM"), client, database=f"sqlite:///{tmp_path}/cdm.db")) as cdm,
        closing(serve(application(cdm))) as endpoint,
    ):
        cdm.start()
        assert main(["enrol", "CDM", "--url", endpoint.url, "--database", database(running)]) == 0
        for operation, file, statuses in (
            ("acceptProposal", "issuance.xml", [2]),
            ("acceptNotification", "completed.xml", []),
            ("acceptProposal", "transfer.xml", [8]),
            ("acceptNotification", "transfer-completed.xml", []),
        ):
            assert post(running, operation, file).result_identifier == 1
            assert [received().transaction_status for _ in statuses] == statuses
        assert cdm.wait("GB900003", PATIENCE).state is State.COMPLETED
        assert [(each.account.identifier, each.quantity) for each in cdm.holdings()] == [(1100, 20)]


def test_the_page_shows_the_examples_that_are_played() -> None:
    page = (ROOT / "docs" / "registry_developer.rst").read_text()
    named = set(re.findall(r"examples/([\w.-]+)", page))
    assert {
        "issuance.xml", "issuance-again.xml", "completed.xml", "status.xml", "listener.py", "status.php",
        "endpoint.php", "issue.php", "transfer.xml", "transfer-completed.xml",
    } == named  # fmt: skip


def test_the_registry_in_python(running: Sandbox, tmp_path: Path) -> None:
    port = _free_port()
    address = f"http://127.0.0.1:{port}/"
    assert main(["enrol", "GB", "--url", address, "--database", database(running)]) == 0
    ended = module("registry").issue(running.url, port, f"sqlite:///{tmp_path}/gb.db")
    assert re.fullmatch(r"GB\d+ completed", ended)


def _has_soap(php: str | None) -> bool:
    if php is None:
        return False
    return "soap" in subprocess.run([php, "-m"], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.interop
@pytest.mark.skipif(not _has_soap(shutil.which("php")), reason="PHP with its SOAP extension is not installed")
def test_a_registry_in_php(running: Sandbox) -> None:
    """Its endpoint is called, and the issuance that it proposes is checked and completed."""
    port = _free_port()
    command = ["php", "-S", f"127.0.0.1:{port}", str(EXAMPLES / "endpoint.php")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as endpoint:
        assert endpoint.stdout is not None
        try:
            assert "started" in endpoint.stdout.readline()
            assert main(["enrol", "GB", "--url", f"http://127.0.0.1:{port}/", "--database", database(running)]) == 0
            issue = ["php", str(EXAMPLES / "issue.php"), "GB900004", "3001", running.url]
            done = subprocess.run(issue, capture_output=True, text=True, check=False, timeout=PATIENCE)
            assert done.stdout == "proposed: result 1\nchecked: status 2\ncompleted: result 1\n", done.stderr
            assert any("GB900004 has status 2" in line for line in endpoint.stdout)
            again = subprocess.run(issue, capture_output=True, text=True, check=False, timeout=PATIENCE)
            assert again.stdout == "proposed: result 1\nchecked: status 4\n"
            issue[3] = "4001"
            other = subprocess.run(issue, capture_output=True, text=True, check=False, timeout=PATIENCE)
            assert other.stdout == "proposed: result 0\nrefused: 3001\n"
        finally:
            endpoint.kill()


@pytest.mark.interop
@pytest.mark.skipif(not _has_soap(shutil.which("php")), reason="PHP with its SOAP extension is not installed")
def test_the_status_from_php(running: Sandbox) -> None:
    post(running, "acceptProposal", "issuance.xml")
    command = ["php", str(EXAMPLES / "status.php"), "GB900001", running.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"result 1, status [12]\n", done.stdout)


def test_a_log_that_is_told_what_the_page_tells_it_issues(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What an operator types in a test environment, and nothing else; then NZ issues up to its assigned amount, as of
    2014."""
    monkeypatch.setenv("ITL_ENVIRONMENT", "test")
    assert main(["migrate", "--database", database_url]) == 0
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "stdin", io.StringIO("nz\ngb\n"))
    for line in typed("operator.rst", section("operator.rst", "What the log must know")):
        capsys.readouterr()
        assert main([*line.words, "--database", database_url]) == 0, line
    assert re.search(r"^true-up end +GB period 1 .+ report of the true-up$", capsys.readouterr().out, re.MULTILINE)

    world = World(database_url)
    assert world.propose("NZ", "NZ1", TransactionType.ISSUANCE, units(1, 309_564_733, "NZ")) == 1
    world.settle()
    assert world.notify("NZ", "NZ1", TransactionStatus.COMPLETED) == 1
    assert world.propose("NZ", "NZ2", TransactionType.ISSUANCE, units(400_000_001, 400_000_001, "NZ")) == 1
    assert world.propose("GB", "GB1", TransactionType.ISSUANCE, units(1, 1, "GB")) == 1
    world.settle()
    assert [world.status(each) for each in ("NZ1", "NZ2", "GB1")] == [4, 3, 3]
    for identifier, code in (("NZ2", 5008), ("GB1", 5002)):
        assert main(["transaction", identifier, "--database", database_url]) == 0
        assert f"\n    {code} " in capsys.readouterr().out
    assert [each.issued for each in world.holdings()] == [309_564_733]
    world.close()
    assert main(["audit", "--database", database_url]) == 0


def test_the_override_file_of_the_page() -> None:
    (shown,) = re.findall(r"code-block:: toml\n\n((?:   .*\n|\n)+)", section("operator.rst", "Other numbers for codes"))
    override = parse(textwrap.dedent(shown))
    assert override.renumbered == {5107: 9107}
    assert override.off == {5108}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        number: int = found.getsockname()[1]
        return number
