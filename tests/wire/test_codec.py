"""What is written is read back equal, of every operation, in our own shape and in that of every known stack."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from itl.messages import (
    EvaluationResult,
    NotificationRequest,
    ProposalRequest,
    ProposalTransaction,
    TransactionUnitBlock,
    UnitBlockIdentifier,
)
from itl.wire.canonical import from_canonical, to_canonical
from itl.wire.contract import OPERATIONS, Port
from itl.wire.decode import decode_any, decode_reply, decode_request
from itl.wire.encode import EncodeError, encode_reply, encode_request
from itl.wire.faults import ClientFault
from itl.wire.raw import read_http_or_envelope
from tests.wire.dialects import DIALECTS
from tests.wire.strategies import OPERATION_NAMES, values

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.http"))

BLOCK = TransactionUnitBlock(
    unit_serial_block_start=1,
    unit_serial_block_end=3_000_000_000,
    originating_registry_code="GB",
    unit_type=5,
    supp_unit_type=0,
    original_commit_period=1,
    applicable_commit_period=1,
    project_identifier=1000,
    expiry_date=date(2012, 12, 31),
)
PROPOSAL = ProposalRequest(
    sender="GB",
    addressee="ITL",
    major_version=1,
    minor_version=1,
    proposed_transaction=ProposalTransaction(
        transaction_identifier="GB100002",
        transaction_type=3,
        transferring_registry_code="GB",
        acquiring_registry_code="JP",
        proposal_unit_blocks=(BLOCK, BLOCK),
    ),
)
NOTIFICATION = NotificationRequest(
    sender="GB",
    addressee="ITL",
    major_version=1,
    minor_version=1,
    transaction_identifier="GB1",
    transaction_status=6,
    party_type=0,
    evaluation_result=(
        EvaluationResult(
            response_code=4003,
            unit_block_identifiers=(
                UnitBlockIdentifier(unit_serial_block_start=1, unit_serial_block_end=2, originating_registry_code="GB"),
            ),
        ),
        EvaluationResult(response_code=4004),
    ),
)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_samples_decode_to_their_canonical_form(sample: Path) -> None:
    decoded = decode_any(read_http_or_envelope(sample.read_bytes()))
    assert to_canonical(decoded.operation, decoded.message) == json.loads(sample.with_suffix(".json").read_text())


@pytest.mark.parametrize(("port", "operation"), OPERATION_NAMES)
@given(data=st.data())
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_requests_come_back(port: Port, operation: str, data: st.DataObject) -> None:
    message = data.draw(values(OPERATIONS[port][operation].request_plan))
    encoded = encode_request(port, operation, message)
    decoded = decode_request(port, encoded)
    assert (decoded.operation, decoded.message) == (operation, message)
    assert from_canonical(port, json.loads(json.dumps(to_canonical(operation, message)))) == decoded


@pytest.mark.parametrize(("port", "operation"), OPERATION_NAMES)
@given(data=st.data())
@settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.too_slow])
def test_replies_come_back(port: Port, operation: str, data: st.DataObject) -> None:
    message = data.draw(values(OPERATIONS[port][operation].response_plan))
    decoded = decode_reply(port, operation, encode_reply(port, operation, message))
    assert {**_fields(decoded), "response_codes": decoded.response_codes or ()} == {
        **_fields(message),
        "response_codes": message.response_codes or (),
    }


def _fields(message: Any) -> dict[str, Any]:
    return {name: getattr(message, name) for name in message.__slots__}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("port", "operation"), OPERATION_NAMES)
@given(data=st.data(), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=3, suppress_health_check=[HealthCheck.too_slow])
def test_twins_are_equal(port: Port, operation: str, dialect: str, data: st.DataObject, seed: int) -> None:
    message = data.draw(values(OPERATIONS[port][operation].request_plan))
    body = DIALECTS[dialect](operation, message, random.Random(seed)).replace(b"\r", b"&#13;")
    assert decode_request(port, body).message == message


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "ISO-8859-1"])
def test_declared_encodings_are_read(encoding: str) -> None:
    text = encode_request(Port.REGISTRY, "acceptProposal", PROPOSAL).decode().replace("GB100002", "Zürich 1")
    body = text.replace('encoding="UTF-8"', f'encoding="{encoding}"').encode(encoding)
    assert decode_any(body).message.proposed_transaction.transaction_identifier == "Zürich 1"


def test_numeric_references_are_read() -> None:
    body = encode_request(Port.REGISTRY, "acceptProposal", PROPOSAL).replace(b"GB100002", b"&#xFC;&quot;&#252;")
    assert decode_any(body).message.proposed_transaction.transaction_identifier == 'ü"ü'


@given(st.text())
def test_any_text_is_written_well_formed(text: str) -> None:
    """What XML cannot hold is replaced, the rest comes back."""
    message = _with(PROPOSAL, sender=text)
    body = encode_request(Port.REGISTRY, "acceptProposal", message)
    etree.fromstring(body)
    read = decode_any(body).message.sender
    assert len(read) == len(text)
    assert all(there == here for there, here in zip(read, text, strict=True) if there != "\ufffd")


def _with(message: Any, **changes: Any) -> Any:
    return type(message)(**{**_fields(message), **changes})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sender": None}, "from of ProposalRequest is required"),
        ({"major_version": 2**31}, "out of the range of xsd:int"),
        ({"proposed_transaction": None}, "proposedTransaction of ProposalRequest is required"),
    ],
)
def test_what_the_type_does_not_allow_is_not_written(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(EncodeError, match=reason):
        encode_request(Port.REGISTRY, "acceptProposal", _with(PROPOSAL, **changes))


def test_a_time_without_zone_is_not_written() -> None:
    request = OPERATIONS[Port.REGISTRY]["provideTime"].request(
        sender="ITL", addressee="GB", major_version=1, minor_version=1, itl_system_time=datetime(2026, 1, 1)
    )
    with pytest.raises(EncodeError, match="no time zone"):
        encode_request(Port.REGISTRY, "provideTime", request)


def test_canonical_form_of_times_and_dates() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 120_000, UTC)
    request = OPERATIONS[Port.REGISTRY]["provideTime"].request(
        sender="ITL", addressee="GB", major_version=1, minor_version=1, itl_system_time=moment
    )
    assert to_canonical("provideTime", request)["request"]["ITLSystemTime"] == "2026-01-02T03:04:05.12Z"
    block = to_canonical("acceptProposal", PROPOSAL)["request"]["proposedTransaction"]["proposalUnitBlocks"][0]
    assert block["expiryDate"] == "2012-12-31"
    assert block["unitSerialBlockEnd"] == 3_000_000_000
    assert "track" not in block


@pytest.mark.parametrize(
    ("document", "path", "code"),
    [
        ({"operation": "acceptMessage", "request": []}, "/request", 1102),
        ({"operation": "acceptMessage", "request": {"from": 1}}, "/request/from", 1102),
        ({"operation": "acceptMessage", "request": {"x": 1}}, "/request/x", 1103),
        ({"operation": "acceptMessage", "request": {}}, "/request/messageContent", 1101),
        ({"operation": "acceptMessage", "request": {"majorVersion": True}}, "/request/majorVersion", 1102),
        ({"operation": "acceptMessage", "request": {"majorVersion": 2**31}}, "/request/majorVersion", 1102),
    ],
)
def test_a_wrong_canonical_form_is_refused_with_the_place(document: Any, path: str, code: int) -> None:
    with pytest.raises(ClientFault) as refused:
        from_canonical(Port.TRANSACTION_LOG, document)
    assert (code, path) in [(entry.code, entry.path) for entry in refused.value.entries]
