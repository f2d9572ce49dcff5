"""The commands, as a user types them."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url

from itl.cli.main import main
from itl.cli.sandbox import prepare
from itl.settings import Settings
from itl.store import tables as t
from itl.store.database import Database
from itl.store.reference_data import load_access
from tests.databases import FreshDatabase
from tests.store.test_schema import unit_row

SAMPLES = Path(__file__).parent.parent / "wire" / "samples"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `itl` with arguments; gives exit code, standard output and standard error."""

    def itl(*arguments: str) -> tuple[int, str, str]:
        code = main(["--log-level", "error", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return itl


@pytest.fixture
def sandbox_url(database_url: str) -> str:
    prepare(Settings(database=database_url))
    return database_url


def test_migrate_makes_a_database_of_nothing(run: Run, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    assert run("migrate", "--database", url)[0] == 0
    assert run("holdings", "--database", url, "--format", "csv")[0] == 0


def test_migrate_does_not_show_the_password(run: Run, fresh_database: FreshDatabase) -> None:
    url = make_url(fresh_database("postgresql", None))
    secret = url if url.password else url.set(password="kept-to-itself")
    said = run("migrate", "--database", secret.render_as_string(hide_password=False))[1]
    shown = secret.render_as_string(hide_password=True)
    assert ":***@" in shown
    assert said == f"{shown} is at the newest schema; its environment is production\n"


def test_a_database_that_was_not_migrated_is_refused_with_the_command_that_helps(run: Run, tmp_path: Path) -> None:
    code, _, err = run("holdings", "--database", f"sqlite:///{tmp_path}/empty.db")
    assert code == 2
    assert "itl migrate" in err


def test_holdings_as_csv(run: Run, sandbox_url: str) -> None:
    database = Database(sandbox_url)
    with database.write() as connection:
        connection.execute(t.unit_blocks.insert(), [unit_row(1, 1000), unit_row(2001, 2300) | {"account_type": 300}])
    code, out, _ = run("holdings", "--database", sandbox_url, "--by", "party,unit,cp", "--format", "csv")
    assert code == 0
    (row,) = csv.DictReader(io.StringIO(out))
    assert row == {
        "party": "GB", "unit": "AAU", "cp": "1", "issued": "1300", "converted_in": "0", "converted_out": "0",
        "held": "1000", "cancelled": "0", "retired": "300", "replaced": "0",
    }  # fmt: skip


def test_holdings_by_something_else_are_not_there(run: Run, sandbox_url: str) -> None:
    code, _, err = run("holdings", "--database", sandbox_url, "--by", "colour")
    assert code == 2
    assert "party,unit,cp" in err


def test_enrol_adds_and_changes_and_lists(run: Run, sandbox_url: str) -> None:
    database = ("--database", sandbox_url)
    credentials = ("--user", "ch", "--password", "secret-ch")
    code, out, _ = run("enrol", "CH", *credentials, "--url", "http://ch.example/", *database)
    assert code == 0
    assert out.startswith("enrolled: CH (party) at http://ch.example/")
    code, out, _ = run("enrol", "CH", "--may-propose", "no", *database)
    assert code == 0
    assert "at http://ch.example/" in out
    assert "may propose: no" in out
    listed = {each["code"]: each for each in json.loads(run("enrol", "--list", "--json", *database)[1])}
    assert set(listed) == {"GB", "FR", "JP", "CDM", "CH"}
    assert (listed["CH"]["may_propose"], listed["CH"]["may_accept"]) == (False, True)


def test_enrol_revokes_a_credential(run: Run, sandbox_url: str) -> None:
    database = ("--database", sandbox_url)
    assert run("enrol", "GB", "--user", "gb-2", "--password", "new", "--revoke-user", "gb", *database)[0] == 0
    assert "  basic gb, revoked\n  basic gb-2\n" in run("enrol", "--list", *database)[1]
    listed = {each["code"]: each["credentials"] for each in json.loads(run("enrol", "--list", "--json", *database)[1])}
    assert [(each["name"], each["revoked"]) for each in listed["GB"]] == [("gb", True), ("gb-2", False)]
    assert [(each["name"], each["revoked"]) for each in listed["FR"]] == [("fr", False)]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "enrol whom"),
        (("GB", "--revoke-user", "fr"), "GB has no basic credential 'fr'"),
        (("GB", "--revoke-certificate", "ab12"), "no certificate credential"),
        (("CH", "--user", "ch"), "go together"),
        (("CH", "--user", "gb", "--password", "x"), "belongs to GB"),
        (("CH", "--certificate", "/nowhere.pem"), "nowhere.pem"),
    ],
)
def test_enrol_says_what_is_wrong(run: Run, sandbox_url: str, arguments: tuple[str, ...], reason: str) -> None:
    code, _, err = run("enrol", *arguments, "--database", sandbox_url)
    assert code == 2
    assert reason in err


