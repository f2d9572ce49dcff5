"""How often each check answered what over a replay, written down: a changed rule shows as a changed number.

The made-up reports always; the real ones, which are not part of this project, where `ITL_REPLAY_DATA` names the
directory that has `cdm_registry_issuances.csv` and `cdm_registry_cancellations.csv`: their first 2,000 rows, or all
where `ITL_REPLAY_ALL` is set. To write a table anew: replay into a database, then `itl check --hits --database URL`.
"""

from __future__ import annotations

import os

import pytest

from itl.cli.main import main
from tests.databases import FreshDatabase
from tests.replay.conftest import CANCELLATIONS, ISSUANCES, SAMPLES

REAL = os.environ.get("ITL_REPLAY_DATA")
ALL = "ITL_REPLAY_ALL" in os.environ
LIMIT, TABLE = ((), "hits-real-all.csv") if ALL else (("--limit", "2000"), "hits-real.csv")


def hits_of(url: str, capsys: pytest.CaptureFixture[str], *reports: str) -> str:
    assert main(["replay", *reports, "--database", url]) == 0
    capsys.readouterr()
    assert main(["check", "--hits", "--database", url]) == 0
    return capsys.readouterr().out


def test_the_made_up_reports(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    reports = ("--issuances", str(ISSUANCES), "--cancellations", str(CANCELLATIONS))
    assert hits_of(database_url, capsys, *reports) == (SAMPLES / "hits.csv").read_text()


@pytest.mark.skipif(REAL is None, reason="ITL_REPLAY_DATA names no directory with the real reports")
def test_the_real_rows(fresh_database: FreshDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    issuances, cancellations = (f"{REAL}/cdm_registry_{kind}.csv" for kind in ("issuances", "cancellations"))
    reports = ("--issuances", issuances, "--cancellations", cancellations, *LIMIT)
    assert hits_of(fresh_database("sqlite"), capsys, *reports) == (SAMPLES / TABLE).read_text()
