"""The parts of the bench that want PostgreSQL or reports, each at a tiny size: what they measure really happened."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy import select, text

from itl.bench import (
    bare,
    completing,
    counts,
    databases,
    growing,
    ledger,
    long_run,
    memory,
    pgbench,
    replaying,
    run,
    scaling,
)
from itl.bench.connection import LoadError
from itl.bench.ledger import fill, serials, take
from itl.bench.plan import Plan
from itl.bench.proposals import Units
from itl.bench.rows import Part, Row
from itl.errors import LogError
from itl.store import access
from itl.store import tables as t
from itl.store.database import Database
from tests.databases import FreshDatabase
from tests.hub.world import ISSUANCE, World, sandbox, units
from tests.replay.conftest import CANCELLATIONS, ISSUANCES

TINY = Plan(
    rounds=1,
    most=6,
    clients=2,
    threads=2,
    complete_seconds=1.0,
    open=2,
    pgbench_scale=1,
    ledger=(300, 200),
    ledger_proposals=4,
    workers=(1, 2),
    backlog=20,
    long_minutes=0.05,
    issuances=ISSUANCES,
    cancellations=CANCELLATIONS,
)


def quiet(_line: str) -> None:
    """Nobody needs to hear how far it is."""


@pytest.fixture(autouse=True)
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the place of pgbench: says what the real one says, and keeps how it was called."""
    path = tmp_path / "pgbench"
    path.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/called\necho "tps = 123.5 (without initial connection time)"\n'
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(pgbench, "find", lambda: str(path))
    return path


def figures(row: Row) -> dict[str, float]:
    return {name: each.median for name, each in row.figures.items()}


def test_whole_transactions_stand_beside_pgbench(postgresql_server: str, program: Path) -> None:
    [row] = completing.measure(postgresql_server, TINY, quiet)
    found = figures(row)
    assert (row.part, row.of["clients"], row.of["open"]) == (Part.COMPLETE, 2, 2)
    assert found["carried out"] == 6
    assert found["pgbench /s"] == 123.5
    assert found["beside pgbench"] == pytest.approx(found["log /s"] / 123.5)
    prepared, measured = (program.parent / "called").read_text().splitlines()
    assert prepared.startswith("--initialize --quiet --scale=1 postgresql://")
    assert measured.startswith("--skip-some-updates --client=2 ")
    assert " --time=1 postgresql://" in measured


def test_without_pgbench_there_is_no_ratio(postgresql_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pgbench, "find", lambda: None)
    said: list[str] = []
    [row] = completing.measure(postgresql_server, TINY, said.append)
    assert not {"pgbench /s", "beside pgbench"} & row.figures.keys()
    assert any("no pgbench" in line for line in said)


def test_transactions_about_which_a_supplementary_log_is_asked_stand_beside_those_without(
    postgresql_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgbench, "find", lambda: None)
    asked: list[tuple[str, int]] = []
    wait = counts.wait_until_settled

    def look(url: str) -> None:
        wait(url)
        database = Database(url)
        with database.read() as connection:
            answers = select(t.transaction_supplements.c.stl, t.transaction_supplements.c.answer)
            asked.extend(map(tuple, connection.execute(answers)))
        database.close()

    monkeypatch.setattr(counts, "wait_until_settled", look)
    [row] = completing.measure(postgresql_server, replace(TINY, supplementary_log=True), quiet)
    found = figures(row)
    assert found["beside none"] == pytest.approx(found["with an STL /s"] / found["log /s"])
    assert len(asked) > TINY.most
    assert set(asked) == {("CITL", 9)}


def test_a_long_run_has_its_end_beside_its_beginning(postgresql_server: str) -> None:
    [row] = long_run.measure(postgresql_server, TINY, quiet)
    found = figures(row)
    assert (row.of["minutes"], row.of["long enough"]) == ("0.05", "no")
    assert found["last beside first"] == pytest.approx(found["last /s"] / found["first /s"])
    assert found["first MiB"] > 10
    assert 0.2 < found["memory beside first"] < 5


