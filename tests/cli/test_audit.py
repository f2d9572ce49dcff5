"""`itl audit`, `itl transaction --all` and `itl check --coverage`: what they print, and their exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from itl.cli import audit, check, looking
from itl.errors import UsageError
from itl.store import access
from itl.store import tables as t
from tests.cli.commands import as_json, command
from tests.databases import FreshDatabase
from tests.hub.world import CANCELLATION, EXTERNAL, ISSUANCE, World, sandbox, units


@pytest.fixture
def url(fresh_database: FreshDatabase) -> Iterator[str]:
    with patch.dict(access._COST, n=2):
        yield fresh_database("sqlite", sandbox)


@pytest.fixture
def world(url: str) -> Iterator[World]:
    with World.on(url) as made:
        made.issue(1, 100)
        yield made


def test_the_audit_prints_differences_and_ends_with_1(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    itl = command(audit, capsys, "--database", world.url)
    assert itl("audit").startswith("consistent")
    assert as_json(itl("audit", "--json")) == []
    with world.hub.database.write() as connection:
        connection.execute(sa.update(t.totals).where(t.totals.c.kind == "issued").values(completed=99))
    assert "issued GB period 1 detail 1 must be 100 completed, 0 open, is 99 completed" in itl("audit", code=1)
    [difference] = as_json(itl("audit", "--json", code=1))
    assert difference["rule"] == "running totals equal a recount"


def test_every_result_of_a_proposal_can_be_shown(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.propose("GB", "GB2", CANCELLATION, units(51, 101))
    world.settle()
    itl = command(looking, capsys, "--database", world.url)
    assert "4002 GB 101-101" in itl("transaction", "GB2")
    assert "not applicable:" not in itl("transaction", "GB2")
    shown = itl("transaction", "GB2", "--all")
    assert "4002 GB 101-101" in shown
    assert all(f"{outcome}: " in shown for outcome in ("passed", "not applicable"))
    [evaluation] = as_json(itl("transaction", "GB2", "--json"))[0]["evaluations"]
    told = {line for line in shown.split() if line.isdigit() and len(line) == 4}
    assert {str(each["code"]) for each in evaluation["results"]} <= told


def test_coverage_names_every_code_once(capsys: pytest.CaptureFixture[str]) -> None:
    itl = command(check, capsys)
    rows = as_json(itl("check", "--coverage", "--json"))
    assert len({row["code"] for row in rows}) == len(rows) > 150
    assert rows[0].keys() >= {"code", "implemented", "samples_pass", "samples_fail", "evidence", "reason"}
    lines = itl("check", "--coverage").splitlines()
    assert len(lines) == len(rows) + 1
    assert lines[0].split() == ["code", "evidence", "implemented", "passing", "failing", "reason"]


def override(tmp_path: Path, text: str) -> str:
    file = tmp_path / "overrides.toml"
    file.write_text(text)
    return str(file)


def test_a_code_is_told_under_the_number_of_the_override_file(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = override(tmp_path, "[renumber]\n1502 = 1952\n5157 = 5957\n[off]\ncodes = [5107]\n")
    monkeypatch.setenv("ITL_OVERRIDES", path)
    with World.on(url, overrides=path) as world:
        world.issue(1, 100)
        assert world.propose("GB", "GB3", EXTERNAL, units(1, 2), to="XX") == (1952,)
        second = units(201, 300, original_commit_period=2, applicable_commit_period=2)
        world.propose("GB", "GB4", ISSUANCE, second)
        world.settle()
        world.notify("GB", "GB4", 4)
        world.propose("GB", "GB5", EXTERNAL, second, to="FR")
        world.settle()
        assert world.status("GB5") == 2
        world.propose("GB", "GB2", CANCELLATION, units(1, 2), accounts=(100, 270))
        world.settle()
        assert world["GB"].codes("GB2", 3) == [5957]
        shown = command(looking, capsys, "--database", url)("transaction", "GB2", "--all")
        assert "5957" in shown
        assert "5157" not in shown
    itl = command(check, capsys)
    assert itl("check", "5957").startswith("5957 ")
    told = {row["code"]: row for row in as_json(itl("check", "--coverage", "--json"))}
    assert "switched off" in told[5107]["reason"]


def test_an_override_of_an_unknown_code_is_refused(tmp_path: Path, url: str) -> None:
    with (
        pytest.raises(UsageError, match="9998"),
        World.on(url, overrides=override(tmp_path, "[off]\ncodes = [9998]\n")),
    ):
        pass
