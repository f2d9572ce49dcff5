"""Whole rehearsals, small ones: what is planted is found, and nothing else, with any seed and on both databases."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from itl.cli.main import main
from itl.errors import LogError, UsageError
from itl.rehearsal.log_side import LogSide
from itl.rehearsal.planting import Finding
from itl.rehearsal.reconciling import rehearse
from itl.rehearsal.sides import Elsewhere, Here
from tests.databases import FreshDatabase


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), faults=st.integers(1, 12))
def test_what_is_planted_is_found_and_nothing_else(
    fresh_database: FreshDatabase, engine: Any, seed: int, faults: int
) -> None:
    done = rehearse(120, faults, seed, database=fresh_database(engine), made=Here)
    assert (done.missed, done.false) == ((), ())
    assert done.found == done.planted == faults
    assert done.ended == "intervention"


def test_each_side_may_have_a_process_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse", "reconciliation", "--blocks", "60", "--faults", "3", "--seed", "5", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["planted"], told["found"], told["missed"], told["false"]) == (3, 3, [], [])
    assert {"preparing", "initiation", "totals", "unit blocks", "audit trail", "total"} <= set(told["seconds"])
    assert min(told["memory"].values()) > 1024 * 1024


def here(made: Any, *of: Any, **_first: Any) -> Here:
    return Here(made, *of)


def test_what_is_missed_or_false_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A log that overlooks the first difference, and sees one that is none."""
    findings = LogSide.findings
    dreamt = Finding("missing", "GB", 1, 2)
    monkeypatch.setattr(LogSide, "findings", lambda side: [dreamt, *findings(side)[1:]])
    monkeypatch.setattr("itl.cli.rehearse.Elsewhere", here)
    assert main(["rehearse", "reconciliation", "--blocks", "60", "--faults", "3", "--seed", "5"]) == 1
    out = capsys.readouterr().out
    assert "planted 3, found 2, missed 1, false 1" in out
    assert "  false: missing GB 1-2" in out
    assert "  missed: " in out


def test_a_database_that_is_in_use_is_not_rehearsed_with(database_url: str) -> None:
    rehearse(20, 1, 1, database=database_url, made=Here)
    with pytest.raises(UsageError, match="already holds units"):
        rehearse(20, 1, 1, database=database_url, made=Here)


def test_what_fails_in_another_process_is_told() -> None:
    with pytest.raises(LogError, match="invalid literal"):
        Elsewhere(int, "what is no number")
    side = Elsewhere(bytearray, b"ab")
    try:
        assert side.ask("decode") == "ab"
        with pytest.raises(LogError, match="AttributeError"):
            side.ask("fly")
    finally:
        side._process.kill()
        side._process.join()
    with pytest.raises(LogError, match="died"):
        side.ask("decode")