@pytest.mark.parametrize(
    ("first", "last", "expected"), [({1: 10, 2: 100}, {1: 15, 2: 90}, 1.5), ({1: 10}, {1: 10}, 1.0)]
)
def test_growth_is_that_of_the_process_that_grew_most(
    first: dict[int, int], last: dict[int, int], expected: float
) -> None:
    assert long_run.growth(first, last) == expected


@pytest.mark.parametrize(("first", "last"), [({1: 10}, {2: 10}), ({}, {}), ({1: 10, 2: 10}, {1: 10})])
def test_a_process_that_ended_makes_a_long_run_worthless(first: dict[int, int], last: dict[int, int]) -> None:
    with pytest.raises(LoadError, match="ended"):
        long_run.growth(first, last)


def test_memory_is_that_of_all_processes_below() -> None:
    child = "import subprocess, sys; p = subprocess.Popen(['cat']); print(p.pid, flush=True); p.wait()"
    before = memory.resident(os.getpid())
    with subprocess.Popen([sys.executable, "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        grandchild = int(process.stdout.readline())
        found = memory.resident(os.getpid())
        process.stdin.close()
    assert found.keys() - before.keys() == {process.pid, grandchild}
    assert found[process.pid] > 2**20
    assert os.getpid() not in found


def test_proposals_are_measured_in_ledgers_side_by_side(postgresql_server: str) -> None:
    rows = list(growing.measure(postgresql_server, TINY, quiet))
    assert [(row.of["in the ledger"], row.of["beside"], row.of["blocks"]) for row in rows] == [
        (200, 200, 1), (300, 200, 1), (200, 200, 10), (300, 200, 10),
    ]  # fmt: skip
    for row in rows:
        found = figures(row)
        assert found["both ms"] == pytest.approx(found["accept ms"] + found["judge ms"])
        assert (found["beside smallest"] == 1.0) is (row.of["in the ledger"] == 200)


@pytest.fixture
def filled(fresh_database: FreshDatabase) -> Iterator[Database]:
    url = fresh_database("postgresql", databases.prepare)
    assert fill(url, 40, ("GB", "FR")) is True
    database = Database(url)
    yield database
    database.close()


def test_a_filled_ledger_is_as_issuances_would_leave_it(filled: Database) -> None:
    with filled.read() as connection:
        rows = connection.execute(select(t.unit_blocks).order_by(t.unit_blocks.c.id)).all()
        constraint = text("SELECT count(*) FROM pg_constraint WHERE conname = 'ex_unit_blocks_serials'")
        assert connection.execute(constraint).scalar_one() == 1
        assert connection.execute(select(t.totals.c.subject, t.totals.c.completed)).all() == [("FR", 400), ("GB", 400)]
    assert [(row.originating_registry, row.registry) for row in rows] == [("GB", "GB")] * 40 + [("FR", "FR")] * 40
    assert [(row.serial_start, row.serial_end) for row in rows[:3]] == [(1, 10), (21, 30), (41, 50)]


def test_a_large_ledger_has_its_constraint_only_if_asked_for(
    fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_CONSTRAINED", 10)
    assert fill(fresh_database("postgresql", databases.prepare), 11) is False
    assert fill(fresh_database("postgresql", databases.prepare), 11, constraint=True) is True


@pytest.mark.parametrize("blocks", [1, 2, 10, 97, 1000])
def test_each_block_is_named_once_and_neighbours_are_far_apart(blocks: int) -> None:
    found = list(serials(blocks))
    assert sorted(found) == [1 + 20 * number for number in range(blocks)]
    if blocks > 90:
        assert min(abs(a - b) for a, b in pairwise(found)) > 20 * blocks * 0.3


def test_no_proposal_names_fewer_blocks_than_it_should() -> None:
    found = serials(5)
    assert take(found, 3) == Units((1, 81, 61), 10, 2)
    with pytest.raises(LoadError, match="fewer blocks"):
        take(found, 3)


def test_workers_judge_a_backlog_away(postgresql_server: str) -> None:
    one, two = scaling.measure(postgresql_server, TINY, quiet)
    assert [one.of["workers"], two.of["workers"]] == [1, 2]
    assert figures(one)["beside one"] == 1.0
    assert figures(two)["beside one"] == pytest.approx(figures(two)["verdicts /s"] / figures(one)["verdicts /s"])


def test_what_is_held_back_waits_until_it_is_released(fresh_database: FreshDatabase) -> None:
    with patch.dict(access._COST, n=2), World.on(fresh_database("sqlite", sandbox)) as world:
        url = world.url
        for number in (1, 2, 3):
            assert world.propose("GB", f"GB{number}", ISSUANCE, units(10 * number, 10 * number + 9)) == 1
        assert counts.accepted(url) == 3
        counts.hold_back(url)
        world.settle()
        assert [world.status(f"GB{number}") for number in (1, 2, 3)] == [1, 1, 1]
        counts.release(url, 1)
        with pytest.raises(LoadError, match="have not judged in 0 s"):
            counts.wait_until_judged(url, 0)
        world.settle()
        counts.wait_until_judged(url, 60)
        assert [world.status(f"GB{number}") for number in (1, 2, 3)] == [2, 1, 1]
        counts.release(url)
        world.settle()
        assert [world.status(f"GB{number}") for number in (1, 2, 3)] == [2, 2, 2]


def test_the_replay_is_run_as_by_anybody() -> None:
    [row] = replaying.measure(None, TINY, quiet)
    found = figures(row)
    assert row.of == {"database": "SQLite", "real reports": "no"}
    assert (found["refused"], found["differences"]) == (0, 0)
    assert (
        found["rows fed"] == len(ISSUANCES.read_text().splitlines()) + len(CANCELLATIONS.read_text().splitlines()) - 2
    )


def test_a_replay_that_cannot_be_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"(?s)replay failed.*none\.csv"):
        list(replaying.measure(None, Plan(issuances=tmp_path / "none.csv", cancellations=CANCELLATIONS), quiet))


@pytest.mark.parametrize("part", [Part.COMPLETE, Part.LEDGER, Part.LONG, Part.SCALE, Part.REPLAY])
def test_a_part_that_cannot_be_measured_is_left_out_and_said(part: Part) -> None:
    said: list[str] = []
    assert list(run.measure(Plan(parts=(part,)), run.Where((), None), [], said.append)) == []
    assert [line.startswith(f"{part}: left out, ") for line in said] == [True]


def test_lxml_alone_reads_every_value_and_what_is_invalid_is_said() -> None:
    body = bare.literal(3)
    blocks = bare.read(body)
    assert [block["unitSerialBlockStart"] for block in blocks] == ["1000000", "1000200", "1000400"]
    assert bare.read_on(body, 60.0, 1) > 0
    with pytest.raises(LogError, match="not valid"):
        bare.read(body.replace(b"<unitType>1<", b"<unitType>one<"))


@pytest.mark.parametrize("said", ["exit 3", "echo nothing"])
def test_a_pgbench_that_fails_is_said(said: str, postgresql_server: str, program: Path) -> None:
    program.write_text(f"#!/bin/sh\ncase $1 in --initialize) ;; *) {said};; esac\n")
    with (
        pgbench.running(str(program), postgresql_server, 1, 1) as rate,
        pytest.raises(LoadError, match=r"failed|told no rate"),
    ):
        rate(1.0)


def test_the_newest_pgbench_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert pgbench.find(tmp_path) is None
    for version in ("9.6", "15", "13"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "pgbench").touch()
    assert pgbench.find(tmp_path) == str(tmp_path / "15" / "bin" / "pgbench")
