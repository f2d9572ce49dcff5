"""A registry's way to production, as its operators and the log's go it: what is answered at each stage, on record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from itl.cli.main import main
from itl.clock import SetClock, system_clock
from itl.codes import UnitType
from itl.hub import Hub
from itl.lifecycle.enrolment import CONNECTS_WITH, CONTACTS, DOCUMENTS, GO_LIVE, STEPS
from itl.settings import Settings
from itl.store import access
from itl.store import tables as t
from itl.store.enrolment_entries import add
from itl.store.reference_data import load_reference, raise_stamp
from itl.wire import server
from registry_client.client import RegistryClient
from registry_client.conformance.results import Outcome
from registry_client.endpoint import application
from registry_client.registry import Registry
from registry_client.settings import Settings as RegistrySettings
from registry_client.transactions import State
from tests.cli.test_enrolment_report import report
from tests.deploy.certificates import Authority
from tests.lifecycle.test_enrolment import passing

TO_CONNECT = ["contacts", "certificate"]
TO_GO_LIVE = [*TO_CONNECT, "reference-data", "documents", "connection", "functional", "reconciliation"]


@dataclass
class Way:
    """A log of production, and the reference registry GB that comes to it; both clocks stand."""

    database: str
    folder: Path
    hub: Hub
    clock: SetClock
    client: RegistryClient
    registry: Registry
    url: str
    capsys: pytest.CaptureFixture[str]

    def itl(self, *words: str, code: int = 0) -> str:
        """What a command prints; of one that fails, what it complains of."""
        assert main(["--log-level", "error", *words, "--database", self.database]) == code, self.capsys.readouterr().err
        out, err = self.capsys.readouterr()
        return out if code == 0 else err

    def record(self, *words: str, code: int = 0) -> str:
        return self.itl("enrol", "record", "GB", *words, "--by", "ada", code=code)

    def settle(self) -> None:
        """Let log and registry do all that is due, what the commands have just begun included."""
        self.clock.set(max(self.clock(), system_clock()))
        while True:
            self.hub.settle_down()
            if not self.registry.process() + self.registry.deliver():
                return

    def propose(self) -> tuple[State, tuple[int, ...]]:
        identifier = self.registry.issue(UnitType.AAU, 100, period=3)
        self.settle()
        found = self.registry.transaction(identifier)
        return found.state, found.codes

    def write(self, text: str = "hello") -> tuple[int, ...]:
        """Send the log a message; the codes of its refusal."""
        return self.client.message(text, self.clock()).response_codes or ()

    # The steps

    def contacts(self) -> None:
        for item in CONTACTS:
            self.record("details", item, "--evidence", f"Ann Example, {item}@gb.example, +44 20 7946 0000")

    def certificate(self) -> None:
        self.record("certificate")

    def reference_data(self) -> None:
        self.itl("reference", "set", "assigned amount", "5000", "--party", "GB", "--period", "3", "--reason", "report")
        self.record("reference-data")

    def documents(self) -> None:
        for item in DOCUMENTS:
            file = self.folder / f"{item}.pdf"
            file.write_bytes(item.encode())
            self.record("documents", item, "--result", "received", "--evidence-file", str(file))
            self.record("documents", item, "--evidence", "complete and up to date")

    def connection(self) -> None:
        assert self.write() == ()
        self.itl("time", "check", "GB")
        self.settle()
        self.record("connection")

    def functional(self) -> None:
        file = self.folder / "report.json"
        file.write_bytes(report(started_at=system_clock() - timedelta(days=1)))
        self.record("functional", "--report", str(file))

    def reconciliation(self) -> None:
        self.itl("reconcile", "start", "GB", "--reason", "the first")
        self.settle()
        for _ in range(20):
            self.clock.advance(timedelta(minutes=5))
            self.settle()
        self.record("reconciliation")

    def go(self, steps: list[str]) -> None:
        for step in steps:
            getattr(self, step.replace("-", "_"))()

    def stage(self) -> str:
        with self.hub.database.read() as connection:
            return load_reference(connection).registries["GB"].stage


@pytest.fixture(autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Passwords are hashed to be slow to guess; here nobody guesses."""
    with patch.dict(access._COST, n=2):
        yield


