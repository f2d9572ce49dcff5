"""A member moves behind the transaction log, and comes back: no unit is lost or doubled, whatever step is the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from itl.errors import UsageError
from itl.reference import Environment, Notice, Route, Scheme
from itl.store import handovers
from itl.store import tables as t
from itl.store.actions import actions
from itl.store.enrol_scheme import put_scheme
from itl.store.environment import ENVIRONMENT
from itl.store.fact_kinds import Fact, FactKey, FactName
from itl.store.notice_book import Raising, raise_notice
from itl.store.reference_data import put_facts, put_status, raise_stamp
from itl.store.standing import change_status
from tests.databases import FreshDatabase
from tests.hub.world import CANCELLATION, EXTERNAL, INTERNAL, ISSUANCE, START, proposal, units
from tests.supplement.moving import MEMBERS, TEMPLATES, Moving
from tests.supplement.network import SUPPLEMENTARY_TYPES, Fate, Network


@pytest.fixture(params=["sqlite", "postgresql"])
def moving(request: pytest.FixtureRequest, fresh_database: FreshDatabase, tmp_path: Path) -> Iterator[Moving]:
    """GB holds its units 1 to 60, FR GB's units 61 to 100 and its own 1 to 50; all of it happened at CITL alone."""
    urls = {code: fresh_database(request.param, template) for code, template in TEMPLATES.items()}
    with Network.on(urls) as network:
        made = Moving(network, tmp_path)
        made.issue("GB", "GB1", 1, 100)
        made.issue("FR", "FR1", 1, 50)
        network["GB"].propose(proposal("GB", "GB2", EXTERNAL, units(61, 100), to="FR"))
        network.settle()
        network["GB"].propose(proposal("GB", "GB3", EXTERNAL, units(61, 70), to="FR"))
        network.settle()
        network["GB"].propose(proposal("GB", "GB4", CANCELLATION, units(1, 10)))
        network.settle()
        assert made.wrong() == []
        yield made
        network.heal()
        assert made.wrong() == []


def test_a_member_moves_behind_the_log_and_goes_on_there(moving: Moving) -> None:
    moving.move("GB")
    assert moving.in_force("GB") == ["ITL"]
    assert moving.in_force("FR") == ["CITL"]
    gb = moving.network["GB"]
    assert gb.propose(proposal("GB", "GB4", INTERNAL, units(11, 20))).response_codes == (3001,)
    assert gb.propose(proposal("GB", "GB5", INTERNAL, units(11, 20))).result_identifier == 1
    assert gb.propose(proposal("GB", "GB6", EXTERNAL, units(21, 30), to="JP")).result_identifier == 1
    assert gb.propose(proposal("GB", "GB7", EXTERNAL, units(21, 30), to="FR")).response_codes == (1502,)
    assert gb.propose(proposal("GB", "GB8", ISSUANCE, units(91, 110), accounts=(100, 100))).result_identifier == 1
    moving.network.settle()
    statuses = [{name: each.statuses().get(name) for name in ("GB5", "GB6", "GB8")} for each in
                (moving.network.logs["ITL"], moving.network.logs["CITL"])]  # fmt: skip
    assert statuses == [{"GB5": 4, "GB6": 4, "GB8": 5}, {"GB5": 4, "GB6": 4, "GB8": None}], "FR has GB 91 to 100"
    gb.log = "CITL"
    assert gb.propose(proposal("GB", "GB9", INTERNAL, units(31, 40))).response_codes == (1501,)
    gb.log = "ITL"


def test_all_members_move_and_the_log_has_all_units_once(moving: Moving) -> None:
    before = moving.held("CITL")
    moving.move("FR")
    moving.move("GB")
    assert moving.held("ITL") == moving.held("CITL") == before
    assert moving.network["GB"].propose(proposal("GB", "GB5", EXTERNAL, units(11, 20), to="FR")).result_identifier == 1
    moving.network.settle()
    assert moving.network.logs["CITL"].statuses()["GB5"] == 4
    assert moving.network.disagreements() == []


