"""Behind the transaction log: what is asked there is answered by the scheme's rules, and what that log says holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from itl.errors import StoreError
from itl.reference import Registry, RegistryKind, Scheme
from itl.store import tables as log
from itl.store.database import Database
from itl.store.enrol_scheme import put_scheme
from itl.store.reference_data import put_registry
from itl.store.schema import require_current
from itl.supplement import book, compliance, figures
from itl.supplement import tables as t
from itl.supplement.role import SupplementaryLog
from itl.supplement.scheme import Figure, FigureKey, FigureKind, Member
from itl.wire.contract import Port
from tests.hub.world import units
from tests.supplement.world import SOURCE, SchemeWorld, status_query


def test_migrations_build_just_the_tables_of_the_program(world: SchemeWorld) -> None:
    with world.hub.database.read() as connection:
        options = {"version_table": "supplement_version", "include_name": lambda name, kind, _parents: ours(name, kind)}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, t.metadata) == []


def ours(name: str | None, kind: str) -> bool:
    return kind != "table" or str(name).startswith("supplement_")


def test_a_database_without_these_tables_is_refused(database_url: str) -> None:
    database = Database(database_url)
    require_current(database)
    with pytest.raises(StoreError, match="itl migrate"):
        require_current(database, SupplementaryLog.migrations)
    database.close()


def test_what_the_scheme_lets_pass_is_answered_9_and_carried_out_on_4(world: SchemeWorld) -> None:
    assert world.relay("GB", "GB1", 1, units(1, 100), accounts=(100, 100)) == 1
    world.settle()
    assert world.answers == [("GB1", 9, [])]
    assert world.status("GB1") == 9
    assert world.places() == []
    assert world.tell("GB1", 4) == 1
    world.settle()
    assert world.status("GB1") == 4
    assert world.places() == [("GB", 1, 100, "GB", 100, 1001)]


def test_what_it_stops_is_answered_10_with_its_codes_and_all_units_are_free(world: SchemeWorld) -> None:
    world.hold(1, 100)
    assert world.relay("GB", "GB2", 10, units(1, 100), accounts=(121, 100)) == 1
    world.settle()
    assert world.answers[-1] == ("GB2", 10, [7021, 7027])
    assert world.status("GB2") == 10
    assert world.rows(log.reservations) == []
    assert world.tell("GB2", 5) == 1
    assert world.status("GB2") == 5


def test_no_base_rule_is_asked_behind_the_log(world: SchemeWorld) -> None:
    """The proposal breaks 2016, 4003, 4006 and 5005 at once; they are the transaction log's to judge."""
    assert world.relay("GB", "GB1", 4, units(1, 10, "XX", unit_type=4), to="JP", accounts=(230, 100)) == 1
    world.settle()
    assert world.answers == [("GB1", 9, [])]


@pytest.mark.parametrize("end", [5, 6, 7, 10])
def test_an_end_that_moves_nothing_frees_the_units(world: SchemeWorld, end: int) -> None:
    world.hold(1, 100)
    assert world.relay("GB", "GB2", 3, units(1, 60), to="FR", accounts=(100, 100)) == 1
    world.settle()
    assert world.tell("GB2", end) == 1
    assert world.status("GB2") == end
    assert world.rows(log.reservations) == []
    if end in (6, 10):
        assert world.tell("GB2", 5) == 1
        assert world.status("GB2") == 5


@pytest.mark.parametrize("end", [5, 7, 10])
def test_the_log_may_end_what_is_not_answered_yet(world: SchemeWorld, end: int) -> None:
    assert world.relay("GB", "GB1", 1, units(1, 100), accounts=(100, 100)) == 1
    assert world.tell("GB1", end) == 1
    world.settle()
    assert world.status("GB1") == end
    assert world.answers == []
    assert world.rows(log.inbox, log.inbox.c.work.is_not(None)) == []


def test_the_log_had_cancelled_when_10_came(world: SchemeWorld) -> None:
    assert world.relay("GB", "GB1", 10, units(1, 100)) == 1
    world.settle()
    assert world.status("GB1") == 10
    assert world.tell("GB1", 7) == 1
    assert world.status("GB1") == 7