@pytest.fixture
def way(database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Way]:
    assert main(["--log-level", "error", "migrate", "--database", database_url]) == 0
    clock = SetClock(system_clock())
    settings = Settings(database=database_url)
    books = f"sqlite:///{tmp_path}/gb.db"
    with (
        closing(Hub(settings, clock)) as hub,
        closing(server.serve(hub.application())) as log,
        closing(RegistryClient(log.url, code="GB", user="gb", password="gb")) as client,
        closing(Registry(RegistrySettings(code="GB"), client, database=books, clock=clock)) as registry,
        closing(server.serve(application(registry))) as endpoint,
    ):
        yield Way(database_url, tmp_path, hub, clock, client, registry, endpoint.url, capsys)


@pytest.fixture
def enrolled(way: Way) -> Way:
    """Its address and its credentials are known, and nothing else."""
    issued = Authority(way.folder, "authority").issue("gb")
    credentials = ("--user", "gb", "--password", "gb", "--certificate", str(issued.certificate))
    said = way.itl("enrol", "GB", "--url", way.url, *credentials, "--by", "ada")
    assert "preparing, not live" in said
    return way


def test_the_whole_way(enrolled: Way) -> None:
    way = enrolled
    assert (way.stage(), way.write("a first try"), way.propose()) == ("preparing", (1501,), (State.REFUSED, (1501,)))
    way.go(TO_CONNECT)
    assert (way.stage(), way.write("a second"), way.propose()) == ("connecting", (), (State.REFUSED, (1503,)))
    way.go(TO_GO_LIVE[2:])
    assert (way.stage(), way.propose()) == ("connecting", (State.REFUSED, (1503,)))
    assert "live: it takes part" in way.record("go-live", "--evidence", "decision 12")
    way.settle()
    assert "registry GB is live" in way.registry.messages()[0][1].message_content
    assert (way.stage(), way.propose()) == ("live", (State.COMPLETED, ()))
    way.record("go-live", "--result", "failed", "--evidence", "its keys were stolen")
    assert (way.stage(), way.write("why?"), way.propose()) == ("connecting", (), (State.REFUSED, (1503,)))


def test_each_step_is_on_record_with_who_and_when_and_what_shows_it(enrolled: Way) -> None:
    enrolled.go(TO_GO_LIVE)
    shown = json.loads(enrolled.itl("enrol", "show", "GB", "--json"))[0]
    assert (shown["stage"], shown["next"], shown["warnings"]) == ("connecting", ["go-live"], [
        f"certificate ends on {shown['certificates'][0]['certificate']['valid_until'][:19].replace('T', ' ')}Z"
    ])  # fmt: skip
    assert all(each["by"] == "ada" and datetime.fromisoformat(each["at"]) for each in shown["history"])
    evidence = {each["step"]: each["evidence"] for each in shown["history"]}
    assert evidence["certificate"].startswith("CN=gb, issued by CN=authority, valid from ")
    assert shown["certificates"][0]["fingerprint"] in evidence["certificate"]
    assert evidence["reference-data"] == "assigned amount of period 3: 5,000"
    assert "acceptMessage" in evidence["connection"]
    assert "0 ms off" in evidence["connection"]
    assert "conformance of GB" in evidence["functional"]
    assert evidence["reconciliation"].endswith(": consistent")
    digests = {each["item"] or each["step"]: each["digest"] for each in shown["history"] if each["digest"]}
    assert digests["security-plan"] == hashlib.sha256(b"security-plan").hexdigest()
    assert digests["functional"] == hashlib.sha256((enrolled.folder / "report.json").read_bytes()).hexdigest()
    actions = json.loads(enrolled.itl("actions", "GB", "--json"))
    assert {each["action"] for each in actions} >= {"enrol", "enrol record"}
    assert all(each["actor"] == "ada" for each in actions if each["action"].startswith("enrol"))
    text = enrolled.itl("enrol", "show", "GB")
    assert "done  reconciliation" in text
    assert "open  go-live" in text
    assert "next: go-live" in text
    contacts = json.loads(enrolled.itl("registry", "show", "GB", "--json"))["contacts"]
    assert set(contacts) == set(CONTACTS)
    assert "security-contact@gb.example" in enrolled.itl("registry", "show", "GB")


