"""The message log: every message raw, with its digest, parties, times and outcome, whatever became of it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from itl.store import tables as t
from itl.store.arrival import restored
from itl.wire.contract import Port
from itl.wire.encode import encode_request
from tests.hub.world import (
    EXTERNAL,
    HEAD,
    ISSUANCE,
    OPERATION_OF,
    START,
    MessageRequest,
    World,
    notification,
    proposal,
    status_query,
    units,
)

GOOD = proposal("GB", "GB1", ISSUANCE, units(1, 100))
TEXT = MessageRequest(sender="GB", **HEAD, message_content="Zürich & Genève 排出量", message_date_time=START)


def raw(message: Any) -> bytes:
    return encode_request(Port.TRANSACTION_LOG, OPERATION_OF[type(message)], message)


OUTCOMES = {
    # message; user; outcome, codes, sender, addressee, operation, transaction
    "accepted": (raw(GOOD), "gb", ("accepted", None, "GB", "ITL", "acceptProposal", "GB1")),
    "refused": (raw(replace(GOOD, addressee="X")), "gb", ("refused", "1005", "GB", "X", "acceptProposal", "GB1")),
    "identity stolen": (raw(GOOD), "fr", ("refused", "1002", "FR", "ITL", "acceptProposal", "GB1")),
    "unknown transaction": (
        raw(notification("GB", "GB7", 4)),
        "gb",
        ("refused", "3002", "GB", "ITL", "acceptNotification", "GB7"),
    ),
    "text": (raw(TEXT), "gb", ("accepted", None, "GB", "ITL", "acceptMessage", None)),
    "query": (raw(status_query("GB", "GB7")), "gb", ("refused", "3002", "GB", "ITL", "getTransactionStatus", "GB7")),
    "no XML": (b"hello", "gb", ("fault", None, "GB", None, None, None)),
    "nothing": (b"", "gb", ("fault", None, "GB", None, None, None)),
    "no SOAP": (b"<html/>", "gb", ("fault", None, "GB", None, None, None)),
    "an entity bomb": (b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>', "gb", ("fault", None, "GB", None, None, None)),
    "an operation of the other side": (
        raw(GOOD).replace(b"acceptProposal", b"provideTotals"),
        "gb",
        ("fault", None, "GB", None, None, None),
    ),
    "not of its type": (
        raw(GOOD).replace(b">100<", b">many<"),
        "gb",
        ("fault", None, "GB", None, None, None),
    ),
}


@pytest.mark.parametrize(("body", "user", "expected"), OUTCOMES.values(), ids=OUTCOMES)
def test_what_comes_in_is_kept_raw_with_its_outcome(
    world: World, body: bytes, user: str, expected: tuple[Any, ...]
) -> None:
    world.post(body, "", user)
    [row] = world.rows(t.messages)
    found = (row.outcome, row.response_codes, row.sender, row.addressee, row.operation, row.transaction_identifier)
    assert found == expected
    assert row.direction == "in"
    assert restored(row.body) == body
    assert (row.body_size, row.body_digest) == (len(body), hashlib.sha256(body).digest())
    assert (row.request_in_at, row.response_out_at) == (START, START)
    assert (row.request_out_at, row.response_in_at) == (None, None)
    assert row.remote_address == "192.0.2.1"
    assert (row.detail is not None) == (expected[0] == "fault")


def test_repeats_are_kept_too(world: World) -> None:
    world.issue(1, 100)
    world.reach(4, EXTERNAL, "GB2")
    world.say(notification("GB", "GB2", 4))
    world.say(proposal("GB", "GB2", EXTERNAL, units(1, 50), to="FR"))
    said = world.rows(t.messages, t.messages.c.direction == "in", t.messages.c.transaction_identifier == "GB2")
    assert [(row.operation, row.sender, row.outcome) for row in said] == [
        ("acceptProposal", "GB", "accepted"),
        ("acceptNotification", "FR", "accepted"),
        ("acceptNotification", "GB", "accepted"),
        ("acceptNotification", "GB", "repeat"),
        ("acceptProposal", "GB", "repeat"),
    ]


def test_four_times_of_a_message_that_goes_through(world: World) -> None:
    """In and answered at the door, out and answered at the registry: each is on record with its own time."""
    slow = timedelta(seconds=3)
    accept = world["FR"].answer

    def answer(operation: str, message: Any) -> Any:
        world.clock.advance(slow)
        return accept(operation, message)

    world.issue(1, 100)
    world["FR"].answer = answer
    world.propose("GB", "GB2", EXTERNAL, units(1, 50), to="FR")
    world.later(slow)
    came, went = world.rows(t.messages, t.messages.c.transaction_identifier == "GB2")
    assert (came.request_in_at, came.response_out_at) == (START, START)
    assert (went.request_out_at, went.response_in_at) == (START + slow, START + 2 * slow)


def test_status_history_names_the_message_that_caused_it(world: World) -> None:
    world.issue(1, 100)
    world.reach(4, EXTERNAL, "GB2")
    bodies = {row.id: restored(row.body) for row in world.rows(t.messages)}
    key = world.transaction("GB2").id
    caused = {
        row.status: bodies[row.message]
        for row in world.rows(t.status_history, t.status_history.c.transaction_id == key)
    }
    assert caused[1] == caused[2] == raw(proposal("GB", "GB2", EXTERNAL, units(1, 50), to="FR"))
    assert (caused[8], caused[4]) == (raw(notification("FR", "GB2", 8)), raw(notification("GB", "GB2", 4)))


# Hostile and extreme values ------------------------------------------------------------------------------------------

_random = Random(1)
NOISE = "".join(chr(_random.randint(0x4E00, 0x9FFF)) for _ in range(60_000))
"""Text that no compression makes small."""
LONG, INT = 2**63 - 1, 2**31 - 1
EXTREMES = {
    "identifier of 60,000 characters": replace(
        GOOD, proposed_transaction=replace(GOOD.proposed_transaction, transaction_identifier=NOISE)
    ),
    "registry codes of 60,000 characters": proposal("GB", "GB1", ISSUANCE, units(1, 9, origin=NOISE)),
    "largest serials": proposal("GB", "GB1", ISSUANCE, units(LONG - 1, LONG)),
    "smallest serials": proposal("GB", "GB1", ISSUANCE, units(-LONG - 1, LONG)),
    "largest account": proposal("GB", "GB1", ISSUANCE, units(1, 9, acquiring_registry_account_identifier=LONG)),
    "largest notice": proposal("GB", "GB1", ISSUANCE, units(1, 9), notification_identifier=LONG),
    "largest types": proposal(
        "GB", "GB1", INT, units(1, 9, unit_type=INT, supp_unit_type=INT), supp_transaction_type=INT
    ),
    "smallest types": proposal("GB", "GB1", -INT - 1, units(1, 9, unit_type=-INT - 1, track=-INT - 1)),
    "no block": proposal("GB", "GB1", ISSUANCE),
}


@pytest.mark.parametrize("message", EXTREMES.values(), ids=EXTREMES)
def test_extreme_values_are_judged_and_answered_like_any_other(world: World, message: Any) -> None:
    """Nothing that the wire reads is too large for the log: acknowledged, judged, told, and no task is left."""
    assert world.say(message) == 1
    assert world.say(message) == 1
    world.settle()
    [transaction] = world.rows(t.transactions)
    assert transaction.status in (2, 3)
    assert [row.work for row in world.rows(t.inbox)] == [None]
    [(_, told, _)] = world["GB"].calls
    assert told.transaction_status == transaction.status
    identifier = message.proposed_transaction.transaction_identifier
    assert world.say(notification("GB", identifier, 5)) in (1, (3002,))
    answer = world.call(status_query("GB", identifier))
    assert answer.transaction_identifier == identifier


def test_text_of_the_largest_size_is_kept(world: World) -> None:
    assert world.say(replace(TEXT, message_content="Ж" * 65_536)) == 1
    assert len(world.rows(t.inbox)) == 1
