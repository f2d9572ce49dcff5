"""A reconciliation from its start to its end, over the wire with a scripted registry, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from itl.lifecycle.reconciliation_events import BeginsWith
from itl.messages import UnitBlock
from itl.store import tables as t
from itl.store.reconciliations import Plan, find, start
from itl.wire.outgoing import HttpReply
from tests.hub.reconciling import Reconciling, block, sums
from tests.hub.world import DAY, EXTERNAL, HOUR, START, World, accepts, is_down, is_silent, replies, units

LEAD, GRACE = timedelta(minutes=15), timedelta(minutes=1)


@pytest.fixture
def gb(world: World) -> Reconciling:
    """GB holds AAU 1-1000 in account type 100, of the first period."""
    world.issue(1, 1000)
    world["GB"].calls.clear()
    return Reconciling(world, "GB")


def test_equal_totals_complete_it(gb: Reconciling) -> None:
    gb.start()
    initiation = gb.told("initiateReconciliation")
    assert initiation.reconciliation_identifier == gb.identifier
    assert initiation.snapshot_datetime == START + LEAD
    assert gb.at == ("snapshot", 0)
    gb.world.later(LEAD)
    assert gb.operations == ["initiateReconciliation"], "totals are asked for only after the snapshot"
    gb.world.later(GRACE)
    asked = gb.told("provideTotals")
    assert (asked.reconciliation_snapshot_datetime, asked.reconciliation_status) == (START + LEAD, 1)
    assert (asked.by_account_flag, asked.response_codes) == (0, ())
    assert gb.at == ("totals", 1)
    assert gb.totals(sums(1000)) == 1
    gb.world.settle()
    result = gb.told("receiveReconciliationResult")
    assert (result.reconciliation_identifier, result.reconciliation_status) == (gb.identifier, 5)
    assert result.response_codes == ()
    assert gb.at == ("ended", 5)
    assert gb.statuses == [None, 0, 1, 1, 2, 5]
    assert gb.row.outcome == "consistent"


def test_differing_blocks_go_to_the_end(gb: Reconciling) -> None:
    gb.reach("totals")
    assert gb.totals(sums(900)) == 1
    gb.world.settle()
    assert gb.at == ("unit blocks", 98)
    asked = gb.told("provideUnitBlocks")
    [request] = asked.unit_block_requests
    assert (request.account_type, request.account_commit_period, request.unit_type) == (100, 0, 1)
    assert asked.response_codes == (6301,)
    assert gb.blocks(block(1, 900)) == 1
    gb.world.settle()
    assert gb.at == ("audit trail", 4)
    trail = gb.told("provideAuditTrail")
    [listed] = trail.unit_block_identifiers
    assert (listed.originating_registry_code, listed.unit_serial_block_start, listed.unit_serial_block_end) == (
        "GB",
        901,
        1000,
    )
    assert trail.audit_trail_end_datetime == START + LEAD
    assert trail.response_codes == (6302,)
    assert gb.trail() == 1
    gb.world.later(GRACE)
    assert gb.at == ("intervention", 99)
    result = gb.told("receiveReconciliationResult")
    assert (result.reconciliation_status, result.response_codes) == (99, (6301, 6302, 6303))
    assert gb.statuses == [None, 0, 1, 1, 98, 98, 4, 4, 4, 99]


def test_a_clean_one_settles_those_before(gb: Reconciling) -> None:
    first = gb.found_inconsistent()
    gb.world.later(DAY)
    gb.start()
    gb.reach("totals")
    gb.totals(sums(1000))
    gb.world.settle()
    assert gb.at == ("unit blocks", 2), "equal totals are not enough while an inconsistency is open"
    assert gb.told("provideUnitBlocks").unit_block_requests == ()
    gb.blocks(block(1, 500), block(501, 1000))
    gb.world.settle()
    assert gb.at == ("ended", 5)
    results = [
        (m.reconciliation_identifier, m.reconciliation_status) for m in gb.all_told("receiveReconciliationResult")
    ]
    assert sorted(results) == sorted([(first, 99), (first, 6), (gb.identifier, 5)])
    [row] = gb.world.rows(t.reconciliations, t.reconciliations.c.identifier == first)
    assert (row.status, row.step, row.outcome) == (6, "ended", "repaired")


def test_a_transaction_on_its_way_explains_a_difference(gb: Reconciling) -> None:
    """GB has carried out what the log has not heard the completion of."""
    gb.world.propose("GB", "GB2", EXTERNAL, units(1, 100), to="FR")
    gb.world.settle()
    gb.reach("totals")
    gb.totals(sums(900))
    gb.world.settle()
    gb.blocks(block(101, 1000))
    gb.world.settle()
    assert gb.at == ("ended", 5)
    assert "100 by transactions on their way" in gb.history[-1].detail


PARTS = {
    "in one": [[block(1, 300), block(301, 900)]],
    "in three": [[block(1, 300)], [block(601, 900)], [block(301, 600)]],
    "with an empty one": [[], [block(1, 900)]],
}


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_an_answer_in_parts_is_whole_when_it_reaches_the_registrys_totals(
    gb: Reconciling, parts: list[list[UnitBlock]]
) -> None:
    gb.reach("totals")
    gb.totals(sums(900))
    gb.world.settle()
    for part in parts[:-1]:
        assert gb.blocks(*part) == 1
        gb.world.settle()
        assert gb.at == ("unit blocks", 98)
    assert gb.blocks(*parts[-1]) == 1
    gb.world.settle()
    assert gb.at == ("audit trail", 4)


def test_an_answer_is_whole_when_every_placement_is(gb: Reconciling) -> None:
    gb.reach("totals")
    gb.totals(sums(900), sums(50, account_type=230, account_commit_period=1))
    gb.world.settle()
    assert len(gb.told("provideUnitBlocks").unit_block_requests) == 2
    gb.blocks(block(901, 950, account_type=230))
    gb.world.settle()
    assert gb.at == ("unit blocks", 98)
    gb.blocks(block(1, 900))
    gb.world.settle()
    assert gb.at == ("audit trail", 4)


def test_more_than_the_totals_is_a_contradiction(gb: Reconciling) -> None:
    gb.reach("totals")
    gb.totals(sums(900))
    gb.world.settle()
    assert gb.blocks(block(1, 1000)) == 1
    assert any("contradicts its totals: too many are 100 AAU" in (row.detail or "") for row in gb.history)
    gb.world.settle()
    assert gb.at == ("ended", 5), "the blocks are what counts"


def test_less_than_the_totals_is_waited_for_and_then_compared(gb: Reconciling) -> None:
    gb.reach("totals")
    gb.totals(sums(900))
    gb.world.settle()
    gb.blocks(block(1, 800))
    gb.world.later(4 * HOUR - timedelta(seconds=1))
    assert gb.at == ("unit blocks", 98)
    gb.world.later(timedelta(seconds=1))
    assert gb.at == ("audit trail", 4)
    assert any("missing are 100 AAU" in (row.detail or "") for row in gb.history)


TIMEOUTS = {"confirmation": LEAD, "totals": 2 * HOUR, "unit blocks": 4 * HOUR}


@pytest.mark.parametrize(("step", "time"), TIMEOUTS.items(), ids=TIMEOUTS)
def test_what_is_not_answered_is_begun_anew(gb: Reconciling, step: str, time: timedelta) -> None:
    gb.world["GB"].answer = is_silent if step == "confirmation" else gb.world["GB"].answer
    if step == "confirmation":
        gb.start()
    else:
        gb.reach(step)
    first = gb.identifier
    for attempt in (2, 3):
        gb.world.later(time)
        rows = gb.world.rows(t.reconciliations)
        assert [row.attempt for row in rows] == list(range(1, attempt + 1))
        assert rows[-2].outcome in ("not answered", "not confirmed")
        gb.identifier = rows[-1].identifier
        if step != "confirmation":
            gb.reach(step)
    gb.world.later(time)
    assert [row.running for row in gb.world.rows(t.reconciliations)] == [False, False, False]
    assert len({first, *(row.identifier for row in gb.world.rows(t.reconciliations))}) == 3
    assert all(len(row.identifier) <= 20 for row in gb.world.rows(t.reconciliations))


def test_a_registry_that_gives_no_trail_is_an_operators_matter(gb: Reconciling) -> None:
    gb.reach("audit trail")
    gb.world.later(4 * HOUR)
    assert gb.at == ("intervention", 99)
    assert gb.told("receiveReconciliationResult").response_codes == (6301, 6302)


REFUSALS = {
    "confirmation": ("ended", 7, "denied"),
    "totals": ("ended", 1, "refused"),
    "unit blocks": ("ended", 98, "refused"),
    "audit trail": ("intervention", 99, None),
}


@pytest.mark.parametrize(("step", "becomes"), REFUSALS.items(), ids=REFUSALS)
def test_a_registry_refuses(gb: Reconciling, step: str, becomes: tuple[str, int, str | None]) -> None:
    refuse_at = {"confirmation": 1, "totals": 2, "unit blocks": 3, "audit trail": 4}[step]

    def answer(operation: str, message: Any) -> HttpReply:
        refuses = len(gb.operations) == refuse_at
        return replies(0, 1510)(operation, message) if refuses else accepts(operation, message)

    gb.world["GB"].answer = answer
    gb.reach(step, check=False)
    gb.world.settle()
    row = gb.row
    assert (row.step, row.status, row.outcome) == becomes
    assert "1510" in {row.response_codes for row in gb.history} or step == "audit trail"
    gb.world.later(DAY)
    assert len(gb.world.rows(t.reconciliations)) == 1, "a refusal is no reason to ask again"


def test_a_registry_that_may_not_reconcile_is_not_asked(gb: Reconciling) -> None:
    with gb.world.hub.database.write() as connection:
        start(connection, Plan("GB", "anna", "a test"), gb.world.hub.identity, gb.world.clock(), may=False)
    gb.world.settle()
    assert gb.operations == []
    [row] = gb.world.rows(t.reconciliations)
    assert (row.status, row.outcome, row.running) == (7, "denied", False)


# Answers that come at the wrong time ---------------------------------------------------------------------------------

UNTIMELY = {
    # where it stands, what comes: the code
    ("confirmation", "totals"): 6209,
    ("snapshot", "totals"): 6209,
    ("snapshot", "blocks"): 6209,
    ("totals", "blocks"): 6209,
    ("totals", "trail"): 6209,
    ("unit blocks", "other totals"): 6204,
    ("unit blocks", "trail"): 6209,
    ("audit trail", "other totals"): 6204,
    ("audit trail", "blocks"): 6204,
    ("intervention", "other totals"): 6204,
    ("intervention", "trail"): 6204,
}


@pytest.mark.parametrize(("step", "what"), UNTIMELY, ids=[" / ".join(each) for each in UNTIMELY])
def test_untimely_answers_are_refused_and_on_record(gb: Reconciling, step: str, what: str) -> None:
    if step == "confirmation":
        gb.world["GB"].answer = is_down
    gb.reach(step)
    before = gb.at
    answers = {
        "totals": lambda: gb.totals(sums(900)),
        "other totals": lambda: gb.totals(sums(77)),
        "blocks": lambda: gb.blocks(block(1, 7)),
        "trail": lambda: gb.trail(transaction="GB7"),
    }
    assert answers[what]() == (UNTIMELY[step, what],)
    assert gb.at == before
    assert gb.history[-1].response_codes == str(UNTIMELY[step, what])
    assert gb.history[-1].message is not None


def test_repeats_have_one_effect(gb: Reconciling) -> None:
    gb.reach("totals")
    for _ in range(3):
        assert gb.totals(sums(900)) == 1
    gb.world.settle()
    assert gb.totals(sums(900)) == 1
    for _ in range(3):
        assert gb.blocks(block(1, 900)) == 1
    gb.world.settle()
    assert gb.at == ("audit trail", 4)
    assert gb.blocks(block(1, 900)) == 1
    assert gb.operations == ["initiateReconciliation", "provideTotals", "provideUnitBlocks", "provideAuditTrail"]


def test_another_registrys_reconciliation_is_none_of_its_business(gb: Reconciling) -> None:
    gb.reach("totals")
    assert gb.totals(sums(1000), sender="FR") == (6202,)
    assert gb.at == ("totals", 1)
    assert gb.history[-1].message is None


@pytest.mark.parametrize("kind", [BeginsWith.UNIT_BLOCKS, BeginsWith.AUDIT_TRAIL])
def test_the_totals_can_be_left_out(gb: Reconciling, kind: BeginsWith) -> None:
    gb.start(begins_with=kind)
    gb.world.later(LEAD + GRACE)
    assert gb.at == (kind, 1)
    if kind is BeginsWith.UNIT_BLOCKS:
        assert gb.told("provideUnitBlocks").unit_block_requests == ()
        gb.blocks(block(1, 400))
        gb.blocks(block(401, 1000))
    else:
        assert gb.told("provideAuditTrail").unit_block_identifiers == ()
        gb.trail(transaction="GB1", at=START, blocks=[(1, 1000)], kind=1)
    gb.world.settle()
    assert gb.at == (kind, 1), "more may come"
    gb.world.later(GRACE)
    assert gb.at == ("ended", 5)


def test_transactions_flow_meanwhile(gb: Reconciling) -> None:
    """Nothing that a reconciliation waits for holds up a transaction, nor do units move for it."""
    for number, step in enumerate(("snapshot", "totals", "unit blocks", "audit trail"), start=2):
        gb.reach(step)
        start_at = number * 10
        assert gb.world.propose("GB", f"GB{number}", EXTERNAL, units(start_at, start_at + 9), to="FR") == 1
        gb.world.settle()
        assert gb.world.notify("FR", f"GB{number}", 8) == 1
        assert gb.world.notify("GB", f"GB{number}", 4) == 1
        gb.world.settle()
        assert gb.world.status(f"GB{number}") == 4


def test_a_restart_loses_nothing(gb: Reconciling) -> None:
    for step in ("snapshot", "totals", "unit blocks", "audit trail", "intervention"):
        gb.reach(step)
        gb.world.restart()
    assert gb.at == ("intervention", 99)
    assert gb.operations == [
        "initiateReconciliation",
        "provideTotals",
        "provideUnitBlocks",
        "provideAuditTrail",
        "receiveReconciliationResult",
    ]


def test_the_head_says_what_was_seen(gb: Reconciling) -> None:
    gb.reach("intervention")
    with gb.world.hub.database.read() as connection:
        found = find(connection, gb.identifier)
    assert found is not None
    assert found.head.totals_differed
    assert found.head.blocks_differed
