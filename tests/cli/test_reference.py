"""`itl reference`: facts and notices from files and by command, who said so, and what is shown of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from itl.cli import reference
from itl.errors import ReferenceDataError, UsageError
from itl.reference import Notice, NoticeStatus, PartyPeriod, Right
from itl.store.database import Database
from itl.store.enrolment import put_sandbox
from itl.store.notices import load
from itl.store.reference_data import load_reference, projects
from tests.cli.commands import Command, as_json, command

NOW = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def itl(database: Database, capsys: pytest.CaptureFixture[str]) -> Command:
    return command(reference, capsys, "--database", database.url)


OWN_CSV = """\
fact,party,period,activity,unit_type,project,value,valid_from,reason
assigned amount,GB,1,,,,3412080630,2008-01-01,report of the review
RMU limit,GB,1,3,,,1356666,2008-01-01,
may use,GB,,,6,,no,2010-01-01,
project units,IN,,,,2241,5 6,2005-01-01,
project quantity,IN,1,,5,2241,900,2008-01-01,
true-up end,GB,1,,,,2015-11-19,2008-01-01,
"""


def test_a_file_of_our_own_form(itl: Command, database: Database, tmp_path: Path) -> None:
    file = tmp_path / "facts.csv"
    file.write_text(OWN_CSV)
    assert "recorded: 6 facts, 0 notices" in itl("reference", "load", str(file), "--by", "the secretariat")
    assert "recorded: 0 facts, 0 notices; known already: 6" in itl("reference", "load", str(file))
    with database.read() as connection:
        known = load_reference(connection, NOW)
        found = projects(connection, {("IN", 2241)}, NOW)
    true_up = datetime(2015, 11, 19, tzinfo=UTC)
    assert known.party_periods == {("GB", 1): PartyPeriod("GB", 1, true_up, 3412080630, rmu_limits={3: 1356666})}
    assert known.ineligible == {("GB", Right.USE, 6)}
    assert {"GB", "IN"} <= known.parties
    assert found["IN", 2241].quantities == {(5, 1): 900}
    shown = as_json(itl("reference", "show", "GB", "--json"))["facts"]
    [amount] = [each for each in shown if each["fact"] == "assigned amount"]
    assert amount["about"] == {"party": "GB", "period": 1}
    assert (amount["recorded_by"], amount["reason"]) == ("the secretariat", "report of the review")


OWN_TOML = """\
[[fact]]
fact = "assigned amount"
party = "GB"
period = 2
value = 2743362625
valid_from = 2013-01-01

