"""The door: stages stop each other, all checks of a stage run, and each kind of message has its own stages."""

from datetime import timedelta

import pytest

from itl.checks import door
from itl.checks.sender import Sender
from itl.checks.situation import message_of
from itl.checks.world import NOW, REFERENCE
from itl.messages import EvaluationResult, UnitBlockIdentifier


@pytest.mark.parametrize(
    ("proposal", "code", "codes"),
    [
        ({}, "GB", ()),
        ({"sender": "CDM", "transferring_registry_account_type": 110}, "CDM", ()),
        ({"addressee": "CITL", "minor_version": 3}, "FR", (1002, 1005, 1032)),
        ({"addressee": "CITL", "major_version": 3}, None, (1001, 1005, 1031)),
        ({"minor_version": 0, "blocks": [{"units": "GB 1-3001", "each": 1}]}, "GB", (1032,)),
        ({"sender": "CA", "blocks": [{"units": "GB 1-3001", "each": 1}]}, "CA", (1104,)),
        ({"sender": "CA", "acquiring_registry_code": "XX"}, "CA", (1501, 1502)),
        ({"sender": "CA"}, "CA", (1501,)),
        ({"sender": "CA", "transaction_type": 5}, "CA", (1501,)),
        ({"sender": "UA", "acquiring_registry_code": "XX"}, "UA", (1502, 1503)),
        ({"sender": "UA", "acquiring_registry_code": "UA", "transaction_type": 5}, "UA", (1503,)),
        ({"acquiring_registry_code": "UA"}, "GB", (1504,)),
        ({"sender": "NZ", "acquiring_registry_code": "AU"}, "NZ", (1501, 1504)),
        ({"sender": "AU", "acquiring_registry_code": "NZ"}, "AU", (1502, 1503)),
        ({"transaction_type": 9, "transaction_identifier": "?", "blocks": []}, "GB", ()),
    ],
    ids=[
        "nothing wrong", "the CDM registry forwards", "stage 1 together", "1032 only if 1031 passes",
        "stage 1 stops stage 2", "stage 2 stops stage 3", "stage 3 together", "withdrawn", "withdrawn, to itself",
        "1502 beside 1503", "1504 is for transfers", "acquirer may not accept",
        "begins its enrolment", "is being connected", "stage 4 is the worker's",
    ],
)  # fmt: skip
def test_proposal(proposal, code, codes):
    assert door.proposal(message_of({"proposal": proposal}), Sender(code), REFERENCE, NOW) == codes


@pytest.mark.parametrize(
    ("notification", "codes"),
    [
        ({}, ()),
        ({"sender": "UA"}, ()),
        ({"sender": "CA"}, (1501,)),
        ({"sender": "NZ"}, (1501,)),
        ({"sender": "AU"}, ()),
        ({"transaction_status": 11}, (2004,)),
        ({"transaction_status": 11, "sender": "CA"}, (1501,)),
        ({"transaction_status": 11, "minor_version": 0}, (1032,)),
        ({"party_type": 0}, ()),
    ],
    ids=[
        "nothing wrong", "may not propose, but end", "withdrawn", "begins its enrolment", "is being connected",
        "no such status",
        "stage 3 stops 4", "stage 1 stops 4", "party type 0",
    ],
)  # fmt: skip
def test_notification(notification, codes):
    message = message_of({"notification": notification})
    assert door.notification(message, Sender(message.sender), REFERENCE, NOW) == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ({}, ()),
        ({"sender": "UA"}, ()),
        ({"sender": "AU"}, ()),
        ({"sender": "NZ"}, (1501,)),
        ({"message_date_time": NOW + timedelta(seconds=60)}, ()),
        ({"message_date_time": NOW + timedelta(seconds=61)}, (1106,)),
        ({"message_date_time": NOW + timedelta(days=1), "sender": "CA"}, (1106,)),
        ({"sender": "CA"}, (1501,)),
        ({"addressee": "GB", "sender": "CA"}, (1005,)),
    ],
)
def test_message(text, codes):
    message = message_of({"text": text})
    assert door.message(message, Sender(message.sender), REFERENCE, NOW) == codes


@pytest.mark.parametrize(
    ("query", "codes"),
    [({}, ()), ({"sender": "UA"}, ()), ({"sender": "TEST"}, (1501,)), ({"major_version": 0}, (1031,))],
)
def test_status_query(query, codes):
    message = message_of({"status_query": query})
    assert door.status_query(message, Sender(message.sender), REFERENCE, NOW) == codes


def test_an_expired_certificate_is_told_beside_what_else_stage_1_finds():
    message = message_of({"proposal": {"addressee": "GB"}})
    assert door.proposal(message, Sender("GB", certificate_valid=False), REFERENCE, NOW) == (1003, 1005)


@pytest.mark.parametrize(
    ("sizes", "codes"), [([3000], ()), ([3001], (1104,)), ([2000, 2000], ())], ids=["most", "more", "two codes"]
)
def test_a_notification_may_name_as_many_blocks_as_a_proposal_has_for_each_code(sizes, codes):
    unit = UnitBlockIdentifier(unit_serial_block_start=1, unit_serial_block_end=1, originating_registry_code="GB")
    results = tuple(EvaluationResult(response_code=5904, unit_block_identifiers=(unit,) * size) for size in sizes)
    message = message_of({"notification": {"evaluation_result": results}})
    assert door.notification(message, Sender("GB"), REFERENCE, NOW) == codes
