"""Corrections in the ledger: two persons, one commit, and nothing of the past is lost."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from unittest.mock import patch

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from itl.errors import LedgerError, LogError, UsageError
from itl.ledger import corrections as pure
from itl.ledger.block import Attributes, HeldBlock, Place, SerialRange
from itl.ledger.comparison import Difference
from itl.ledger.corrections import Piece, moved_to
from itl.ledger.explanation import Finding
from itl.ledger.placement import Placement
from itl.messages import MessageRequest
from itl.store import access, corrections, inconsistencies
from itl.store import tables as t
from itl.store.actions import actions
from itl.store.audit import audit
from itl.store.correction_records import Author, Evidence, correction, recorded
from itl.store.corrections import ledger_around
from itl.store.snapshots import totals_at
from tests.databases import FreshDatabase
from tests.hub.world import CANCELLATION, EXTERNAL, HOUR, ISSUANCE, World, is_down, sandbox, units
from tests.store.reconciling import HELD, find, missing

FR_HOLDING, GB_HOLDING, GB_CANCELLED = Place("FR", 100, 9), Place("GB", 100, 9), Place("GB", 230, 4)
AAU = Attributes(1, None, 1, 1, None, None, None, None, 1)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    """GB holds 1-100 since an hour."""
    with patch.dict(access._COST, n=2), World.on(fresh_database(request.param, sandbox)) as made:
        made.issue(1, 100)
        made.later(HOUR)
        yield made


def gb(start: int, end: int) -> SerialRange:
    return SerialRange("GB", start, end)


def author(world: World, by: str = "ada", registry: str = "GB") -> Author:
    return Author(registry, by, world.clock(), "letter of 3 May", Evidence("the registry's extract"))


Make = Callable[[Connection], list[Piece]]


def moving(*ranges: SerialRange, to: Place = GB_CANCELLED) -> Make:
    return lambda connection: pure.altered(ledger_around(connection, ranges), ranges, moved_to(to))


def removing(*ranges: SerialRange) -> Make:
    return lambda connection: pure.removed(ledger_around(connection, ranges), ranges)


def adding(*ranges: SerialRange, place: Place = GB_HOLDING) -> Make:
    return lambda connection: pure.added(
        ledger_around(connection, ranges), [HeldBlock(each, AAU, place) for each in ranges]
    )


def propose(world: World, make: Make, by: str = "ada") -> int:
    with world.hub.database.write() as connection:
        return corrections.propose_record(connection, author(world, by), make(connection))


def confirm(world: World, number: int, by: str = "bob") -> None:
    with world.hub.database.write() as connection:
        corrections.confirm(connection, number, by, "looked at it", world.hub.identity, world.clock())


def correct(world: World, make: Make) -> int:
    number = propose(world, make)
    confirm(world, number)
    return number


def consistent(world: World) -> bool:
    with world.hub.database.snapshot() as connection:
        return not list(audit(connection))


# What becomes of the ledger ------------------------------------------------------------------------------------------

DONE = {
    "moved within the registry": (moving(gb(41, 60)), [(1, 40, "GB", 100), (41, 60, "GB", 230), (61, 100, "GB", 100)]),
    "moved to another registry": (
        moving(gb(1, 40), to=FR_HOLDING),
        [(1, 40, "FR", 100), (41, 100, "GB", 100)],
    ),
    "removed": (removing(gb(1, 10), gb(91, 100)), [(11, 90, "GB", 100)]),
    "added": (adding(gb(101, 110)), [(1, 100, "GB", 100), (101, 110, "GB", 100)]),
}


@pytest.mark.parametrize(("make", "places"), DONE.values(), ids=DONE)
def test_the_record_is_changed_when_another_person_confirms(
    world: World, make: Make, places: list[tuple[int, int, str, int]]
) -> None:
    before = world.places()
    number = propose(world, make)
    assert world.places() == before, "a proposal changes nothing"
    confirm(world, number)
    assert [place[1:] for place in world.places()] == places
    assert consistent(world)


def test_what_was_there_is_closed_into_history_with_the_correction_as_the_cause(world: World) -> None:
    at = world.clock()
    with world.hub.database.read() as connection:
        before = totals_at(connection, "GB", at)
    world.clock.advance(HOUR)
    number = correct(world, moving(gb(41, 60)))
    [past] = world.rows(t.past_unit_blocks)
    assert (past.serial_start, past.serial_end, past.until, past.closed_by_correction, past.closed_by) == (
        1, 100, world.clock(), number, None,
    )  # fmt: skip
    assert {row.correction_id for row in world.rows(t.unit_blocks)} == {number}
    assert {row.transaction_id for row in world.rows(t.unit_blocks)} == {None}
    with world.hub.database.read() as connection:
        assert totals_at(connection, "GB", at) == before == {Placement(100, 0, 1): 100}
        assert totals_at(connection, "GB", world.clock()) == {Placement(100, 0, 1): 80, Placement(230, 1, 1): 20}


def test_transactions_go_on_from_the_corrected_record(world: World) -> None:
    correct(world, moving(gb(41, 60)))
    world.propose("GB", "GB2", CANCELLATION, units(50, 70))
    world.settle()
    assert world.status("GB2") == 3, "41-60 are cancelled already"
    world.reach(4, CANCELLATION, "GB3", 61, 100)
    correct(world, moving(gb(61, 80), to=GB_HOLDING))
    world.reach(4, EXTERNAL, "GB4", 61, 80)
    assert [place[1:] for place in world.places()][-2:] == [(61, 80, "FR", 100), (81, 100, "GB", 230)]
    assert consistent(world)


def test_units_that_never_were_may_be_issued_and_once_more_removed(world: World) -> None:
    correct(world, removing(gb(91, 100)))
    assert sum(each.issued for each in world.holdings()) == 90
    world.reach(4, ISSUANCE, "GB2", 91, 100)
    assert consistent(world)
    correct(world, removing(gb(81, 95)))
    correct(world, adding(gb(81, 85)))
    assert sum(each.issued for each in world.holdings()) == 90
    assert consistent(world)


def test_an_audit_sees_what_a_correction_did_not_do(world: World) -> None:
    correct(world, adding(gb(101, 110)))
    with world.hub.database.write() as connection:
        last = t.unit_blocks.c.serial_start == 101
        connection.execute(sa.update(t.unit_blocks).where(last).values(correction_id=None))
    with world.hub.database.snapshot() as connection:
        rules = {each.rule for each in audit(connection)}
    assert rules >= {"every unit was issued", "issued by type as issuances say", "running totals equal a recount"}


# Who, and when it is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["ada", "Ada", " ADA "])
def test_the_person_who_proposed_cannot_confirm(world: World, by: str) -> None:
    number = propose(world, moving(gb(41, 60)))
    with pytest.raises(UsageError, match="let another person"):
        confirm(world, number, by)
    assert [place[1:] for place in world.places()] == [(1, 100, "GB", 100)]
    confirm(world, number)


def test_the_database_refuses_one_person_too(world: World) -> None:
    propose(world, moving(gb(41, 60)))
    with pytest.raises(IntegrityError), world.hub.database.write() as connection:
        connection.execute(sa.update(t.corrections).values(status="confirmed", ended_by="ada"))


def withdraw(world: World, number: int) -> None:
    with world.hub.database.write() as connection:
        corrections.withdraw(connection, number, "ada", "found the letter", world.clock())


@pytest.mark.parametrize(("end", "told"), [(confirm, "confirmed by bob"), (withdraw, "withdrawn by ada")])
def test_what_has_ended_cannot_be_decided_again(world: World, end: Callable[[World, int], None], told: str) -> None:
    number = propose(world, moving(gb(41, 60)))
    end(world, number)
    places = world.places()
    for again in (confirm, withdraw):
        with pytest.raises(UsageError, match=told):
            again(world, number)
    with pytest.raises(UsageError, match="no correction 99"):
        confirm(world, 99)
    assert world.places() == places


@pytest.mark.parametrize("status", [2, 8])
def test_units_that_an_open_transaction_keeps_cannot_be_corrected(world: World, status: int) -> None:
    number = propose(world, moving(gb(41, 60)))
    world.reach(status, EXTERNAL, "GB7", 60, 70)
    with pytest.raises(
        UsageError, match=rf"GB7, at status {status} .*, keeps GB 60-60.* when the transaction has ended"
    ):
        confirm(world, number)
    assert world.reserved() == [("GB", 60, 70)]
    if status == 8:
        world.notify("GB", "GB7", 4)
        world.settle()
        with pytest.raises(LedgerError, match="changed in the log since"):
            confirm(world, number)
    else:
        world.notify("GB", "GB7", 5)
        world.settle()
        confirm(world, number)
    assert consistent(world)


def test_a_completion_that_the_ledger_has_still_to_carry_out_keeps_its_units(world: World) -> None:
    number = propose(world, moving(gb(41, 60)))
    world.reach(2, CANCELLATION, "GB7", 41, 60)
    world.notify("GB", "GB7", 4)
    with pytest.raises(UsageError, match="GB7, at status 4"):
        confirm(world, number)
    world.settle()
    assert [place[1:] for place in world.places()][1] == (41, 60, "GB", 230)


@pytest.mark.parametrize("evidence", ["", "  "])
def test_there_is_no_correction_without_evidence(world: World, evidence: str) -> None:
    who = replace(author(world), evidence=Evidence(evidence))
    with pytest.raises(UsageError, match="--evidence"), world.hub.database.write() as connection:
        corrections.propose_record(connection, who, moving(gb(1, 9))(connection))


def test_everything_is_on_record(world: World) -> None:
    number = propose(world, moving(gb(41, 60)))
    confirm(world, number)
    with world.hub.database.read() as connection:
        found = correction(connection, number)
        assert recorded(connection) == [found]
        assert recorded(connection, "proposed") == []
        done = [(each.actor, each.action, each.reason) for each in actions(connection, f"correction {number}")]
    assert (found.kind, found.status, found.ended_by, found.end_reason) == (
        "record",
        "confirmed",
        "bob",
        "looked at it",
    )
    assert found.author == author(world)
    [piece] = found.pieces
    assert (piece.range, piece.before.place.account_type, piece.after) == (
        gb(41, 60),
        100,
        replace(piece.before, place=GB_CANCELLED),
    )
    assert done == [("bob", "reconcile confirm", "looked at it"), ("ada", "reconcile propose", "letter of 3 May")]


# Inconsistencies -----------------------------------------------------------------------------------------------------


def still_open(world: World, registry: str = "GB") -> list[tuple[int, int]]:
    with world.hub.database.read() as connection:
        found = list(inconsistencies.open_for(connection, registry))
    return [(each.difference.range.start, each.difference.range.end) for each in found]


def test_a_correction_closes_what_it_brings_into_agreement_and_no_more(world: World) -> None:
    cancelled = Placement(230, 1, 1)
    told = [
        Finding(Difference(gb(1, 10), HELD, (cancelled,)), ()),
        missing(11, 20),
        Finding(Difference(gb(21, 30), HELD, (cancelled,)), ()),
        Finding(Difference(gb(41, 50), HELD, (cancelled, cancelled.bare), double=True), ()),
    ]
    with world.hub.database.write() as connection:
        first = find(connection, "GB1", told, world.clock())
        find(connection, "FR1", [Finding(Difference(gb(11, 20), None, (HELD,)), ())], world.clock(), "FR")
        find(connection, "GB2", [missing(1, 30)], world.clock(), log="CITL")
    number = correct(world, moving(gb(6, 25), gb(41, 50)))
    assert still_open(world) == [(1, 30), (1, 5), (11, 20), (26, 30), (41, 50)], (
        "CITL's first; 11-20 are not cancelled there"
    )
    assert still_open(world, "FR") == [(11, 20)]
    with world.hub.database.read() as connection:
        closed = [each for each in inconsistencies.of_reconciliation(connection, first) if not each.is_open]
    assert {(each.closing_correction_id, each.closed_by, each.close_reason) for each in closed} == {
        (number, "bob", "looked at it")
    }
    correct(world, moving(gb(11, 20), to=FR_HOLDING))
    assert still_open(world, "FR") == []
    assert (11, 20) not in still_open(world)


def test_a_request_goes_to_the_registry_when_it_is_confirmed(world: World) -> None:
    world["GB"].calls.clear()
    with world.hub.database.write() as connection:
        find(connection, "GB1", [missing(41, 60)], world.clock())
        number = corrections.propose_request(connection, author(world), [gb(41, 60)], "Please restore GB 41-60.")
    world.settle()
    assert world["GB"].calls == []
    world["GB"].answer, answers = is_down, world["GB"].answer
    confirm(world, number)
    world.settle()
    world["GB"].answer = answers
    world.later(HOUR)
    assert [(operation, message.message_content) for operation, message, _ in world["GB"].calls] == [
        ("acceptMessage", "Please restore GB 41-60.")
    ]
    assert isinstance(world["GB"].calls[0][1], MessageRequest)
    assert still_open(world) == [(41, 60)], "until a clean reconciliation"


def test_a_text_that_registries_cannot_take_is_refused_when_it_is_proposed(world: World) -> None:
    with pytest.raises(UsageError, match="2000"), world.hub.database.write() as connection:
        corrections.propose_request(connection, author(world), [gb(1, 9)], "x" * 2001)


def test_units_are_released_by_two_persons(world: World) -> None:
    with world.hub.database.write() as connection:
        find(connection, "GB1", [missing(41, 60)], world.clock())
        find(connection, "GB2", [missing(41, 60)], world.clock(), log="CITL")
        number = corrections.propose_release(connection, author(world), [gb(50, 70)], "ITL")
    confirm(world, number)
    assert still_open(world) == [(41, 60), (41, 49)], "the scheme's own inconsistency is not the log's to release"
    with pytest.raises(UsageError, match="nothing to release"), world.hub.database.write() as connection:
        corrections.propose_release(connection, author(world), [gb(70, 80)], "ITL")
    with pytest.raises(UsageError, match="between GB and CITL"), world.hub.database.write() as connection:
        corrections.propose_release(connection, author(world), [gb(50, 55)], "ITL")


# As of any instant ---------------------------------------------------------------------------------------------------

spans = st.tuples(st.integers(1, 140), st.integers(0, 40)).map(lambda each: gb(each[0], each[0] + each[1]))
steps = st.lists(st.tuples(st.sampled_from(["move", "back", "leave", "remove", "add"]), spans), min_size=1, max_size=6)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_holdings_of_every_instant_are_what_they_were_then(fresh_database: FreshDatabase, engine: str) -> None:
    """Corrections one after another; after all of them each instant still shows the ledger as it was."""

    @settings(max_examples=6, deadline=None)
    @given(steps)
    def follow(told: list[tuple[str, SerialRange]]) -> None:
        with patch.dict(access._COST, n=2), World.on(fresh_database(engine, sandbox)) as world:
            world.issue(1, 100)
            makes = {
                "move": moving,
                "back": lambda units: moving(units, to=GB_HOLDING),
                "leave": lambda units: moving(units, to=FR_HOLDING),
                "remove": removing,
                "add": adding,
            }
            seen: dict[datetime, object] = {}
            for step, named in told:
                with suppress(LogError):
                    correct(world, makes[step](named))
                seen[world.clock()] = look(world, world.clock())
                world.clock.advance(HOUR)
            assert {at: look(world, at) for at in seen} == seen
            assert consistent(world)

    def look(world: World, at: datetime) -> object:
        with world.hub.database.read() as connection:
            return [totals_at(connection, code, at) for code in ("GB", "FR")], world.holdings(at)

    follow()