[[notice]]
identifier = 17
type = 4
registry = "GB"
party = "IN"
project = 2241
quantity = 50
due = 2014-03-01
blocks = ["IN 1-100", "IN 201-210"]
reason = "fire"
"""


def test_notices_come_from_a_toml_file(itl: Command, database: Database, tmp_path: Path) -> None:
    with database.write() as connection:
        put_sandbox(connection, NOW)
    file = tmp_path / "facts.toml"
    file.write_text(OWN_TOML)
    assert "recorded: 1 facts, 1 notices" in itl("reference", "load", str(file), "--by", "the Board")
    with database.read() as connection:
        notice = load(connection, [17], [])[17]
    assert (notice.status, notice.project, notice.target_value) == (NoticeStatus.OPEN, ("IN", 2241), 50)
    assert [(each.start, each.end) for each in notice.blocks] == [(1, 100), (201, 210)]
    [shown] = as_json(itl("reference", "show", "GB", "--json"))["notices"]
    assert (shown["due"], shown["recorded_by"], shown["reason"]) == ("2014-03-01", "the Board", "fire")
    assert "notice 17 of type 4 to GB, project IN 2241, 50 units: open" in itl("reference", "show", "GB")
    assert isinstance(notice, Notice)


@pytest.mark.parametrize(("name", "recorded"), [("facts.csv", (10, 0)), ("notices.toml", (1, 1))])
def test_the_examples_of_the_documentation_can_be_loaded(
    itl: Command, database: Database, name: str, recorded: tuple[int, int]
) -> None:
    with database.write() as connection:
        put_sandbox(connection, NOW)
    facts, notices = recorded
    file = Path(__file__).parents[2] / "docs" / "examples" / name
    assert f"recorded: {facts} facts, {notices} notices" in itl("reference", "load", str(file))


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("a.csv", OWN_CSV.replace("3412080630", "much"), "a.csv, line 2, column value: 'much'"),
        ("a.csv", OWN_CSV.replace("RMU limit", "RMU limits"), "a.csv, line 3, column fact: 'RMU limits'"),
        ("a.csv", OWN_CSV.replace("GB,1,3", "GB,1,9"), "a.csv, line 3, column fact: activity 9"),
        ("a.csv", OWN_CSV.replace("GB,1,3", "GB,one,3"), "a.csv, line 3, column period: 'one'"),
        ("a.csv", OWN_CSV.replace("GB,1,,,,3", "GB,,,,,3"), "a.csv, line 2, column fact: .* period is not given"),
        ("a.csv", OWN_CSV.replace("2010-01-01", "soon"), "a.csv, line 4, column valid_from"),
        ("a.csv", OWN_CSV.replace("no,2010-01-01,", "no"), "a.csv, line 4: 9 columns"),
        ("a.csv", OWN_CSV.replace("valid_from", "since"), "a.csv, line 1: unknown column 'since'"),
        ("a.csv", OWN_CSV.replace("assigned amount,GB", "assigned amount,XQ"), "XQ"),
        ("a.toml", OWN_TOML.replace("2743362625", '"much"'), "a.toml, line 5, column value: 'much'"),
        ("a.toml", OWN_TOML.replace("due = 2014-03-01", "due = 2014"), "a.toml, line 15, column due: 2014"),
        ("a.toml", OWN_TOML.replace("IN 201-210", "IN 210-201"), "a.toml, line 16, column blocks: 'IN 210-201'"),
        ("a.toml", OWN_TOML.replace("quantity", "amount"), "a.toml, line 14, column amount: unknown"),
        ("a.toml", OWN_TOML.replace("type = 4", "type = "), "a.toml: .*line 10, column 8"),
        ("a.toml", OWN_TOML.replace("[[notice]]", "[[message]]"), "a.toml: 'message' is neither"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_nothing_is_taken(
    fresh_database: object, itl: Command, database: Database, tmp_path: Path, name: str, text: str, where: str
) -> None:
    with database.write() as connection:
        put_sandbox(connection, NOW)
    before = itl("reference", "show", "--history", "--json")
    (tmp_path / name).write_text(text)
    with pytest.raises(ReferenceDataError, match=where):
        itl("reference", "load", str(tmp_path / name))
    assert itl("reference", "show", "--history", "--json") == before


PUBLIC = """\
registry_code,party,fact,unit_type,commitment_period,quantity,date,source_url,note
FR,France,emission level allocated for CP1 (a decision),AAU,1,2819626640,2010-12-16,https://example.org/a,
NZ,New Zealand,assigned amount,AAU,1,309564733,2009,https://example.org/b,
NZ,New Zealand,commitment period reserve,any,1,278608260,2009,https://example.org/b,"90 %, rounded up"
UA,Ukraine,issuance transaction,RMU,1,2875443,2017-06-23/26,https://example.org/c,ordered
ITL,International Transaction Log,start of live operations,,,,2007-11-14,https://example.org/d,
"""


def test_the_public_collection_gives_assigned_amounts_and_reserves(
    itl: Command, database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "public.csv"
    file.write_text(PUBLIC)
    printed = itl("reference", "load", str(file))
    assert "recorded: 3 facts" in printed
    assert "line 5 skipped, UA: issuance transaction: something that happened" in printed
    assert "line 6 skipped, ITL: start of live operations" in printed
    with database.read() as connection:
        known = load_reference(connection, datetime(2008, 1, 1, tzinfo=UTC)).party_periods
    assert known == {
        ("FR", 1): PartyPeriod("FR", 1, assigned_amount=2819626640),
        ("NZ", 1): PartyPeriod("NZ", 1, assigned_amount=309564733, recorded_reserve=278608260),
    }
    [reserve] = [
        each
        for each in as_json(itl("reference", "show", "NZ", "--json"))["facts"]
        if each["fact"] == "recorded reserve"
    ]
    assert "90 %, rounded up, of 2009, https://example.org/b" in reserve["reason"]


def test_facts_by_command_with_their_history(itl: Command, database: Database) -> None:
    with database.write() as connection:
        put_sandbox(connection, NOW)
    about = ("--party", "GB", "--period", "2")
    told = ("--by", "the operator", "--reason", "the review ended", "--valid-from", "2016-01-01")
    printed = itl("reference", "set", "assigned amount", "2743362625", *about, *told)
    assert printed == "recorded: assigned amount of GB period 2: 2743362625 from 2016-01-01T00:00:00Z\n"
    assert itl("reference", "set", "assigned amount", "2743362625", *about, *told).startswith("known already")

    def shown(*more: str) -> list[object]:
        facts = as_json(itl("reference", "show", "GB", "--json", *more))["facts"]
        return [each["value"] for each in facts if each["fact"] == "assigned amount" and each["about"]["period"] == 2]

    assert shown() == [2743362625]
    assert shown("--at", "2015-12-31") == [10**12]
    assert shown("--history") == [10**12, 2743362625]
    itl("reference", "set", "assigned amount", "none", *about, *told)
    assert shown() == []
    assert "the review ended" in itl("reference", "show", "GB", "--history")


@pytest.mark.parametrize(
    "arguments",
    [
        ("assigned amount", "1", "--party", "GB", "--period", "2"),
        ("a wish", "1", "--reason", "why not"),
        ("assigned amount", "1", "--party", "GB", "--reason", "because"),
        ("assigned amount", "minus one", "--party", "GB", "--period", "2", "--reason", "because"),
    ],
)
def test_a_command_that_cannot_be_followed_is_refused(itl: Command, arguments: tuple[str, ...]) -> None:
    with pytest.raises((UsageError, ReferenceDataError)):
        itl("reference", "set", *arguments)
