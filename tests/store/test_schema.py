"""The schema: migrations and tables say the same; the database itself keeps a unit in one place."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from itl.errors import ConflictError, StoreError, UsageError
from itl.store import tables as t
from itl.store.database import Database, normal_url
from itl.store.schema import migrate, require_current

SINCE = datetime(2010, 1, 1, tzinfo=UTC)


def unit_row(start: int, end: int, registry: str = "GB") -> dict[str, object]:
    return {
        "originating_registry": registry,
        "serial_start": start,
        "serial_end": end,
        "unit_type": 1,
        "original_commit_period": 1,
        "applicable_commit_period": 1,
        "issued_unit_type": 1,
        "registry": registry,
        "account_type": 100,
        "since": SINCE,
    }


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


def test_migrations_build_just_the_tables_of_the_program(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"target_metadata": t.metadata})
        assert compare_metadata(context, t.metadata) == []


def test_migrating_again_changes_nothing(database_url: str, database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(t.unit_blocks), [unit_row(1, 10)])
    migrate(database_url)
    with database.read() as connection:
        assert connection.execute(select(t.unit_blocks.c.serial_end)).scalars().all() == [10]


def test_a_database_without_the_schema_is_refused_with_what_to_do(fresh_database: Callable[..., str]) -> None:
    empty = Database(fresh_database("sqlite", template=None))
    with pytest.raises(StoreError, match="itl migrate"):
        require_current(empty)


@pytest.mark.parametrize(
    ("given_url", "used"),
    [
        ("postgresql://h/d", "postgresql+psycopg2://h/d"),
        ("postgresql+psycopg2://h/d", "postgresql+psycopg2://h/d"),
        ("sqlite:///a.db", "sqlite:///a.db"),
    ],
)
def test_the_driver_is_the_pinned_one(given_url: str, used: str) -> None:
    assert normal_url(given_url) == used


@pytest.mark.parametrize("given_url", ["mysql://h/d", "sqlite://", "sqlite:///:memory:", "nonsense"])
def test_a_database_that_will_not_do_is_refused(given_url: str) -> None:
    with pytest.raises(UsageError):
        normal_url(given_url)


@pytest.mark.parametrize(
    ("start", "end"), [(10, 20), (1, 10), (20, 30), (12, 15), (1, 100), (10, 10), (20, 20), (19, 21)]
)
def test_a_serial_cannot_stand_in_two_unit_blocks(database: Database, start: int, end: int) -> None:
    with database.write() as connection:
        connection.execute(insert(t.unit_blocks), [unit_row(10, 20), unit_row(40, 50)])
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(insert(t.unit_blocks), [unit_row(start, end)])


@pytest.mark.parametrize(("start", "end", "registry"), [(1, 9, "GB"), (21, 39, "GB"), (51, 51, "GB"), (10, 20, "FR")])
def test_serials_beside_each_other_or_of_another_registry_can(
    database: Database, start: int, end: int, registry: str
) -> None:
    with database.write() as connection:
        connection.execute(insert(t.unit_blocks), [unit_row(10, 20), unit_row(40, 50)])
        connection.execute(insert(t.unit_blocks), [unit_row(start, end, registry)])


@pytest.mark.parametrize(("start", "end"), [(10, 40), (1, 10), (39, 45), (45, 39), (0, 5), (1, 10**15)])
def test_no_update_makes_an_overlap_or_a_range_that_is_none(database: Database, start: int, end: int) -> None:
    with database.write() as connection:
        connection.execute(insert(t.unit_blocks), [unit_row(10, 20), unit_row(40, 50)])
    moved = update(t.unit_blocks).where(t.unit_blocks.c.serial_start == 10 if start != 1 else t.unit_blocks.c.id == 2)
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(moved.values(serial_start=start, serial_end=end))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 12)), max_size=25))
def test_the_sqlite_guard_lets_in_what_a_set_of_serials_would(
    sqlite_guarded: Database, wanted: list[tuple[int, int]]
) -> None:
    taken: set[int] = set()
    with sqlite_guarded.write() as connection:
        connection.execute(t.unit_blocks.delete())
        for start, length in wanted:
            serials = set(range(start, start + length + 1))
            try:
                with connection.begin_nested():
                    connection.execute(insert(t.unit_blocks), [unit_row(start, start + length)])
                entered = True
            except IntegrityError:
                entered = False
            assert entered == taken.isdisjoint(serials)
            taken |= serials if entered else set()


@pytest.fixture(scope="module")
def sqlite_guarded(tmp_path_factory: pytest.TempPathFactory) -> Database:
    url = f"sqlite:///{tmp_path_factory.mktemp('guard')}/log.db"
    migrate(url)
    return Database(url)


def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    paris = datetime.fromisoformat("2012-06-01T14:30:00.123456+02:00")
    with database.write() as connection:
        connection.execute(insert(t.lanes), {"receiver": "FR", "held_until": paris})
        found = connection.execute(select(t.lanes.c.held_until)).scalar_one()
    assert found == paris
    assert found.utcoffset() == UTC.utcoffset(None)


def test_a_steady_unit_of_work_sees_one_state_or_says_that_it_must_be_done_again(
    fresh_database: Callable[..., str],
) -> None:
    """On PostgreSQL; SQLite has one writer at a time."""
    database = Database(fresh_database("postgresql"))
    stamp = select(t.reference_stamp.c.stamp)
    with database.read() as connection:
        before = connection.execute(stamp).scalar_one()

    def work() -> None:
        with database.write_steadily() as steady:
            assert steady.execute(stamp).scalar_one() == before
            with database.write() as other:
                other.execute(update(t.reference_stamp).values(stamp=before + 1))
            assert steady.execute(stamp).scalar_one() == before
            steady.execute(update(t.reference_stamp).values(stamp=before + 2))

    with pytest.raises(ConflictError, match="run it again"):
        work()
    with database.read() as connection:
        assert connection.execute(stamp).scalar_one() == before + 1
    database.close()
