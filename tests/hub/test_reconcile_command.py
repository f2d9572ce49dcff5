"""`itl reconcile`: what an operator does and sees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import patch

import pytest

from itl.cli import reconcile
from itl.cli import reconciliations as module
from itl.cli import scheme as scheme_module
from itl.errors import ConflictError, UsageError
from itl.store import tables as t
from itl.store.standing import change_status
from tests.cli.commands import Command, as_json, command
from tests.hub.reconciling import Reconciling, block, sums
from tests.hub.schemes import enrol_scheme
from tests.hub.stl_reconciling import Scheme
from tests.hub.world import DAY, HOUR, START, World, is_down

BY = ("--by", "anna", "--reason", "a look")


@pytest.fixture
def itl(world: World, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    world.issue(1, 1000)
    with patch.object(module, "system_clock", world.clock):
        yield command(reconcile, capsys, "--database", world.url)


def begun(world: World) -> Reconciling:
    gb = Reconciling(world, "GB")
    gb.identifier = world.rows(t.reconciliations)[-1].identifier
    world.settle()
    return gb


def test_one_is_begun_and_followed(world: World, itl: Command) -> None:
    assert "snapshot at 2014-06-01 12:15:00Z" in itl("reconcile", "start", "GB", *BY)
    gb = begun(world)
    gb.reach("audit trail")
    shown = itl("reconcile", "show", gb.identifier)
    for expected in (
        "4 unit blocks inconsistent, at: audit trail",
        "begun by anna: a look",
        "98 totals by account type inconsistent, unit blocks, by ITL 6301",
        "AAU in 100, period 0: log 1000, registry 900",
        "total of the log: 1000 AAU in 100, period 0",
        "total of the registry: 900 AAU in 100, period 0",
        "from GB: receiveTotals, accepted",
        "to GB: provideAuditTrail, accepted",
    ):
        assert expected in shown
    found = as_json(itl("reconcile", "show", gb.identifier, "--json"))
    assert [each["status"] for each in found["history"]] == [None, 0, 1, 1, 98, 98, 4]
    [action] = world.rows(t.actions)
    assert (action.actor, action.reason, action.action, action.subject) == (
        "anna",
        "a look",
        "reconcile start",
        gb.identifier,
    )


def test_another_is_begun_after_the_repair(world: World, itl: Command) -> None:
    itl("reconcile", "start", "GB", *BY)
    gb = begun(world)
    first = gb.found_inconsistent()
    assert [each["identifier"] for each in as_json(itl("reconcile", "list", "--unfinished", "--json"))] == [first]
    world.later(HOUR)
    itl("reconcile", "restart", first, *BY)
    again = begun(world)
    again.reach("totals")
    again.totals(sums(1000))
    world.settle()
    again.blocks(block(1, 1000))
    world.settle()
    both = as_json(itl("reconcile", "list", "GB", "--json"))
    assert [(each["status"], each["outcome"], each["follows"]) for each in both] == [
        (5, "consistent", first),
        (6, "repaired", None),
    ]


def test_what_is_cancelled_asks_nothing_more(world: World, itl: Command) -> None:
    world["GB"].answer = is_down
    itl("reconcile", "start", "GB", *BY)
    gb = begun(world)
    itl("reconcile", "cancel", gb.identifier, *BY)
    assert gb.row.outcome == "cancelled"
    [letter] = world.rows(t.outbox, t.outbox.c.topic.is_not(None))
    assert letter.outcome == "withdrawn"
    assert "not delivered to GB: initiateReconciliation, withdrawn" in itl("reconcile", "show", gb.identifier)
    with pytest.raises(ConflictError):
        itl("reconcile", "cancel", gb.identifier, *BY)


def test_a_schedule_begins_them_and_is_kept_or_not(world: World, itl: Command) -> None:
    itl("reconcile", "schedule", "GB", "--every", "86400", *BY)
    itl("reconcile", "schedule", "FR", "--every", "off", *BY)
    states = {each["registry"]: each for each in as_json(itl("reconcile", "schedules", "--json"))}
    assert (states["GB"]["next_at"], states["FR"]["next_at"]) == ("2014-06-02T12:00:00Z", None)
    world.later(DAY)
    gb = begun(world)
    assert gb.row.scheduled
    assert (gb.row.started_by, gb.row.snapshot_at) == ("schedule", START + DAY + timedelta(minutes=15))
    assert f"running ({gb.identifier})" in itl("reconcile", "schedules")
    gb.reach("totals")
    gb.totals(sums(1000))
    world.settle()
    assert as_json(itl("reconcile", "schedules", "--overdue", "--json")) == []
    world["GB"].answer = is_down
    world.later(3 * DAY)
    assert [row.registry for row in world.rows(t.reconciliations)] == ["GB", "GB"], "missed ones are not made up for"
    [late] = as_json(itl("reconcile", "schedules", "--overdue", "--json"))
    assert (late["registry"], late["agreed_at"]) == ("GB", "2014-06-02T12:15:00Z")


def test_a_schedule_that_finds_one_running_lets_it_run(world: World, itl: Command) -> None:
    itl("reconcile", "schedule", "GB", "--every", "600", *BY)
    itl("reconcile", "start", "GB", *BY)
    gb = begun(world)
    world.later(HOUR)
    assert len(world.rows(t.reconciliations)) == 1
    assert world.rows(t.reconciliation_schedules)[0].next_at == START + HOUR + timedelta(minutes=10)
    assert gb.at == ("totals", 1)


WRONG = {
    "no reason": ("start", "GB"),
    "a blank reason": ("start", "GB", "--reason", " "),
    "no such registry": ("start", "XX", *BY),
    "a snapshot in the past": ("start", "GB", "--snapshot", "2014-06-01T11:59:59Z", *BY),
    "a snapshot in 31 days": ("start", "GB", "--snapshot", "2014-07-02T12:00:00Z", *BY),
    "an audit trail without a period": ("start", "GB", "--ask", "audit trail", *BY),
    "filters of totals": ("start", "GB", "--only", "100,0,1", *BY),
    "a filter that is none": ("start", "GB", "--ask", "unit blocks", "--only", "100,0", *BY),
    "units that are none": ("start", "GB", "--ask", "audit trail", "--units", "GB:9-1", *BY),
    "none of that name": ("restart", "GB1", *BY),
    "nothing to cancel": ("cancel", "GB1", *BY),
    "no interval": ("schedule", "GB", "--every", "0", *BY),
}


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG)
def test_what_cannot_be_followed_is_refused_and_changes_nothing(
    world: World, itl: Command, words: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError):
        itl("reconcile", *words)
    assert world.rows(t.reconciliations) == []
    assert world.rows(t.reconciliation_schedules) == []
    assert world.rows(t.actions) == []


def test_only_one_runs_with_a_registry(world: World, itl: Command) -> None:
    itl("reconcile", "start", "GB", *BY)
    with pytest.raises(UsageError, match="is running"):
        itl("reconcile", "start", "GB", *BY)
    itl("reconcile", "start", "FR", *BY)


def test_unit_blocks_of_some_placements(world: World, itl: Command) -> None:
    itl("reconcile", "start", "GB", "--ask", "unit blocks", "--only", "300,-,1", "--only", "100,0,-", *BY)
    gb = begun(world)
    world.later(timedelta(minutes=16))
    asked = gb.told("provideUnitBlocks").unit_block_requests
    assert [(each.account_type, each.account_commit_period, each.unit_type) for each in asked] == [
        (300, None, 1),
        (100, 0, None),
    ]


def test_an_audit_trail_of_some_units(world: World, itl: Command) -> None:
    period = (
        "--from",
        "2014-01-01T00:00:00Z",
        "--to",
        "2014-06-01T12:00:00Z",
        "--units",
        "GB:1-10",
        "--units",
        "GB:20",
    )
    itl("reconcile", "start", "GB", "--ask", "audit trail", *period, *BY)
    gb = begun(world)
    world.later(timedelta(minutes=16))
    asked = gb.told("provideAuditTrail").unit_block_identifiers
    assert [(each.unit_serial_block_start, each.unit_serial_block_end) for each in asked] == [(1, 10), (20, 20)]


def test_a_registry_that_may_not_is_denied(world: World, itl: Command) -> None:
    given, now = {"may_reconcile": False}, world.clock()
    with world.hub.database.write() as connection:
        change_status(connection, world.hub.identity, "GB", given, "anna", "lasting trouble", now, now)
    itl("reconcile", "start", "GB", *BY, code=1)
    [row] = world.rows(t.reconciliations)
    assert (row.status, row.outcome) == (7, "denied")


# Supplementary logs --------------------------------------------------------------------------------------------------


@pytest.fixture
def scheme(world: World, itl: Command, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """`itl scheme` of the log in which GB is a member of the scheme of CITL."""
    enrol_scheme(world)
    with patch.object(scheme_module, "system_clock", world.clock):
        yield command(scheme_module, capsys, "--database", world.url)


def at_intervention(world: World) -> Scheme:
    gb = Reconciling(world, "GB")
    gb.whole = lambda: (gb.blocks(block(1, 1000)), world.settle())  # type: ignore[attr-defined]
    gb.reach("totals")
    gb.totals(sums(1000))
    world.settle()
    citl = Scheme(gb)
    citl.names((901, 1000))
    gb.trail()
    world.later(timedelta(minutes=1))
    return citl


def test_the_part_of_a_supplementary_log_is_shown(world: World, itl: Command, scheme: Command) -> None:
    citl = at_intervention(world)
    identifier = citl.of.identifier
    shown = itl("reconcile", "show", identifier)
    for expected in (
        "5 completed, consistent",
        "supplementary log CITL 9 at: intervention",
        "CITL: 8 stl totals inconsistent, its result on totals, by CITL 6301",
        "to CITL: receiveTotals, accepted",
        "from CITL: provideAuditTrail, accepted",
    ):
        assert expected in shown
    assert "CITL 9 at: intervention" in itl("reconcile", "list", "--unfinished")
    [listed] = as_json(itl("reconcile", "list", "--stl", "CITL", "--json"))
    assert [(each["stl"], each["status"], each["step"]) for each in listed["supplements"]] == [
        ("CITL", 9, "intervention")
    ]
    assert as_json(itl("reconcile", "list", "--stl", "STL2", "--json")) == []
    differing = itl("reconcile", "inconsistencies", "GB")
    assert "GB 901-1000" in differing
    assert "named by it" in differing
    assert citl.result(11) == 1
    assert as_json(itl("reconcile", "list", "--unfinished", "--json")) == []


def test_what_is_left_of_one_is_cancelled_and_its_result_stands(world: World, itl: Command, scheme: Command) -> None:
    citl = at_intervention(world)
    assert "cancelled for CITL; its own result stands" in itl("reconcile", "cancel", citl.of.identifier, *BY)
    assert citl.at == ("ended", 9, "cancelled")
    assert citl.of.at == ("ended", 5)
    assert citl.kept == [(901, 1000)], "an operator of this log does not know better than the scheme's"
    with pytest.raises(ConflictError, match="nothing to cancel"):
        itl("reconcile", "cancel", citl.of.identifier, *BY)


def test_a_retired_scheme_keeps_no_units(world: World, scheme: Command) -> None:
    citl = at_intervention(world)
    scheme("scheme", "retire", "CITL", *BY)
    assert citl.kept == []


def test_whether_registries_are_told_has_a_history(world: World, itl: Command, scheme: Command) -> None:
    assert "told" not in scheme("scheme", "list")
    assert "told the results of CITL" in scheme("scheme", "results", "CITL", "--told", "yes", *BY)
    assert "registries are told its results" in scheme("scheme", "list")
    world.clock.advance(HOUR)
    later = (world.clock() + DAY).isoformat()
    scheme("scheme", "results", "CITL", "--told", "no", "--from", later, *BY)
    assert [each["results_told"] for each in as_json(scheme("scheme", "list", "--json"))] == [True]
    world.clock.advance(DAY)
    assert [each["results_told"] for each in as_json(scheme("scheme", "list", "--json"))] == [False]
    facts = world.rows(t.facts, t.facts.c.name == "results told")
    assert [(row.subject, row.value, row.recorded_by) for row in facts] == [
        ("CITL", "true", "anna"),
        ("CITL", "false", "anna"),
    ]
    with pytest.raises(UsageError, match="no scheme of STL2 is in force"):
        scheme("scheme", "results", "STL2", "--told", "yes", *BY)
