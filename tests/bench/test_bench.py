"""`itl bench`: what it reports, and that what it counts was really accepted. How fast anything is, is not tested."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from itl.bench import databases
from itl.bench.measure import POSTGRESQL, SQLITE
from itl.bench.targets import TARGETS
from itl.cli.main import main

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


def test_nothing_that_cannot_be_measured_is_begun(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--rounds", "0"]) == 2
    assert "above 0" in capsys.readouterr().err


def test_postgresql_that_is_named_and_cannot_be_used_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--postgresql", "postgresql://nobody@127.0.0.1:1/none"]) == 2
    assert "127.0.0.1:1" in capsys.readouterr().err
