"""A database of an earlier schema is brought to the newest one with all that it knows."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from itl.ledger.totals import Total, TotalKey, TotalKind
from itl.reference import CommitmentPeriod, PartyPeriod, Project
from itl.store import notice_book
from itl.store import tables as t
from itl.store.audit import audit
from itl.store.database import Database
from itl.store.enrolment_entries import entries
from itl.store.enrolment_evidence import KnownCertificate, certificates
from itl.store.reference_data import load_reference, projects
from itl.store.schema import migrate
from itl.store.totals import load, opened_by

T0 = "2012-01-01 00:00:00.000000"
NOW = datetime(2014, 1, 1, tzinfo=UTC)

EARLIER = f"""
    INSERT INTO commitment_periods (number, start_at, end_at)
        VALUES (1, '2008-01-01 00:00:00.000000', '2013-01-01 00:00:00.000000');
    INSERT INTO parties (code) VALUES ('GB'), ('IN');
    INSERT INTO party_periods (party, period, true_up_end, assigned_amount)
        VALUES ('GB', 1, '2015-11-19 00:00:00.000000', 3412080630);
    INSERT INTO projects (host, number, unit_type, track)
        VALUES ('IN', 7, 5, NULL), ('IN', 7, 6, NULL), ('IN', 8, 3, 2);
    INSERT INTO transactions (id, identifier, occupies, transaction_type, transferring_registry, acquiring_registry,
            acquiring_account_type, status, status_at, proposed_at, settled_at)
        VALUES (1, 'GB1', true, 1, 'GB', 'GB', 100, 4, '{T0}', '{T0}', '{T0}'),
            (2, 'GB2', true, 3, 'GB', 'FR', 100, 8, '{T0}', '{T0}', NULL),
            (3, 'GB3', true, 3, 'GB', 'FR', 100, 5, '{T0}', '{T0}', NULL);
    INSERT INTO transaction_blocks (transaction_id, position, originating_registry, serial_start, serial_end, unit_type,
            original_commit_period, applicable_commit_period, acquiring_account_type)
        VALUES (1, 0, 'GB', 1, 100, 1, 1, 1, 100), (2, 0, 'GB', 11, 50, 1, 1, 1, 100),
            (3, 0, 'GB', 51, 60, 1, 1, 1, 100);
    INSERT INTO unit_blocks (originating_registry, serial_start, serial_end, unit_type, original_commit_period,
            applicable_commit_period, issued_unit_type, registry, account_type, since, transaction_id)
        VALUES ('GB', 1, 100, 1, 1, 1, 1, 'GB', 100, '{T0}', 1);
    INSERT INTO reservations (transaction_id, originating_registry, serial_start, serial_end) VALUES (2, 'GB', 11, 50);
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def upgraded(request: pytest.FixtureRequest, fresh_database: Callable[..., str]) -> Database:
    url = fresh_database(request.param, None)
    migrate(url, "0001")
    earlier = Database(url)
    with earlier.write() as connection:
        for statement in EARLIER.split(";"):
            if statement.strip():
                connection.execute(sa.text(statement if request.param == "sqlite" else in_utc(statement)))
    earlier.close()
    migrate(url)
    return Database(url)


def in_utc(statement: str) -> str:
    return statement.replace(".000000'", "+00'")


def test_reference_data_becomes_facts(upgraded: Database) -> None:
    with upgraded.read() as connection:
        reference = load_reference(connection, NOW)
        known = projects(connection, {("IN", 7), ("IN", 8), ("IN", 9)}, NOW)
    start, end = datetime(2008, 1, 1, tzinfo=UTC), datetime(2013, 1, 1, tzinfo=UTC)
    assert reference.periods == {1: CommitmentPeriod(1, start, end)}
    true_up = datetime(2015, 11, 19, tzinfo=UTC)
    assert reference.party_periods == {("GB", 1): PartyPeriod("GB", 1, true_up, 3412080630)}
    assert known == {
        ("IN", 7): Project("IN", 7, frozenset({5, 6})),
        ("IN", 8): Project("IN", 8, frozenset({3}), 2),
    }


def test_running_totals_are_counted(upgraded: Database) -> None:
    issued, leaving = TotalKey(TotalKind.ISSUED, "GB", 1, 1), TotalKey(TotalKind.LEAVING, "GB", 1)
    counting = TotalKey(TotalKind.COUNTING, "GB", 1, 1)
    with upgraded.write() as connection:
        assert load(connection, [issued, leaving, counting]) == {
            counting: Total(100, 0),
            issued: Total(100, 0),
            leaving: Total(0, 40),
        }
        assert opened_by(connection, [1, 2, 3]) == {2: {leaving: 40}}
        assert list(audit(connection)) == []


def test_a_unit_is_still_in_one_place_and_none_was_replaced(upgraded: Database) -> None:
    with upgraded.read() as connection:
        assert connection.execute(sa.select(t.unit_blocks.c.replaced)).scalars().all() == [False]
    twice = {
        "originating_registry": "GB",
        "serial_start": 100,
        "serial_end": 110,
        "unit_type": 1,
        "original_commit_period": 1,
        "applicable_commit_period": 1,
        "issued_unit_type": 1,
        "registry": "GB",
        "account_type": 100,
        "since": NOW,
    }
    with pytest.raises(IntegrityError), upgraded.write() as connection:
        connection.execute(t.unit_blocks.insert(), twice)


