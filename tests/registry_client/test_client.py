"""The client over real HTTP: what it sends, byte for byte, and how it reads what registries' hubs may answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from itl.messages import (
    EvaluationResult,
    MessageResponse,
    NotificationResponse,
    ProposalResponse,
    ProposalTransaction,
    TransactionStatusResponse,
    TransactionUnitBlock,
    UnitBlockIdentifier,
)
from itl.wire.contract import OPERATIONS, Port
from itl.wire.decode import decode_request
from itl.wire.encode import encode_fault, encode_reply
from itl.wire.faults import ClientFault, FaultEntry, ServerFault
from itl.wire.server import serve
from registry_client import soap
from registry_client.client import RegistryClient
from registry_client.errors import HubFault, HubUnreachable
from tests.registry_client.log import NOON

GOLDEN = Path(__file__).parent / "golden"


@dataclass
class Hub:
    """Answers every POST with `body`, and remembers what it was sent."""

    url: str = ""
    status: str = "200 OK"
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=lambda: [("Content-Type", "text/xml; charset=utf-8")])
    sent: list[tuple[dict[str, Any], bytes]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        self.sent.append((environ, environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
        start_response(self.status, self.headers)
        return [self.body]


@pytest.fixture
def hub() -> Iterator[Hub]:
    answering = Hub()
    server = serve(answering, "127.0.0.1")
    answering.url = f"{server.url}/TransactionLogService"
    yield answering
    server.close()


@pytest.fixture
def client(hub: Hub) -> Iterator[RegistryClient]:
    made = RegistryClient(hub.url, code="GB", user="gb", password="gb", timeout=10)
    yield made
    made.close()


ISSUANCE = ProposalTransaction(
    transaction_identifier="GB100001",
    transaction_type=1,
    transferring_registry_code="GB",
    transferring_registry_account_type=100,
    transferring_registry_account_identifier=1001,
    acquiring_registry_code="GB",
    acquiring_registry_account_type=100,
    acquiring_registry_account_identifier=1001,
    proposal_unit_blocks=(
        TransactionUnitBlock(
            unit_serial_block_start=1,
            unit_serial_block_end=3_000_000_000,
            originating_registry_code="GB",
            unit_type=2,
            supp_unit_type=0,
            original_commit_period=1,
            applicable_commit_period=1,
            lulucf_activity=1,
        ),
        TransactionUnitBlock(
            unit_serial_block_start=3_000_000_001,
            unit_serial_block_end=3_000_000_009,
            originating_registry_code="GB",
            unit_type=7,
            supp_unit_type=0,
            original_commit_period=1,
            applicable_commit_period=1,
            lulucf_activity=1,
            project_identifier=17,
            expiry_date=date(2012, 12, 31),
        ),
    ),
)
REJECTION = EvaluationResult(
    response_code=5902,
    unit_block_identifiers=(
        UnitBlockIdentifier(unit_serial_block_start=1, unit_serial_block_end=9, originating_registry_code="FR"),
    ),
)
STATUS = TransactionStatusResponse(
    transaction_identifier="GB1", transaction_status=2, transaction_status_date_time=NOON, result_identifier=1
)

CALLS: list[tuple[str, str, Callable[[RegistryClient], Any], Any]] = [
    ("acceptProposal", "proposal", lambda c: c.propose(ISSUANCE), ProposalResponse(result_identifier=1)),
    ("acceptNotification", "completed", lambda c: c.notify("GB1", 4), NotificationResponse(result_identifier=1)),
    (
        "acceptNotification",
        "rejected",
        lambda c: c.notify("GB1", 6, [REJECTION, EvaluationResult(response_code=5904)], party_type=2),
        NotificationResponse(result_identifier=0, response_codes=(3010, 3002)),
    ),
    ("getTransactionStatus", "status", lambda c: c.status("GB1"), STATUS),
    (
        "acceptMessage",
        "message",
        lambda c: c.message("Grüße & <bytes>", datetime(2011, 11, 22, 7, 20, 0, 123000, tzinfo=UTC)),
        MessageResponse(result_identifier=1),
    ),
]


@pytest.mark.parametrize(("operation", "golden", "call", "answer"), CALLS, ids=[call[1] for call in CALLS])
def test_what_is_sent_is_what_axis_reads(
    hub: Hub, client: RegistryClient, operation: str, golden: str, call: Callable[[RegistryClient], Any], answer: Any
) -> None:
    hub.body = encode_reply(Port.TRANSACTION_LOG, operation, answer)
    assert call(client) == answer
    environ, body = hub.sent[0]
    assert environ["HTTP_SOAPACTION"] == f'"{operation}"'
    assert environ["CONTENT_TYPE"] == "text/xml; charset=utf-8"
    assert environ["HTTP_AUTHORIZATION"] == "Basic Z2I6Z2I="
    assert "HTTP_TRANSFER_ENCODING" not in environ
    etree.indent(tree := etree.fromstring(body))
    assert etree.tostring(tree, encoding="unicode") + "\n" == (GOLDEN / f"{golden}.xml").read_text(encoding="utf-8")


MULTIREF = b"""<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>
 <ns1:acceptProposalResponse xmlns:ns1="urn:KyotoProtocol:RegistrySystem:ITL:1.0:0.0"
  soapenv:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"
  ><acceptProposalResponse href="#id0"/></ns1:acceptProposalResponse>
 <multiRef id="id0" soapenc:root="0" xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"
  xmlns:ns2="urn:KyotoProtocol:RegistrySystem:ITL:Types:1.0:0.0" xsi:type="ns2:ProposalResponse"
  ><resultIdentifier href="#id1"/><responseCodes soapenc:arrayType="xsd:int[2]" xsi:type="soapenc:Array"
  ><responseCodes href="#id2"/><responseCodes href="#id2"/></responseCodes></multiRef>
 <multiRef id="id2" xsi:type="xsd:int">1503</multiRef><multiRef id="id1" xsi:type="xsd:int">0</multiRef>
