"""Notices of the log: raised by rules and operators, told to registries, followed until they are done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from itl.cli import notice as module
from itl.codes import TransactionType
from itl.errors import LogError
from itl.messages import ITLNoticeRequest, ITLNoticeResponse
from itl.reference import Notice
from itl.store import notice_book, timers
from itl.store import tables as t
from itl.store.fact_kinds import Fact, FactKey, FactName
from itl.store.reference_data import put_facts
from itl.wire.contract import Port
from itl.wire.encode import encode_reply
from itl.wire.outgoing import HttpReply
from tests.cli.commands import Command, as_json, command
from tests.hub.test_time import tells
from tests.hub.world import CANCELLATION, DAY, EXTERNAL, ISSUANCE, RETIREMENT, START, World, accepts, units
from tests.worker.world import SOURCE, differences, enter_notice

WHY = ("--by", "ada", "--reason", "decision 12")
NET_SOURCE = ("--type", "1", "--text", "cancel", "--activity", "2", "--period", "1", "--units", "100")
TCER: dict[str, Any] = {
    "unit_type": 6, "project_identifier": 7, "lulucf_activity": 1, "expiry_date": date(2020, 12, 31),
}  # fmt: skip
LCER = TCER | {"unit_type": 7, "expiry_date": date(2030, 6, 30)}


@pytest.fixture(autouse=True)
def _take_notices(world: World) -> None:
    def answer(operation: str, message: Any) -> HttpReply:
        if operation == "provideTime":
            return tells(world.clock)(operation, message)
        if operation == "acceptITLNotice":
            reply = ITLNoticeResponse(result_identifier=1)
            return HttpReply(200, encode_reply(Port.REGISTRY, operation, reply), {})
        return accepts(operation, message)

    for registry in world.registries.values():
        registry.answer = answer


@pytest.fixture
def itl(world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr("itl.cli.notice.system_clock", world.clock)
    return command(module, capsys, "--database", world.url)


def tell(world: World, name: FactName, value: Any, subject: str, **about: int) -> None:
    with world.hub.database.write() as connection:
        put_facts(connection, [Fact(FactKey(name, subject, **about), value, world.clock())], SOURCE)


def hour(world: World) -> None:
    """An hour passes, in which every rule looks once."""
    world.hub.administration.once()
    world.clock.advance(timedelta(hours=1))
    world.hub.administration.once()
    world.settle()


def heard(world: World, code: str = "GB") -> list[ITLNoticeRequest]:
    return [message for operation, message, _ in world[code].calls if operation == "acceptITLNotice"]


def told(world: World, code: str = "GB") -> list[tuple[int, int, int, int | None]]:
    """Identifier, type, status and quantity of each notice that a registry heard."""
    return [
        (each.notification_identifier, each.notification_type, each.notification_status, each.target_value)
        for each in heard(world, code)
    ]


def done(world: World, sender: str, identifier: str, kind: int, *blocks: Any, **more: Any) -> None:
    assert world.propose(sender, identifier, kind, *blocks, **more) == 1
    world.settle()
    assert world.status(identifier) == 2, world[sender].codes(identifier, 3)
    if kind == EXTERNAL:
        world.notify(more["to"], identifier, 8)
        world.settle()
    assert world.notify(sender, identifier, 4) == 1
    world.settle()


def state(world: World, identifier: int) -> str:
    with world.hub.database.read() as connection:
        return notice_book.standing(connection, identifier).state


def test_the_life_of_a_notice_that_an_operator_raises(world: World, itl: Command) -> None:
    world.issue(1, 1000)
    itl("notice", "raise", "GB", *NET_SOURCE, *WHY)
    world.settle()
    [first] = heard(world)
    assert (first.commit_period, first.lulucf_activity, first.message_content) == (1, 2, "cancel")
    assert first.action_due_date == (START + 30 * DAY).date()
    itl("notice", "update", "1", "--units", "60", *WHY)
    done(world, "GB", "GB2", CANCELLATION, units(1, 40), accounts=(100, 210), notification_identifier=1)
    assert state(world, 1) == "incomplete"
    done(world, "GB", "GB3", CANCELLATION, units(41, 60), accounts=(100, 210), notification_identifier=1)
    assert state(world, 1) == "completed"
    assert told(world) == [
        (1, 1, 1, 100),  # raised
        (1, 10, 1, 60),  # changed: an update, under the same identifier
        (1, 10, 2, 60),  # answered in part: it is still answered under its identifier
        (2, 1, 3, 60),  # done: told under another, since registries keep the first status of an identifier
    ]
    events = [each["event"] for each in as_json(itl("notice", "show", "1", "--json"))["history"]]
    assert events == ["raised", "updated", "answered in part", "answered"]
    assert [row.action for row in world.rows(t.actions)] == ["notice raise", "notice update"]
    assert as_json(itl("notice", "list", "--json")) == []
    assert [each["state"] for each in as_json(itl("notice", "list", "--all", "--json"))] == ["completed"]
    assert differences(world.hub.database) == []


@pytest.mark.parametrize(("how", "word"), [("withdraw", "withdrawn"), ("complete", "completed")])
def test_a_notice_that_an_operator_ends_can_be_answered_no_more(
    world: World, itl: Command, how: str, word: str
) -> None:
    world.issue(1, 1000)
    itl("notice", "raise", "GB", *NET_SOURCE, *WHY)
    itl("notice", how, "1", *WHY)
    world.propose("GB", "GB2", CANCELLATION, units(1, 40), accounts=(100, 210), notification_identifier=1)
    world.settle()
    assert world["GB"].codes("GB2", 3) == [4016]
    assert state(world, 1) == word
    assert told(world) == [(1, 1, 1, 100), (2, 1, 3, 100)]
    with pytest.raises(LogError, match="is completed"):
        itl("notice", how, "1", *WHY)
    itl("notice", "raise", "GB", *NET_SOURCE, *WHY)
    assert [row.identifier for row in world.rows(t.notices)] == [1, 3]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (("--type", "1", "--text", "cancel", "--units", "5", "--period", "1"), "must say lulucf activity"),
        ((*NET_SOURCE, "--project", "IN7"), "has no place for project"),
        (("--type", "10", "--text", "update"), "cannot be raised"),
        (("--type", "14", "--text", "what"), "cannot be raised"),
        (("--type", "2", "--text", "cancel", "--period", "1"), "how many units"),
        (("--type", "2", "--text", " ", "--period", "1", "--units", "5"), "says nothing"),
        (("--type", "2", "--text", "x" * 2001, "--period", "1", "--units", "5"), "2001 characters"),
        (("--type", "3", "--text", "replace", "--units", "5", "--block", "IN 1-6"), "6 are listed"),
        (("--type", "3", "--text", "replace", "--block", "IN 6-1"), "range of serials"),
        (("--type", "2", "--text", "cancel", "--period", "1", "--units", "5", "--due", "soon"), "--due"),
    ],
)
def test_what_is_no_sound_notice_is_not_raised(world: World, itl: Command, given: Sequence[str], problem: str) -> None:
    with pytest.raises(LogError, match=problem):
        itl("notice", "raise", "GB", *given, *WHY)
    with pytest.raises(LogError, match="no registry in force"):
        itl("notice", "raise", "XX", *NET_SOURCE, *WHY)
    for table in (t.notices, t.outbox, t.actions):
        assert world.rows(table) == []


def test_less_than_was_answered_cannot_be_asked_for(world: World, itl: Command) -> None:
    world.issue(1, 1000)
    itl("notice", "raise", "GB", *NET_SOURCE, *WHY)
    done(world, "GB", "GB2", CANCELLATION, units(1, 40), accounts=(100, 210), notification_identifier=1)
    with pytest.raises(LogError, match="40 units are answered"):
        itl("notice", "update", "1", "--units", "40", *WHY)


def test_a_notice_that_is_overdue_is_noted_once(world: World, itl: Command) -> None:
    itl("notice", "raise", "GB", *NET_SOURCE, "--due", "2014-06-02", *WHY)
    for _ in range(3):
        hour(world)
    assert state(world, 1) == "open"
    world.clock.advance(2 * DAY)
    for _ in range(3):
        hour(world)
    assert state(world, 1) == "open, overdue"
    assert [row.event for row in world.rows(t.notice_history)] == ["raised", "overdue"]
    itl("notice", "update", "1", "--due", "2014-07-01", *WHY)
    assert state(world, 1) == "open"


# Rules ---------------------------------------------------------------------------------------------------------------


def test_a_reported_figure_is_asked_for_once_and_its_change_is_an_update(world: World) -> None:
    world.issue(1, 1000)
    tell(world, FactName.NET_SOURCE, 100, "GB", period=1, detail=2)
    for _ in range(3):
        hour(world)
    assert told(world) == [(1, 1, 1, 100)]
    tell(world, FactName.NET_SOURCE, 130, "GB", period=1, detail=2)
    hour(world)
    assert told(world)[1:] == [(1, 10, 1, 130)]
    done(world, "GB", "GB2", CANCELLATION, units(1, 130), accounts=(100, 210), notification_identifier=1)
    tell(world, FactName.NET_SOURCE, 150, "GB", period=1, detail=2)
    for _ in range(2):
        hour(world)
    # 2 told the end of 1; what is asked for beyond it is another notice.
    assert told(world)[2:] == [(2, 1, 3, 130), (3, 1, 1, 20)]


def cdm_issues(world: World, start: int, end: int, what: dict[str, Any], to: Sequence[tuple[str, int, int]]) -> None:
    block = units(start, end, "IN", **what)
    done(world, "CDM", f"CDM{start}", ISSUANCE, block, accounts=(None, 110))
    for code, first, last in to:
        part = units(first, last, "IN", **what)
        done(world, "CDM", f"CDM{start}{first}", EXTERNAL, part, to=code, accounts=(110, 100))


def test_used_units_that_expire_soon(world: World) -> None:
    cdm_issues(world, 1, 100, TCER, [("GB", 1, 80)])
    done(world, "GB", "GB1", RETIREMENT, units(1, 30, "IN", **TCER))
    hour(world)
    assert told(world) == []
    world.clock.set(datetime(2020, 10, 15, tzinfo=UTC))
    for _ in range(2):
        hour(world)
    [notice] = heard(world)
    assert (notice.notification_type, notice.target_value, notice.action_due_date) == (3, 30, date(2020, 12, 31))
    [listed] = notice.unit_block_identifiers or ()
    assert (listed.unit_serial_block_start, listed.unit_serial_block_end) == (1, 30)


def test_a_reversal_of_storage_falls_on_who_holds_the_units(world: World) -> None:
    cdm_issues(world, 1, 100, LCER, [("GB", 1, 60), ("FR", 61, 90)])
    tell(world, FactName.STORAGE_REVERSED, 20, "IN", number=7)
    for _ in range(2):
        hour(world)
    asked = {code: told(world, code)[0][1:] for code in ("GB", "FR", "CDM")}
    assert asked == {"GB": (4, 1, 12), "FR": (4, 1, 6), "CDM": (4, 1, 2)}
    assert {each.project_number for each in heard(world)} == {"IN7"}


def test_a_report_that_is_not_in_when_due(world: World) -> None:
    cdm_issues(world, 1, 100, LCER, [("GB", 1, 60)])
    tell(world, FactName.CERTIFICATION_DUE, (START + 5 * DAY).date(), "IN", number=7)
    hour(world)
    assert told(world) == []
    world.clock.set(START + 6 * DAY)
    for _ in range(2):
        hour(world)
    assert [each[1:] for each in told(world)] == [(5, 1, 60)]


def test_a_report_that_came_in_time(world: World) -> None:
    cdm_issues(world, 1, 100, LCER, [("GB", 1, 60)])
    tell(world, FactName.CERTIFICATION_DUE, (START + 5 * DAY).date(), "IN", number=7)
    tell(world, FactName.CERTIFICATION_RECEIVED, (START + 4 * DAY).date(), "IN", number=7)
    world.clock.set(START + 6 * DAY)
    hour(world)
    assert told(world) == []


def test_another_end_of_the_crediting_period(world: World) -> None:
    cdm_issues(world, 1, 100, LCER, [("GB", 1, 60)])
    tell(world, FactName.CREDITING_PERIOD_END, date(2035, 6, 30), "IN", number=7)
    for _ in range(2):
        hour(world)
    [notice] = heard(world)
    assert (notice.notification_type, notice.unit_type, notice.target_date) == (9, 7, date(2035, 6, 30))
    later = LCER | {"expiry_date": date(2035, 6, 30)}
    done(
        world, "GB", "GB5", TransactionType.EXPIRY_DATE_CHANGE, units(1, 60, "IN", **later),
        notification_identifier=notice.notification_identifier,
    )  # fmt: skip
    assert state(world, notice.notification_identifier) == "completed"


def test_a_reserve_that_is_undercut_until_it_is_restored(world: World) -> None:
    world.issue(1, 1000)
    tell(world, FactName.RECORDED_RESERVE, 1200, "GB", period=1)
    for _ in range(2):
        hour(world)
    assert told(world) == [(1, 7, 1, 200)]
    tell(world, FactName.RECORDED_RESERVE, 900, "GB", period=1)
    hour(world)
    assert told(world)[1:] == [(2, 7, 3, 200)]
    tell(world, FactName.RECORDED_RESERVE, 1100, "GB", period=1)
    hour(world)
    assert told(world)[2:] == [(3, 7, 1, 100)]


def test_what_was_withdrawn_is_asked_for_again_when_it_has_ended_and_returns(world: World, itl: Command) -> None:
    world.issue(1, 1000)

    def told_after(reserve: int) -> list[tuple[int, int, int, int | None]]:
        tell(world, FactName.RECORDED_RESERVE, reserve, "GB", period=1)
        before = len(told(world))
        for _ in range(2):
            hour(world)
        return told(world)[before:]

    assert told_after(1200) == [(1, 7, 1, 200)]
    itl("notice", "withdraw", "1", *WHY)
    world.settle()
    assert told(world)[1:] == [(2, 7, 3, 200)]
    for reserve in (1200, 1300):
        assert told_after(reserve) == [], "it lasts, and an operator does not want it asked for"
    assert told_after(900) == [], "its end was told when it was withdrawn"
    assert told_after(1100) == [(3, 7, 1, 100)]
    itl("notice", "withdraw", "3", *WHY)
    world.settle()
    assert told_after(1100) == [], "that the first ceased says nothing of the second"
    assert state(world, 1) == "withdrawn"
    events = [each["event"] for each in as_json(itl("notice", "show", "1", "--json"))["history"]]
    assert events == ["raised", "withdrawn", "ceased"]


def test_a_joint_reserve_is_told_to_each_member(world: World) -> None:
    world.issue(1, 1000)
    for code in ("GB", "FR"):
        tell(world, FactName.JOINT_RESERVE_GROUP, "EU", code, period=1)
    tell(world, FactName.JOINT_RESERVE, 1500, "EU", period=1)
    hour(world)
    assert [each[1:] for code in ("GB", "FR") for each in told(world, code)] == [(11, 1, 500)] * 2


def test_the_end_of_a_true_up(world: World) -> None:
    world.issue(1, 1000)
    tell(world, FactName.TRUE_UP_END, START + DAY, "GB", period=1)
    hour(world)
    assert told(world) == []
    world.clock.set(START + DAY)
    for _ in range(2):
        hour(world)
    assert sorted(each[1:] for each in told(world)) == [(8, 1, 1000), (51, 1, 1000)]


@pytest.mark.parametrize(
    ("name", "about", "kind", "to"),
    [
        (FactName.NON_COMPLIANCE, {"subject": "GB", "period": 1}, 2, "GB"),
        (FactName.EXCESS_ISSUANCE, {"subject": "IN", "number": 7, "detail": 5}, 6, "CDM"),
        (FactName.CCS_REVERSED, {"subject": "GB", "number": 7}, 12, "GB"),
        (FactName.CCS_REVERSED, {"subject": "IN", "number": 7}, 12, "CDM"),
    ],
)
def test_what_was_decided_elsewhere(world: World, name: FactName, about: dict[str, Any], kind: int, to: str) -> None:
    tell(world, name, 70, **about)
    for _ in range(2):
        hour(world)
    assert told(world, to) == [(1, kind, 1, 70)]


def test_who_is_addressed_can_be_decided(world: World) -> None:
    tell(world, FactName.NOTICE_ADDRESSEE, "FR", "IN", number=7)
    tell(world, FactName.CCS_REVERSED, 70, "IN", number=7)
    hour(world)
    assert (told(world, "FR"), told(world, "CDM")) == ([(1, 12, 1, 70)], [])


def test_a_verification_report_that_is_not_in_when_due(world: World) -> None:
    cer = {"unit_type": 5, "project_identifier": 7}
    cdm_issues(world, 1, 100, cer, [])
    tell(world, FactName.VERIFICATION_DUE, START.date(), "IN", number=7)
    world.clock.set(START + DAY)
    for _ in range(2):
        hour(world)
    assert [each[1:] for each in told(world, "CDM")] == [(13, 1, 100)]


def test_identifiers_do_not_clash_with_loaded_ones(world: World, itl: Command) -> None:
    with world.hub.database.write() as connection:
        enter_notice(connection, Notice(700, 2, 1, "GB", target_value=5, commit_period=1))
    itl("notice", "raise", "GB", *NET_SOURCE, *WHY)
    itl("notice", "withdraw", "701", *WHY)
    itl("notice", "raise", "GB", *NET_SOURCE, *WHY)
    assert [row.identifier for row in world.rows(t.notices)] == [700, 701, 703]
    with pytest.raises(LogError, match="raised by this log"), world.hub.database.write() as connection:
        enter_notice(connection, Notice(701, 2, 1, "GB", target_value=5, commit_period=1))


def test_two_that_saw_the_same_raise_it_once(world: World) -> None:
    world.hub.administration.once()
    tell(world, FactName.NON_COMPLIANCE, 70, "GB", period=1)
    world.clock.advance(timedelta(hours=1))
    with world.hub.database.read() as connection:
        seen = [timer for timer in timers.due(connection, world.clock()) if timer.subject == "non-compliance"]
    world.hub.administration.once()
    for timer in seen:
        world.hub.administration._ring(timer)
    assert len(world.rows(t.notices)) == 1
