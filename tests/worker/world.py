"""What tests of the worker share: the reference data they set, and the ledger's audit."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from itl.reference import Notice
from itl.store.audit import Difference, audit
from itl.store.database import Database
from itl.store.fact_kinds import Fact, FactKey, FactName
from itl.store.facts import Source
from itl.store.notices import RecordedNotice, put_notice
from itl.store.reference_data import put_facts

SOURCE = Source("the operator", "a test")


def tell(database: Database, name: FactName, value: Any, subject: str, **about: int) -> None:
    """Record what has always been so."""
    with database.write() as connection:
        put_facts(connection, [Fact(FactKey(name, subject, **about), value)], SOURCE)


def enter_notice(connection: Connection, notice: Notice) -> bool:
    return put_notice(connection, RecordedNotice(notice, None, SOURCE))


def differences(database: Database) -> list[Difference]:
    with database.snapshot() as connection:
        return list(audit(connection))
