"""Relayed documents: read within bounds, carried out all or not at all, each once, and answered by an outcome."""

from __future__ import annotations

import time
from typing import Any

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from itl.messages import RelayRequest
from itl.store import tables as log
from itl.supplement import book, compliance, documents
from itl.supplement import tables as t
from itl.supplement.documents import NAMESPACE, OPERATIONS, UnfitDocument, outcome, read
from itl.supplement.scheme import Holder, SchemeAccount
from tests.hub.world import units
from tests.supplement.world import CODE, SOURCE, SchemeWorld


def document(operation: str, inner: str) -> str:
    return f'<{operation} xmlns="{NAMESPACE}">{inner}</{operation}>'


def item(name: str, *more: str, **elements: object) -> str:
    return f"<{name}>{''.join(f'<{key}>{value}</{key}>' for key, value in elements.items())}{''.join(more)}</{name}>"


def account(number: int, account_type: int = 120, more: str = "") -> str:
    return item("account", more, accountType=account_type, accountIdentifier=number)


OPERATOR = "<holder>operator</holder><installationIdentifier>9</installationIdentifier>"
EMISSIONS = item("emissions", installationIdentifier=7, year=2013, verified=50)
ENTRY = item("entry", commitPeriod=2, installationIdentifier=7, year=2013, quantity=60)
GOOD = {
    "accountCreation": account(1299, more=OPERATOR),
    "accountUpdate": account(1201, more=OPERATOR),
    "accountClosing": account(1201),
    "accountBlocking": account(1201, more="<blocked>true</blocked>"),
    "verifiedEmissions": EMISSIONS,
    "allocationPlanChange": ENTRY,
    "transferAgreement": "<registry>JP</registry><agreed>true</agreed>",
}


# Reading -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_document_of_each_kind_is_read(operation: str) -> None:
    found = read(operation, document(operation, GOOD[operation]))
    assert len(found.items) == 1
    assert all(found.items[0].values())


def test_the_schema_is_one_and_an_outcome_fits_it() -> None:
    schema = xmlschema.XMLSchema10(str(documents.files("itl.supplement") / "documents.xsd"))
    assert set(schema.elements) == OPERATIONS | {"outcome"}
    schema.validate(outcome("GB1", "accountCreation", None))
    schema.validate(outcome("GB1", "accountCreation", "<&> no"))


