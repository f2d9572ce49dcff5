"""The one reply shape that all stacks read, what an independent reader makes of it, and what real registries reply."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from importlib.resources import as_file, files
from typing import Any
from unittest.mock import Mock

import pytest
import zeep
from lxml import etree
from zeep.transports import Transport

from itl.messages import MessageResponse, ProposalResponse, ProvideTimeResponse, TransactionStatusResponse
from itl.wire.contract import OPERATIONS, WSDL_FILES, Port
from itl.wire.decode import decode_reply
from itl.wire.encode import encode_fault, encode_reply
from itl.wire.faults import ClientFault, FaultEntry, PeerFault, ServerFault
from tests.wire.envelopes import HEAD, envelope
from tests.wire.test_contract import NoNetwork

ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:typens="urn:KyotoProtocol:RegistrySystem:ITL:Types:1.0:0.0"><soapenv:Body>'
    "{}</soapenv:Body></soapenv:Envelope>"
)
WRAPPER = (
    '<itl:{0}Response xmlns:itl="urn:KyotoProtocol:RegistrySystem:ITL:1.0:0.0"'
    ' soapenv:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">'
    '<{0}Response xsi:type="typens:{1}">{2}</{0}Response></itl:{0}Response>'
)
GOLDEN = [
    (
        "acceptProposal",
        ProposalResponse(result_identifier=0, response_codes=(1503, 4003)),
        '<resultIdentifier xsi:type="xsd:int">0</resultIdentifier>'
        '<responseCodes xsi:type="soapenc:Array" soapenc:arrayType="xsd:int[2]">'
        '<item xsi:type="xsd:int">1503</item><item xsi:type="xsd:int">4003</item></responseCodes>',
    ),
    (
        "acceptProposal",
        ProposalResponse(result_identifier=1),
        '<resultIdentifier xsi:type="xsd:int">1</resultIdentifier>',
    ),
    (
        "acceptMessage",
        MessageResponse(result_identifier=1, response_codes=()),
        '<resultIdentifier xsi:type="xsd:int">1</resultIdentifier>',
    ),
    (
        "getTransactionStatus",
        TransactionStatusResponse(
            transaction_identifier="GB<1>",
            transaction_status=4,
            transaction_status_date_time=datetime(2026, 1, 2, 3, 4, 5, 600_000, UTC),
            result_identifier=1,
        ),
        '<transactionIdentifier xsi:type="xsd:string">GB&lt;1&gt;</transactionIdentifier>'
        '<transactionStatus xsi:type="xsd:int">4</transactionStatus>'
        '<transactionStatusDateTime xsi:type="xsd:dateTime">2026-01-02T03:04:05.6Z</transactionStatusDateTime>'
        '<resultIdentifier xsi:type="xsd:int">1</resultIdentifier>',
    ),
]


@pytest.mark.parametrize(("operation", "reply", "content"), GOLDEN)
def test_the_reply_shape(operation: str, reply: Any, content: str) -> None:
    expected = ENVELOPE.format(WRAPPER.format(operation, type(reply).__name__, content))
    assert encode_reply(Port.TRANSACTION_LOG, operation, reply).decode() == expected


@cache
def client(port: Port) -> zeep.Client:
    with as_file(files("itl_wsdl").joinpath(WSDL_FILES[port])) as path:
        return zeep.Client(str(path), transport=Transport(session=NoNetwork()))


def read_by_zeep(port: Port, operation: str, body: bytes, status: int = 200) -> Any:
    (service,) = client(port).wsdl.services.values()
    (offered,) = service.ports.values()
    response = Mock(status_code=status, content=body, headers={"Content-Type": "text/xml; charset=utf-8"})
    return offered.binding.process_reply(client(port), offered.binding.get(operation), response)


@pytest.mark.parametrize(("operation", "reply", "_content"), GOLDEN)
def test_zeep_reads_the_same(operation: str, reply: Any, _content: str) -> None:
    read = read_by_zeep(Port.TRANSACTION_LOG, operation, encode_reply(Port.TRANSACTION_LOG, operation, reply))
    assert read["resultIdentifier"] == reply.result_identifier
    assert (read["responseCodes"] or []) == list(reply.response_codes or ())
    if operation == "getTransactionStatus":
        assert read["transactionIdentifier"] == "GB<1>"
        assert read["transactionStatusDateTime"] == reply.transaction_status_date_time


@pytest.mark.parametrize(("port", "operation"), [(port, name) for port in Port for name in OPERATIONS[port]])
def test_zeep_reads_every_reply(port: Port, operation: str) -> None:
    """The order is the WSDL's, nothing is missing, nothing is extra: zeep is strict on all three."""
    samples = {int: 1, str: "GB1", datetime: datetime(2026, 1, 1, tzinfo=UTC)}
    plan = OPERATIONS[port][operation].response_plan
    types = {"int": int, "string": str, "dateTime": datetime}
    values = {item.name: samples[types[item.plan.name]] for item in plan.fields if item.required}
    read = read_by_zeep(port, operation, encode_reply(port, operation, plan.cls(**values, response_codes=(1301,))))
    for item in plan.fields:
        if item.required:
            assert read[item.element] == values[item.name]


