"""`itl replay` with a log that runs elsewhere, here a sandbox: as it comes, and called back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from itl.cli import sandbox
from itl.cli.main import main
from itl.clock import system_clock
from itl.hub import Hub
from itl.replay import remote_hub
from itl.replay.play import on_remote_hub
from itl.replay.registry import Mailbox
from itl.replay.remote_hub import RemoteHub, enrolment
from itl.replay.reports import Row
from itl.settings import Settings
from itl.store import tables as t
from itl.store.database import Database
from itl.store.holdings import holdings
from itl.wire import server
from itl.wire.encode import encode_fault
from itl.wire.faults import ServerFault
from tests.databases import FreshDatabase
from tests.replay.conftest import CANCELLATIONS, ISSUANCES
from tests.replay.test_figures import HOLDINGS

REPORTS = ("--issuances", str(ISSUANCES), "--cancellations", str(CANCELLATIONS))
OF_THE_CDM = [holding for holding in HOLDINGS if holding.party != "RO"]
FOREIGN_LINE = 10


@dataclass(frozen=True, slots=True)
class Sandbox:
    url: str
    database: str


@pytest.fixture
def running(fresh_database: FreshDatabase, capsys: pytest.CaptureFixture[str]) -> Iterator[Sandbox]:
    """A sandbox, with worker and relay at work; it logs into `capsys`, and so ends before that."""
    settings = Settings(database=fresh_database("sqlite"))
    sandbox.prepare(settings)
    hub = Hub(settings)
    hub.start_work()
    with server.serve(hub.application()) as serving:
        yield Sandbox(f"{serving.url}/TransactionLogService", settings.database)
    hub.close()


def test_a_sandbox_takes_the_rows_as_it_comes(running: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", *REPORTS, "--hub", running.url, "--compare", running.database, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["transactions"], told["equal"]) == (16, 13, True)
    assert told["left_out"] == [{"file": str(CANCELLATIONS), "line": FOREIGN_LINE}]
    database = Database(running.database)
    with database.read() as connection:
        assert holdings(connection) == OF_THE_CDM
    database.close()


def test_the_same_again_has_no_effect(running: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert main(["replay", *REPORTS, "--hub", running.url, "--compare", running.database]) == 0
    shown = capsys.readouterr().out
    assert "the holdings are what the reports make them" in shown
    for rule in remote_hub.RULES:
        assert rule in shown


def test_other_numbers_are_other_transactions(running: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", *REPORTS, "--hub", running.url, "--limit", "1"]) == 0
    again = ["replay", *REPORTS, "--hub", running.url, "--limit", "1", "--first-number", "2", "--json"]
    capsys.readouterr()
    assert main(again) == 1
    (refusal,) = json.loads(capsys.readouterr().out)["refusals"]
    assert (refusal["transaction"], refusal["step"], refusal["status"]) == ("CDM2", "verdict", 3)
    assert "status 3" in refusal["problem"]  # a log that cannot call back does not tell why


def test_a_log_that_is_told_the_address_calls_back(
    running: Sandbox, rows: list[Row], capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[int] = []
    database = Database(running.database)
    with database.write() as connection:  # it has not reached the registry for long, and would not try for longer
        connection.execute(
            t.lanes.insert(), {"receiver": "CDM", "failures": 9, "not_before": datetime(2100, 1, 1, tzinfo=UTC)}
        )
    database.close()
    with Mailbox(system_clock) as mailbox:
        command = enrolment(mailbox).removeprefix("itl ").split()
        assert main([*command, "--database", running.database]) == 0
        hub = RemoteHub(running.url, "cdm", "cdm", mailbox)
        result = on_remote_hub(hub, rows, done.append, compare=running.database)
        assert result.went_well
        again = on_remote_hub(hub, rows[:1], done.append, first_number=700)
        hub.close()
    assert [refusal.codes for refusal in again.refusals] == [(5010,)]
    assert sum(done) == len(rows) + 1


def answers(status: str, body: bytes) -> WSGIApplication:
    def application(_environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response(status, [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
        return [body]

    return application


def test_what_is_no_log_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with server.serve(answers("404 Not Found", b"<html/>")) as page:
        assert main(["replay", *REPORTS, "--hub", page.url]) == 2
        assert f"{page.url} does not answer as a log, HTTP status 404" in capsys.readouterr().err


def test_a_fault_is_told_with_its_row(capsys: pytest.CaptureFixture[str]) -> None:
    fault = encode_fault(ServerFault("out of paper"))
    with server.serve(answers("500 Internal Server Error", fault)) as broken:
        assert main(["replay", *REPORTS, "--limit", "2", "--hub", broken.url]) == 1
    shown = capsys.readouterr().out
    assert f"CDM2 ({ISSUANCES}, line 3), fault: the peer answered with the fault" in shown
    assert "out of paper" in shown


def test_a_wrong_password_is_told(running: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", *REPORTS, "--hub", running.url, "--password", "wrong"]) == 2
    assert "give --user and --password" in capsys.readouterr().err


def test_a_log_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(remote_hub, "PATIENCE", 0.0)
    with server.serve(lambda _environ, _start: []) as gone:
        url = gone.url
    assert main(["replay", *REPORTS, "--hub", url]) == 2
    assert f"{url} gave no answer to acceptProposal" in capsys.readouterr().err
