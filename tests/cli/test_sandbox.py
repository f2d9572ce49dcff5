"""A sandbox with reference registries for some of its codes; the others are somebody else's to play."""

from __future__ import annotations

from pathlib import Path

import pytest

from itl.cli.main import main
from itl.cli.sandbox import REGISTRIES_AT, SANDBOX_REGISTRIES, sandbox
from itl.settings import Settings
from tests.databases import FreshDatabase


@pytest.mark.parametrize("codes", [(), ("FR", "CDM"), SANDBOX_REGISTRIES])
def test_it_runs_those_that_are_wanted_and_says_where_all_are(
    fresh_database: FreshDatabase, tmp_path: Path, codes: tuple[str, ...]
) -> None:
    settings = Settings(database=fresh_database("sqlite"), port=0)
    with sandbox(settings, tmp_path, else_at=REGISTRIES_AT, codes=codes) as running:
        assert set(running.registries) == set(codes)
        enrolled = running.hub.reference.current.registries
        for code in SANDBOX_REGISTRIES:
            expected = running.registries[code].url if code in codes else f"{REGISTRIES_AT}/{code}"
            assert enrolled[code].url == expected
            line = next(line for line in running.describe() if line.startswith(f"registry {code} "))
            assert line.endswith(f"{'runs' if code in codes else 'is called'} at {expected}")


@pytest.mark.parametrize("given", [[], ["--registries", "FR"]])
def test_a_registry_that_does_not_run_commits_no_fault(
    fresh_database: FreshDatabase, capsys: pytest.CaptureFixture[str], given: list[str]
) -> None:
    url = fresh_database("sqlite")
    assert main(["sandbox", "--port", "0", "--database", url, "--misbehave", "GB:lost-block", *given]) == 2
    assert "give --registries, too" in capsys.readouterr().err