def test_decode_reads_a_request_as_it_came_over_http(run: Run) -> None:
    code, out, _ = run("decode", str(next(SAMPLES.rglob("axis-acceptNotification.http"))))
    assert code == 0
    assert json.loads(out) == {
        "operation": "acceptNotification",
        "request": {
            "from": "GB", "to": "ITL", "majorVersion": 1, "minorVersion": 1, "transactionIdentifier": "GB100001",
            "transactionStatus": 4, "partyType": 0, "evaluationResult": [],
        },
    }  # fmt: skip


def test_decode_says_where_and_why_a_message_cannot_be_read(run: Run, tmp_path: Path) -> None:
    text = next(SAMPLES.rglob("axisnomultiref-acceptProposal.http")).read_text()
    bad = tmp_path / "bad.http"
    bad.write_text(text.replace('<majorVersion xsi:type="xsd:int">1<', '<majorVersion xsi:type="xsd:int">x<'))
    code, _, err = run("decode", str(bad))
    assert code == 1
    assert "1102" in err
    assert "majorVersion" in err


def test_decode_of_a_file_that_is_not_there(run: Run) -> None:
    code, _, err = run("decode", "/nowhere.http")
    assert code == 2
    assert "/nowhere.http" in err


@pytest.mark.parametrize("code", [1001, 2017, 3009, 4003, 5010, 6201, 7027])
def test_check_explains_any_code(run: Run, code: int) -> None:
    done, out, _ = run("check", str(code))
    assert done == 0
    assert out.startswith(f"{code} ")
    for field in ("passes when", "stage", "basis", "evidence"):
        assert f"\n{field}" in out


def test_check_shows_samples_and_lists_all(run: Run) -> None:
    assert "fails for GB 41-100: Held by FR" in run("check", "4003")[1]
    listed = json.loads(run("check", "--list", "--json")[1])
    assert len(listed) > 140
    assert json.loads(run("check", "4003", "--json")[1])["code"] == 4003


def test_check_of_a_code_that_is_none(run: Run) -> None:
    code, _, err = run("check", "9999")
    assert code == 2
    assert "9999" in err


def test_queue_and_transaction_of_a_log_at_rest(run: Run, sandbox_url: str) -> None:
    assert "every message is delivered" in run("queue", "--database", sandbox_url)[1]
    assert json.loads(run("queue", "--json", "--database", sandbox_url)[1])["inbox"] == 0
    code, _, err = run("transaction", "GB1", "--database", sandbox_url)
    assert code == 1
    assert "GB1" in err


def test_the_story_ends_well(run: Run) -> None:
    code, out, err = run("story", "--once")
    assert code == 0, err
    assert "Every exchange ended as it should" in out
    for refused in ("5010", "5107", "4003", "4013", "5902", "1502"):
        assert f"   {refused} " in out


@pytest.mark.parametrize("url", ["gb.example", "ftp://gb.example/", "http:///nowhere"])
def test_enrol_refuses_an_address_that_is_none(run: Run, sandbox_url: str, url: str) -> None:
    code, _, err = run("enrol", "GB", "--url", url, "--database", sandbox_url)
    assert code == 2
    assert url in err


def test_enrol_reads_a_password_from_standard_input(
    run: Run, sandbox_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("pass phrase\n"))
    assert run("enrol", "CH", "--user", "ch", "--password", "-", "--database", sandbox_url)[0] == 0
    with Database(sandbox_url).read() as connection:
        access = load_access(connection)
    found = access.user("ch", "pass phrase")
    assert found is not None
    assert found.registry == "CH"
    assert access.user("ch", "-") is None
