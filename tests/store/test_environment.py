"""A database is of one environment for good: what is said of it, by whom, and what is refused afterwards."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from sqlalchemy import select

from itl.cli import logs
from itl.cli.main import main
from itl.errors import UsageError
from itl.hub import NOTICE, Hub
from itl.reference import Environment
from itl.settings import Settings, load_settings
from itl.store import tables as t
from itl.store.database import Database
from itl.store.enrolment import put_sandbox
from itl.store.environment import environment_of, require_same, settle_environment
from itl.store.reference_data import load_reference
from tests.databases import FreshDatabase

TEST, PRODUCTION = Environment.TEST, Environment.PRODUCTION
NOW = datetime(2014, 6, 1, tzinfo=UTC)


def refused(other: Environment) -> AbstractContextManager[Any]:
    return pytest.raises(UsageError, match=f"is of a {other} environment")


@pytest.mark.parametrize(
    ("said", "wanted", "becomes", "outcome"),
    [
        (None, None, PRODUCTION, nullcontext()),
        (None, TEST, TEST, nullcontext()),
        (None, PRODUCTION, PRODUCTION, nullcontext()),
        (TEST, None, TEST, nullcontext()),
        (TEST, TEST, TEST, nullcontext()),
        (TEST, PRODUCTION, TEST, refused(TEST)),
        (PRODUCTION, TEST, PRODUCTION, refused(PRODUCTION)),
    ],
)
def test_what_a_database_is_is_said_once(
    database_url: str,
    said: Environment | None,
    wanted: Environment | None,
    becomes: Environment,
    outcome: AbstractContextManager[Any],
) -> None:
    database = Database(database_url)
    if said is not None:
        with database.write() as connection:
            settle_environment(connection, said)
    with outcome, database.write() as connection:
        assert settle_environment(connection, wanted) is becomes
    if said is not None:
        with database.read() as connection:
            assert environment_of(connection) is load_reference(connection).environment is becomes


def test_a_database_of_which_nothing_is_said_is_taken_for_production(database_url: str) -> None:
    with Database(database_url).read() as connection:
        assert environment_of(connection) is PRODUCTION


@pytest.mark.parametrize("own", Environment)
@pytest.mark.parametrize("asked", [None, *Environment])
def test_a_hub_and_the_commands_refuse_the_other(
    fresh_database: FreshDatabase, capsys: pytest.CaptureFixture[str], own: Environment, asked: Environment | None
) -> None:
    url = fresh_database("sqlite")
    with Database(url).write() as connection:
        settle_environment(connection, own)
    fits = asked in (None, own)
    with nullcontext() if fits else refused(own):
        Hub(Settings(database=url, environment=asked)).close()
    with pytest.MonkeyPatch.context() as patch:
        if asked is not None:
            patch.setenv("ITL_ENVIRONMENT", asked)
        for command in ("queue", "holdings", "audit", "migrate", "reference show GB", "enrol --list"):
            assert main(["--log-level", "error", *command.split(), "--database", url]) == (0 if fits else 2), command
    assert ("is of a" in capsys.readouterr().err) is not fits


def test_a_sandbox_is_a_test_and_leaves_a_database_of_production_alone(database_url: str) -> None:
    database = Database(database_url)
    with database.write() as connection:
        settle_environment(connection, PRODUCTION)
    with refused(PRODUCTION), database.write() as connection:
        put_sandbox(connection, NOW)
    with database.read() as connection:
        assert connection.execute(select(t.registries)).all() == []


@pytest.mark.parametrize("command", ["sandbox --port 0", "story --once"])
def test_no_sandbox_begins_on_production(
    fresh_database: FreshDatabase, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    url = fresh_database("sqlite")
    assert main(["--log-level", "error", "migrate", "--database", url]) == 0
    assert "its environment is production" in capsys.readouterr().out
    assert main(["--log-level", "error", *command.split(), "--database", url]) == 2
    assert "is of a production environment" in capsys.readouterr().err


def test_a_file_of_the_other_environment_is_refused(database_url: str) -> None:
    with Database(database_url).write() as connection:
        settle_environment(connection, TEST)
        require_same(connection, TEST, "the file")
        with pytest.raises(UsageError, match="the file is of a production environment"):
            require_same(connection, PRODUCTION, "the file")


@pytest.mark.parametrize("own", Environment)
@pytest.mark.parametrize("path", ["/TransactionLogService", "/RelayService"])
def test_the_endpoints_of_a_test_environment_say_so(fresh_database: FreshDatabase, own: Environment, path: str) -> None:
    url = fresh_database("sqlite")
    with Database(url).write() as connection:
        settle_environment(connection, own)
    hub = Hub(Settings(database=url, public_url="http://hub/"))
    for query in ("wsdl", ""):
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "HTTP_HOST": "hub"}
        page = b"".join(hub.application()(environ, lambda _status, _headers: lambda _data: None)).decode()
        assert (NOTICE in page) is (own is TEST)
    hub.close()


def test_every_line_of_the_log_names_the_environment(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", json=True)
    logs.tell_always(environment="test")
    structlog.get_logger("x").info("begun", registry="GB")
    told = json.loads(capsys.readouterr().err)
    assert (told["event"], told["registry"], told["environment"]) == ("begun", "GB", "test")
    logs.configure("info", json=True)
    structlog.get_logger("x").info("begun")
    assert "environment" not in json.loads(capsys.readouterr().err)


def test_the_setting_takes_nothing_else() -> None:
    assert load_settings(environment={"ITL_ENVIRONMENT": "test"}).environment is TEST
    with pytest.raises(UsageError, match="none of test, production"):
        load_settings(environment={"ITL_ENVIRONMENT": "tests"})