</soapenv:Body></soapenv:Envelope>"""
NIL = b"""<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>
 <ns1:acceptProposalResponse xmlns:ns1="urn:KyotoProtocol:RegistrySystem:ITL:1.0:0.0"><acceptProposalResponse>
 <resultIdentifier xsi:type="xsd:int">1</resultIdentifier><responseCodes xsi:type="xsd:int" xsi:nil="true"/>
 </acceptProposalResponse></ns1:acceptProposalResponse></soapenv:Body></soapenv:Envelope>"""


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (MULTIREF, ProposalResponse(result_identifier=0, response_codes=(1503, 1503))),
        (NIL, ProposalResponse(result_identifier=1)),
    ],
    ids=["multiref", "nil"],
)
def test_replies_of_other_stacks_are_read(
    hub: Hub, client: RegistryClient, body: bytes, answer: ProposalResponse
) -> None:
    hub.body = body
    assert client.propose(ISSUANCE) == answer


def test_a_fault_says_what_is_wrong_and_where(hub: Hub, client: RegistryClient) -> None:
    hub.status = "500 Internal Server Error"
    hub.body = encode_fault(
        ClientFault("not a valid ProposalRequest", (FaultEntry(1101, "/a/b", "missing"), FaultEntry(None, "/", "why")))
    )
    with pytest.raises(HubFault) as raised:
        client.propose(ISSUANCE)
    fault = raised.value
    assert (fault.code, fault.message) == ("Client", "not a valid ProposalRequest")
    assert [(e.code, e.path, e.reason) for e in fault.entries] == [(1101, "/a/b", "missing"), (None, "/", "why")]
    assert str(fault) == "Client: not a valid ProposalRequest; /a/b: missing; /: why"


@pytest.mark.parametrize(
    ("code", "final"),
    [("Client", True), ("Client.Schema", True), ("MustUnderstand", True), ("Server", False), ("Server.user", False)],
)
def test_only_faults_that_blame_the_message_are_final(code: str, final: bool) -> None:
    assert HubFault(code, "").is_final is final


def test_a_server_fault_is_a_fault_too(hub: Hub, client: RegistryClient) -> None:
    hub.status, hub.body = "500 Internal Server Error", encode_fault(ServerFault("database is down"))
    with pytest.raises(HubFault, match="Server: database is down"):
        client.status("GB1")


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        ("401 Unauthorized", b"", "look at user and password"),
        ("403 Forbidden", b"", "look at user and password"),
        ("404 Not Found", b"<html/>", "HTTP 404"),
        ("302 Found", b"", "HTTP 302|redirects"),
        ("202 Accepted", b"", "HTTP 202"),
        ("200 OK", b"", "no answer to acceptProposal"),
        ("200 OK", b"<html>It works!</html>", "no answer to acceptProposal"),
        ("200 OK", NIL[:200], "no answer to acceptProposal"),
        ("502 Bad Gateway", NIL, "HTTP 502"),
    ],
)
def test_what_is_no_answer_is_told_as_such(
    hub: Hub, client: RegistryClient, status: str, body: bytes, said: str
) -> None:
    hub.status, hub.body = status, body
    hub.headers.append(("Location", hub.url))
    with pytest.raises(HubUnreachable, match=said):
        client.propose(ISSUANCE)


@contextmanager
def silent() -> Iterator[str]:
    """A hub that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