def test_a_member_comes_back_with_all_that_befell_it_behind_the_log(moving: Moving) -> None:
    moving.move("GB")
    gb = moving.network["GB"]
    gb.propose(proposal("GB", "GB5", EXTERNAL, units(11, 20), to="JP"))
    gb.propose(proposal("GB", "GB6", CANCELLATION, units(21, 30)))
    moving.issue("JP", "JP1", 1, 10)
    moving.network["JP"].propose(proposal("JP", "JP2", EXTERNAL, units(1, 10, "JP"), to="GB"))
    moving.network.settle()
    moving.move("GB", giver="ITL")
    assert moving.in_force("GB") == ["CITL"]
    gb.propose(proposal("GB", "GB7", EXTERNAL, units(31, 40), to="FR"))
    moving.network.settle()
    assert moving.network.logs["CITL"].statuses()["GB7"] == 4
    assert moving.held("CITL", ["FR"])["GB", 31] == ("FR", 100)
    assert moving.wrong() == []
    moving.move("FR")
    moving.move("GB")
    assert moving.held("ITL") == moving.held("CITL")


def test_what_the_scheme_was_never_asked_about_comes_back_with_the_file(moving: Moving) -> None:
    """Its log is asked about 10-53 alone: what else GB does behind the transaction log, it does not hear of."""
    moving.move("GB")
    with moving.database("ITL").write() as connection:
        route = Route(10, 53)
        put_scheme(connection, Scheme("CITL", SUPPLEMENTARY_TYPES, frozenset(MEMBERS), frozenset({route})))
    gb = moving.network["GB"]
    moving.issue("GB", "GB5", 101, 120)
    gb.propose(proposal("GB", "GB6", CANCELLATION, units(101, 105)))
    gb.propose(proposal("GB", "GB7", INTERNAL, units(11, 20)))
    gb.propose(proposal("GB", "GB8", INTERNAL, units(1, 2)))
    moving.network.settle()
    assert "GB6" not in moving.network.logs["CITL"].statuses()
    moving.move("GB", giver="ITL")
    statuses = moving.network.logs["CITL"].statuses()
    assert {name: statuses[name] for name in ("GB5", "GB6", "GB7", "GB8")} == {"GB5": 4, "GB6": 4, "GB7": 4, "GB8": 5}
    assert gb.propose(proposal("GB", "GB6", INTERNAL, units(21, 30))).response_codes == (3001,)
    assert moving.held("CITL", ["GB"])["GB", 101] == ("GB", 230)


# The way back before the registry has gone ---------------------------------------------------------------------------


def test_a_freeze_is_lifted_as_if_nothing_was(moving: Moving) -> None:
    moving.begin("GB")
    gb = moving.network["GB"]
    assert gb.propose(proposal("GB", "GB5", INTERNAL, units(11, 20))).response_codes == (1503,)
    moving.lift("GB")
    assert gb.propose(proposal("GB", "GB6", INTERNAL, units(11, 20))).result_identifier == 1


@pytest.mark.parametrize("taken_in", [False, True])
@pytest.mark.parametrize("gone", [False, True])
def test_once_a_file_is_written_the_other_log_has_to_withdraw_it_first(
    moving: Moving, taken_in: bool, gone: bool
) -> None:
    moving.begin("GB")
    moving.reconcile("GB", "CITL")
    moving.export("GB")
    with pytest.raises(UsageError, match="nothing is no receipt that the other log has withdrawn"):
        moving.lift("GB")
    if taken_in or gone:
        receipt = moving.take_in("GB")
        if gone:
            moving.go("GB", receipt)
    withdrawn = moving.withdraw("GB")
    assert moving.withdraw("GB") == withdrawn, "the same again"
    assert moving.in_force("GB") == []
    moving.lift("GB", withdrawn)
    assert moving.in_force("GB") == ["CITL"]
    with pytest.raises(UsageError, match="this very file was withdrawn"):
        moving.take_in("GB")
    moving.network["GB"].propose(proposal("GB", "GB5", EXTERNAL, units(11, 20), to="FR"))
    moving.network.settle()
    moving.move("GB")
    moving.move("FR")
    assert moving.held("ITL") == moving.held("CITL")


def test_what_was_opened_goes_back_by_a_handover_only(moving: Moving) -> None:
    moving.move("GB")
    with pytest.raises(UsageError, match="hand it over to go back"):
        moving.withdraw("GB")


# Every step at its time ----------------------------------------------------------------------------------------------


def test_nothing_leaves_while_something_is_open_or_not_reconciled(moving: Moving) -> None:
    fr = moving.network["FR"]
    fr.propose(proposal("FR", "FR5", EXTERNAL, units(1, 10, "FR"), to="GB"))
    moving.begin("GB")
    with pytest.raises(UsageError, match="open are FR5 at 1"):
        moving.export("GB")
    moving.network.settle()
    assert moving.network.logs["CITL"].statuses()["FR5"] == 4, "what is open goes on"
    with pytest.raises(UsageError, match="no reconciliation since it was frozen"):
        moving.export("GB")
    moving.network["GB"].units["GB", 11] = 121
    moving.reconcile("GB", "CITL")
    with pytest.raises(UsageError, match="1 ranges of units are inconsistent"):
        moving.export("GB")
    moving.network["GB"].units["GB", 11] = 100
    moving.reconcile("GB", "CITL")
    digest = moving.export("GB").digest
    assert moving.export("GB").digest == digest, "the file is the same as long as nothing changes"


