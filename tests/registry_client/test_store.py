from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from registry_client import bookings, holdings, tables
from registry_client.errors import AccountError, StoreError
from registry_client.identifiers import SerialRange
from registry_client.records import Records
from registry_client.store import Store
from registry_client.units import Account, Attributes, Block
from tests.registry_client.log import NOON

HOLDING = Account(100, 1001)
AAU = Attributes(unit_type=1, original_period=1, applicable_period=1)


def block(start: int, end: int) -> Block:
    return Block(SerialRange("GB", start, end), AAU, HOLDING)


def opened(url: str = "sqlite://") -> Store:
    store = Store(url, "GB")
    with store.write() as connection:
        holdings.open_account(connection, HOLDING, 0, NOON)
    return store


@settings(max_examples=40, deadline=None)  # each example opens a database
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)).map(sorted), max_size=12))
def test_the_database_keeps_a_unit_in_one_block(ranges: list[list[int]]) -> None:
    store, held = opened(), set[int]()
    for start, end in ranges:
        units = set(range(start, end + 1))
        if units & held:
            with pytest.raises(sa.exc.IntegrityError, match="holds already"), store.write() as connection:
                bookings.add(connection, [block(start, end)], NOON)
        else:
            with store.write() as connection:
                bookings.add(connection, [block(start, end)], NOON)
            held |= units
    store.close()


@settings(max_examples=40, deadline=None)  # each example opens a database
@given(st.data())
def test_reserving_a_part_loses_and_adds_no_unit(data: st.DataObject) -> None:
    store = opened()
    with store.write() as connection:
        bookings.add(connection, [block(1, 40), block(41, 90)], NOON)
        start = data.draw(st.integers(1, 90))
        wanted = SerialRange("GB", start, data.draw(st.integers(start, 90)))
        parts = [held.cut(wanted) for held in holdings.meeting(connection, wanted)]
        bookings.reserve(connection, parts, "GB1", NOON)
        blocks = holdings.blocks(connection)
        assert [serial for b in blocks for serial in range(b.range.start, b.range.end + 1)] == list(range(1, 91))
        reserved = [b.range for b in blocks if b.reserved_by == "GB1"]
        assert [serial for r in reserved for serial in range(r.start, r.end + 1)] == list(
            range(wanted.start, wanted.end + 1)
        )
        assert holdings.reserved_quantity(connection, "GB1") == wanted.quantity
    store.close()


@pytest.mark.parametrize("change", [{"range_start": 9}, {"range_end": 21}, {"originating_registry": "FR"}])
def test_a_block_only_shrinks(change: dict[str, object]) -> None:
    store = opened()
    with store.write() as connection:
        bookings.add(connection, [block(10, 20)], NOON)
    with pytest.raises(sa.exc.IntegrityError, match="only shrinks"), store.write() as connection:
        connection.execute(tables.unit_blocks.update().values(**change))
    store.close()


def test_an_account_that_holds_units_is_not_closed() -> None:
    store = opened()
    with store.write() as connection:
        bookings.add(connection, [block(10, 20)], NOON)
    with pytest.raises(AccountError, match="still holds units"), store.write() as connection:
        holdings.close_account(connection, HOLDING, NOON)
    with pytest.raises(AccountError, match="exists already"), store.write() as connection:
        holdings.open_account(connection, HOLDING, 0, NOON)
    with pytest.raises(AccountError, match="does not exist"), store.write() as connection:
        holdings.close_account(connection, Account(100, 7), NOON)
    store.close()


def test_a_database_of_another_registry_is_not_used(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gb.db"
    opened(url).close()
    with pytest.raises(StoreError, match="registry GB, not of FR"):
        Store(url, "FR")


def test_a_database_of_another_version_is_not_used(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gb.db"
    store = opened(url)
    with store.write() as connection:
        connection.exec_driver_sql("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(StoreError, match="version 99"):
        Store(url, "GB")


def test_what_is_no_database_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is no database, whatever its name says" * 100)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(f"sqlite:///{tmp_path}/text", "GB")
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(f"sqlite:///{tmp_path}/absent/gb.db", "GB")
    with pytest.raises(StoreError, match="in SQLite"):
        Store("postgresql://localhost/gb", "GB")


def test_times_are_kept_to_the_microsecond(tmp_path: Path) -> None:
    store = opened()
    at = NOON.replace(microsecond=123_457)
    with store.write() as connection:
        holdings.open_account(connection, Account(121, 5), 0, at)
        found = connection.execute(
            sa.select(tables.accounts.c.opened_at).where(tables.accounts.c.account_type == 121)
        ).scalar_one()
    assert found == at
    store.close()


def test_a_database_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "gb.db")) as raw:
        raw.executescript((Path(__file__).parent / "version_1.sql").read_text())
    upgraded, new = (Store(f"sqlite:///{tmp_path}/{name}.db", "GB") for name in ("gb", "new"))
    assert schema_of(upgraded) == schema_of(new)
    records = Records(upgraded)
    (found,) = records.notices()
    assert (found.identifier, found.transactions) == (5, ("GB100002",))
    with upgraded.write() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM unit_blocks WHERE since = acquired_at").scalar() == 2
        bookings.release(connection, "GB100002", NOON + timedelta(seconds=1))
        assert connection.exec_driver_sql("SELECT range_start, range_end FROM past_unit_blocks").all() == [(1, 10)]
    upgraded.close()
    new.close()


def test_a_database_of_version_2_is_brought_up_to_date(tmp_path: Path) -> None:
    new = opened(f"sqlite:///{tmp_path}/new.db")
    old = opened(f"sqlite:///{tmp_path}/gb.db")
    with old.write() as connection:
        bookings.add(connection, [block(10, 20)], NOON)
        for table in ("unit_blocks", "past_unit_blocks"):
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN replaced")
        connection.exec_driver_sql("DROP TABLE misbehaviours")
        connection.exec_driver_sql("PRAGMA user_version = 2")
    old.close()
    upgraded = Store(f"sqlite:///{tmp_path}/gb.db", "GB")
    assert schema_of(upgraded) == schema_of(new)
    assert [each.attributes.replaced for each in Records(upgraded).blocks()] == [False]
    upgraded.close()
    new.close()


def schema_of(store: Store) -> dict[str, dict[str, object]]:
    """Columns and indices by table, and the triggers."""
    with store.read() as connection:
        inspector = sa.inspect(connection)
        found = {
            table: {
                column["name"]: (str(column["type"]), column["nullable"]) for column in inspector.get_columns(table)
            }
            | {index["name"]: (str(index["column_names"]), index["unique"]) for index in inspector.get_indexes(table)}
            for table in inspector.get_table_names()
        }
        triggers = connection.exec_driver_sql("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'")
        return found | {"triggers": dict(triggers.all())}