BILLION = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    + document("verifiedEmissions", "&c;")
)
HOSTILE = {
    "nothing": ("", "no XML"),
    "no XML": ("emissions: 50", "no XML"),
    "not ended": (document("verifiedEmissions", EMISSIONS)[:-5], "no XML"),
    "entities": (BILLION, "document type"),
    "a file": ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + document("verifiedEmissions", "&a;"), "type"),
    "an entity that is not declared": (document("verifiedEmissions", "&a;"), "no XML"),
    "too long": (document("verifiedEmissions", " " * documents.LARGEST), "at most"),
    "too many elements": (document("verifiedEmissions", "<x/>" * 30_000), "elements"),
    "too deep": ("<x>" * 5000 + "</x>" * 5000, "no XML"),
    "a surrogate": (document("verifiedEmissions", "\ud800"), "no XML"),
    "another root": (document("accountClosing", account(1)), "wants"),
    "another namespace": (document("verifiedEmissions", EMISSIONS).replace(NAMESPACE, "urn:x"), "wants"),
    "no items": (document("verifiedEmissions", ""), "emissions"),
    "a number that is none": (document("verifiedEmissions", EMISSIONS.replace("50", "fifty")), "fifty"),
    "a number that is too large": (document("verifiedEmissions", EMISSIONS.replace("50", "9" * 400)), "line 1"),
    "below nothing": (document("verifiedEmissions", EMISSIONS.replace("50", "-1")), "-1"),
    "an element too many": (document("verifiedEmissions", EMISSIONS + "<x/>"), "x"),
    "an account type that a scheme does not keep": (document("accountClosing", account(1, 230)), "230"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_hostile_or_wrong_is_refused_with_what_is_wrong(case: str) -> None:
    content, complaint = HOSTILE[case]
    operation = "accountClosing" if "account type" in case else "verifiedEmissions"
    begun = time.process_time()
    with pytest.raises(UnfitDocument, match=complaint) as refused:
        read(operation, content)
    assert time.process_time() - begun < 1
    assert len(str(refused.value)) < 2000
    assert "root:" not in str(refused.value)


def test_a_document_of_no_known_operation_is_refused() -> None:
    with pytest.raises(UnfitDocument, match=r"'x+' is not known; known are accountBlocking"):
        read("x" * 10_000, document("x", ""))


def test_a_declaration_of_another_encoding_does_not_count() -> None:
    content = '<?xml version="1.0" encoding="utf-16"?>' + document("verifiedEmissions", EMISSIONS)
    assert read("verifiedEmissions", content).items[0]["year"] == "2013"


@given(st.text() | st.text(alphabet="<>&;/!?='\" abx:").map(lambda inner: document("verifiedEmissions", inner)))
@settings(max_examples=60)
def test_whatever_comes_is_read_or_refused(content: str) -> None:
    try:
        read("verifiedEmissions", content)
    except UnfitDocument as refused:
        assert str(refused)  # noqa: PT017 - either way is right


# Carrying out --------------------------------------------------------------------------------------------------------


def relay(world: SchemeWorld, operation: str, content: str, identifier: str = "1", **more: Any) -> Any:
    """GB tells the supplementary log something, through the transaction log unless `more` has another `user`."""
    user = more.pop("user", "itl")
    message = RelayRequest(
        **{"sender": "GB", "addressee": CODE, "major_version": 1, "minor_version": 1, **more},
        relay_identifier=identifier,
        operation_name=operation,
        message_content=content,
    )
    return world.say(message, user)


def told(world: SchemeWorld, code: str = "ITL") -> list[tuple[str, str, str, str | None]]:
    """Each outcome that was sent to `code`: its addressee, operation, whether it was carried out, and the problem."""
    found = []
    for message in world.peers[code].told:
        if isinstance(message, RelayRequest):
            read_ = etree.fromstring(message.message_content)
            texts = {etree.QName(each).localname: each.text for each in read_}
            found.append((message.addressee, message.operation_name, texts["carriedOut"], texts.get("problem")))
    return found


def account_of(world: SchemeWorld, *key: Any) -> SchemeAccount | None:
    with world.hub.database.read() as connection:
        return book.account(connection, key, world.clock())


def test_an_account_lives(world: SchemeWorld) -> None:
    key = ("GB", 120, 1299)
    assert relay(world, "accountCreation", document("accountCreation", GOOD["accountCreation"])) == 1
    assert account_of(world, *key) == SchemeAccount(*key, Holder.OPERATOR, 9)
    assert (
        relay(world, "accountBlocking", document("accountBlocking", account(1299, more="<blocked>1</blocked>")), "2")
        == 1
    )
    assert account_of(world, *key) == SchemeAccount(*key, Holder.OPERATOR, 9, blocked=True)
    again = account(1299, more=OPERATOR.replace("9", "10"))
    assert relay(world, "accountUpdate", document("accountUpdate", again), "3") == 1
    assert account_of(world, *key) == SchemeAccount(*key, Holder.OPERATOR, 10, blocked=True)
    assert relay(world, "accountClosing", document("accountClosing", account(1299)), "4") == 1
    assert account_of(world, *key) == SchemeAccount(*key, Holder.OPERATOR, 10, blocked=True, closed=True)
    assert relay(world, "accountUpdate", document("accountUpdate", again), "5") == 1
    world.settle()
    assert [(addressee, name, done) for addressee, name, done, _ in told(world)] == [
        ("GB", "receiveAccountCreationOutcome", "true"),
        ("GB", "receiveAccountBlockingOutcome", "true"),
        ("GB", "receiveAccountUpdateOutcome", "true"),
        ("GB", "receiveAccountClosingOutcome", "true"),
        ("GB", "receiveAccountUpdateOutcome", "false"),
    ]
    assert told(world)[-1][3] == "account GB-120-1299 is closed"
    assert [row.recorded_by for row in world.rows(t.accounts, t.accounts.c.identifier == 1299)] == ["GB"] * 4


def test_emissions_plans_and_agreements(world: SchemeWorld) -> None:
    for number, operation in enumerate(("verifiedEmissions", "allocationPlanChange", "transferAgreement")):
        assert relay(world, operation, document(operation, GOOD[operation]), str(number)) == 1
    with world.hub.database.read() as connection:
        [year] = compliance.of(connection, world.clock())
        plan = book.plan(connection, [("GB", 2)], [("GB", 7, 2013)], world.clock())
        assert book.agreements(connection, world.clock()) == {"JP"}
    assert (year.registry, year.installation, year.verified) == ("GB", 7, 50)
    assert (plan.issuable, plan.allocations) == ({("GB", 2): 60}, {("GB", 7, 2013): 60})


def test_one_item_that_does_not_stand_leaves_nothing_of_the_others(world: SchemeWorld) -> None:
    both = account(1298, more=OPERATOR) + account(1201, more=OPERATOR)
    assert relay(world, "accountCreation", document("accountCreation", both)) == 1
    world.settle()
    assert told(world) == [
        (
            "GB",
            "receiveAccountCreationOutcome",
            "false",
            "account GB-120-1201 is there already; change it by accountUpdate",
        )
    ]
    assert account_of(world, "GB", 120, 1298) is None
    assert [(row.outcome, row.problem[:7]) for row in world.rows(t.documents)] == [("refused", "account")]


@pytest.mark.parametrize(
    ("operation", "inner", "problem"),
    [
        ("accountCreation", account(1290, more="<holder>operator</holder>"), "an operator's has an installation"),
        ("accountClosing", account(9), "account GB-120-9 is not there"),
        ("accountClosing", account(1001, 100), "account GB-100-1001 holds units"),
        ("allocationPlanChange", ENTRY.replace("<year>2013</year>", ""), "has installationIdentifier and year"),
        ("transferAgreement", "<registry>FR</registry><agreed>true</agreed>", "FR is a member"),
    ],
)
def test_what_does_not_stand_is_answered_with_why(world: SchemeWorld, operation: str, inner: str, problem: str) -> None:
    world.hold(1, 100)
    assert relay(world, operation, document(operation, inner)) == 1
    world.settle()
    [(_, _, done, why)] = told(world)
    assert (done, problem in str(why)) == ("false", True)


def test_a_plan_does_not_fall_below_what_is_allocated(world: SchemeWorld) -> None:
    world.hold(1, 100)
    with world.hub.database.write() as connection:
        book.put_plan(connection, "GB", 1, 7, 2013, 60, SOURCE)
        connection.execute(log.unit_blocks.update().values(supp_unit_type=1))
    block = units(
        1,
        60,
        installation_identifier=7,
        year_in_commitment_period=2013,
        supp_unit_type=1,
        acquiring_registry_account_type=120,
        acquiring_registry_account_identifier=1201,
    )
    assert world.relay("GB", "GB2", 10, block, accounts=(100, 120), supp_transaction_type=53) == 1
    world.settle()
    assert world.answers[-1] == ("GB2", 9, [])
    assert relay(world, "allocationPlanChange", document("allocationPlanChange", ENTRY.replace("60", "59"))) == 1
    world.settle()
    assert told(world)[-1][3] == "installation 7 was allocated 60 for 2013 already; it cannot have 59"


def test_a_repeat_is_carried_out_once_and_an_identifier_is_used_once(world: SchemeWorld) -> None:
    content = document("accountCreation", GOOD["accountCreation"])
    assert relay(world, "accountCreation", content) == 1
    assert relay(world, "accountCreation", content) == 1
    assert relay(world, "accountCreation", content.replace("1299", "1298")) == (1107,)
    world.settle()
    assert [each[2] for each in told(world)] == ["true"]
    assert account_of(world, "GB", 120, 1298) is None
    assert relay(world, "accountCreation", content.replace("1299", "1298"), sender="FR") == 1, "its own identifier"
    assert account_of(world, "FR", 120, 1298) is not None


def test_who_may_tell_what(world: SchemeWorld) -> None:
    content = document("accountCreation", GOOD["accountCreation"])
    assert relay(world, "accountCreation", content, user="gb") == (1002,), "a member behind the log speaks through it"
    assert relay(world, "accountCreation", content, sender="JP") == (1501,)
    assert relay(world, "accountCreation", content, addressee="STL2") == (1005,)
    assert relay(world, "accountCreation", content, major_version=2) == (1031,)
    assert world.rows(t.documents) == []


def test_a_direct_member_is_answered_directly(lone: SchemeWorld) -> None:
    content = document("accountCreation", GOOD["accountCreation"])
    assert relay(lone, "accountCreation", content) == (1002,), "what it says does not come through the log"
    assert relay(lone, "accountCreation", content, user="gb") == 1
    lone.settle()
    assert [each[2] for each in told(lone, "GB")] == ["true"]
