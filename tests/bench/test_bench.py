"""`itl bench`: what it reports, and that what it counts was really done. How fast anything is, is not tested."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from itl.bench import counts, machine
from itl.bench.plan import BY_ITSELF, processors
from itl.bench.rows import POSTGRESQL, SQLITE
from itl.bench.targets import TARGETS
from itl.cli.main import main

ACCEPT = ["bench", "--only", "accept", "--rounds", "2", "--seconds", "30", "--most", "12", "--clients", "3"]
SMALL = [*ACCEPT, "--blocks", "1", "4"]


@pytest.fixture(scope="module", params=[SQLITE, POSTGRESQL])
def report(
    request: pytest.FixtureRequest, written: Callable[[list[str]], Path]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The engine, the URL of the database, and the report of a small bench on it."""
    made = request.getfixturevalue(f"{request.param.lower()}_databases")
    url = made.create(None)
    yield request.param, url, json.loads(written([*SMALL, "--database", url, "--json"]).read_text())
    made.drop(url)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[str]], Path]:
    """Runs `itl` in this process; what it prints is in the file."""

    def run(arguments: list[str]) -> Path:
        file = tmp_path_factory.mktemp("bench") / "report.json"
        with file.open("w") as output, redirect_stdout(output):
            assert main(arguments) == 0
        return file

    return run


def test_report_has_machine_results_and_targets(report: tuple[str, str, dict[str, Any]]) -> None:
    engine, _, found = report
    assert set(found) == {"machine", "results", "targets"}
    assert {"processor", "processors", "load_before", "commit", "python", "spyne"} <= found["machine"].keys()
    assert found["machine"]["databases"][0].startswith(engine)
    assert [row["of"] for row in found["results"]] == [
        {"database": engine, "message": "inline", "blocks": 1, "load": "all"},
        {"database": engine, "message": "inline", "blocks": 4, "load": "all"},
        {"database": engine, "message": "multiRef", "blocks": 1, "load": "all"},
        {"database": engine, "message": "multiRef", "blocks": 4, "load": "all"},
        {"database": engine, "message": "inline", "blocks": 10, "load": "80 %"},
    ]
    assert [target["name"] for target in found["targets"]] == [target.name for target in TARGETS]


def test_every_row_has_all_sides_and_their_ratios(report: tuple[str, str, dict[str, Any]]) -> None:
    _, _, found = report
    *loads, steady = found["results"]
    for row in loads:
        assert (row["part"], row["rounds"]) == ("accept", 2)
        figures = row["figures"]
        for name in ("log /s", "echo /s", "lxml /s", "beside echo", "beside lxml", "p50 ms", "p99 ms"):
            assert 0 < figures[name]["least"] <= figures[name]["median"] <= figures[name]["most"]
        assert figures["p50 ms"]["median"] <= figures["p99 ms"]["median"]
    for name in ("offered /s", "log /s", "p50 ms", "p99 ms", "longest ms"):
        assert steady["figures"][name]["least"] > 0


def test_what_was_counted_is_in_the_database(report: tuple[str, str, dict[str, Any]]) -> None:
    _, url, found = report
    rounds, warming = 4 * 2 * 12, 4 * 6  # four rows; --most messages a round; twice the clients to warm up
    *_, last, steady = (row["figures"]["stored so far"]["median"] for row in found["results"])
    assert last == rounds + warming
    assert counts.accepted(url) == steady > last


def test_a_report_becomes_tables_of_the_page(
    report: tuple[str, str, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine, _, found = report
    file = tmp_path / "report.json"
    file.write_text(json.dumps(found))
    assert main(["bench", "--page", str(file)]) == 0
    page = capsys.readouterr().out
    assert f"commit {found['machine']['commit']}" in page
    assert page.count(".. csv-table::") == 3  # loads, open loops, targets
    assert page.count(f'\n   "{engine}", ') == 5
    assert page.count("not measured") + page.count("too few rounds") >= len(TARGETS) - 1


def test_a_database_with_messages_is_not_measured_on(
    report: tuple[str, str, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMALL, "--database", report[1]]) == 2
    assert "holds messages" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rounds", "0"], "above 0"),
        (["--ledger", "10", "0"], "above 0"),
        (["--long", "-1"], "above 0"),
        (["--only", "replay", "--issuances", "a.csv"], "--cancellations"),
        (["--page", "/nowhere/report.json"], "--json wrote"),
        (["--postgresql", "postgresql://nobody@127.0.0.1:1/none"], "127.0.0.1:1"),
    ],
)
def test_nothing_that_cannot_be_measured_is_begun(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_part_that_does_not_exist_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "--only", "accept,sleep"])
    assert "--only" in capsys.readouterr().err


def test_what_was_measured_on_is_this_machine() -> None:
    about = machine.describe()
    assert about["processors"] == processors() > 0
    assert about["memory_gib"] > 0
    assert [str(part) for part in BY_ITSELF] == ["accept", "complete"]