def test_a_hub_that_says_nothing_is_left_after_the_time_out() -> None:
    with silent() as url:
        client = RegistryClient(url, code="GB", timeout=0.2)
        with pytest.raises(HubUnreachable, match="timed out"):
            client.status("GB1")
        client.close()


def test_a_hub_that_is_not_there() -> None:
    with silent() as url:
        pass
    client = RegistryClient(url, code="GB", timeout=5)
    with pytest.raises(HubUnreachable, match="refused"):
        client.status("GB1")
    client.close()


def test_threads_have_connections_of_their_own(hub: Hub, client: RegistryClient) -> None:
    hub.body = encode_reply(Port.TRANSACTION_LOG, "getTransactionStatus", STATUS)
    barrier, answers = threading.Barrier(8, timeout=30), []

    def ask() -> None:
        barrier.wait()
        answers.extend(client.status("GB1") for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [STATUS] * 40


def test_nothing_but_the_contract_is_loaded_and_nothing_from_the_network() -> None:
    transport = soap.ContractTransport(requests.Session(), 1)
    for url in (
        "http://schemas.xmlsoap.org/soap/encoding/",
        "https://contract.invalid/common.wsdl",
    ):
        assert b"<" in transport.load(url)
    for url in (
        "http://schemas.xmlsoap.org/wsdl/",
        "https://contract.invalid/../setup.py",
        "https://contract.invalid/__init__.py/x",
        "file:///etc/passwd",
    ):
        with pytest.raises(LookupError):
            transport.load(url)
    transport.session.close()


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Co")), min_size=1, max_size=20)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS.filter(lambda text: text == text.strip()),
    int: st.integers(0, 2**31 - 1),
    date: st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    datetime: st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
}


def messages(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a message class, or of the type of one of its fields."""
    if hint in SCALARS:
        return SCALARS[hint]
    arguments = get_args(hint)
    if type(None) in arguments:
        return st.none() | messages(next(argument for argument in arguments if argument is not type(None)))
    if arguments:
        return st.lists(messages(arguments[0]), max_size=3).map(tuple)
    return st.builds(hint, **{name: messages(kind) for name, kind in get_type_hints(hint).items()})


@pytest.mark.parametrize(
    ("port", "operation"), [(port, name) for port, operations in OPERATIONS.items() for name in operations]
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_zeep_is_a_witness_of_our_wire(port: Port, operation: str, data: st.DataObject) -> None:
    """What zeep writes by our WSDL, for every operation of both ports, is what our decoder reads."""
    message = data.draw(messages(OPERATIONS[port][operation].request))
    zeep_client = clients(port)
    service = soap.service(zeep_client, port, "http://localhost/")
    part = soap.value_of(message, service._binding.get(operation).input.body.type.elements[0][1].type)
    envelope = zeep_client.create_message(service, operation, part)
    assert decode_request(port, etree.tostring(envelope)).message == message


_clients: dict[Port, Any] = {}


def clients(port: Port) -> Any:
    if port not in _clients:
        with requests.Session() as session:
            _clients[port] = soap.client(session, 1, port)
    return _clients[port]
