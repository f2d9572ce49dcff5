"""`itl reconcile`: what differs is shown; corrections are proposed, confirmed by another person, or withdrawn."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import pytest

from itl.cli import reconcile
from itl.errors import LogError, UsageError
from itl.store import access
from tests.cli.commands import Command, as_json, command
from tests.databases import FreshDatabase
from tests.hub.world import World, sandbox
from tests.store.reconciling import find, missing

WHY = ("--reason", "letter of 3 May", "--evidence", "the registry's extract", "--by", "ada")
SECOND = ("--reason", "looked at it", "--by", "bob")


@pytest.fixture
def world(fresh_database: FreshDatabase) -> Iterator[World]:
    """GB holds 1-100, and the registry does not name 41-60."""
    with patch.dict(access._COST, n=2), World.on(fresh_database("sqlite", sandbox)) as made:
        made.issue(1, 100)
        with made.hub.database.write() as connection:
            find(connection, "GB1", [missing(41, 60)], made.clock())
        yield made


@pytest.fixture
def itl(world: World, capsys: pytest.CaptureFixture[str]) -> Command:
    run = command(reconcile, capsys, "--database", world.url)
    return lambda *words, **more: run("reconcile", *words, **more)


def test_inconsistencies_are_shown_with_both_views(itl: Command) -> None:
    [_, line] = itl("inconsistencies", "GB").splitlines()
    assert line.split("  ")[0] == "GB 41-60"
    assert {"missing", "100 period 0 type 1", "nothing"} <= {word.strip() for word in line.split("  ")}
    [found] = as_json(itl("inconsistencies", "GB", "--json"))
    assert found["difference"]["range"] == {"originating_registry": "GB", "start": 41, "end": 60}
    assert as_json(itl("inconsistencies", "FR", "--json")) == []


PROPOSALS = {
    "move": (
        ("move", "GB:41-60", "--account-type", "230", "--account", "7"),
        ("GB 41-60: GB-100-2002, ", " -> GB-230-7, "),
    ),
    "move to another registry": (("move", "GB 41-60", "--to", "FR", "--account-type", "100"), (" -> FR-100, ",)),
    "alter": (
        (
            "alter",
            "GB:1-9",
            "gb:15",
            "--applicable-commit-period",
            "2",
            "--replaced",
            "yes",
            "--expiry-date",
            "2020-01-31",
        ),
        ("GB 1-9", "GB 15-15", "expiry date 2020-01-31", "replaced True"),
    ),
    "remove": (("remove", "GB:91-100"), ("GB 91-100: ", " -> nothing")),
    "add": (
        (
            *("add", "GB:101-110", "--to", "GB", "--account-type", "100", "--unit-type", "1"),
            *("--original-commit-period", "1", "--applicable-commit-period", "1"),
        ),
        ("GB 101-110: nothing -> GB-100, ",),
    ),
    "request": (("request", "GB:41-60", "--registry", "GB", "--text", "Mend it."), ("message: Mend it.", "GB 41-60")),
    "release": (("release", "GB:41-60", "--registry", "GB"), ("GB 41-60",)),
}


@pytest.mark.parametrize(("words", "shown"), PROPOSALS.values(), ids=PROPOSALS)
def test_a_correction_is_proposed_shown_and_confirmed(
    itl: Command, words: tuple[str, ...], shown: tuple[str, ...]
) -> None:
    assert "correction 1 is proposed" in itl("propose", *words, *WHY)
    told = itl("correction", "1")
    assert all(part in told for part in (*shown, "by ada: letter of 3 May", "evidence: the registry's extract"))
    assert as_json(itl("correction", "1", "--json")) == as_json(itl("corrections", "--json"))[0]
    assert "correction 1 is confirmed" in itl("confirm", "1", *SECOND)
    assert "confirmed" in itl("corrections", "--status", "confirmed").splitlines()[1]
    assert "by bob: looked at it" in itl("correction", "1")


def test_one_person_is_not_enough(itl: Command) -> None:
    itl("propose", "remove", "GB:91-100", *WHY)
    with pytest.raises(UsageError, match="another person"):
        itl("confirm", "1", "--reason", "it is right", "--by", "Ada")
    assert "withdrawn" in itl("withdraw", "1", *SECOND)


def test_a_file_is_recorded_by_its_digest(itl: Command, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("41-60 were cancelled.")
    itl("propose", "remove", "GB:91-100", *WHY, "--evidence-file", str(letter))
    evidence = as_json(itl("correction", "1", "--json"))["author"]["evidence"]
    assert evidence == {
        "text": "the registry's extract; letter.txt, 21 bytes",
        "sha256": sha256(letter.read_bytes()).hexdigest(),
    }
    assert evidence["sha256"] in itl("correction", "1")


REFUSED = {
    "no reason": (("remove", "GB:1-9", "--evidence", "x"), "--reason"),
    "no evidence": (("remove", "GB:1-9", "--reason", "x"), "--evidence"),
    "no units": (("remove", "GB", *WHY), "names no units"),
    "units the wrong way round": (("remove", "GB:9-1", *WHY), "not before the first"),
    "serial 0": (("remove", "GB:0-1", *WHY), "begin with 1"),
    "units that the log does not have": (("remove", "GB:100-101", *WHY), "does not have GB 101-101"),
    "units that the log has": (
        (
            *("add", "GB:100-101", "--to", "GB", "--account-type", "100", "--unit-type", "1"),
            *("--original-commit-period", "1", "--applicable-commit-period", "1", *WHY),
        ),
        "has GB 100-100 already",
    ),
    "units of which not enough is told": (("add", "GB:101", "--account-type", "100", *WHY), "--unit-type, .*--to"),
    "a registry that is not there": (("move", "GB:1", "--to", "XX", "--account-type", "100", *WHY), "XX: no registry"),
    "an account type that is not there": (("move", "GB:1", "--account-type", "101", *WHY), "account type 101"),
    "a period that is not there": (("alter", "GB:1", "--original-commit-period", "7", *WHY), "commit-period 7"),
    "nothing changes": (("move", "GB:1", "--account-type", "100", "--account", "2002", *WHY), "nothing to correct"),
    "nothing is told": (("alter", "GB:1", *WHY), "at least one attribute"),
    "nothing to release": (("release", "GB:1-9", "--registry", "GB", *WHY), "nothing to release"),
    "a file that is not there": (("remove", "GB:1", "--evidence-file", "/nowhere/letter", *WHY), "/nowhere/letter"),
}


@pytest.mark.parametrize(("words", "why"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_proposed(itl: Command, words: tuple[str, ...], why: str) -> None:
    with pytest.raises(LogError, match=why):
        itl("propose", *words)
    assert as_json(itl("corrections", "--json")) == []


def test_what_was_never_proposed_is_not_there(itl: Command) -> None:
    for words in (("correction", "9"), ("confirm", "9", *SECOND), ("withdraw", "9", *SECOND)):
        with pytest.raises(UsageError, match="no correction 9"):
            itl(*words)