SIXTH = """
    INSERT INTO registries (code, kind, in_force, may_propose, may_accept, may_reconcile, enrolled_at) VALUES
        ('GB', 'party', true, true, true, true, '2012-01-01 00:00:00.000000'),
        ('FR', 'party', true, false, true, true, '2012-01-01 00:00:00.000000'),
        ('JP', 'party', true, true, false, false, '2012-01-01 00:00:00.000000'),
        ('AU', 'party', false, true, true, true, '2012-01-01 00:00:00.000000');
    INSERT INTO versions (major, minor) VALUES (1, 1), (1, 2);
    INSERT INTO notices (identifier, notice_type, status, registry, target_value, commit_period, action_due_date,
            recorded_at, recorded_by, reason)
        VALUES (17, 2, 2, 'GB', 50, 1, '2012-02-01', '2012-01-01 00:00:00.000000', 'ada', 'decision 12'),
            (18, 2, 3, 'GB', 60, 1, NULL, '2012-01-01 00:00:00.000000', 'ada', 'decision 13');
    INSERT INTO lanes (receiver) VALUES ('FR');
"""


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_status_and_versions_get_a_history_and_notices_a_life(fresh_database: Callable[..., str], engine: str) -> None:
    url = fresh_database(engine, None)
    migrate(url, "0006")
    earlier = Database(url)
    with earlier.write() as connection:
        for statement in filter(str.strip, SIXTH.split(";")):
            connection.execute(sa.text(statement if engine == "sqlite" else in_utc(statement)))
    earlier.close()
    migrate(url)
    database = Database(url)
    with database.read() as connection:
        reference, before = (
            load_reference(connection, NOW),
            load_reference(connection, datetime(2012, 1, 2, tzinfo=UTC)),
        )
        standings = notice_book.standings(connection)
        told = connection.execute(sa.select(t.notices.c.told_status).order_by(t.notices.c.identifier)).scalars().all()
        lanes = connection.execute(sa.select(t.lanes.c.failing_since)).scalars().all()
        recorded = connection.execute(sa.select(t.facts.c.name, t.facts.c.subject, t.facts.c.recorded_by)).all()
    for known in (reference, before):
        assert {
            code: (known.registry_in_force(code) is not None, each.may_propose, each.may_accept, each.may_reconcile)
            for code, each in known.registries.items()
        } == {
            "GB": (True, True, True, True),
            "FR": (True, False, True, True),
            "JP": (True, True, False, False),
            "AU": (False, True, True, True),
        }
    assert reference.versions == {(1, 1), (1, 2)}
    assert [(each.identifier, each.status, each.state) for each in standings] == [
        (17, 2, "incomplete"),
        (18, 3, "completed"),
    ]
    assert (told, lanes) == ([2, 3], [None])
    assert sorted(recorded) == [
        ("registry in force", "AU", "migration 0007"),
        ("registry may accept", "JP", "migration 0007"),
        ("registry may propose", "FR", "migration 0007"),
        ("registry may reconcile", "JP", "migration 0007"),
        ("version accepted", "", "migration 0007"),
        ("version accepted", "", "migration 0007"),
    ]
    with database.write() as connection:
        assert notice_book.note_overdue(connection, NOW) == [17]
    database.close()


TENTH = """
    INSERT INTO registries (code, kind, enrolled_at) VALUES
        ('GB', 'party', '2012-01-01 00:00:00.000000'), ('CDM', 'cdm', '2012-01-01 00:00:00.000000'),
        ('CITL', 'stl', '2012-01-01 00:00:00.000000');
    INSERT INTO credentials (registry, kind, name) VALUES ('GB', 'certificate', 'ab12')
"""
LENIENT = "INSERT INTO settings (name, value) VALUES ('admit_unrecorded_projects', 'true')"
SAID = "INSERT INTO settings (name, value) VALUES ('environment', 'test')"


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    ("before", "environment"),
    [(TENTH, "production"), (f"{TENTH}; {LENIENT}", "test"), (f"{TENTH}; {SAID}", "test")],
    ids=["a log in use", "a sandbox", "one that knows"],
)
def test_registries_in_use_stay_live(
    fresh_database: Callable[..., str], engine: str, before: str, environment: str
) -> None:
    url = fresh_database(engine, None)
    migrate(url, "0011")
    earlier = Database(url)
    with earlier.write() as connection:
        for statement in filter(str.strip, before.split(";")):
            connection.execute(sa.text(statement if engine == "sqlite" else in_utc(statement)))
    earlier.close()
    migrate(url)
    database = Database(url)
    with database.read() as connection:
        known = load_reference(connection, NOW)
        recorded = entries(connection)
        kept = certificates(connection, "GB")
    assert known.environment == environment
    assert all(registry.is_live for registry in known.registries.values())
    assert {code: [(each.step, each.result, each.by) for each in told] for code, told in recorded.items()} == {
        code: [("go-live", "passed", "migration 0012")] for code in ("CDM", "GB")
    }
    assert kept == [KnownCertificate("ab12", None, revoked=False)]
    database.close()


def test_a_new_database_is_of_no_environment_until_somebody_says(fresh_database: Callable[..., str]) -> None:
    url = fresh_database("sqlite", None)
    migrate(url)
    with Database(url).read() as connection:
        assert connection.execute(sa.select(t.settings)).all() == []
        assert entries(connection) == {}
