"""Reference data with history: what is in force when, what corrects, what withdraws, and who said so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from itl.clock import SetClock
from itl.errors import ReferenceDataError
from itl.reference import Account, PartyPeriod, Project, Right
from itl.store.database import Database
from itl.store.enrolment import put_basics, put_parties, put_projects
from itl.store.fact_kinds import ALWAYS, KINDS, Fact, FactKey, FactName, key_of, value_of
from itl.store.facts import Source, history, in_force
from itl.store.reference_data import ReferenceData, accounts, load_reference, projects, put_facts

AMOUNT = FactKey(FactName.ASSIGNED_AMOUNT, "GB", period=1)
Y2008, Y2010, Y2012 = (datetime(year, 1, 1, tzinfo=UTC) for year in (2008, 2010, 2012))
DAY = timedelta(days=1)


@pytest.fixture
def database(database_url: str) -> Database:
    database = Database(database_url)
    with database.write() as connection:
        put_parties(connection, ["GB", "FR", "IN", "CDM"])
    return database


def tell(database: Database, *facts: Fact, by: str = "somebody", reason: str = "because") -> int:
    with database.write() as connection:
        return put_facts(connection, facts, Source(by, reason))


def amount(database: Database, at: datetime) -> Any:
    with database.read() as connection:
        return in_force(connection, [FactName.ASSIGNED_AMOUNT], at).get(AMOUNT)


def test_a_later_fact_changes_from_its_start_on(database: Database) -> None:
    tell(database, Fact(AMOUNT, 100, Y2008), Fact(AMOUNT, 90, Y2012))
    assert [amount(database, at) for at in (Y2008 - DAY, Y2008, Y2012 - DAY, Y2012)] == [None, 100, 100, 90]


def test_a_fact_with_the_same_start_corrects_and_one_without_a_value_withdraws(database: Database) -> None:
    tell(database, Fact(AMOUNT, 100, Y2008))
    tell(database, Fact(AMOUNT, 101, Y2008), Fact(AMOUNT, None, Y2012), by="another", reason="a misprint")
    assert [amount(database, at) for at in (Y2008, Y2012)] == [101, None]
    with database.read() as connection:
        told = [(each.value, each.valid_from, each.recorded_by, each.reason) for each in history(connection, "GB")]
    assert told == [
        (100, Y2008, "somebody", "because"),
        (101, Y2008, "another", "a misprint"),
        (None, Y2012, "another", "a misprint"),
    ]


def test_a_fact_between_two_others_holds_until_the_later_one(database: Database) -> None:
    tell(database, Fact(AMOUNT, 100, Y2008), Fact(AMOUNT, 90, Y2012))
    tell(database, Fact(AMOUNT, 95, Y2010))
    assert [amount(database, at) for at in (Y2008, Y2010, Y2012)] == [100, 95, 90]


def test_the_same_again_is_no_change_and_what_was_true_once_may_become_true_again(database: Database) -> None:
    with database.read() as connection:
        before = load_reference(connection).stamp
    assert tell(database, Fact(AMOUNT, 100, Y2008)) == 1
    assert tell(database, Fact(AMOUNT, 100, Y2008)) == 0
    assert tell(database, Fact(AMOUNT, 101, Y2008)) == 1
    assert tell(database, Fact(AMOUNT, 100, Y2008)) == 1
    with database.read() as connection:
        assert load_reference(connection).stamp == before + 3
    assert amount(database, Y2010) == 100


instants = st.integers(0, 6).map(lambda years: datetime(2008 + years, 1, 1, tzinfo=UTC))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(instants, st.none() | st.integers(0, 3)), max_size=8), instants)
def test_in_force_is_the_last_recorded_of_the_latest_start(
    fact_database: Database, told: list[tuple[datetime, int | None]], at: datetime
) -> None:
    expected: dict[datetime, int | None] = {}
    with fact_database.write() as connection:
        connection.exec_driver_sql("DELETE FROM facts")
        for valid_from, value in told:
            put_facts(connection, [Fact(AMOUNT, value, valid_from)], Source("somebody", "because"))
            expected[valid_from] = value
    starts = [valid_from for valid_from in expected if valid_from <= at]
    assert amount(fact_database, at) == (expected[max(starts)] if starts else None)


@pytest.fixture(scope="module")
def fact_database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    from itl.store.schema import migrate  # noqa: PLC0415

    url = f"sqlite:///{tmp_path_factory.mktemp('facts')}/log.db"
    migrate(url)
    database = Database(url)
    with database.write() as connection:
        put_parties(connection, ["GB"])
    return database


def test_the_reference_data_are_those_of_the_clock(database: Database) -> None:
    tell(database, Fact(AMOUNT, 100, Y2008), Fact(AMOUNT, 90, Y2012))
    clock = SetClock(Y2008)
    reference = ReferenceData(database, clock)
    assert reference.current.party_periods["GB", 1].assigned_amount == 100
    assert reference.current.valid_until == Y2012
    clock.set(Y2012 - timedelta(microseconds=1))
    cached = reference.current
    assert reference.current is cached
    clock.set(Y2012)
    assert reference.current.party_periods["GB", 1].assigned_amount == 90
    assert reference.current.valid_until is None


def test_work_in_batches_sees_a_fact_that_came_into_force(database: Database) -> None:
    tell(database, Fact(AMOUNT, 100, Y2008), Fact(AMOUNT, 90, Y2012))
    clock = SetClock(Y2008)
    reference = ReferenceData(database, clock)
    clock.set(Y2012)
    with database.read() as connection:
        assert reference.fresh(connection).party_periods["GB", 1].assigned_amount == 90


def test_what_is_told_of_a_party(database: Database) -> None:
    true_up = datetime(2015, 11, 19, tzinfo=UTC)
    tell(
        database,
        Fact(AMOUNT, 100),
        Fact(FactKey(FactName.REVIEWED_INVENTORY, "GB", period=1), 20),
        Fact(FactKey(FactName.RECORDED_RESERVE, "GB", period=1), 90),
        Fact(FactKey(FactName.RMU_LIMIT, "GB", period=1, detail=3), 7),
        Fact(FactKey(FactName.ISSUANCE_SUSPENDED, "GB", period=1), True),
        Fact(FactKey(FactName.TRUE_UP_END, "GB", period=1), true_up),
        Fact(FactKey(FactName.BASE_YEAR_EMISSIONS, "GB"), 1000),
        Fact(FactKey(FactName.MAY_TRANSFER, "GB"), False),
        Fact(FactKey(FactName.MAY_USE, "GB", detail=6), False),
        Fact(FactKey(FactName.MAY_TRACK_1, "GB"), True),
    )
    with database.read() as connection:
        known = load_reference(connection)
    assert known.party_periods == {("GB", 1): PartyPeriod("GB", 1, true_up, 100, True, {3: 7}, 20, 90)}
    assert known.base_year_emissions == {"GB": 1000}
    assert known.ineligible == {("GB", Right.TRANSFER, None), ("GB", Right.USE, 6)}
    assert known.is_eligible("GB", Right.TRACK_1, None)


def test_what_is_told_of_projects_and_accounts(database: Database) -> None:
    project = Project("IN", 7, frozenset({5, 6}), 2, {(5, 1): 100, (6, 2): 50}, date(2020, 12, 31))
    with database.write() as connection:
        put_projects(connection, [project, Project("IN", 8, frozenset({5}))])
    tell(
        database,
        Fact(FactKey(FactName.ACCOUNT_OWNER, "GB", 2300, detail=230), "GB"),
        Fact(FactKey(FactName.ACCOUNT_PERIOD, "GB", 2300, detail=230), 2),
        Fact(FactKey(FactName.ACCOUNT_OWNER, "GB", 2300, detail=100), "FR"),
    )
    with database.read() as connection:
        assert projects(connection, {("IN", 7), ("IN", 9), ("GB", 8)}, Y2012) == {("IN", 7): project}
        assert projects(connection, {("IN", 7)}, ALWAYS - DAY) == {}
        found = accounts(connection, {("GB", 230, 2300), ("GB", 100, 2300), ("FR", 230, 2300)}, Y2012)
    assert found == {
        ("GB", 230, 2300): Account("GB", 230, 2300, "GB", 2),
        ("GB", 100, 2300): Account("GB", 100, 2300, "FR", None),
    }


def test_a_code_that_nobody_has_is_refused(database: Database) -> None:
    with pytest.raises(ReferenceDataError, match="XX"):
        tell(database, Fact(FactKey(FactName.BASE_YEAR_EMISSIONS, "XX"), 1))


def test_the_basics_do_not_undo_what_an_operator_recorded(database: Database) -> None:
    start = FactKey(FactName.PERIOD_START, period=2)
    with database.write() as connection:
        put_basics(connection)
    tell(database, Fact(start, Y2012))
    with database.write() as connection:
        put_basics(connection)
        assert load_reference(connection).periods[2].start == Y2012
        assert set(load_reference(connection).periods) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        (FactName.ASSIGNED_AMOUNT, "3412080630", 3412080630),
        (FactName.ISSUANCE_SUSPENDED, "yes", True),
        (FactName.ISSUANCE_SUSPENDED, False, False),
        (FactName.TRUE_UP_END, "2015-11-19", datetime(2015, 11, 19, tzinfo=UTC)),
        (FactName.TRUE_UP_END, "2015-11-19T01:00:00+01:00", datetime(2015, 11, 19, tzinfo=UTC)),
        (FactName.PROJECT_UNITS, "6 5", frozenset({5, 6})),
        (FactName.PROJECT_UNITS, [5], frozenset({5})),
        (FactName.CREDITING_PERIOD_END, "2020-12-31", date(2020, 12, 31)),
        (FactName.ACCOUNT_OWNER, "GB", "GB"),
        (FactName.PROJECT_TRACK, "2", 2),
    ],
)
def test_values_as_they_are_written(name: FactName, written: Any, value: Any) -> None:
    assert value_of(name, written) == value


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (FactName.ASSIGNED_AMOUNT, "-1"),
        (FactName.ASSIGNED_AMOUNT, "much"),
        (FactName.ASSIGNED_AMOUNT, True),
        (FactName.ISSUANCE_SUSPENDED, "perhaps"),
        (FactName.TRUE_UP_END, "tomorrow"),
        (FactName.PROJECT_UNITS, "8"),
        (FactName.PROJECT_UNITS, ""),
        (FactName.CREDITING_PERIOD_END, "2020"),
        (FactName.ACCOUNT_OWNER, "G B"),
        (FactName.PROJECT_TRACK, "3"),
    ],
)
def test_what_is_no_value_is_refused_with_what_would_be(name: FactName, written: Any) -> None:
    with pytest.raises(ReferenceDataError):
        value_of(name, written)


def test_every_fact_has_a_kind_and_its_key_says_what_it_is_about() -> None:
    assert set(KINDS) == set(FactName)
    about = {"party": "IN", "project": 7, "unit_type": 5, "period": 2}
    key = key_of(FactName.PROJECT_QUANTITY, about)
    assert key == FactKey(FactName.PROJECT_QUANTITY, "IN", 7, 2, 5)
    assert key.about() == about
    assert key_of(FactName.MAY_USE, {"party": "GB"}).about() == {"party": "GB"}
    for wrong in ({"party": "GB"}, {"party": "GB", "period": 1, "project": 7}, {"party": "GB", "period": "one"}):
        with pytest.raises(ReferenceDataError):
            key_of(FactName.ASSIGNED_AMOUNT, wrong)