@pytest.mark.parametrize("missing", [name for name in STEPS if name != GO_LIVE])
def test_nothing_that_is_missing_lets_it_go_live(enrolled: Way, missing: str) -> None:
    with enrolled.hub.database.write() as connection:
        for entry in passing(name for name in STEPS if name not in (missing, GO_LIVE)):
            add(connection, "GB", entry)
        raise_stamp(connection)
    said = enrolled.record("go-live", "--evidence", "decision 12", code=2)
    assert f"go-live presupposes what is not passed yet: {missing}" in said
    refusal = 1501 if missing in CONNECTS_WITH else 1503
    assert enrolled.propose() == (State.REFUSED, (refusal,))


@pytest.mark.parametrize(
    ("before", "step", "reason"),
    [
        ([], "certificate", "presupposes what is not passed yet: details"),
        (TO_CONNECT, "reference-data", "no assigned amount of GB is recorded"),
        (TO_CONNECT, "connection", "nothing that GB sent was accepted yet"),
        (TO_CONNECT, "functional", "give --report"),
        (TO_CONNECT, "documents security-plan", "was not received yet"),
        (TO_CONNECT, "documents", "recorded by its items"),
        (["contacts"], "details administrator", "what shows it? give --evidence"),
        (["contacts"], "certificate --report /nowhere", "--report shows that functional tests have passed"),
        ([*TO_CONNECT, "connection", "reference-data"], "reconciliation", "nothing was reconciled with GB yet"),
    ],
)
def test_a_step_without_what_shows_it_is_refused(enrolled: Way, before: list[str], step: str, reason: str) -> None:
    enrolled.go(before)
    recorded = enrolled.itl("enrol", "show", "GB", "--json")
    assert reason in enrolled.record(*step.split(), code=2)
    assert enrolled.itl("enrol", "show", "GB", "--json") == recorded


def test_a_reconciliation_that_found_a_difference_is_no_first_one(enrolled: Way) -> None:
    enrolled.go([*TO_CONNECT, "connection", "reference-data"])
    with enrolled.hub.database.write() as connection:
        connection.execute(sa.insert(t.parties), {"code": "FR"})
    enrolled.itl("reconcile", "start", "GB", "--reason", "the first")
    assert "waits for confirmation" in enrolled.record("reconciliation", code=2)
    [row] = _rows(enrolled, t.reconciliations)
    enrolled.itl("reconcile", "cancel", row.identifier, "--reason", "a try")
    assert "ended as cancelled" in enrolled.record("reconciliation", code=2)


def test_a_clock_that_is_off_is_no_connection(enrolled: Way) -> None:
    enrolled.go(TO_CONNECT)
    enrolled.write()
    assert "has not told its time yet" in enrolled.record("connection", code=2)
    enrolled.itl("time", "check", "GB")
    enrolled.settle()
    with enrolled.hub.database.write() as connection:
        connection.execute(sa.update(t.time_comparisons).values(verdict="alarm", offset_ms=61_000))
    assert "a clock that is 61000 ms off" in enrolled.record("connection", code=2)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (report(started_at=system_clock() - timedelta(days=91)), "it may be 90 days old at most"),
        (report({"124": Outcome.FAILED}, started_at=system_clock() - timedelta(days=1)), "1 tests went wrong: 124"),
        (report(peer="FR", started_at=system_clock() - timedelta(days=1)), "it is about FR, not about GB"),
        (b"<testsuites/>", "no report of the conformance suite"),
    ],
)
def test_a_report_that_shows_nothing_is_refused(enrolled: Way, given: bytes, reason: str) -> None:
    enrolled.go(["contacts"])
    file = enrolled.folder / "bad.json"
    file.write_bytes(given)
    assert reason in enrolled.record("functional", "--report", str(file), code=2)
    assert "cannot be read" not in enrolled.record("functional", "--result", "failed", "--evidence", "124 fails")


