"""`itl actions`: what operators did is on record, with who and why, in the commit that does it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from itl.cli import actions as module
from itl.errors import UsageError
from itl.store.actions import Action, actions, record_action
from itl.store.database import Database
from tests.cli.commands import Command, as_json, command

NOW = datetime(2014, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


@pytest.fixture
def itl(database_url: str, capsys: pytest.CaptureFixture[str]) -> Command:
    return command(module, capsys, "--database", database_url)


def test_actions_are_shown_newest_first_and_by_subject(database: Database, itl: Command) -> None:
    with database.write() as connection:
        record_action(connection, "ada", "lasting trouble", "registry suspend", "GB", {"may_propose": False}, NOW)
        record_action(connection, "ben", None, "time check", "FR", None, NOW + timedelta(hours=1))
    with database.read() as connection:
        assert actions(connection) == [
            Action(2, NOW + timedelta(hours=1), "ben", "time check", "FR", None, {}),
            Action(1, NOW, "ada", "registry suspend", "GB", "lasting trouble", {"may_propose": False}),
        ]
    assert [line.split()[2] for line in itl("actions").splitlines()[1:]] == ["ben", "ada"]
    assert [each["actor"] for each in as_json(itl("actions", "GB", "--json"))] == ["ada"]
    assert [each["actor"] for each in as_json(itl("actions", "--since", "2014-06-01T12:30:00Z", "--json"))] == ["ben"]
    assert [each["actor"] for each in as_json(itl("actions", "--most", "1", "--json"))] == ["ben"]
    assert "may propose: False" in itl("actions", "GB")


def test_an_action_leaves_no_trace_where_what_it_does_fails(database: Database) -> None:
    def act() -> None:
        with database.write() as connection:
            record_action(connection, "ada", "why not", "registry suspend", "GB", None, NOW)
            record_action(connection, "", "why not", "registry suspend", "FR", None, NOW)

    with pytest.raises(UsageError):
        act()
    with database.read() as connection:
        assert actions(connection) == []


@pytest.mark.parametrize(("actor", "reason"), [("", "why"), (" ", None), ("ada", ""), ("ada", "  ")])
def test_nobody_and_no_reason_are_refused(database: Database, actor: str, reason: str | None) -> None:
    with pytest.raises(UsageError), database.write() as connection:
        record_action(connection, actor, reason, "registry suspend", "GB", None, NOW)