def test_nothing_leaves_the_log_while_the_scheme_has_not_heard_how_something_ended(moving: Moving) -> None:
    moving.move("GB")
    moving.network["GB"].propose(proposal("GB", "GB5", CANCELLATION, units(11, 20)))
    moving.network.work("ITL")
    moving.network.deliver("ITL")
    moving.network.work("CITL")
    moving.network.deliver("CITL")
    moving.network.fate = lambda to: Fate.REACHES_NOBODY if to == "CITL" else Fate.ARRIVES
    moving.network.settle()
    moving.begin("GB", "ITL")
    with pytest.raises(UsageError, match="1 messages to it, or about its transactions, are not delivered"):
        moving.export("GB", "ITL")
    assert moving.network.logs["CITL"].statuses()["GB5"] == 9
    moving.network.fate = lambda _to: Fate.ARRIVES
    moving.lift("GB", log="ITL")


def test_what_was_let_propose_by_hand_does_not_go_with_an_old_file(moving: Moving) -> None:
    moving.begin("GB")
    moving.reconcile("GB", "CITL")
    moving.export("GB")
    receipt = moving.take_in("GB")
    identity, now = moving.network.logs["CITL"].hub.identity, moving.network.clock()
    with moving.database("CITL").write() as connection:
        with pytest.raises(UsageError, match="is being handed over already"):
            change_status(connection, identity, "GB", {"may_propose": True}, "bert", "a mistake", now, now)
        put_status(connection, "GB", {"may_propose": True}, moving.source(), moving.network.clock())
        raise_stamp(connection)
    with pytest.raises(UsageError, match="no longer frozen"):
        moving.go("GB", receipt)
    moving.network.clock.advance(timedelta(seconds=1))
    moving.network["GB"].propose(proposal("GB", "GB5", CANCELLATION, units(11, 20)))
    moving.network.settle()
    with moving.database("CITL").write() as connection:
        put_status(connection, "GB", {"may_propose": False}, moving.source(), moving.network.clock())
        raise_stamp(connection)
    with pytest.raises(UsageError, match=r"has proposed here since the file was written \(GB5\); let the other log"):
        moving.go("GB", receipt)
    moving.lift("GB", moving.withdraw("GB"))
    moving.move("GB")
    assert moving.held("ITL", ["GB"])["GB", 11] == ("GB", 230)


CONTRADICTIONS: dict[str, tuple[Callable[[Moving], tuple[sa.Table, dict[str, Any]]], str]] = {
    "another transaction": (
        lambda moving: (t.transactions, {**TRANSACTION, "identifier": "GB4", "acquiring_registry": "JP"}),
        "GB4 is another one here",
    ),
    "one that is open": (
        lambda moving: (t.transactions, {**TRANSACTION, "identifier": "GB4", "status": 8}),
        "GB4 is still open here",
    ),
    "another end": (
        lambda moving: (t.transactions, {**TRANSACTION, "identifier": "GB4", "status": 7}),
        "1 differences",
    ),
    "another's notice": (
        lambda moving: (t.notices, {**NOTICE, "registry": "JP"}),
        "notice 1: this log has another under this identifier, to JP",
    ),
}
TRANSACTION: dict[str, Any] = {"occupies": True, "transaction_type": 4, "transferring_registry": "GB",
    "acquiring_registry": "GB", "status": 4, "status_at": START, "proposed_at": START, "settled_at": START}  # fmt: skip
NOTICE: dict[str, Any] = {"identifier": 1, "notice_type": 1, "status": 1, "recorded_at": START, "recorded_by": "anna",
    "reason": "a test"}  # fmt: skip


