"""Of whose units a log says where they are, and which of its rows that concerns a registry."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from itl.reference import Environment, Stage
from itl.store import tables as t
from itl.store.database import Database
from itl.store.environment import ENVIRONMENT
from itl.store.handover_giving import answered_for, of_registry, reconciled, unfinished
from tests.databases import FreshDatabase
from tests.hub.world import START, sandbox


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Database:
    return Database(fresh_database(request.param, sandbox))


def test_a_registry_that_is_not_live_yet_has_units_here_only_if_they_came_by_a_handover(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as connection:
        assert answered_for(connection, START) == {"GB", "FR", "JP", "CDM"}
        connection.execute(
            sa.update(t.settings).where(t.settings.c.name == ENVIRONMENT).values(value=Environment.PRODUCTION)
        )
        led = {"GB": Stage.LIVE, "FR": Stage.CONNECTING, "JP": Stage.PREPARING}
        monkeypatch.setattr("itl.store.reference_data.stages", lambda _connection: led)
        assert answered_for(connection, START) == {"GB"}
        came = {"registry": "FR", "side": "taking", "status": "imported", "begun_at": START, "changed_at": START}
        connection.execute(t.handovers.insert(), came)
        assert answered_for(connection, START) == {"GB", "FR"}
    database.close()


HEAD = {"occupies": True, "transaction_type": 3, "status_at": START, "proposed_at": START}
TRANSACTIONS = [
    ("GB1", "GB", "GB", 3, True),
    ("FR1", "FR", "GB", 4, True),
    ("GB2", "FR", "JP", 3, True),
    ("FR2", "FR", "FR", 2, False),
    ("JP1", "JP", "GB", 8, True),
    ("GBX", "FR", "JP", 3, False),
]
"""Identifier, transferring and acquiring registry, status, and whether it is GB's: the third names another registry
(2009), and the last one is no identifier of GB."""


def test_a_registry_has_what_it_proposed_and_acquires_and_every_identifier_of_its_own(database: Database) -> None:
    with database.write() as connection:
        for name, source, target, status, _ in TRANSACTIONS:
            of = {"identifier": name, "transferring_registry": source, "acquiring_registry": target, "status": status}
            connection.execute(t.transactions.insert(), HEAD | of)
        found = connection.execute(sa.select(t.transactions.c.identifier).where(of_registry("GB"))).scalars()
        assert set(found) == {name for name, *_, is_own in TRANSACTIONS if is_own}
        left = unfinished(connection, "GB", "ITL")
        assert left.transactions == (("FR1", 4), ("JP1", 8)), "completed, but not carried out; and open"
    database.close()


@pytest.mark.parametrize(
    ("snapshot", "outcome", "settled", "counts"),
    [
        (1, "consistent", 0, True),
        (1, "repaired", 0, True),
        (-1, "consistent", 0, False),
        (1, "not answered", 0, False),
        (1, "consistent", 2, False),
        (3, "consistent", 2, True),
    ],
)
def test_a_reconciliation_counts_that_ended_well_after_the_freeze_and_the_last_completion(
    database: Database, snapshot: int, outcome: str, settled: int, counts: bool
) -> None:
    def at(minutes: int) -> object:
        return START + timedelta(minutes=minutes)

    with database.write() as connection:
        of = {"identifier": "GB1", "transferring_registry": "GB", "acquiring_registry": "GB", "status": 4}
        connection.execute(t.transactions.insert(), HEAD | of | {"settled_at": at(settled)})
        row = {
            "identifier": "R1",
            "registry": "GB",
            "begins_with": "totals",
            "snapshot_at": at(snapshot),
            "step": "ended",
            "running": False,
            "outcome": outcome,
            "started_by": "anna",
            "reason": "a test",
            "created_at": START,
        }
        connection.execute(t.reconciliations.insert(), row)
        assert reconciled(connection, "GB", START) == ("R1" if counts else None)
    database.close()
