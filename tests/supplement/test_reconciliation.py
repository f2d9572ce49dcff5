"""Reconciliations of members with the transaction log and supplementary logs that are real, on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from itl.cli import differing, intervene, reconcile, reconciliations
from itl.ledger.block import SerialRange
from itl.messages import ProvideTotalsRequest, ProvideUnitBlocksRequest
from itl.reference import Scheme
from itl.store import tables as t
from itl.store.enrol_scheme import put_scheme
from itl.store.reconciliations import Plan, start
from itl.store.snapshots import in_flight
from itl.supplement import book
from itl.supplement.scheme import Member
from tests.cli.commands import command
from tests.databases import FreshDatabase
from tests.hub.world import CANCELLATION, EXTERNAL, HOUR, ISSUANCE, proposal, units
from tests.supplement.network import SUPPLEMENTARY_TYPES, TEMPLATES, Fate, Log, Network
from tests.supplement.world import ACCOUNTS, SOURCE, SchemeWorld

MINUTE = timedelta(minutes=1)


@pytest.fixture
def network(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[Network]:
    """GB and FR in one scheme, JP in another; GB holds the units 1 to 100."""
    urls = {code: fresh_database(request.param, template) for code, template in TEMPLATES.items()}
    with Network.on(urls) as made:
        made["GB"].propose(proposal("GB", "GB1", ISSUANCE, units(1, 100), accounts=(100, 100)))
        made.settle()
        yield made
        for code in made.registries:
            twice = [each for each, times in Counter(made.questions(code)).items() if times > 1]
            assert twice == [], f"{code} was asked or told twice"


both = pytest.mark.parametrize("network", ["sqlite", "postgresql"], indirect=True)


def begin(network: Network, code: str = "GB") -> str:
    identifier = network.begin_reconciliation(code)
    assert identifier is not None
    network.settle()
    return identifier


def until_the_end(network: Network, hours: int = 12) -> None:
    for _ in range(hours):
        network.later(HOUR)


def through(network: Network, code: str = "GB") -> str:
    identifier = begin(network, code)
    network.later(16 * MINUTE)
    network.later(2 * MINUTE)
    network.later(2 * MINUTE)
    return identifier


def at(log: Log, identifier: str) -> tuple[str, int | None, str | None]:
    rows = t.reconciliations.c
    [row] = log.rows(sa.select(t.reconciliations).where(rows.identifier == identifier))
    return row.step, row.status, row.outcome


def part(network: Network, identifier: str, stl: str = "CITL") -> tuple[str, int | None, str | None]:
    rows = t.reconciliation_supplements
    of = sa.select(rows).join(t.reconciliations, t.reconciliations.c.id == rows.c.reconciliation_id)
    [row] = network.log.rows(of.where(t.reconciliations.c.identifier == identifier, rows.c.stl == stl))
    return row.step, row.status, row.outcome


def kept(log: Log, by: str = "CITL") -> list[tuple[int, int]]:
    """Units that are kept from transactions in a log, for what `by` found."""
    found = t.inconsistencies.c
    rows = log.rows(sa.select(t.inconsistencies).where(found.log == by, found.closed_at.is_(None)))
    return sorted((row.serial_start, row.serial_end) for row in rows)


def lose(log: Log, first: int, last: int) -> dict[str, Any]:
    """The ledger of a log forgets units that are at the end of a block; returns them."""
    with log.hub.database.write() as connection:
        where = t.unit_blocks.c.serial_end == last
        [row] = connection.execute(sa.select(t.unit_blocks).where(where)).all()
        connection.execute(t.unit_blocks.update().where(where).values(serial_end=first - 1))
    return {name: value for name, value in row._mapping.items() if name != "id"} | {"serial_start": first}


def find_again(log: Log, lost: dict[str, Any]) -> None:
    with log.hub.database.write() as connection:
        connection.execute(t.unit_blocks.insert(), lost)


# The usual way -------------------------------------------------------------------------------------------------------


@both
def test_all_three_agree(network: Network) -> None:
    identifier = through(network)
    assert at(network.log, identifier) == ("ended", 5, "consistent")
    assert at(network.logs["CITL"], identifier) == ("ended", 10, "consistent")
    assert part(network, identifier) == ("ended", 10, "consistent")
    assert network.logs["STL2"].rows(sa.select(t.reconciliations)) == []
    assert [operation for operation, _ in network.questions("GB")] == [
        "initiateReconciliation",
        "provideTotals",
        "receiveReconciliationResult",
    ]


@both
def test_units_that_the_supplementary_log_lacks_are_kept_until_it_has_them(network: Network) -> None:
    citl = network.logs["CITL"]
    lost = lose(citl, 91, 100)
    first = through(network)
    assert at(network.log, first) == ("ended", 5, "consistent")
    assert part(network, first) == ("intervention", 9, None)
    assert at(citl, first) == ("intervention", 9, None)
    assert (kept(network.log), kept(citl)) == ([(91, 100)], [(91, 100)])
    assert [operation for operation, _ in network.questions("GB")] == [
        "initiateReconciliation",
        "provideTotals",
        "receiveReconciliationResult",
        "provideUnitBlocks",
        "provideAuditTrail",
    ]
    network["GB"].propose(proposal("GB", "GB2", CANCELLATION, units(91, 100)))
    network["GB"].propose(proposal("GB", "GB3", CANCELLATION, units(1, 10)))
    network.settle()
    assert network.log.statuses()["GB2"] == 5
    assert network.log.statuses()["GB3"] == 4, "the others run on"
    find_again(citl, lost)
    second = through(network)
    assert at(citl, second) == ("ended", 10, "consistent")
    assert at(citl, first) == ("ended", 11, "repaired")
    assert (part(network, second)[2], part(network, first)[2]) == ("consistent", "repaired")
    assert (kept(network.log), kept(citl)) == ([], [])
    network["GB"].propose(proposal("GB", "GB4", CANCELLATION, units(91, 100)))
    network.settle()
    assert network.log.statuses()["GB4"] == 4


@both
def test_the_schemes_operators_see_and_mend_it_by_the_logs_own_commands(
    network: Network, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    citl = network.logs["CITL"]
    lose(citl, 91, 100)
    first = through(network)
    monkeypatch.setenv("ITL_ROLE", "stl")
    for module in (reconciliations, intervene, differing):
        monkeypatch.setattr(module, "system_clock", network.clock)
    itl = command(reconcile, capsys, "--database", citl.url)
    assert "9 stl unit blocks inconsistent" in itl("reconcile", "list", "--unfinished")
    assert "led by ITL" in itl("reconcile", "show", first)
    assert "GB 91-100  CITL  unknown" in itl("reconcile", "inconsistencies", "GB")
    periods = ("--unit-type", "1", "--original-commit-period", "1", "--applicable-commit-period", "1")
    why = ("--reason", "lost in a restore", "--evidence", "GB1")
    to = ("--to", "GB", "--account-type", "100", "--account", "1001")
    itl("reconcile", "propose", "add", "GB:91-100", *to, *periods, "--by", "carla", *why)
    itl("reconcile", "confirm", "1", "--by", "chris", "--reason", "seen")
    assert kept(citl) == []
    assert kept(network.log) == [(91, 100)], "until the next one"
    second = through(network)
    assert (at(citl, first), at(citl, second)) == (("ended", 11, "repaired"), ("ended", 10, "consistent"))
    assert kept(network.log) == []
    network["GB"].propose(proposal("GB", "GB4", CANCELLATION, units(91, 100)))
    network.settle()
    assert network.log.statuses()["GB4"] == 4


@both
def test_the_schemes_operators_may_give_one_up(
    network: Network, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    citl = network.logs["CITL"]
    lose(citl, 91, 100)
    first = through(network)
    monkeypatch.setenv("ITL_ROLE", "stl")
    monkeypatch.setattr(reconciliations, "system_clock", network.clock)
    itl = command(reconcile, capsys, "--database", citl.url)
    itl("reconcile", "cancel", first, "--by", "carla", "--reason", "begun by mistake")
    assert at(citl, first) == ("ended", 9, "cancelled")
    assert kept(network.log) == [(91, 100)], "that nobody looks is no reason to trade"


@both
def test_the_logs_own_result_comes_first_and_ends_it(network: Network) -> None:
    network["GB"].units.pop(("GB", 1))
    identifier = through(network)
    assert at(network.log, identifier) == ("intervention", 99, None)
    assert part(network, identifier) == ("ended", None, "log differs")
    assert at(network.logs["CITL"], identifier)[::2] == ("ended", "cancelled")
    assert kept(network.log) == []
    assert kept(network.log, "ITL") == [(1, 1)]


@both
def test_transactions_on_their_way_are_no_difference(network: Network) -> None:
    """One out of the scheme, one into it from outside, one that the supplementary log has not heard the end of."""
    network["JP"].propose(proposal("JP", "JP1", ISSUANCE, units(1, 10, "JP"), accounts=(100, 100)))
    network.settle()
    identifier = begin(network)
    network.clock.advance(14 * MINUTE)
    network.fate = lambda to: Fate.REACHES_NOBODY if to == "JP" else Fate.ARRIVES
    network["JP"].propose(proposal("JP", "JP2", EXTERNAL, units(1, 10, "JP"), to="GB"))
    network["GB"].propose(proposal("GB", "GB2", EXTERNAL, units(1, 20), to="JP"))
    network["GB"].propose(proposal("GB", "GB3", CANCELLATION, units(21, 30)))
    for _ in range(3):
        network.settle()
    network.fate = lambda to: Fate.REACHES_NOBODY if to in ("JP", "CITL") else Fate.ARRIVES
    network.later(2 * MINUTE)
    network.fate = lambda _to: Fate.ARRIVES
    for _ in range(6):
        network.later(10 * MINUTE)
    assert at(network.log, identifier) == ("ended", 5, "consistent")
    assert part(network, identifier) == ("ended", 10, "consistent")
    assert network.disagreements() == []


# What goes wrong -----------------------------------------------------------------------------------------------------


@both
def test_a_supplementary_log_that_is_down_does_not_hold_up_the_result(network: Network) -> None:
    network.fate = lambda to: Fate.REACHES_NOBODY if to == "CITL" else Fate.ARRIVES
    identifier = through(network)
    assert at(network.log, identifier) == ("ended", 5, "consistent")
    assert part(network, identifier) == ("ended", None, "not confirmed")
    network.fate = lambda _to: Fate.ARRIVES
    until_the_end(network)
    assert network.logs["CITL"].rows(sa.select(t.reconciliations)) == []


@both
def test_one_that_comes_back_in_time_takes_part_to_the_end(network: Network) -> None:
    lose(network.logs["CITL"], 91, 100)
    identifier = begin(network)
    network.fate = lambda to: Fate.REACHES_NOBODY if to == "CITL" else Fate.ARRIVES
    network.later(16 * MINUTE)
    network.later(HOUR)
    assert part(network, identifier) == ("its result on totals", None, None)
    network.fate = lambda _to: Fate.ARRIVES
    for _ in range(4):
        network.later(20 * MINUTE)
    assert part(network, identifier) == ("intervention", 9, None)
    assert kept(network.log) == [(91, 100)]


@both
def test_a_registry_that_is_silent_to_the_scheme_has_agreed_all_the_same(network: Network) -> None:
    citl = network.logs["CITL"]
    lose(citl, 91, 100)
    identifier = begin(network)
    network["GB"].ignores = (ProvideUnitBlocksRequest,)
    network.later(16 * MINUTE)
    until_the_end(network)
    assert at(network.log, identifier) == ("ended", 5, "consistent")
    assert part(network, identifier) == ("ended", 8, "not passed on")
    assert at(citl, identifier) == ("ended", 8, "not answered")


@both
def test_whatever_comes_twice_or_late_has_one_effect(network: Network) -> None:
    lose(network.logs["CITL"], 91, 100)
    network.fate = lambda to: Fate.ARRIVES_TWICE if to in ("CITL", "ITL") else Fate.ARRIVES
    identifier = through(network)
    network.fate = lambda to: Fate.COMES_AGAIN_LATER if to in ("CITL", "ITL") else Fate.ARRIVES
    second = through(network)
    while network.late:
        network.come_late(0)
    network.settle()
    for each in (identifier, second):
        assert at(network.log, each) == ("ended", 5, "consistent")
        assert part(network, each) == ("intervention", 9, None)
    assert kept(network.log) == [(91, 100)]


@pytest.mark.parametrize("dies", [False, True], ids=["its answer is lost", "it dies"])
@pytest.mark.parametrize("deaf", ["CITL", "ITL"])
@both
def test_what_a_log_may_not_have_heard_is_said_again(network: Network, deaf: str, dies: bool) -> None:
    """Other than a registry it knows a repeat. So it is with every second call to it."""
    lose(network.logs["CITL"], 91, 100)
    calls: list[str] = []

    def fate(to: str) -> Fate:
        if to != deaf:
            return Fate.ARRIVES
        calls.append(to)
        network.logs[deaf].kill_next = dies and len(calls) % 2 == 1
        return Fate.LOSES_ANSWER if len(calls) % 2 and not dies else Fate.ARRIVES

    network.fate = fate
    identifier = begin(network)
    for _ in range(8):
        network.later(4 * MINUTE)
    until_the_end(network, hours=5)  # what it may have asked a registry when it died it does not ask again
    assert part(network, identifier) == ("intervention", 9, None)
    assert kept(network.log) == [(91, 100)]


@both
def test_a_slow_registry_is_waited_for(network: Network) -> None:
    lose(network.logs["CITL"], 91, 100)
    network["GB"].ignores = (ProvideUnitBlocksRequest,)
    identifier = through(network)
    assert part(network, identifier) == ("unit blocks of the registry", 8, None)
    network.later(3 * HOUR)
    [asked] = [each for each in network["GB"].told if isinstance(each, ProvideUnitBlocksRequest)]
    network["GB"].answer(asked)
    network.later(2 * MINUTE)
    network.later(2 * MINUTE)
    assert part(network, identifier) == ("intervention", 9, None)


@both
def test_a_reconciliation_that_the_log_gave_up_is_over_with_the_next(network: Network) -> None:
    citl = network.logs["CITL"]
    network["GB"].ignores = (ProvideTotalsRequest,)
    first = begin(network)
    network.later(16 * MINUTE)
    network.later(2 * HOUR)
    network["GB"].ignores = ()
    [_, second] = [row.identifier for row in citl.rows(sa.select(t.reconciliations).order_by(t.reconciliations.c.id))]
    assert at(citl, first)[::2] == ("ended", "cancelled")
    assert part(network, first) == ("ended", None, "log differs")
    network.later(16 * MINUTE)
    network.later(2 * MINUTE)
    assert at(citl, second) == ("ended", 10, "consistent")


@both
def test_of_two_schemes_a_bad_one_leaves_the_other_alone(network: Network) -> None:
    """JP joins the first scheme as well; the second scheme's log is down."""
    citl = network.logs["CITL"]
    with network.log.hub.database.write() as connection:
        put_scheme(connection, Scheme("CITL", SUPPLEMENTARY_TYPES, frozenset({"GB", "FR", "JP"})))
    with citl.hub.database.write() as connection:
        book.put_member(connection, Member("JP"), SOURCE)
        for account in ACCOUNTS:
            book.put_account(connection, replace(account, registry="JP"), SOURCE)
    network["JP"].propose(proposal("JP", "JP1", ISSUANCE, units(1, 50, "JP"), accounts=(100, 100)))
    network.settle()
    lose(network.logs["STL2"], 41, 50)
    lose(citl, 46, 50)
    identifier = begin(network, "JP")
    network.later(16 * MINUTE)
    network.later(2 * MINUTE)
    network.later(2 * MINUTE)
    assert (part(network, identifier), part(network, identifier, "STL2")) == (("intervention", 9, None),) * 2
    assert (kept(network.log), kept(network.log, "STL2")) == ([(46, 50)], [(41, 50)])
    asked = Counter(operation for operation, _ in network.questions("JP"))
    assert max(asked.values()) == 1, "once for both"
    network.fate = lambda to: Fate.REACHES_NOBODY if to == "STL2" else Fate.ARRIVES
    second = through(network, "JP")
    assert part(network, second, "STL2") == ("ended", None, "not confirmed")
    assert part(network, second) == ("intervention", 9, None)


