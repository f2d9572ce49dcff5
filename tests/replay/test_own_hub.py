"""`itl replay` with a log of its own, on both databases: every row goes through, at its time, or is told of."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select

from itl.cli.main import main
from itl.replay import own_hub
from itl.replay.registry import Registry
from itl.replay.reports import Row
from itl.replay.transactions import transactions
from itl.store import tables as t
from itl.store.database import Database
from itl.store.holdings import holdings
from tests.databases import FreshDatabase
from tests.replay.conftest import CANCELLATIONS, ISSUANCES
from tests.replay.test_figures import HOLDINGS

REPORTS = ("--issuances", str(ISSUANCES), "--cancellations", str(CANCELLATIONS))

Capture = pytest.CaptureFixture[str]


def replay(*arguments: str) -> int:
    return main(["replay", *arguments])


def result(capsys: Capture) -> dict[str, Any]:
    """What the last replay with `--json` gave."""
    loaded: dict[str, Any] = json.loads(capsys.readouterr().out)
    return loaded


def rows_of(url: str, *columns: Any, **where: Any) -> list[tuple[Any, ...]]:
    database = Database(url)
    statement = select(*columns).filter_by(**where) if where else select(*columns)
    with database.read() as connection:
        found = [tuple(row) for row in connection.execute(statement)]
    database.close()
    return found


def with_lines(directory: Path, report: Path, *lines: str) -> str:
    """A copy of `report` with more lines at its end."""
    copy = directory / report.name
    copy.write_text(report.read_text() + "".join(f"{line}\n" for line in lines))
    return str(copy)


def test_all_rows_are_completed_and_the_holdings_are_those_of_the_reports(database_url: str, capsys: Capture) -> None:
    assert replay(*REPORTS, "--database", database_url, "--json") == 0
    told = result(capsys)
    assert told | {"seconds": 0, "rows_per_second": 0} == {
        "log": database_url,
        "rows": 17,
        "transactions": 14,
        "earlier": 0,
        "seconds": 0,
        "rows_per_second": 0,
        "refusals": [],
        "left_out": [],
        "equal": True,
        "differences": [],
    }
    database = Database(database_url)
    with database.read() as connection:
        assert holdings(connection) == HOLDINGS
    database.close()


def test_the_clock_stands_at_the_time_of_the_row(database_url: str, rows: list[Row]) -> None:
    assert replay(*REPORTS, "--database", database_url) == 0
    times = {each.identifier: each.at for each in transactions(rows)}
    stamps = rows_of(
        database_url, t.transactions.c.identifier, t.transactions.c.proposed_at, t.transactions.c.settled_at
    )
    assert {identifier: at for identifier, at, _ in stamps if identifier != "RO1"} == times
    assert all(proposed == settled for _, proposed, settled in stamps)
    messages = rows_of(
        database_url,
        t.messages.c.transaction_identifier,
        t.messages.c.operation,
        t.messages.c.direction,
        t.messages.c.request_in_at,
        t.messages.c.request_out_at,
    )
    assert len(messages) == 3 * len(times)
    for identifier, _, _, came_in, went_out in messages:
        assert (came_in or went_out) == times[identifier]


def test_the_whole_exchange_goes_over_the_wire(database_url: str) -> None:
    assert replay(*REPORTS, "--database", database_url, "--limit", "1") == 0
    exchange = rows_of(
        database_url,
        t.messages.c.direction,
        t.messages.c.operation,
        t.messages.c.sender,
        t.messages.c.addressee,
        t.messages.c.outcome,
    )
    assert exchange == [
        ("in", "acceptProposal", "CDM", "ITL", "accepted"),
        ("out", "acceptNotification", "ITL", "CDM", "accepted"),
        ("in", "acceptNotification", "CDM", "ITL", "accepted"),
    ]
    statuses = rows_of(database_url, t.status_history.c.status, t.status_history.c.set_by)
    assert statuses[-3:] == [(1, "CDM"), (2, "ITL"), (4, "CDM")]


def test_units_that_were_never_issued_are_refused(database_url: str, tmp_path: Path, capsys: Capture) -> None:
    cancellations = with_lines(
        tmp_path,
        CANCELLATIONS,
        "2023-11-30T21:16:22.393,Cancellation (4),5160020 - 5160030,PH-9,4 - Completed,2,CER,11,Yes",
    )
    reports = ("--issuances", str(ISSUANCES), "--cancellations", cancellations)
    assert replay(*reports, "--database", database_url, "--json") == 1
    told = result(capsys)
    (refusal,) = told["refusals"]
    assert refusal["rows"] == [{"file": cancellations, "line": 12}]
    assert (refusal["transaction"], refusal["step"], refusal["status"]) == ("CDM15", "verdict", 3)
    assert refusal["codes"] == [4002]
    assert refusal["findings"][0]["unit_block_identifiers"] == [
        {"unit_serial_block_start": 5160025, "unit_serial_block_end": 5160030, "originating_registry_code": "PH"}
    ]
    assert told["equal"] is False
    assert [(each["figure"], each["reports"] - each["log"]) for each in told["differences"]] == [
        ("held", -11),
        ("cancelled", 11),
    ]
    (status,) = rows_of(database_url, t.transactions.c.status, identifier="CDM15")
    assert status == (5,)  # terminated, as a registry does after a discrepancy


def test_a_refusal_is_told_by_its_place(fresh_database: FreshDatabase, tmp_path: Path, capsys: Capture) -> None:
    issuances = with_lines(
        tmp_path, ISSUANCES, "2023-11-24T00:00:00,Issuance (1),4 - Completed,9000 - 9001,CER,1,BR,52,2"
    )
    reports = ("--issuances", issuances, "--cancellations", str(CANCELLATIONS))
    assert replay(*reports, "--database", fresh_database("sqlite")) == 1
    shown = capsys.readouterr().out
    assert f"CDM15 ({issuances}, line 9), verdict: 5010" in shown
    assert "the holdings differ from the reports in" in shown


def test_a_database_with_units_is_left_alone(database_url: str, capsys: Capture) -> None:
    assert replay(*REPORTS, "--database", database_url, "--limit", "2") == 0
    before = rows_of(database_url, t.reference_stamp.c.stamp)
    assert replay(*REPORTS, "--database", database_url) == 2
    assert "already holds units" in capsys.readouterr().err
    assert rows_of(database_url, t.reference_stamp.c.stamp) == before


def test_an_earlier_replay_can_be_gone_on_with(database_url: str, capsys: Capture) -> None:
    assert replay(*REPORTS, "--database", database_url, "--limit", "9") == 0
    capsys.readouterr()
    assert replay(*REPORTS, "--database", database_url, "--resume", "--json") == 0
    told = result(capsys)
    assert (told["earlier"], told["transactions"], told["rows"], told["equal"]) == (8, 6, 8, True)


@pytest.mark.parametrize("call", [5, 6], ids=["proposal", "notification"])
@pytest.mark.parametrize("sent", [False, True], ids=["before", "after"])
def test_a_replay_that_ended_in_the_middle_can_be_gone_on_with(
    fresh_database: FreshDatabase, capsys: Capture, call: int, sent: bool
) -> None:
    database, calls, calling = fresh_database("sqlite"), count(1), Registry._call

    def ended(registry: Registry, operation: str, message: object) -> Any:
        reached = next(calls) == call
        if reached and not sent:
            raise KeyboardInterrupt
        reply = calling(registry, operation, message)
        if reached:
            raise KeyboardInterrupt
        return reply

    with patch.object(Registry, "_call", ended):
        assert replay(*REPORTS, "--database", database) == 130
    assert f"--resume --database {database}" in capsys.readouterr().err
    assert replay(*REPORTS, "--database", database, "--resume", "--json") == 0
    told = result(capsys)
    earlier = 3 if (call, sent) == (6, True) else 2
    assert (told["earlier"], told["transactions"], told["equal"]) == (earlier, 14 - earlier, True)


def test_a_transaction_that_was_cut_in_two_is_not_gone_on_with(fresh_database: FreshDatabase, capsys: Capture) -> None:
    database = fresh_database("sqlite")
    assert replay(*REPORTS, "--database", database, "--limit", "3") == 0
    assert replay(*REPORTS, "--database", database, "--resume") == 2
    assert "CDM3 is of 2600 units, but of 2000 on the database" in capsys.readouterr().err


def test_without_a_database_it_makes_one(
    monkeypatch: pytest.MonkeyPatch, fresh_database: FreshDatabase, capsys: Capture
) -> None:
    monkeypatch.setattr(own_hub, "fresh_database", lambda: fresh_database("sqlite", None))
    assert replay(*REPORTS, "--limit", "1") == 0
    shown = capsys.readouterr().out
    assert "the log is on sqlite:///" in shown
    for rule in own_hub.RULES:
        assert rule in shown


def test_the_fresh_database_is_a_new_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    urls = {own_hub.fresh_database(), own_hub.fresh_database()}
    assert len(urls) == 2
    assert all(Path(url.removeprefix("sqlite:///")).parent.parent == tmp_path for url in urls)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--limit", "0"], "--limit 0"),
        (["--hub", "http://127.0.0.1:9/", "--database", "sqlite:///x.db"], "not for --hub"),
        (["--hub", "http://127.0.0.1:9/", "--resume"], "not for --hub"),
        (["--listen", "127.0.0.1:0"], "give --hub, too"),
        (["--compare", "sqlite:///x.db"], "give --hub, too"),
        (["--hub", "http://127.0.0.1:9/", "--first-number", "0"], "--first-number 0"),
        (["--hub", "http://127.0.0.1:9/", "--listen", "8081"], "--listen 8081"),
        (["--hub", "ftp://127.0.0.1/"], "ftp://127.0.0.1/ is not the http or https URL"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: list[str], problem: str, capsys: Capture) -> None:
    assert replay(*REPORTS, *arguments) == 2
    assert problem in capsys.readouterr().err
