"""`itl supplement`: what an operator enters holds from then on, with who and why; what is shown is what is so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from itl.cli.main import main
from itl.store import tables as log
from itl.store.database import Database
from itl.supplement.role import SupplementaryLog
from tests.databases import FreshDatabase
from tests.supplement.world import supplementary

BECAUSE = ("--by", "anna", "--reason", "decision 12")
Command = Callable[..., str]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> str:
    return fresh_database(request.param, supplementary)


@pytest.fixture
def itl(url: str, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command of `itl supplement`; gives what it prints, or its complaint."""

    def run(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main(["supplement", words[0], "--database", url, *words[1:]]) == code
        out, err = capsys.readouterr()
        return err if code else out

    return run


def shown(itl: Command, *words: str) -> Any:
    return json.loads(itl(*words, "--json"))


def test_members(itl: Command, url: str) -> None:
    assert "recorded: JP" in itl("member", "JP", "--link", "direct", "--may-accept", "no", *BECAUSE)
    assert shown(itl, "members")[-1] == {
        "registry": "JP",
        "link": "direct",
        "may propose": True,
        "may accept": False,
    }
    itl("member", "JP", "--may-accept", "yes", *BECAUSE)
    assert shown(itl, "members")[-1]["may accept"] is True
    assert [row["may_accept"] for row in shown(itl, "history", "members") if row["registry"] == "JP"] == [False, True]
    database = Database(url)
    with database.read() as connection:
        actions = list(connection.execute(sa.select(log.actions).order_by(log.actions.c.id)))
    database.close()
    assert [(row.actor, row.action, row.subject, row.reason) for row in actions] == [
        ("anna", "supplement member", "JP", "decision 12")
    ] * 2


def test_accounts(itl: Command) -> None:
    itl("account", "GB-120-1299", "--holder", "operator", "--installation", "9", *BECAUSE)
    itl("account", "GB-120-1299", "--blocked", "yes", *BECAUSE)
    [account] = [row for row in shown(itl, "accounts", "--registry", "GB") if row["identifier"] == 1299]
    assert account == {
        "registry": "GB",
        "type": 120,
        "identifier": 1299,
        "holder": "operator",
        "installation": 9,
        "blocked": True,
        "closed": False,
    }
    assert "1299" in itl("accounts")
    assert "1299" not in itl("accounts", "--registry", "FR")
    assert "whose is it? give --holder" in itl("account", "GB-120-1300", *BECAUSE, code=2)
    assert "an installation" in itl("account", "GB-120-1300", "--holder", "operator", *BECAUSE, code=2)
    assert "give --reason" in itl("account", "GB-120-1300", "--holder", "party", code=2)


def test_plan_emissions_windows_and_agreements(itl: Command) -> None:
    itl("plan", "GB", "--period", "2", "--installation", "7", "--year", "2013", "--quantity", "60", *BECAUSE)
    itl("plan", "GB", "--period", "2", "--quantity", "40", *BECAUSE)
    assert [(row["installation"], row["quantity"]) for row in shown(itl, "plan", "GB")] == [(0, 40), (7, 60)]
    assert "whose plan" in itl("plan", "--quantity", "40", *BECAUSE, code=2)
    half = ("--period", "2", "--year", "2013", "--quantity", "1")
    assert "the reserve has neither" in itl("plan", "GB", *half, *BECAUSE, code=2)
    itl("emissions", "GB", "--installation", "7", "--year", "2013", "--verified", "50", *BECAUSE)
    [year] = shown(itl, "emissions", "GB")
    assert (year["verified"], year["surrendered"], year["still to surrender"]) == (50, 0, 50)
    assert "of which installation" in itl("emissions", "GB", "--verified", "50", *BECAUSE, code=2)
    window = ("--opens", "2014-01-01T00:00:00Z", "--closes", "2021-05-01T00:00:00Z", "--years", "2013-2020")
    assert "period 2" in itl("window", "2", *window, *BECAUSE)
    assert "has to close after" in itl("window", "2", *window[:3], window[1], *window[4:], *BECAUSE, code=2)
    assert "may go to JP" in itl("agreement", "JP", *BECAUSE)
    assert "no longer go to JP" in itl("agreement", "JP", "--ended", *BECAUSE)
    assert [row["agreed"] for row in shown(itl, "history", "agreements")] == [True, False]
    assert shown(itl, "figures") == []


def test_who_it_is(itl: Command, url: str) -> None:
    assert "calls itself STL9" in itl("setup", "STL9", *BECAUSE)
    database = Database(url)
    with database.read() as connection:
        code = connection.execute(sa.select(log.settings.c.value).where(log.settings.c.name == "log_code")).scalar()
    database.close()
    assert code == "STL9"


def test_a_database_of_the_log_is_no_such_database(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["supplement", "members", "--database", database_url]) == 2
    assert "itl migrate" in capsys.readouterr().err


def test_migrate_brings_these_tables_only_where_the_role_is_set(
    fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = fresh_database("sqlite", None)
    assert main(["migrate", "--database", url]) == 0
    assert not any(name.startswith("supplement_") for name in tables(url))
    monkeypatch.setenv("ITL_ROLE", SupplementaryLog.name)
    assert main(["migrate", "--database", url]) == 0
    assert "supplement_members" in tables(url)
    assert "newest schema" in capsys.readouterr().out


def tables(url: str) -> list[str]:
    database = Database(url)
    found = sa.inspect(database.engine).get_table_names()
    database.close()
    return found