def test_what_contradicts_is_refused_with_the_code_of_the_state(world: SchemeWorld) -> None:
    assert world.relay("GB", "GB1", 1, units(1, 100), accounts=(100, 100)) == 1
    assert world.tell("GB1", 4) == (3013,)
    world.settle()
    assert world.tell("GB1", 4) == 1
    assert world.tell("GB1", 5) == (3003,)


def test_repeats_are_harmless(world: SchemeWorld) -> None:
    for _ in range(2):
        assert world.relay("GB", "GB1", 1, units(1, 100), accounts=(100, 100)) == 1
        world.settle()
    assert world.answers == [("GB1", 9, [])]
    for _ in range(2):
        assert world.tell("GB1", 4) == 1
        world.settle()
    assert world.tell("GB1", 4, party_type=1) == 1, "the same in other words"
    assert world.places() == [("GB", 1, 100, "GB", 100, 1001)]
    assert world.relay("GB", "GB1", 1, units(1, 99), accounts=(100, 100)) == (3001,)


def test_the_log_asks_where_a_transaction_stands(world: SchemeWorld) -> None:
    world.hold(1, 100)
    answer = world.call(status_query("GB1"))
    assert (answer.result_identifier, answer.transaction_status) == (1, 4)
    assert world.call(status_query("GB2")).response_codes == (3002,)
    assert world.tell("GB2", 4) == (3002,)


def test_nobody_but_the_log_is_served_here_and_a_member_behind_it_nowhere(world: SchemeWorld) -> None:
    assert world.say(status_query("GB1"), "gb") == (1002,)
    assert world.propose("GB", "GB1", 1, units(1, 10)) == (1501,)
    assert world.propose("JP", "JP1", 3, units(1, 10, "JP"), to="GB") == (1502,)


def test_a_proposal_about_units_that_another_keeps_waits_for_what_became_of_that_one(world: SchemeWorld) -> None:
    """At the log the first has ended, or it would not ask; its message may come later than the next proposal."""
    world.hold(1, 100)
    assert world.relay("GB", "GB2", 3, units(1, 60), to="FR", accounts=(100, 100)) == 1
    world.settle()
    assert world.relay("GB", "GB3", 4, units(1, 60), accounts=(100, 230)) == 1
    world.settle()
    assert world.answers[-1] == ("GB2", 9, [])
    world.later(timedelta(minutes=1))
    assert world.status("GB3") == 1
    assert world.tell("GB2", 7) == 1
    world.settle()
    assert world.answers[-1] == ("GB3", 9, [])


def test_what_waits_is_judged_by_what_the_first_has_done(world: SchemeWorld) -> None:
    world.hold(1, 100)
    assert world.relay("GB", "GB2", 3, units(1, 60), to="FR", accounts=(100, 100)) == 1
    world.settle()
    assert world.relay("FR", "FR3", 10, units(1, 60), accounts=(100, 121)) == 1
    world.settle()
    assert world.answers[-1] == ("GB2", 9, [])
    assert world.tell("GB2", 4) == 1
    world.settle()
    assert world.answers[-1] == ("FR3", 9, [])


def test_what_waits_and_is_ended_by_the_log_is_not_judged(world: SchemeWorld) -> None:
    world.hold(1, 100)
    assert world.relay("GB", "GB2", 3, units(1, 60), to="FR", accounts=(100, 100)) == 1
    world.settle()
    assert world.relay("GB", "GB3", 4, units(1, 60), accounts=(100, 230)) == 1
    world.settle()
    assert world.tell("GB3", 7) == 1
    world.later(timedelta(minutes=1))
    assert world.status("GB3") == 7
    assert world.rows(log.inbox, log.inbox.c.work.is_not(None)) == []


def test_a_transaction_is_never_ended_by_the_clock_of_this_log(world: SchemeWorld) -> None:
    assert world.relay("GB", "GB1", 1, units(1, 100), accounts=(100, 100)) == 1
    world.settle()
    world.later(timedelta(days=30))
    assert world.status("GB1") == 9