def test_a_revoked_or_expired_certificate_is_none(way: Way) -> None:
    authority = Authority(way.folder, "authority")
    old, good = authority.issue("old", expired=True), authority.issue("good")
    way.itl("enrol", "GB", "--url", way.url, "--certificate", str(old.certificate))
    way.contacts()
    assert "no certificate that is valid now" in way.record("certificate", code=2)
    assert "certificate has ended on" in way.itl("enrol", "show", "GB")
    way.itl("enrol", "GB", "--certificate", str(good.certificate))
    shown = json.loads(way.itl("enrol", "show", "GB", "--json"))[0]["certificates"]
    assert [each["certificate"]["subject"] for each in shown] == ["CN=good", "CN=old"]
    way.itl("enrol", "GB", "--revoke-certificate", shown[0]["fingerprint"])
    assert "no certificate that is valid now" in way.record("certificate", code=2)
    way.itl("enrol", "GB", "--certificate", str(good.certificate))
    way.record("certificate")
    assert way.stage() == "connecting"


def test_the_end_of_a_certificate_is_warned_of_ahead(enrolled: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate ends within a day."""
    for command in ("enrol show", "enrol show GB", "registry list", "registry show GB"):
        assert "certificate ends on" in enrolled.itl(*command.split())
    monkeypatch.setenv("ITL_CERTIFICATE_WARNING_DAYS", "0")
    for command in ("enrol show", "enrol show GB", "registry list", "registry show GB"):
        assert "certificate ends on" not in enrolled.itl(*command.split())


def test_it_takes_two_persons_to_do_without_a_step(enrolled: Way) -> None:
    enrolled.go(["contacts"])
    waive = ("enrol", "waive", "GB", "certificate", "--reason", "a closed network")
    assert "another person has to agree" in enrolled.itl(*waive, "--by", "ada")
    assert "ada asks to do without certificate" in enrolled.itl("enrol", "show", "GB")
    assert enrolled.stage() == "preparing"
    assert "let another person" in enrolled.itl(*waive, "--by", "Ada", code=2)
    assert "certificate: waived" in enrolled.itl(*waive, "--by", "ben")
    assert enrolled.stage() == "connecting"
    assert "nobody can do without go-live" in enrolled.itl("enrol", "waive", "GB", "go-live", "--reason", "x", code=2)


def test_in_a_test_environment_a_registry_takes_part_at_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ITL_ENVIRONMENT", "test")
    monkeypatch.setenv("ITL_DATABASE", database_url)

    def itl(*words: str) -> int:
        return main(["--log-level", "error", *words])

    assert itl("migrate") == itl("enrol", "GB", "--user", "gb", "--password", "gb") == 0
    assert "not live" not in capsys.readouterr().out
    assert itl("enrol", "show") == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == ["GB", "party", "live"]
    assert itl("enrol", "record", "GB", "certificate") == 2
    assert "this is a test environment" in capsys.readouterr().err


def test_only_registries_go_this_way(way: Way) -> None:
    way.itl("enrol", "CITL", "--kind", "stl", "--url", "http://citl.example/")
    assert "CITL is no registry but of kind stl" in way.itl("enrol", "record", "CITL", "certificate", code=2)
    assert "NZ is not enrolled" in way.itl("enrol", "record", "NZ", "certificate", code=2)
    assert way.itl("enrol", "show").splitlines()[1:] == []


def test_the_steps_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["enrol", "steps"]) == 0
    told = capsys.readouterr().out
    assert all(f"{name}: " in told for name in [*STEPS, *CONTACTS, *DOCUMENTS])
    assert main(["enrol", "steps", "--json"]) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == list(STEPS)


def _rows(way: Way, table: sa.Table) -> list[Any]:
    with way.hub.database.read() as connection:
        return list(connection.execute(sa.select(table)))