@both
def test_nobody_but_the_log_speaks_of_reconciliations(network: Network) -> None:
    """A member that is no member, and an identifier that is none, are refused; and nothing is kept of them."""
    with network.logs["CITL"].hub.database.write() as connection:
        connection.execute(sa.text("DELETE FROM supplement_members WHERE registry = 'GB'"))
    identifier = begin(network)
    assert part(network, identifier) == ("ended", None, "denied")
    assert network.logs["CITL"].rows(sa.select(t.reconciliations)) == []


@both
def test_one_that_compares_with_the_registry_itself_just_now_takes_no_part(network: Network) -> None:
    hub = network.logs["CITL"].hub
    with hub.database.write() as connection:
        own = start(connection, Plan("GB", "carla", "its own"), hub.identity, network.clock(), may=True)
    network.clock.advance(MINUTE)
    identifier = begin(network)
    assert part(network, identifier) == ("ended", None, "denied")
    assert at(network.logs["CITL"], own.head.identifier)[2] is None, "it goes on"


# Death ---------------------------------------------------------------------------------------------------------------

PLACES = [("sqlite", "ITL", 4), ("sqlite", "CITL", 3), ("postgresql", "ITL", 11), ("postgresql", "CITL", 7)]


@pytest.mark.parametrize(("engine", "dying", "step"), PLACES, ids=[f"{code} on {engine}" for engine, code, _ in PLACES])
def test_death_of_either_log_at_any_commit(fresh_database: FreshDatabase, engine: Any, dying: str, step: int) -> None:
    """Nothing is lost but perhaps this one's part, nothing happens twice; a sample of the commits is enough."""
    number, died = 1, True
    while died:
        urls = {code: fresh_database(engine, TEMPLATES[code]) for code in ("ITL", "CITL")}
        with Network.on(urls) as network:
            network["GB"].propose(proposal("GB", "GB1", ISSUANCE, units(1, 100), accounts=(100, 100)))
            network.settle()
            lose(network.logs["CITL"], 91, 100)
            log = network.logs[dying]
            log.kill_at = log.commits + number
            begin(network)
            live(network)
            died = log.commits >= log.kill_at
            check(network, number)
        number += step
    assert number > 10, "a reconciliation takes more commits than that"


