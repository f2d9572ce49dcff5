"""Before there is a transaction log: members call the supplementary log directly, which makes the base checks as well.

The whole life of transactions of all types, between reference registries and a supplementary log over HTTP, is that of
`tests.registry_client.test_all_types`, told here to a log of this role. Beside it what a direct member may do while
others are not, or no longer, direct.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from itl.cli.main import main
from itl.cli.sandbox import Sandbox, sandbox
from itl.clock import system_clock
from itl.reference import Environment, Registry
from itl.settings import Settings
from itl.store import handovers
from itl.store import tables as log
from itl.store.audit import audit
from itl.store.database import Database
from itl.store.enrolment import kind_of, put_basics, put_sandbox
from itl.store.environment import settle_environment
from itl.store.facts import Source
from itl.store.handover_giving import unfinished
from itl.store.reference_data import put_registry
from itl.store.schema import migrate
from itl.supplement import book
from itl.supplement.cutover import stand_by_link
from itl.supplement.role import SupplementaryLog
from itl.supplement.scheme import Holder, Link, Member, SchemeAccount
from registry_client.transactions import Transaction
from tests.hub.world import CANCELLATION, EXTERNAL, INTERNAL, ISSUANCE, units
from tests.registry_client.test_all_types import (
    DEADLINE,
    cdm,  # noqa: F401 - a fixture of the tests below
    gb,  # noqa: F401 - a fixture of the tests below
    merged,
    story,  # noqa: F401 - a fixture of the tests below
    test_a_reconciliation_finds_nothing,  # noqa: F401
    test_audit_finds_nothing,  # noqa: F401
    test_every_type_is_in_the_story,  # noqa: F401
    test_log_and_registry_hold_the_same,  # noqa: F401
    test_notices_are_answered,  # noqa: F401
)
from tests.supplement.world import SOURCE, SchemeWorld

MEMBERS = ("GB", "FR", "CDM")
ACCOUNTS = ((100, 1001, Holder.PARTY), (121, 77, Holder.PERSON))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A supplementary log alone, that reconciles without delay."""
    folder = tmp_path_factory.mktemp("alone")
    settings = Settings(
        role="stl",
        database=f"sqlite:///{folder}/citl.db",
        port=0,
        reconciliation_lead=1.0,
        reconciliation_grace=0.0,
        reconciliation_parts_wait=0.1,
    )
    migrate(settings.database, beside=SupplementaryLog.migrations)
    database = Database(settings.database)
    source = Source("tests", "the scheme begins", system_clock())
    with database.write() as connection:
        put_sandbox(connection, source.at)
        for code in MEMBERS:
            book.put_member(connection, Member(code, Link.DIRECT), source)
            for account in ACCOUNTS:
                book.put_account(connection, SchemeAccount(code, *account), source)
    database.close()
    with sandbox(settings, folder / "registries") as found:
        yield found