def test_units_from_outside_come_into_the_ledger_as_they_are_told(world: SchemeWorld) -> None:
    cer = {"unit_type": 5, "project_identifier": 7}
    assert world.relay("JP", "JP1", 3, units(1, 10, "IN", **cer), to="GB", accounts=(100, 121)) == 1
    world.settle()
    assert world.tell("JP1", 4) == 1
    world.settle()
    assert world.places() == [("IN", 1, 10, "GB", 121, 2002)]
    assert world.relay("GB", "GB2", 3, units(1, 4, "IN", **cer), to="JP", accounts=(100, 100)) == 1
    world.settle()
    assert world.answers[-1] == ("GB2", 10, [7027]), "they are in GB 121"


def test_units_that_come_back_from_outside_are_what_they_have_become_there(world: SchemeWorld) -> None:
    world.hold(1, 100)
    with world.hub.database.write() as connection:
        connection.execute(log.unit_blocks.update().values(registry="JP", account_identifier=7))
    block = units(41, 60, applicable_commit_period=2)
    assert world.relay("JP", "JP2", 3, block, to="GB", accounts=(100, 121)) == 1
    world.settle()
    assert world.tell("JP2", 4) == 1
    world.settle()
    assert world.places() == [
        ("GB", 1, 40, "JP", 100, 7),
        ("GB", 41, 60, "GB", 121, 2002),
        ("GB", 61, 100, "JP", 100, 7),
    ]
    [back] = [row for row in world.rows(log.unit_blocks) if row.serial_start == 41]
    assert back.applicable_commit_period == 2


def test_figures_follow_what_is_completed(world: SchemeWorld) -> None:
    world.hold(1, 100)
    surrendered = FigureKey(FigureKind.SURRENDERED, "GB", 1)
    with world.hub.database.write() as connection:
        connection.execute(log.unit_blocks.update().values(account_type=120, account_identifier=1201))
        book.put_emissions(connection, "GB", 7, 2014, 50, SOURCE)
    block = units(1, 40, transferring_registry_account_type=120, transferring_registry_account_identifier=1201)
    for identifier in ("GB2", "GB3"):
        given = {"supp_transaction_type": 2, "accounts": (120, 100)}
        assert world.relay("GB", identifier, 10, block, **given) == 1
        world.settle()
        with world.hub.database.read() as connection:
            assert figures.every(connection)[surrendered] == Figure(0, 40)
        if identifier == "GB2":
            assert world.tell("GB2", 7) == 1
            with world.hub.database.read() as connection:
                assert surrendered not in figures.every(connection)
    assert world.tell("GB3", 4) == 1
    with world.hub.database.read() as connection:
        assert figures.every(connection)[surrendered] == Figure(40, 0), "from the moment it is completed"
    world.settle()
    with world.hub.database.read() as connection:
        assert figures.every(connection)[surrendered] == Figure(40, 0)
        [year] = compliance.of(connection, world.clock())
    assert (year.installation, year.year, year.verified, year.surrendered, year.missing) == (7, 2014, 50, 40, 10)
    assert world.rows(t.flows) == []


def test_what_is_open_stays_counted_when_another_is_carried_out(world: SchemeWorld) -> None:
    world.hold(1, 100)
    issued = FigureKey(FigureKind.ISSUED, "GB", 1)
    with world.hub.database.write() as connection:
        book.put_plan(connection, "GB", 1, 0, 0, 100, SOURCE)
    for identifier, block in (("GB2", units(1, 30)), ("GB3", units(31, 60)), ("GB4", units(61, 90))):
        assert world.relay("GB", identifier, 10, block, supp_transaction_type=52, accounts=(100, 100)) == 1
    world.settle()
    assert world.answers[-3:] == [("GB2", 9, []), ("GB3", 9, []), ("GB4", 9, [])]
    assert world.tell("GB2", 7) == 1
    assert world.tell("GB3", 4) == 1
    world.settle()
    with world.hub.database.read() as connection:
        assert figures.every(connection) == {issued: Figure(30, 30)}
    assert [row.quantity for row in world.rows(t.flows)] == [30], "that of GB4"
    assert world.relay("GB", "GB5", 10, units(1, 30), supp_transaction_type=52, accounts=(100, 100)) == 1
    assert world.relay("GB", "GB6", 10, units(91, 100), supp_transaction_type=52, accounts=(100, 100)) == 1
    world.settle()
    assert world.answers[-2:] == [("GB5", 9, []), ("GB6", 9, [])], "100 of 100"
    assert world.relay("GB", "GB7", 1, units(101, 101), supp_transaction_type=51, accounts=(100, 100)) == 1
    world.settle()
    assert world.answers[-1] == ("GB7", 10, [7201])