ACCEPTED = '<resultIdentifier xsi:type="xsd:int">1</resultIdentifier>'
REFUSED = '<resultIdentifier xsi:type="xsd:int">0</resultIdentifier>'
NONE = '<responseCodes xsi:type="xsd:int" xsi:nil="true"/>'
CODES = (
    '<responseCodes enc:arrayType="xsd:int[2]" xsi:type="enc:Array">'
    '<responseCodes xsi:type="xsd:int">1503</responseCodes>'
    '<responseCodes xsi:type="xsd:int">4003</responseCodes></responseCodes>'
)


def inline(content: str) -> bytes:
    return envelope(
        f"<itl:acceptProposalResponse><acceptProposalResponse>{content}</acceptProposalResponse>"
        "</itl:acceptProposalResponse>"
    )


def by_reference(content: str, more: str = "") -> bytes:
    return envelope(
        '<itl:acceptProposalResponse><acceptProposalResponse href="#id0"/></itl:acceptProposalResponse>'
        f'<multiRef id="id0" enc:root="0" xsi:type="t:ProposalResponse">{content}</multiRef>{more}'
    )


NUMBER = '<multiRef id="id1" enc:root="0" xsi:type="xsd:int">1</multiRef>'
REAL = {
    "inline, no codes as a nil int": (inline(ACCEPTED + NONE), 1, None),
    "inline, no codes left out": (inline(ACCEPTED), 1, None),
    "inline, codes": (inline(REFUSED + CODES), 0, (1503, 4003)),
    "by reference, no codes as a nil int": (
        by_reference('<resultIdentifier href="#id1"/>' + NONE, NUMBER),
        1,
        None,
    ),
    "by reference, codes": (by_reference(REFUSED + CODES), 0, (1503, 4003)),
    "another order": (inline(CODES + REFUSED), 0, (1503, 4003)),
    "empty codes": (inline(REFUSED + "<responseCodes/>"), 0, ()),
    "qualified": (
        envelope(
            "<itl:acceptProposalResponse><t:acceptProposalResponse><t:resultIdentifier>1</t:resultIdentifier>"
            "</t:acceptProposalResponse></itl:acceptProposalResponse>"
        ),
        1,
        None,
    ),
    "an accessor of another name": (
        envelope(
            "<itl:acceptProposalResponse><return><resultIdentifier>1</resultIdentifier></return>"
            "</itl:acceptProposalResponse>"
        ),
        1,
        None,
    ),
}


@pytest.mark.parametrize("case", REAL)
def test_replies_of_real_registries(case: str) -> None:
    body, result, codes = REAL[case]
    assert decode_reply(Port.REGISTRY, "acceptProposal", body) == ProposalResponse(
        result_identifier=result, response_codes=codes
    )


