"""An enrolment: what may be recorded after what, where that leads, and that what has not passed is not live."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from itl.lifecycle.enrolment import DOCUMENTS, GO_LIVE, STEPS, Entry, Procedure, Result, against, follow, places
from itl.reference import Stage

NOW = datetime(2014, 6, 1, tzinfo=UTC)
PASSED, FAILED, RECEIVED, WAIVER, WAIVED = (
    Result.PASSED,
    Result.FAILED,
    Result.RECEIVED,
    Result.WAIVER,
    Result.WAIVED,
)


def entry(step: str, item: str | None = None, result: Result = PASSED, by: str = "ada") -> Entry:
    return Entry(step, item, result, by, NOW, "seen")


def passing(names: Iterable[str]) -> list[Entry]:
    """All that it takes to pass these steps."""
    made = []
    for name in names:
        step = STEPS[name]
        for place in places(step):
            made += [entry(*place, RECEIVED)] if step.is_received else []
            made.append(entry(*place))
    return made


BEFORE = [name for name in STEPS if name != GO_LIVE]
ALL = passing(STEPS)


def recorded(entries: Iterable[Entry]) -> Procedure:
    """Where entries lead that are recorded one after the other, each as far as it may be."""
    kept: list[Entry] = []
    for each in entries:
        if against(follow(kept), each) is None:
            kept.append(each)
    return follow(kept)


def test_the_whole_way_in_order_ends_live() -> None:
    for number, each in enumerate(ALL):
        procedure = follow(ALL[:number])
        assert against(procedure, each) is None, each
        assert procedure.stage is not Stage.LIVE
    assert recorded(ALL).stage is Stage.LIVE
    assert recorded(ALL).next_steps == []


def test_every_step_comes_after_those_that_it_presupposes() -> None:
    names = list(STEPS)
    for name, step in STEPS.items():
        assert set(step.presupposes) <= set(names[: names.index(name)])
    assert set(STEPS[GO_LIVE].presupposes) == set(BEFORE)


@pytest.mark.parametrize("missing", BEFORE)
def test_a_step_that_is_missing_keeps_the_registry_from_going_live(missing: str) -> None:
    procedure = recorded(each for each in ALL if each.step != missing)
    assert procedure.stage is not Stage.LIVE
    assert missing in (against(procedure, entry(GO_LIVE)) or "")
    assert [step.name for step in procedure.next_steps] == [missing]


@pytest.mark.parametrize("place", [place for name in BEFORE for place in places(STEPS[name])])
@pytest.mark.parametrize("result", [FAILED, RECEIVED, WAIVER])
def test_what_has_not_passed_is_not_live(place: tuple[str, str | None], result: Result) -> None:
    """Each contact, document and step, with the other results that it can have."""
    instead = replace(entry(*place), result=result)
    procedure = recorded(instead if each.place == place and each.result is PASSED else each for each in ALL)
    assert procedure.stage is not Stage.LIVE


@pytest.mark.parametrize("place", [place for name in BEFORE for place in places(STEPS[name])])
def test_what_fails_before_the_go_live_has_to_pass_again(place: tuple[str, str | None]) -> None:
    before = passing(BEFORE)
    failed = follow([*before, entry(*place, FAILED)])
    assert place[0] in (against(failed, entry(GO_LIVE)) or "")
    again = [entry(*place, RECEIVED)] if place[0] == "documents" else []
    mended = follow([*before, entry(*place, FAILED), *again, entry(*place)])
    assert against(mended, entry(GO_LIVE)) is None


@pytest.mark.parametrize(
    ("entries", "stage"),
    [
        ([], Stage.PREPARING),
        (passing(["details"]), Stage.PREPARING),
        (passing(["details"])[:-1] + passing(["certificate"]), Stage.PREPARING),
        (passing(["details", "certificate"]), Stage.CONNECTING),
        ([*passing(["details", "certificate"]), entry("certificate", result=FAILED)], Stage.PREPARING),
        ([*passing(["details", "certificate"]), entry("details", "administrator", FAILED)], Stage.PREPARING),
        ([entry("certificate", result=WAIVER), entry("certificate", result=WAIVED, by="ben")], Stage.PREPARING),
        (passing(BEFORE), Stage.CONNECTING),
        (passing(STEPS), Stage.LIVE),
        ([*passing(STEPS), entry("documents", "security-plan", FAILED)], Stage.LIVE),
        ([*passing(STEPS), entry("certificate", result=FAILED)], Stage.LIVE),
        ([*passing(STEPS), entry(GO_LIVE, result=FAILED)], Stage.CONNECTING),
        ([*passing(STEPS), entry(GO_LIVE, result=FAILED), entry(GO_LIVE)], Stage.LIVE),
    ],
    ids=[
        "nothing", "details", "a contact is missing", "certificate", "certificate failed",
        "nobody answers for it any more", "no certificate is wanted, but contacts", "all but the decision", "all",
        "a later finding changes nothing", "nor of the certificate", "taken back", "and given again",
    ],
)  # fmt: skip
def test_what_a_registry_may_do_follows_from_the_entries_alone(entries: list[Entry], stage: Stage) -> None:
    assert recorded(entries).stage is stage


ONE = next(iter(DOCUMENTS))
CONNECTED = passing(["details", "certificate"])


@pytest.mark.parametrize(
    ("entries", "given", "reason"),
    [
        ([], entry("connexion"), "no step connexion"),
        ([], entry("details"), "recorded by its items: administrator"),
        ([], entry("details", "gardener"), "recorded by its items"),
        (CONNECTED, entry("connection", "cable"), "has no items"),
        ([], entry("certificate"), "presupposes what is not passed yet: details"),
        ([], entry("certificate", result=FAILED), None),
        ([], entry("details", "administrator", RECEIVED), "passed or failed, not received"),
        (CONNECTED, entry("documents", ONE), "was not received yet"),
        (CONNECTED, entry("documents", ONE, RECEIVED), None),
        ([*CONNECTED, entry("documents", ONE, RECEIVED)], entry("documents", ONE), None),
        ([*CONNECTED, entry("documents", ONE, RECEIVED), entry("documents", ONE)], entry("documents", ONE), None),
        ([entry("documents", ONE, RECEIVED), entry("documents", ONE, FAILED)], entry("documents", ONE, FAILED), None),
        (
            [*CONNECTED, entry("documents", ONE, RECEIVED), entry("documents", ONE, FAILED)],
            entry("documents", ONE),
            "was not received yet",
        ),
        ([], entry("functional", result=WAIVER), None),
        ([], entry("functional", result=WAIVED), "nobody has asked"),
        ([entry("functional", result=WAIVER)], entry("functional", result=WAIVED), "let another person"),
        ([entry("functional", result=WAIVER)], entry("functional", result=WAIVED, by=" ADA "), "let another person"),
        ([entry("functional", result=WAIVER)], entry("functional", result=WAIVED, by="ben"), None),
        ([entry("functional", result=WAIVER)], entry("certificate", result=WAIVED, by="ben"), "nobody has asked"),
        (
            [entry("functional", result=WAIVER), entry("functional", result=FAILED)],
            entry("functional", result=WAIVED, by="ben"),
            "nobody has asked",
        ),
        (
            [entry("functional", result=WAIVER), entry("functional", result=WAIVED, by="ben")],
            entry("functional", result=WAIVED, by="cy"),
            "nobody has asked",
        ),
        ([], entry("details", "administrator", WAIVER), "nobody can do without details"),
        (passing(BEFORE), entry(GO_LIVE, result=WAIVER), "nobody can do without go-live"),
    ],
)
def test_what_may_be_recorded(entries: list[Entry], given: Entry, reason: str | None) -> None:
    found = against(follow(entries), given)
    assert found is None if reason is None else reason in (found or "")


def test_two_persons_can_do_without_a_step() -> None:
    waived = [entry("functional", result=WAIVER), entry("functional", result=WAIVED, by="ben")]
    others = [each for each in ALL if each.step != "functional"]
    assert recorded([*waived, *others]).stage is Stage.LIVE
    assert recorded([waived[0], *others]).stage is Stage.CONNECTING