def test_all_of_it_moves_to_another_log_registry_by_registry(
    running: Sandbox,
    story: dict[str, Transaction],  # noqa: F811 - the fixture
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Units of all types with all that they have become, notices, projects and running totals. The last one here."""
    monkeypatch.setenv("ITL_RECONCILIATION_LEAD", "1")
    url = f"sqlite:///{tmp_path}/itl.db"
    migrate(url)
    there, here = Database(url), running.hub.database
    with there.write() as connection:
        put_basics(connection, "LOG")
        settle_environment(connection, Environment.TEST)
        for code in MEMBERS:
            put_registry(connection, Registry(code, kind_of(code), in_force=False), system_clock())
    for code in ("CDM", "GB", "FR"):
        with here.write() as connection:
            handovers.begin(connection, code, None, stand_by_link, source())
        reconcile(running, code)
        handovers.export(here, code, tmp_path / code, None, source())
        done, taken = handovers.take_in(there, tmp_path / code, None, handovers.stand_by_status, source())
        assert taken.differences == []
        with here.write() as connection:
            receipt = handovers.receipt(done.digest or "", handovers.IMPORTED)
            handovers.go(connection, code, receipt, stand_by_link, source())
    assert ledger(there) == ledger(here)
    assert rows(there, log.totals) == rows(here, log.totals)
    told = log.notices.c
    asked = sa.select(told.identifier, told.registry, told.notice_type, told.status, told.target_value)
    assert found(there, asked) == found(here, asked)
    assert len(found(there, asked)) == 2
    blocks = sa.select(log.transaction_blocks).join(log.transactions)
    assert len(found(there, blocks)) == len(found(here, blocks))
    with there.snapshot() as connection:
        assert list(audit(connection)) == []
    there.close()


def source() -> Source:
    return Source("tests", "the scheme moves behind the log", system_clock())


def reconcile(running: Sandbox, code: str) -> None:
    """The supplementary log with a reference registry, to the end."""
    registry = running.registries[code].registry
    concluded = threading.Event()
    registry.on_event(lambda event: concluded.set() if "result:" in event.text else None)
    command = ["reconcile", "start", code, "--reason", "a test", "--database", running.hub.settings.database]
    assert main(command) == 0
    assert concluded.wait(DEADLINE)
    patience, moment = time.monotonic() + DEADLINE, threading.Event()
    while True:  # the answer to the last message has still to be written down
        with running.hub.database.read() as connection:
            if not unfinished(connection, code, "ITL"):
                return
        assert time.monotonic() < patience
        moment.wait(0.01)


def found(database: Database, statement: Any) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        return sorted((tuple(row) for row in connection.execute(statement)), key=repr)


def rows(database: Database, table: sa.Table) -> list[tuple[Any, ...]]:
    """But those that count nothing."""
    return [row for row in found(database, sa.select(table)) if any(row[-2:])]


def ledger(database: Database) -> list[tuple[Any, ...]]:
    """Every unit with where and what it is, and what it was issued as."""
    columns = ("originating_registry", "serial_start", "serial_end", *OF_UNITS)
    with database.read() as connection:
        statement = sa.select(*(log.unit_blocks.c[name] for name in columns))
        return merged([tuple(row) for row in connection.execute(statement)])


OF_UNITS = (
    "registry", "account_type", "account_identifier", "unit_type", "issued_unit_type", "supp_unit_type",
    "original_commit_period", "applicable_commit_period", "lulucf_activity", "project_identifier", "track",
    "expiry_date", "replaced",
)  # fmt: skip


def put_link(world: SchemeWorld, code: str, link: Link) -> None:
    with world.hub.database.write() as connection:
        book.put_member(connection, Member(code, link), SOURCE)


def hold(world: SchemeWorld, code: str = "GB") -> None:
    """A direct member issues the units 1 to 100."""
    assert world.propose(code, f"{code}1", ISSUANCE, units(1, 100, code), accounts=(100, 100)) == 1
    world.settle()
    assert world.notify(code, f"{code}1", 4) == 1
    world.settle()


def test_a_transfer_between_direct_members_is_relayed_and_carried_out(lone: SchemeWorld) -> None:
    hold(lone)
    assert lone.propose("GB", "GB2", EXTERNAL, units(1, 40), to="FR") == 1
    lone.settle()
    [relayed] = lone.peers["FR"].told
    assert (relayed.sender, relayed.proposed_transaction.transaction_identifier) == (lone.hub.identity.code, "GB2")
    assert lone.notify("FR", "GB2", 8) == 1
    lone.settle()
    assert lone.notify("GB", "GB2", 4) == 1
    lone.settle()
    assert lone.notify("FR", "GB2", 4) == 1
    assert lone.peers["FR"].heard == [("GB2", 4, [])]
    assert lone.places() == [("GB", 1, 40, "FR", 100, 1001), ("GB", 41, 100, "GB", 100, 1001)]


REFUSED = [
    ("FR freezes", "FR", Link.FREEZING, "GB", EXTERNAL, "FR", (1504,)),
    ("FR is behind the log", "FR", Link.THROUGH, "GB", EXTERNAL, "FR", (1502,)),
    ("GB freezes", "GB", Link.FREEZING, "GB", EXTERNAL, "FR", (1503,)),
    ("GB freezes, within itself", "GB", Link.FREEZING, "GB", INTERNAL, None, (1503,)),
    ("GB is behind the log", "GB", Link.THROUGH, "GB", CANCELLATION, None, (1501,)),
]


@pytest.mark.parametrize("case", REFUSED, ids=[case[0] for case in REFUSED])
def test_what_a_log_alone_cannot_bring_about_is_refused_at_its_door(lone: SchemeWorld, case: tuple[str, ...]) -> None:
    _, changed, link, proposer, kind, to, codes = case
    hold(lone)
    put_link(lone, changed, link)
    assert lone.propose(proposer, "GB2", kind, units(1, 40), to=to) == codes
    if changed == "FR":
        assert lone.propose("GB", "GB3", CANCELLATION, units(1, 40)) == 1, "the others are not touched"


def test_a_registry_outside_is_reached_by_the_transaction_log_alone(lone: SchemeWorld) -> None:
    """JP has an address here, but is no member of the scheme."""
    hold(lone)
    assert lone.propose("GB", "GB2", EXTERNAL, units(1, 40), to="JP") == 1
    lone.settle()
    assert lone.peers["GB"].heard[-1] == ("GB2", 3, [1502])
    assert lone.peers["JP"].told == []
    assert lone.rows(log.reservations) == []


def test_what_is_open_goes_on_while_a_member_freezes(lone: SchemeWorld) -> None:
    hold(lone)
    assert lone.propose("GB", "GB2", EXTERNAL, units(1, 40), to="FR") == 1
    put_link(lone, "FR", Link.FREEZING)
    put_link(lone, "GB", Link.FREEZING)
    lone.settle()
    assert lone.notify("FR", "GB2", 8) == 1
    assert lone.notify("GB", "GB2", 4) == 1
    lone.settle()
    assert lone.status("GB2") == 4
    assert lone.places()[0] == ("GB", 1, 40, "FR", 100, 1001)