def test_the_time_of_a_registry() -> None:
    body = envelope(
        "<itl:provideTimeResponse><provideTimeResponse><systemTime>2026-01-01T01:00:00+01:00</systemTime>"
        f"{ACCEPTED}{NONE}</provideTimeResponse></itl:provideTimeResponse>"
    )
    assert decode_reply(Port.REGISTRY, "provideTime", body) == ProvideTimeResponse(
        system_time=datetime(2026, 1, 1, tzinfo=UTC), result_identifier=1
    )


WRONG = {
    "nothing": (b"", "not well-formed XML"),
    "a page": (b"<html><body>Bad gateway</body></html>", "no SOAP envelope but html"),
    "an empty body": (f"{HEAD}<e:Body/></e:Envelope>".encode(), "Body of the message is empty"),
    "no accessor": (envelope(f"<itl:acceptProposalResponse>{ACCEPTED}{NONE}</itl:acceptProposalResponse>"), "one part"),
    "nothing in the wrapper": (envelope("<itl:acceptProposalResponse/>"), "one part"),
    "no result": (inline(CODES), "not a valid ProposalResponse"),
    "a result that is no number": (inline("<resultIdentifier>yes</resultIdentifier>"), "not a valid ProposalResponse"),
    "a nil part": (
        envelope('<itl:acceptProposalResponse><x xsi:nil="true"/></itl:acceptProposalResponse>'),
        "not a valid ProposalResponse",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_replies(case: str) -> None:
    body, reason = WRONG[case]
    with pytest.raises(ClientFault, match=reason):
        decode_reply(Port.REGISTRY, "acceptProposal", body)


def test_the_fault_of_an_axis_registry() -> None:
    body = envelope(
        "<e:Fault><faultcode>e:Server.userException</faultcode>"
        "<faultstring>Unexpected error while processing the request.</faultstring>"
        '<detail><a:stackTrace xmlns:a="http://xml.apache.org/axis/">at java.lang</a:stackTrace>'
        '<a:hostname xmlns:a="http://xml.apache.org/axis/">host</a:hostname></detail></e:Fault>'
    )
    with pytest.raises(PeerFault) as told:
        decode_reply(Port.REGISTRY, "acceptProposal", body)
    assert told.value.kind == "e:Server.userException"
    assert told.value.reason == "Unexpected error while processing the request."
    assert "at java.lang" in told.value.detail


ENTRIES = (
    FaultEntry(1101, "/acceptProposalRequest/from", "from is required"),
    FaultEntry(None, "/acceptProposalRequest", "<odd> & \x00 text"),
)


def test_the_shape_of_a_fault() -> None:
    """Unqualified children in order, and a detail of elements only: Axis' DOM code fails on bare text in it."""
    root = etree.fromstring(encode_fault(ClientFault("not & valid", ENTRIES)))
    (fault,) = root[0]
    assert [child.tag for child in fault] == ["faultcode", "faultstring", "detail"]
    prefix, _, code = fault.findtext("faultcode").partition(":")
    assert (fault.nsmap[prefix], code) == ("http://schemas.xmlsoap.org/soap/envelope/", "Client")
    assert fault.findtext("faultstring") == "not & valid"
    detail = fault.find("detail")
    assert detail.text is None
    (errors,) = detail
    assert [[(item.tag, item.text) for item in error] for error in errors] == [
        [("code", "1101"), ("path", "/acceptProposalRequest/from"), ("reason", "from is required")],
        [("path", "/acceptProposalRequest"), ("reason", "<odd> & \ufffd text")],
    ]


def test_a_fault_without_entries_has_no_detail() -> None:
    root = etree.fromstring(encode_fault(ServerFault("later")))
    assert [child.tag for child in root[0][0]] == ["faultcode", "faultstring"]
    assert root[0][0].findtext("faultcode") == "soapenv:Server"


def test_zeep_reads_our_faults() -> None:
    with pytest.raises(zeep.exceptions.Fault) as told:
        read_by_zeep(Port.TRANSACTION_LOG, "acceptProposal", encode_fault(ClientFault("why", ENTRIES)), status=500)
    assert told.value.message == "why"
    assert told.value.code == "soapenv:Client"
    assert [element.text for element in told.value.detail.iter("code")] == ["1101"]
