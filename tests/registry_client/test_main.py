"""The command: `registry serve` in processes of their own, which are killed; the other commands beside them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from itl.clock import SetClock
from itl.codes import UnitType
from itl.messages import MessageRequest
from registry_client.arguments import parser
from registry_client.faults import Fault, Misbehaviour
from registry_client.identifiers import SerialRange
from registry_client.main import main
from registry_client.registry import Registry
from registry_client.settings import Settings
from tests.registry_client.hub import HttpLog
from tests.registry_client.log import NOON, Log
from tests.registry_client.reconciling import HEAD, conclude, initiate, notice

Serve = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def hub() -> Iterator[HttpLog]:
    with HttpLog() as served:
        yield served


@pytest.fixture
def serve(hub: HttpLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serve a registry in a process; the working directory, and so its database, is the test's own."""
    monkeypatch.chdir(tmp_path)
    processes: list[subprocess.Popen[str]] = []

    def start(code: str) -> subprocess.Popen[str]:
        who = ["--code", code, "--user", code.lower(), "--password", code.lower()]
        process = subprocess.Popen(
            [sys.executable, "-m", "registry_client.main", "serve", *who, "--hub", hub.url, "--port", "0"],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        processes.append(process)
        assert process.stderr is not None
        ready = process.stderr.readline()
        assert ready.startswith(f"registry {code} at http://"), ready
        hub.addresses[code] = ready.split()[3].rstrip(",")
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


PATIENT = ("--wait", "120")


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(arguments) == code, capsys.readouterr().err
    return capsys.readouterr().out


def units(capsys: pytest.CaptureFixture[str], registry: str) -> dict[int, int]:
    holdings: list[dict[str, Any]] = json.loads(run(capsys, "holdings", "--code", registry, "--json"))
    return {held["account"]["account_type"]: held["quantity"] for held in holdings}


def test_a_story_of_all_types_and_of_a_registry_that_is_killed(
    serve: Serve, hub: HttpLog, capsys: pytest.CaptureFixture[str]
) -> None:
    gb, fr = serve("GB"), serve("FR")
    run(capsys, "issue", "--code", "GB", "--unit-type", "AAU", "--quantity", "1000", "--period", "1", *PATIENT)
    account = run(capsys, "open", "--code", "GB", "--type", "121").strip()
    aau = ("--unit-type", "AAU", "--quantity")
    run(capsys, "move", "--code", "GB", "--to", account, *aau, "5", *PATIENT)
    run(capsys, "cancel", "--code", "GB", "--units", "GB-101-110", "GB-201-210", *PATIENT)
    run(capsys, "retire", "--code", "GB", *aau, "50", "--period", "1", *PATIENT)
    run(capsys, "transfer", "--code", "GB", "--to", "FR-100-1001", *aau, "100", *PATIENT)
    assert units(capsys, "GB") == {100: 825, 121: 5, 230: 20, 300: 50}
    assert units(capsys, "FR") == {100: 100}

    fr.kill()
    fr.wait()
    out = run(capsys, "transfer", "--code", "GB", "--to", "FR-100-1001", *aau, "100", "--wait", "0")
    identifier = out.split()[0]
    gb.kill()
    gb.wait()
    serve("GB")
    serve("FR")
    retired = json.loads(run(capsys, "retire", "--code", "GB", *aau, "1", "--json", *PATIENT))
    assert retired["state"] == "completed"
    out = run(capsys, "transfer", "--code", "GB", "--to", "FR-100-9", *aau, "1", *PATIENT, code=1)
    assert "terminated 5902" in out
    run(capsys, "status", identifier, "--code", "FR", *PATIENT)
    ask = ("--hub", hub.url, "--user", "gb", "--password", "gb")
    hub_says = run(capsys, "status", identifier, "--code", "GB", *PATIENT, *ask)
    assert f"{identifier} type 3, 100 units: completed" in hub_says
    assert "the log: status 4 since 2012-11-22" in hub_says
    assert units(capsys, "GB") == {100: 724, 121: 5, 230: 20, 300: 51}
    assert units(capsys, "FR") == {100: 200}
    listed = run(capsys, "transactions", "--code", "GB", "--limit", "2")
    assert [line.split(":")[1].strip() for line in listed.splitlines()] == ["terminated 5902", "completed"]


def test_serve_ends_in_order(serve: Serve) -> None:
    process = serve("GB")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0


def test_a_command_without_a_running_registry_queues(
    serve: Serve, hub: HttpLog, capsys: pytest.CaptureFixture[str]
) -> None:
    process = serve("GB")
    process.kill()
    process.wait()
    issue = ("issue", "--code", "GB", "--unit-type", "AAU", "--quantity", "1000", "--period", "1", "--wait")
    out = run(capsys, *issue, "0")
    assert "GB100001 type 1, 1,000 units: proposed" in out
    assert "1 calls wait for the hub" in out
    assert main([*issue, "0.1"]) == 3
    assert "GB100002 is not settled in registry GB after 0.1 seconds" in capsys.readouterr().err
    run(capsys, "message", "--code", "GB", "hello")
    serve("GB")
    run(capsys, *issue, "120")
    assert units(capsys, "GB") == {100: 3000}


def test_who_reads_no_further_is_not_shown_a_traceback(tmp_path: Path) -> None:
    Registry(Settings(code="GB"), None, database=f"sqlite:///{tmp_path}/gb.db").close()
    command = [sys.executable, "-m", "registry_client.main", "state", "--code", "GB"]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["holdings", "--code", "XX"], "xx.db: no such database"),
        (["holdings", "--code", "FR", "--database", "gb.db"], "database of registry GB, not of FR"),
        (["status", "GB7", "--code", "GB"], "GB7: no such transaction"),
        (["retire", "--code", "GB"], "which units?"),
        (["retire", "--code", "GB", "--units", "GB-1-1"], "does not hold serial 1"),
        (["retire", "--code", "GB", "--unit-type", "AAU", "--quantity", "5"], "5 units wanted, 0 free"),
        (["move", "--code", "GB", "--to", "FR-100-1", "--units", "GB-1-1"], "registry transfer"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_traceback(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Registry(Settings(code="GB"), None, database="sqlite:///gb.db").close()
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("registry: ")
    assert said in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COMMAND"),
        (["retire", "--code", "GB", "--units", "GB-5-1"], "the end is not smaller than the start"),
        (["transfer", "--code", "GB", "--to", "FR-100-1001-0-3", "--units", "GB-1-5"], "check digits do not fit"),
        (["issue", "--code", "GB", "--unit-type", "AAU", "--quantity", "0", "--period", "1"], "--quantity"),
        (["serve", "--misbehave", "sometimes"], "'sometimes' is no fault"),
    ],
)
def test_wrong_arguments_are_explained(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_what_the_log_asked_and_wrote_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = str(tmp_path / "gb.db")
    registry = Registry(Settings(code="GB"), None, database=f"sqlite:///{database}", clock=SetClock(NOON))
    for message in (
        initiate(at=NOON),
        conclude(99, 6301, 6302),
        notice(17, 3, 1, "replace before 2013", action_due_date=date(2012, 12, 31)),
        notice(17, 10, 2, "30 units are missing"),
        MessageRequest(**HEAD, message_content="maintenance on Sunday", message_date_time=NOON),
    ):
        assert registry.receive(message) == ()
    registry.issue(UnitType.AAU, 10, period=1)
    registry.settle()
    registry.close()
    gb = ("--code", "GB", "--database", database)
    assert run(capsys, "reconciliations", *gb).splitlines() == [
        "GB1 snapshot of 2012-11-22 12:00:00: 99 intervention required, 0 blocks in the copy",
        "  2012-11-22 12:00:00 0 confirmed: initiated by the log",
        "  2012-11-22 12:00:00 99 intervention required: result: intervention required 6301 6302",
    ]
    assert run(capsys, "notices", *gb).splitlines() == [
        "17 type 3: incomplete, due 2012-12-31",
        "  2012-11-22 12:00:00 type 3: replace before 2013",
        "  2012-11-22 12:00:00 type 10: 30 units are missing",
    ]
    run(capsys, "message", *gb, "thank you")
    ours, theirs = run(capsys, "messages", *gb).splitlines()
    assert ours.endswith("to the log (waits for the hub): thank you")
    assert theirs == "2012-11-22 12:00:00 from the log: maintenance on Sunday"
    for command in ("reconciliations", "notices", "messages"):
        assert json.loads(run(capsys, command, *gb, "--json"))


def test_every_type_is_proposed_by_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A registry with units of every kind, that only queues."""
    database = str(tmp_path / "gb.db")
    log = Log()
    registry = Registry(Settings(code="GB"), log, database=f"sqlite:///{database}", clock=SetClock(NOON))
    log.registries["GB"] = registry
    registry.issue(UnitType.AAU, 1000, period=1)
    registry.issue(UnitType.LCER, 90, period=1, originating="BR", project=10, activity=1, expiry=date(2030, 12, 31))
    registry.receive(notice(17, 9, 1, "longer", project_number="BR10", target_date=date(2032, 6, 30)))
    log.settle()
    registry.close()
    gb = ("--code", "GB", "--database", database, "--wait", "0")
    aau = ("--unit-type", "AAU", "--quantity", "10")
    for arguments, transaction_type, quantity in (
        (("convert", *aau, "--project", "7", "--track", "2"), 2, 10),
        (("replace", *aau, "--replaced", "BR-1-10"), 6, 20),
        (("carry-over", *aau), 7, 10),
        (("change-expiry", "--units", "BR-11-20", "--expiry", "2032-06-30", "--notice", "17"), 8, 10),
        (("fulfil", "--notice", "17"), 8, 70),
        (("retire", *aau, "--account", "GB-100-1001"), 5, 10),
    ):
        assert f" type {transaction_type}, {quantity} units: proposed" in run(capsys, *arguments, *gb), arguments
    assert main(["retire", *gb, *aau, "--account", "GB-121-5"]) == 1
    assert "0 free of that kind" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lost-block", Misbehaviour(Fault.LOST_BLOCK)),
        ("double-block=GB-1-10", Misbehaviour(Fault.DOUBLE_BLOCK, SerialRange("GB", 1, 10))),
        ("lost-everything", None),
        ("lost-block=GB", None),
    ],
)
def test_faults_are_named_on_the_command_line(text: str, expected: Misbehaviour | None) -> None:
    line = ["serve", "--code", "GB", "--hub", "http://hub", "--misbehave", text, "late"]
    if expected is None:
        with pytest.raises(SystemExit):
            parser().parse_args(line)
    else:
        assert parser().parse_args(line).misbehave == [expected, Misbehaviour(Fault.LATE)]