def test_a_member_is_suspended_by_the_scheme_from_the_moment_it_is_recorded(world: SchemeWorld) -> None:
    with world.hub.database.write() as connection:
        book.put_member(connection, Member("GB", may_propose=False), SOURCE)
    assert world.relay("GB", "GB1", 1, units(1, 100), accounts=(100, 100)) == 1
    world.settle()
    assert world.answers == [("GB1", 10, [7005])]


def test_after_a_restart_everything_goes_on(world: SchemeWorld) -> None:
    assert world.relay("GB", "GB1", 1, units(1, 100), accounts=(100, 100)) == 1
    world.restart()
    world.settle()
    assert world.tell("GB1", 4) == 1
    world.restart()
    world.settle()
    assert world.places() == [("GB", 1, 100, "GB", 100, 1001)]


def test_members_that_call_directly_are_judged_by_both(lone: SchemeWorld) -> None:
    assert lone.propose("GB", "GB1", 1, units(1, 100), accounts=(100, 100)) == 1
    lone.settle()
    assert lone.notify("GB", "GB1", 4) == 1
    lone.settle()
    assert lone.places() == [("GB", 1, 100, "GB", 100, 1001)]
    assert lone.propose("GB", "GB2", 10, units(101, 110), accounts=(100, 121)) == 1
    assert lone.propose("GB", "GB3", 10, units(1, 10), accounts=(100, 120)) == 1
    lone.settle()
    assert lone.peers["GB"].heard == [("GB1", 2, []), ("GB2", 3, [4002]), ("GB3", 10, [7020])]
    assert lone.status("GB3") == 10
    assert lone.notify("GB", "GB3", 5) == 1
    assert lone.peers["ITL"].told == []


def test_alone_it_asks_no_supplementary_log_but_knows_the_types_of_its_scheme(lone: SchemeWorld) -> None:
    """It is enrolled with itself, so that the base checks 2003 and 5401 know what its scheme defines."""
    scheme = Scheme("CITL", frozenset({(10, 2)}), frozenset({"GB", "FR"}))
    with lone.hub.database.write() as connection:
        put_registry(connection, Registry("CITL", RegistryKind.STL), lone.clock())
        put_scheme(connection, scheme)
    assert lone.propose("GB", "GB1", 1, units(1, 100), accounts=(100, 100)) == 1
    lone.settle()
    assert lone.notify("GB", "GB1", 4) == 1
    lone.settle()
    assert lone.propose("GB", "GB2", 10, units(1, 10), accounts=(100, 100), supp_transaction_type=2) == 1
    assert lone.propose("GB", "GB3", 10, units(11, 20), accounts=(100, 100), supp_transaction_type=77) == 1
    lone.settle()
    assert lone.peers["GB"].heard == [("GB1", 2, []), ("GB2", 2, []), ("GB3", 3, [2003])]


def test_the_log_does_not_speak_of_what_members_proposed_directly(lone: SchemeWorld) -> None:
    assert lone.propose("GB", "GB1", 1, units(1, 100), accounts=(100, 100)) == 1
    lone.settle()
    assert lone.tell("GB1", 4) == (3014,)
    assert lone.call(status_query("GB1")).response_codes == (3014,)


def test_the_interface_is_published(world: SchemeWorld) -> None:
    started: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/SupplementaryLogService",
        "QUERY_STRING": "wsdl",
        "SERVER_NAME": "citl.test",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "",
        "wsgi.url_scheme": "http",
    }
    body = b"".join(world.application(environ, lambda status, _headers: started.append(status)))
    assert started == ["200 OK"]
    assert Port.SUPPLEMENTARY_LOG.value.encode() in body
