"""`itl bench`: what it reports, and that what it counts was really accepted. How fast anything is, is not tested."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from itl.bench import databases, servers
from itl.bench.load import LoadError, load
from itl.bench.measure import POSTGRESQL, SQLITE
from itl.bench.proposals import OPERATION, Dialect, Prepared, prepare
from itl.bench.targets import TARGETS
from itl.cli.main import main
from itl.wire.contract import Port
from itl.wire.decode import decode_request
from tests.databases import FreshDatabase

SMALL = ["bench", "--rounds", "2", "--seconds", "30", "--most", "12", "--clients", "3", "--blocks", "1", "4"]


@pytest.fixture(scope="module", params=[SQLITE, POSTGRESQL])
def report(request: pytest.FixtureRequest) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The engine, the URL of the database, and the report of a small bench on it."""
    engine = request.param
    made = request.getfixturevalue(f"{engine.lower()}_databases")
    url = made.create(None)
    capture = request.getfixturevalue("module_output")
    yield engine, url, capture([*SMALL, "--database", url, "--json"])
    made.drop(url)


@pytest.fixture(scope="module")
def module_output(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs `itl` in this process and gives the JSON that it prints."""
    from contextlib import redirect_stdout  # noqa: PLC0415

    def run(arguments: list[str]) -> Any:
        file = tmp_path_factory.mktemp("bench") / "report.json"
        with file.open("w") as output, redirect_stdout(output):
            assert main(arguments) == 0
        return json.loads(file.read_text())

    return run


def test_report_has_machine_results_and_targets(report: tuple[str, str, dict[str, Any]]) -> None:
    engine, _, found = report
    assert set(found) == {"machine", "results", "targets"}
    assert {"processor", "processors", "load_before", "commit", "python", "spyne"} <= found["machine"].keys()
    assert found["machine"]["databases"][0].startswith(engine)
    assert [(row["dialect"], row["blocks"]) for row in found["results"]] == [
        ("inline", 1), ("inline", 4), ("multiRef", 1), ("multiRef", 4),
    ]  # fmt: skip
    assert [target["name"] for target in found["targets"]] == [target.name for target in TARGETS]


def test_every_row_has_both_sides_and_their_ratio(report: tuple[str, str, dict[str, Any]]) -> None:
    engine, _, found = report
    processes = 1 if engine == SQLITE else len(os.sched_getaffinity(0))
    for row in found["results"]:
        assert (row["engine"], row["processes"], row["rounds"]) == (engine, processes, 2)
        for spread in (row["ours"], row["echo"], row["ratio"]):
            assert 0 < spread["least"] <= spread["median"] <= spread["most"]
        assert 0 < row["p50"] <= row["p99"]


def test_targets_are_judged_on_postgresql_alone(report: tuple[str, str, dict[str, Any]]) -> None:
    engine, _, found = report
    ratios = {f"{row['dialect']} {row['blocks']}": row["ratio"]["median"] for row in found["results"]}
    for target, judged in zip(TARGETS, found["targets"], strict=True):
        value = ratios.get(f"{target.dialect} {target.blocks}") if engine == POSTGRESQL else None
        assert judged["value"] == value
        assert judged["reached"] == (None if value is None else value >= target.ratio)


def test_what_was_counted_is_in_the_database(report: tuple[str, str, dict[str, Any]]) -> None:
    _, url, found = report
    rounds, warming = 4 * 2 * 12, 4 * 6  # four rows; --most messages a round; twice the clients to warm up
    assert sum(row["accepted"] for row in found["results"]) == rounds
    assert databases.accepted(url) == rounds + warming


def test_a_database_with_messages_is_not_measured_on(
    report: tuple[str, str, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMALL, "--database", report[1]]) == 2
    assert "holds messages" in capsys.readouterr().err


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("blocks", [1, 3, 100])
def test_dialects_say_the_same_and_only_the_identifier_differs(blocks: int, dialect: Dialect) -> None:
    message = prepare(blocks, dialect)
    body = b"".join((message.before, message.digits(7), message.after))
    assert len(body) == message.size
    read = decode_request(Port.TRANSACTION_LOG, body)
    same = prepare(blocks, Dialect.INLINE)
    assert read.operation == OPERATION
    assert (
        read.message
        == decode_request(Port.TRANSACTION_LOG, b"".join((same.before, same.digits(7), same.after))).message
    )
    assert read.message.proposed_transaction.transaction_identifier == "GB100000000000007"
    assert len(read.message.proposed_transaction.proposal_unit_blocks) == blocks


def test_multiref_has_every_struct_and_number_by_reference() -> None:
    message = prepare(2, Dialect.MULTIREF)
    body = b"".join((message.before, message.digits(0), message.after))
    assert body.count(b"<multiRef ") > 2 * 4
    assert body.count(b' href="#') > body.count(b"<multiRef ")


def test_load_is_bounded_in_count_and_time(fresh_database: FreshDatabase) -> None:
    url = fresh_database("sqlite", databases.prepare)
    message, numbers = prepare(1, Dialect.INLINE), count()
    with servers.log(url, processes=1, threads=2) as log:
        few = load(log, message, numbers, clients=4, seconds=60.0, most=9)
        assert few.accepted == 9
        begun = time.monotonic()
        brief = load(log, message, numbers, clients=2, seconds=0.2, most=10**6)
        assert 0.2 <= brief.seconds <= time.monotonic() - begun
        assert brief.accepted >= 2
        assert all(0 < latency <= brief.seconds for latency in brief.latencies)
        single = load(log, message, numbers, clients=4, seconds=60.0, most=1)
        assert single.accepted == 1
    assert databases.accepted(url) == 9 + brief.accepted + 1


@pytest.mark.parametrize(
    ("message", "numbers"),
    [
        (Prepared(b"<no", b"envelope/>"), count()),
        (prepare(1, Dialect.INLINE), iter([1, 2])),
    ],
    ids=["a fault", "an identifier that is used by another proposal"],
)
def test_what_is_not_accepted_is_not_counted(
    message: Prepared, numbers: Iterator[int], fresh_database: FreshDatabase
) -> None:
    url = fresh_database("sqlite", databases.prepare)
    with servers.log(url, processes=1, threads=2) as log:
        load(log, prepare(2, Dialect.INLINE), iter([1]), clients=1, seconds=60.0, most=1)
        with pytest.raises(LoadError, match="not accepted"):
            load(log, message, numbers, clients=1, seconds=60.0, most=2)


def test_nothing_that_cannot_be_measured_is_begun(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--rounds", "0"]) == 2
    assert "above 0" in capsys.readouterr().err


def test_postgresql_that_is_named_and_cannot_be_used_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--postgresql", "postgresql://nobody@127.0.0.1:1/none"]) == 2
    assert "127.0.0.1:1" in capsys.readouterr().err