@pytest.mark.parametrize("case", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_what_contradicts_this_logs_own_record_is_not_taken_in(
    moving: Moving, case: tuple[Callable[[Moving], tuple[sa.Table, dict[str, Any]]], str]
) -> None:
    make, said = case
    with moving.database("CITL").write() as connection:
        connection.execute(t.notices.insert(), {**NOTICE, "registry": "GB"})
    moving.begin("GB")
    moving.reconcile("GB", "CITL")
    moving.export("GB")
    table, row = make(moving)
    with moving.database("ITL").write() as connection:
        key = connection.execute(table.insert(), row).inserted_primary_key
    with pytest.raises(UsageError, match=said):
        moving.take_in("GB")
    moving.lift("GB", moving.withdraw("GB"))
    with moving.database("ITL").write() as connection:
        connection.execute(table.delete().where(next(iter(table.primary_key)) == key[0]))


def test_the_registry_is_opened_only_when_it_agrees_with_what_came(moving: Moving) -> None:
    moving.begin("GB")
    moving.reconcile("GB", "CITL")
    moving.export("GB")
    moving.go("GB", moving.take_in("GB"))
    with pytest.raises(UsageError, match="no reconciliation since"):
        moving.open_up("GB")
    assert moving.network["GB"].propose(proposal("GB", "GB5", INTERNAL, units(11, 20))).response_codes == (1503,)
    moving.reconcile("GB", "ITL")
    moving.open_up("GB")


STEPS: dict[str, Callable[[Moving], object]] = {
    "begin": lambda moving: moving.begin("GB"),
    "export": lambda moving: moving.export("GB"),
    "go": lambda moving: moving.go("GB", "0123456789abcdef"),
    "lift": lambda moving: moving.lift("GB"),
    "open": lambda moving: moving.open_up("GB"),
    "import": lambda moving: moving.take_in("GB"),
}
REFUSED = [
    ("at first", lambda moving: None, {"export", "go", "lift", "open", "import"}),
    ("begun", lambda moving: moving.begin("GB"), {"begin", "export", "go", "open", "import"}),
    ("gone", lambda moving: moving.move("GB"), {"begin", "export", "go", "lift", "open", "import"}),
]


@pytest.mark.parametrize("case", REFUSED, ids=[case[0] for case in REFUSED])
def test_steps_out_of_order_are_refused_and_leave_no_trace(
    moving: Moving, case: tuple[str, Callable[[Moving], object], set[str]]
) -> None:
    _, reach, refused = case
    reach(moving)
    before = moving.handed_over
    for name, step in STEPS.items():
        if name in refused:
            with pytest.raises(UsageError):
                step(moving)
    assert moving.handed_over == before


def test_a_file_is_taken_in_once(moving: Moving) -> None:
    moving.begin("GB")
    moving.reconcile("GB", "CITL")
    moving.export("GB")
    moving.take_in("GB")
    before = moving.rows("ITL", t.unit_blocks)
    with pytest.raises(UsageError, match="this very file was imported"):
        moving.take_in("GB")
    assert moving.rows("ITL", t.unit_blocks) == before
    moving.lift("GB", moving.withdraw("GB"))


def test_a_file_of_the_other_environment_is_refused(moving: Moving) -> None:
    moving.begin("GB")
    moving.reconcile("GB", "CITL")
    moving.export("GB")
    say_environment(moving, Environment.PRODUCTION)
    with pytest.raises(UsageError, match="the file is of a test environment, this log is one of production"):
        moving.rehearse("GB")
    say_environment(moving, Environment.TEST)
    assert moving.rehearse("GB").differences == []
    moving.lift("GB", moving.withdraw("GB"))


def say_environment(moving: Moving, environment: Environment) -> None:
    """What nothing but a test does: make the transaction log another than it was."""
    with moving.database("ITL").write() as connection:
        connection.execute(sa.update(t.settings).where(t.settings.c.name == ENVIRONMENT).values(value=environment))


def test_a_rehearsal_leaves_no_trace(moving: Moving) -> None:
    moving.begin("GB")
    moving.reconcile("GB", "CITL")
    moving.export("GB")
    tables = (t.handovers, t.unit_blocks, t.past_unit_blocks, t.arrivals, t.transactions, t.totals, t.facts, t.actions)
    before = [moving.rows("ITL", table) for table in tables]
    taken = moving.rehearse("GB")
    assert (taken.new, taken.known, taken.units, taken.differences) == (4, 0, 100, [])
    assert [moving.rows("ITL", table) for table in tables] == before
    moving.lift("GB", moving.withdraw("GB"))


def test_differences_pass_when_one_person_accepts_them_and_another_imports(moving: Moving) -> None:
    """The log was told another assigned amount than the scheme's."""
    with moving.database("ITL").write() as connection:
        key = FactKey(FactName.ASSIGNED_AMOUNT, "GB", period=1)
        put_facts(connection, [Fact(key, 1000, moving.network.clock())], moving.source())
    moving.begin("GB")
    moving.reconcile("GB", "CITL")
    moving.export("GB")
    with pytest.raises(handovers.Differs) as differs:
        moving.take_in("GB")
    [difference] = differs.value.taken.differences
    assert (difference.rule, difference.found) == ("what both logs were told is the same", "1000")
    file = moving.file("GB", "CITL")
    handovers.accept(moving.database("ITL"), file, b"secret", moving.source("bert"))
    with pytest.raises(UsageError, match="bert accepted the differences, and cannot import"):
        moving.take_in("GB", by=" Bert")
    with moving.database("ITL").write() as connection:
        key = FactKey(FactName.BASE_YEAR_EMISSIONS, "GB")
        put_facts(connection, [Fact(key, 7, moving.network.clock())], moving.source())
    with pytest.raises(handovers.Differs, match="2 differences; nothing was taken in"):
        moving.take_in("GB", by="anna")
    handovers.accept(moving.database("ITL"), file, b"secret", moving.source("bert"))
    moving.go("GB", moving.take_in("GB", by="anna"))
    moving.reconcile("GB", "ITL")
    moving.open_up("GB")
    [row] = moving.network.logs["ITL"].rows(sa.select(t.handovers))
    assert (row.status, row.accepted_by) == ("opened", "bert")


def test_what_a_log_was_only_told_it_does_not_tell_another(moving: Moving) -> None:
    """Where the units are of GB, which is behind the log, CITL may hear late; some of them were FR's before."""
    moving.network["FR"].propose(proposal("FR", "FR5", EXTERNAL, units(1, 10, "FR"), to="GB"))
    moving.network.settle()
    moving.move("GB")
    of_gb = t.unit_blocks.c.registry == "GB"
    with moving.database("CITL").write() as connection:
        connection.execute(t.unit_blocks.update().where(of_gb).values(account_identifier=7))
    moving.move("FR")
    rows = moving.network.logs["ITL"].rows(sa.select(t.unit_blocks.c.account_identifier).where(of_gb))
    assert 7 not in {row.account_identifier for row in rows}


def test_what_another_registry_holds_here_is_never_touched(moving: Moving) -> None:
    """A unit of GB's that the log has with JP, which is in force there."""
    row = {"originating_registry": "GB", "serial_start": 11, "serial_end": 11, "registry": "JP", "account_type": 100,
           "unit_type": 1, "issued_unit_type": 1, "original_commit_period": 1, "applicable_commit_period": 1,
           "since": moving.network.clock()}  # fmt: skip
    with moving.database("ITL").write() as connection:
        connection.execute(t.unit_blocks.insert(), row)
    moving.begin("GB")
    moving.reconcile("GB", "CITL")
    moving.export("GB")
    with pytest.raises(UsageError, match="GB 11-11: here they are with JP"):
        moving.rehearse("GB")
    moving.lift("GB", moving.withdraw("GB"))
    with moving.database("ITL").write() as connection:
        connection.execute(t.unit_blocks.delete())


def test_both_logs_may_raise_notices_while_members_move(moving: Moving) -> None:
    def raised(log: str, registry: str) -> int:
        notice = Notice(0, 1, 1, registry, target_value=20, lulucf_activity=1, commit_period=1)
        due = moving.network.clock().date() + timedelta(days=30)
        with moving.database(log).write() as connection:
            return raise_notice(connection, Raising(notice, "net source", due), moving.source())

    assert [raised("CITL", code) for code in ("FR", "GB")] == [1, 2]
    moving.move("GB")
    assert raised("ITL", "GB") == 1_000_000
    assert raised("CITL", "FR") == 3
    moving.move("FR")
    assert raised("ITL", "FR") == 1_000_001
    found = moving.network.logs["ITL"].rows(sa.select(t.notices.c.identifier, t.notices.c.registry))
    assert sorted(map(tuple, found)) == [(1, "FR"), (2, "GB"), (3, "FR"), (1_000_000, "GB"), (1_000_001, "FR")]


def test_every_step_is_on_record_with_who_and_why(moving: Moving) -> None:
    moving.move("GB")
    with moving.database("CITL").read() as connection:
        giving = [(each.action, each.actor, each.reason) for each in reversed(actions(connection, "GB"))]
    with moving.database("ITL").read() as connection:
        taking = [(each.action, each.detail.get("digest")) for each in reversed(actions(connection, "GB"))]
    why = "the scheme moves behind the log"
    assert giving == [(f"handover {step}", "anna", why) for step in ("begin", "export", "go")]
    assert [action for action, _ in taking] == ["handover import", "handover open"]
    assert taking[0][1] is not None
