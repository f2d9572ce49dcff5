"""Items that are written alike: read by a pattern, they must be what the tree says, and be wrong where it is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from itl.messages import ProposalRequest, ReceiveUnitBlocksRequest, TransactionUnitBlock, UnitBlock
from itl.wire import runs
from itl.wire.contract import OPERATIONS, Port
from itl.wire.decode import decode_request
from itl.wire.encode import encode_request
from itl.wire.faults import ClientFault
from itl.wire.limits import LIMITS, Limits
from tests.wire.dialects import DIALECTS
from tests.wire.test_codec import PROPOSAL

LOG = Port.TRANSACTION_LOG
MANY = 40


def blocks(count: int = MANY) -> tuple[TransactionUnitBlock, ...]:
    return tuple(
        TransactionUnitBlock(
            unit_serial_block_start=1000 * number + 1,
            unit_serial_block_end=1000 * number + 500,
            originating_registry_code=("GB", "FR", "CDM")[number % 3],
            unit_type=1 + number % 7,
            original_commit_period=1,
            applicable_commit_period=2,
            installation_identifier=10**15 + number,
        )
        for number in range(count)
    )


def request(count: int = MANY) -> ProposalRequest:
    return replace(
        PROPOSAL, proposed_transaction=replace(PROPOSAL.proposed_transaction, proposal_unit_blocks=blocks(count))
    )


BODY = encode_request(LOG, "acceptProposal", request())


def by_tree(body: bytes, monkeypatch: pytest.MonkeyPatch, limits: Limits = LIMITS) -> Any:
    """What the decoder says without runs: the message with its work, or the fault."""
    with monkeypatch.context() as patched:
        patched.setattr(runs, "find", lambda _body: None)
        return told(body, limits)


def told(body: bytes, limits: Limits = LIMITS) -> Any:
    try:
        return decode_request(LOG, body, limits)
    except ClientFault as fault:
        return str(fault), fault.entries


def test_a_run_is_found_and_leaves_its_first_item() -> None:
    run = runs.find(BODY)
    assert run is not None
    assert len(run.rows) == MANY - 1
    assert run.shortened.count(b"unitSerialBlockStart>") == 1
    assert decode_request(LOG, BODY).message == request()


@pytest.mark.parametrize("name", ["axis without references", "php", "zeep", "suds", "node"])
def test_a_run_is_used(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs.find(DIALECTS[name]("acceptProposal", request(), random.Random(1)))
    assert run is not None
    monkeypatch.setattr(runs, "find", lambda _body: run)
    decode_request(LOG, DIALECTS[name]("acceptProposal", request(), random.Random(1)))
    assert run.is_read


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_is_read_as_by_the_tree(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = DIALECTS[name]("acceptProposal", request(), random.Random(1))
    assert told(body) == by_tree(body, monkeypatch)
    assert decode_request(LOG, body).message == request()


def test_dialects_with_each_value_in_its_place_have_runs() -> None:
    found = {
        name for name, write in DIALECTS.items() if runs.find(write("acceptProposal", request(), random.Random(1)))
    }
    assert found == {"axis without references", "php", "zeep", "suds", "node"}


def test_unit_blocks_of_a_reconciliation_have_runs() -> None:
    message = ReceiveUnitBlocksRequest(
        sender="GB",
        addressee="ITL",
        major_version=1,
        minor_version=1,
        reconciliation_identifier="GB1",
        unit_blocks=tuple(
            UnitBlock(
                unit_serial_block_start=2 * number + 1,
                unit_serial_block_end=2 * number + 1,
                originating_registry_code="GB",
                unit_type=1,
                account_type=100,
                applicable_commit_period=1,
            )
            for number in range(500)
        ),
    )
    body = encode_request(LOG, "receiveUnitBlocks", message)
    assert runs.find(body) is not None
    assert decode_request(LOG, body).message == message


ITEMS = BODY[BODY.index(b"<item") : BODY.rindex(b"</item>") + len(b"</item>")]


def before_the_body(content: bytes) -> bytes:
    """BODY with a Header of `content`."""
    place = BODY.index(b"Body") - BODY[: BODY.index(b"Body")][::-1].index(b"<") - 1
    prefix = BODY[place + 1 : BODY.index(b"Body")]
    return BODY[:place] + b"<%sHeader>%s</%sHeader>" % (prefix, content, prefix) + BODY[place:]


def second_item(change: Callable[[bytes], bytes]) -> bytes:
    """BODY with its twentieth item changed."""
    pieces = BODY.split(b"</item>")
    pieces[20] = change(pieces[20])
    return b"</item>".join(pieces)


def in_all(old: bytes, new: bytes) -> bytes:
    assert old in BODY
    return BODY.replace(old, new)


UNUSUAL: dict[str, Callable[[], bytes]] = {
    "a comment in an item": lambda: second_item(lambda item: item + b"<!-- -->"),
    "the items in a comment before": lambda: before_the_body(b"<!--" + ITEMS + b"-->"),
    "the items in a comment in the array": lambda: in_all(ITEMS, b"<!--" + ITEMS + b"-->" + ITEMS),
    "the items as text": lambda: before_the_body(b"<h><![CDATA[" + ITEMS + b"]]></h>"),
    "the items in a processing instruction": lambda: before_the_body(b"<?x " + ITEMS + b"?>"),
    "the items in a header": lambda: before_the_body(b"<h>" + ITEMS + b"</h>"),
    "an id in all items, referred to": lambda: (
        in_all(b"<originatingRegistryCode", b'<originatingRegistryCode id="x"')
        .replace(b"<from ", b'<from href="#x" ')
        .replace(b">%s</from>" % request().sender.encode(), b"/>")
    ),
    "a processing instruction": lambda: second_item(lambda item: item + b"<?x y?>"),
    "CDATA around a value": lambda: second_item(lambda item: item.replace(b">GB<", b"><![CDATA[GB]]><")),
    "a character reference": lambda: second_item(lambda item: item.replace(b">2<", b">&#50;<")),
    "an unknown element in one item": lambda: second_item(lambda item: item + b"<more>1</more>"),
    "an unknown element in all": lambda: in_all(b"</item>", b"<more>1</more></item>"),
    "an element twice in one item": lambda: second_item(lambda item: item + b"<unitType>1</unitType>"),
    "an element twice in all": lambda: in_all(b"</item>", b"<unitType>1</unitType></item>"),
    "text between elements of one item": lambda: second_item(lambda item: item + b"text"),
    "text behind one item": lambda: in_all(b"</item>", b"</item>text"),
    "white space everywhere": lambda: in_all(b"><", b">\n\t <"),
    "a required element missing in one": lambda: second_item(lambda item: item.replace(b"unitType", b"suppUnitType")),
    "no number in one": lambda: second_item(lambda item: item.replace(b">2<", b">x<")),
    "a number with a sign": lambda: second_item(lambda item: item.replace(b">2<", b">+2<")),
    "a number too large": lambda: second_item(lambda item: item.replace(b">2<", b">99999999999<")),
    "white space in a value": lambda: second_item(lambda item: item.replace(b">2<", b"> 2 <")),
    "an empty value": lambda: second_item(lambda item: item.replace(b">2<", b"><")),
    "a nil element in all": lambda: in_all(
        b"</item>", b'<track xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/></item>'
    ),
    "an empty string in all": lambda: in_all(b"</item>", b"<blockRole></blockRole></item>"),
    "an empty number in all": lambda: in_all(b"</item>", b"<track/></item>"),
    "an item with an id": lambda: second_item(lambda item: item.replace(b"<item", b'<item id="x"')),
    "all items with one id": lambda: in_all(b"<item", b'<item id="x"'),
    "a namespace of another kind in one": lambda: second_item(
        lambda item: item.replace(b"<unitType", b'<unitType xmlns="urn:other"')
    ),
    "a tag that is not closed": lambda: second_item(lambda item: item.replace(b"</unitType>", b"")),
    "tags closed crosswise": lambda: second_item(lambda item: item.replace(b"</unitType>", b"</unitTypo>")),
    "a date that is none": lambda: in_all(b"</item>", b"<expiryDate>2011-02-30</expiryDate></item>"),
    "dates in all": lambda: in_all(b"</item>", b"<expiryDate>2011-02-28</expiryDate></item>"),
    "the run in a header": lambda: BODY.replace(b"Body>", b"Header>"),
    "an encoding of two bytes": lambda: BODY.decode().replace('"UTF-8"', '"UTF-16"').encode("utf-16"),
    "Latin-1": lambda: BODY.replace(b"UTF-8", b"ISO-8859-1"),
    "an encoding that is not what it seems": lambda: BODY.replace(b"UTF-8", b"UTF-7"),
    "a document type": lambda: BODY.replace(b"?>", b'?><!DOCTYPE a [<!ENTITY b "1">]>', 1),
    "cut off in an item": lambda: BODY[: BODY.rindex(b"unitType")],
    "cut off behind the items": lambda: BODY[: BODY.rindex(b"</item>") + 7],
    "two arrays": lambda: BODY.replace(b"</proposalUnitBlocks>", b"</proposalUnitBlocks><proposalUnitBlocks/>"),
    "other items behind": lambda: in_all(b"</proposalUnitBlocks>", b"<x/></proposalUnitBlocks>"),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_out_of_the_ordinary_is_what_the_tree_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = UNUSUAL[name]()
    assert told(body) == by_tree(body, monkeypatch)


@pytest.mark.parametrize(
    "limits",
    [
        Limits(unit_blocks=MANY - 1),
        Limits(unit_blocks=MANY),
        Limits(elements=BODY.count(b"<") // 2 - 1),
        Limits(elements=BODY.count(b"<") // 2 + 1),
        Limits(text=3),
        Limits(validate=True),
    ],
    ids=str,
)
def test_limits_hold_as_in_the_tree(limits: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(BODY, limits) == by_tree(BODY, monkeypatch, limits)


PIECES = [
    *(b"<item>", b"</item>", b"<unitType>", b"<a/>", b"</", b">", b"<?a?>", b"<!--", b"-->", b"<![CDATA[", b"]]>"),
    *(b"&lt;", b"&#9;", b" ", b"\n", b"9", b"-", b'"', b'id="1"', b'href="#1"', b"\xc3\xa4", b"\x00"),
    b"unitSerialBlockStart",
]


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([name for name in DIALECTS if "perl" not in name]),
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(PIECES), st.integers(0, 12)), max_size=3),
)
def test_whatever_is_put_into_a_message_it_is_what_the_tree_says(
    dialect: str, changes: list[tuple[int, bytes, int]]
) -> None:
    body = DIALECTS[dialect]("acceptProposal", request(), random.Random(1))
    for where, piece, cut in changes:
        place = where % len(body)
        body = body[:place] + piece + body[place + cut :]
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert told(body) == by_tree(body, monkeypatch)


def test_every_flat_item_of_the_contract_may_be_a_run() -> None:
    names = {
        field.element for port in OPERATIONS.values() for each in port.values() for field in each.request_plan.fields
    }
    assert "unitBlocks" in names
    assert b"unitSerialBlockStart" in runs._FIRST_ELEMENTS
    assert b"accountType" in runs._FIRST_ELEMENTS
