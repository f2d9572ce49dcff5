"""The suite from the command line, either direction, as a tester types it."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from itl.cli.main import main as itl
from itl.cli.sandbox import prepare
from itl.settings import Settings
from registry_client.conformance.command import consult
from registry_client.conformance.operators import Declined
from registry_client.conformance.playing import Access
from registry_client.conformance.registry.profile import Candidate
from registry_client.conformance.suite import Skipped
from registry_client.main import main as registry
from registry_client.plans import made
from registry_client.simulator import running
from tests.databases import FreshDatabase

SUMMARY = {"passed", "failed", "skipped", "not_applicable", "error"}


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A log's database in which GB is enrolled, and the registry GB that calls the played log at `listen`."""

    database: str
    listen: str
    file: Path


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enrolled]:
    folder = tmp_path_factory.mktemp("enrolled")
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    plans = made(
        ["GB"],
        hub=f"http://{listen}/",
        database=str(folder / "gb.db"),
        user="gb",
        password="gb",
        hub_user="itl",
        hub_password="secret",
    )
    database = f"sqlite:///{folder}/itl.db"
    with running(plans) as simulator:
        prepare(Settings(database=database), {"GB": simulator.url})
        given = ["--call-user", "itl", "--call-password", "secret", "--database", database]
        assert itl(["enrol", "GB", *given]) == 0
        yield Enrolled(database, listen, folder / "gb.db")


def test_an_enrolled_registry_is_tested_as_it_is_enrolled(
    enrolled: Enrolled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: tmp_path / f"report.{name}" for name in ("html", "junit")}
    reports = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    tests = ["--only", "100", "101*", "102", "120", "122*", "140"]
    where = ["--code", "GB", "--database", enrolled.database, "--listen", enrolled.listen]
    code = itl(["conformance", "registry", *where, "--simulator", str(enrolled.file), *tests, "--json", *reports])
    found = json.loads(capsys.readouterr().out)
    assert {each["number"]: each["detail"] for each in found["results"] if each["outcome"] == "failed"} == {}
    assert code == 0
    assert set(found["summary"]) == SUMMARY
    assert found["summary"] == {"passed": 5, "failed": 0, "skipped": 0, "not_applicable": 4, "error": 0}
    assert "certificate" in next(each["detail"] for each in found["results"] if each["number"] == "101/certificate")
    standing = {each["id"]: each["standing"] for each in found["requirements"]}
    assert (standing["R-ISSUE-1"], standing["R-CARRY-1"]) == ("kept", "not tested")
    assert all(identifier.startswith("R-") for identifier in standing)
    assert len(etree.parse(str(files["junit"])).getroot().findall("testsuite/testcase")) == len(found["results"]) == 9
    assert "Summary by group" in files["html"].read_text()


def test_who_shows_another_password_does_not_get_in(enrolled: Enrolled, capsys: pytest.CaptureFixture[str]) -> None:
    """The registry shows its own user; a log that knows it by another password lets it not in, and hears nothing."""
    assert itl(["enrol", "GB", "--user", "gb", "--password", "other", "--database", enrolled.database]) == 0
    try:
        where = ["--code", "GB", "--database", enrolled.database, "--listen", enrolled.listen, "--patience", "0.5"]
        assert itl(["conformance", "registry", *where, "--only", "100", "102"]) == 1
        told = capsys.readouterr().out
        assert "R-ACQUIRE-1" in told
        assert "1 passed, 1 failed" in told
    finally:
        assert itl(["enrol", "GB", "--user", "gb", "--password", "gb", "--database", enrolled.database]) == 0


def test_who_is_not_enrolled_needs_an_address(enrolled: Enrolled, capsys: pytest.CaptureFixture[str]) -> None:
    assert itl(["conformance", "registry", "--code", "NZ", "--database", enrolled.database]) == 2
    assert "not enrolled" in capsys.readouterr().err


def test_a_registry_in_production_is_not_tested(
    fresh_database: FreshDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    database = fresh_database("sqlite")
    assert itl(["migrate", "--database", database]) == 0
    assert itl(["enrol", "GB", "--url", "http://gb.example/", "--database", database]) == 0
    assert itl(["conformance", "registry", "--code", "GB", "--database", database]) == 2
    assert "in the registry's real books" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("run", "one"),
    [
        (lambda words: registry(["conformance", "hub", *words]), "150"),
        (lambda words: itl(["conformance", "registry", "--code", "GB", "--url", "http://x.invalid", *words]), "154"),
    ],
    ids=["hub", "registry"],
)
def test_both_directions_list_and_choose(run: object, one: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(run)
    assert run(["--list", "--only", one]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == 1
    assert listed[0].startswith(one)
    assert "TRANSFER" in listed[0] or "R-ACQUIRE-1" in listed[0]
    assert run(["--only", "999"]) != 0
    assert "no test is called 999" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "raised", "why"),
    [("\n", None, ""), ("r\n", Declined, "refused it"), ("s\n", Skipped, "left out"), ("", Skipped, "nobody is there")],
)
def test_a_person_is_asked_and_waited_for(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    raised: type[Exception] | None,
    why: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    if raised is None:
        consult("cancel: units GB-1-10")
    else:
        with pytest.raises(raised, match=why):
            consult("cancel: units GB-1-10")
    assert "please: cancel: units GB-1-10" in capsys.readouterr().err


def test_people_begin_what_the_registry_has_to_begin(
    enrolled: Enrolled, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Enter is typed, and nothing was done: the registry is not taken at its people's word."""
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    where = ["--code", "GB", "--database", enrolled.database, "--listen", enrolled.listen, "--patience", "0.3"]
    assert itl(["conformance", "registry", *where, "--ask", "--only", "402"]) == 1
    told = capsys.readouterr()
    assert "please: message" in told.err
    assert "R-MESSAGE-2" in told.out


def test_the_log_shows_a_registry_the_certificate_of_its_settings(
    enrolled: Enrolled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "log.toml"
    calls = 'call_certificate = "log.pem"\ncall_key = "log.key"\ncall_authority = "ca.pem"\n'
    settings.write_text(f'database = "{enrolled.database}"\n{calls}')
    seen: list[Candidate] = []
    monkeypatch.setattr(
        "registry_client.conformance.command.run_registry", lambda _, candidate, __: seen.append(candidate) or 0
    )
    assert itl(["--settings", str(settings), "conformance", "registry", "--code", "GB"]) == 0
    assert seen[0].access == Access("itl", "secret", "log.pem", "log.key", "ca.pem")
    assert (seen[0].log, seen[0].version) == ("ITL", (1, 1))