def live(network: Network) -> None:
    """From where they stand to where nothing happens any more."""
    for minutes in [*[2] * 12, *[60] * 30]:
        network.later(timedelta(minutes=minutes))


def check(network: Network, number: int) -> None:
    citl = network.logs["CITL"]
    if kept(network.log) != [(91, 100)]:
        begin(network)
        live(network)
    assert (kept(network.log), kept(citl)) == ([(91, 100)], [(91, 100)]), number
    rows = network.log.rows(sa.select(t.reconciliations).order_by(t.reconciliations.c.id))
    assert rows[-1].outcome == "consistent", number
    assert len(rows) <= 3, number
    assert all(row.outcome in ("consistent", "not answered", "not confirmed") for row in rows), number
    assert part(network, rows[-1].identifier) == ("intervention", 9, None), number
    for log in network.logs.values():
        assert [row for row in log.rows(sa.select(t.outbox)) if row.delivered_at is None] == [], number
        assert [row for row in log.rows(sa.select(t.reconciliations)) if row.running] == [], number
    assert max(Counter(network.questions("GB")).values()) == 1, number


# What explains a difference ------------------------------------------------------------------------------------------


def test_units_come_into_a_schemes_ledger_by_an_open_transfer(world: SchemeWorld) -> None:
    """They are in no place of it before: the transfer is on its way, and explains a registry that has them already."""
    block = units(1, 10, "JP")
    assert world.relay("JP", "JP1", EXTERNAL, block, to="GB", accounts=(100, 100)) == 1
    world.settle()
    assert world.status("JP1") == 9
    with world.hub.database.read() as connection:
        [movement] = in_flight(connection, "GB", world.clock(), 10 * MINUTE, [SerialRange("JP", 1, 10)])
    assert (movement.transaction, movement.before) == ("JP1", None)
    assert movement.after is not None
    assert (movement.after.account_type, movement.after.unit_type) == (100, 1)
