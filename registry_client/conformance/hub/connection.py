"""100 to 105: the two reach each other, know who is who, and refuse what cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree
from msgspec.structs import replace

from itl.codes import TransactionStatus, UnitType
from itl.messages import MessageRequest, ProposalRequest, TransactionStatusRequest
from itl.wire.contract import Port
from itl.wire.encode import encode_request
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.making import part
from registry_client.conformance.suite import Failed, Group, NotApplicable, breaking

GROUP: Group[HubTester] = Group("Communication initialization")


@GROUP.case("100", "A call is answered", "CONNECT-1", "SHAPE-REPLY", "ACKNOWLEDGE-1", essential=True)
def a_call_is_answered(t: HubTester) -> None:
    unknown = t.fresh.transaction(t.initiator.code)
    t.refused_at_once(t.asked_status(t.initiator, unknown), "getTransactionStatus of a transaction that is not", 3002)


@GROUP.case("101", "Who gives no user, or a wrong password, is asked for one", "CONNECT-2")
def strangers_are_asked(t: HubTester) -> None:
    if t.initiator.access.user is None:
        raise NotApplicable("the hub knows the tester by certificate, not by user and password")
    body = encode_request(Port.TRANSACTION_LOG, "getTransactionStatus", _status_request(t))
    for what, shown in (("without a user", None), ("with a wrong password", (t.initiator.access.user, "wrong"))):
        reply = t.initiator.post("getTransactionStatus", body, user=shown)
        if reply.status != 401 or not reply.headers.get("www-authenticate", "").lower().startswith("basic"):
            raise Failed(
                f"a call {what} must be answered with HTTP 401 and WWW-Authenticate: Basic; it was answered with "
                f"{reply.status} and {reply.headers.get('www-authenticate')}"
            )


@GROUP.case("101/certificate", "Who shows no certificate is not let in", "CONNECT-7")
def who_has_no_certificate_stays_outside(t: HubTester) -> None:
    if t.initiator.access.certificate is None:
        raise NotApplicable("the hub knows the tester by user and password, not by a certificate")
    body = encode_request(Port.TRANSACTION_LOG, "getTransactionStatus", _status_request(t))
    if t.initiator.is_let_in_without_certificate("getTransactionStatus", body):
        raise Failed("a call without a certificate must be let in nowhere; it was answered")


@GROUP.case(
    "102",
    "The hub calls the registry back",
    "CONNECT-3",
    "CONNECT-6",
    "SHAPE-CALL",
    "SEQUENCE-ANSWER",
    essential=True,
)
def the_hub_calls_back(t: HubTester) -> None:
    proposal = t.issuance(t.initiator, t.units(UnitType.AAU))
    t.propose(t.initiator, proposal)
    with breaking("CONNECT-3", "SEQUENCE-ANSWER"):
        t.initiator.expect_any(("acceptNotification",), "anything about a proposal")
    t.told(t.initiator, proposal, TransactionStatus.CHECKED_NO_DISCREPANCY)
    t.notify(t.initiator, proposal, TransactionStatus.TERMINATED)


@dataclass(frozen=True, slots=True)
class _Head:
    code: int
    how: str
    changes: Mapping[str, Any]


_HEADS = (
    _Head(1002, "the sender named is another registry", {"sender": "ACQUIRER"}),
    _Head(1005, "it is addressed to somebody else", {"addressee": "XYZ"}),
    _Head(1031, "another major version", {"major_version": 97}),
    _Head(1032, "another minor version", {"minor_version": 97}),
)


def _with_wrong_heads(t: HubTester, head: _Head) -> None:
    changes = {name: t.acquirer.code if value == "ACQUIRER" else value for name, value in head.changes.items()}
    party = t.initiator
    text = MessageRequest(**party.head(), message_content="conformance test 103", message_date_time=t.clock())
    with breaking(f"CHECK-{head.code}"):
        t.refused_at_once(party.call(replace(text, **changes)), "the message", head.code)
        proposal = t.issuance(party, t.units(UnitType.AAU))
        request = replace(ProposalRequest(**party.head(), proposed_transaction=proposal), **changes)
        t.refused_at_the_door(party, request, head.code)
    with breaking("SEQUENCE-DOOR"):
        answer = t.asked_status(party, proposal.transaction_identifier)
        t.refused_at_once(answer, "getTransactionStatus of a proposal that was refused at once", 3002)
        t.untold(party, proposal)


for _head in _HEADS:
    GROUP.add(
        f"103/{_head.code}",
        f"Refused with {_head.code} at once: {_head.how}",
        (f"CHECK-{_head.code}", "SEQUENCE-DOOR"),
        lambda t, head=_head: _with_wrong_heads(t, head),  # type: ignore[misc]
    )


@dataclass(frozen=True, slots=True)
class _Unreadable:
    number: str
    how: str
    covers: str
    code: int | None
    damage: tuple[bytes, bytes]


_UNREADABLE = (
    _Unreadable("104/1101", "a required element is missing", "CHECK-1101", 1101, (b"<transactionType ", b"<!-- ")),
    _Unreadable(
        "104/1102", "a number is no number", "CHECK-1102", 1102, (b'">1</transactionType>', b'">one</transactionType>')
    ),
    _Unreadable(
        "104/1103",
        "an element that the type does not have",
        "CHECK-1103",
        1103,
        (b"<transactionType ", b"<surplus>1</surplus><transactionType "),
    ),
    _Unreadable("104/xml", "the XML is not well-formed", "CONNECT-4", None, (b"</soapenv:Body>", b"</soapenv:Bod>")),
    _Unreadable(
        "104/operation", "the operation does not exist", "CONNECT-4", None, (b"itl:acceptProposal", b"itl:acceptWish")
    ),
    _Unreadable(
        "104/doctype",
        "there is a document type declaration",
        "CONNECT-5",
        None,
        (b"<soapenv:Envelope", b'<!DOCTYPE x [<!ENTITY e "x">]><soapenv:Envelope'),
    ),
    _Unreadable(
        "104/version",
        "the envelope is of SOAP 1.2",
        "CONNECT-4",
        None,
        (b"http://schemas.xmlsoap.org/soap/envelope/", b"http://www.w3.org/2003/05/soap-envelope"),
    ),
)


def _unreadable(t: HubTester, case: _Unreadable) -> None:
    proposal = t.issuance(t.initiator, t.units(UnitType.AAU))
    request = ProposalRequest(**t.initiator.head(), proposed_transaction=proposal)
    good = encode_request(Port.TRANSACTION_LOG, "acceptProposal", request)
    body = good.replace(*case.damage)
    if case.code == 1101:
        start = good.index(b"<transactionType ")
        end = good.index(b"</transactionType>") + len(b"</transactionType>")
        body = good[:start] + good[end:]
    reply = t.initiator.post("acceptProposal", body)
    _must_be_a_fault(reply.status, reply.body, case.how, case.code)
    answer = t.asked_status(t.initiator, proposal.transaction_identifier)
    t.refused_at_once(answer, "getTransactionStatus of a proposal that cannot be read", 3002)


def _must_be_a_fault(status: int, body: bytes, how: str, code: int | None) -> None:
    try:
        fault = etree.fromstring(body, etree.XMLParser(resolve_entities=False)).find(".//{*}Fault")
    except etree.XMLSyntaxError:
        fault = None
    if status != 500 or fault is None:
        told = "" if code is None else f" with code {code}"
        raise Failed(f"where {how}, the answer must be a SOAP fault with HTTP 500{told}; it has HTTP {status}")
    kind = (fault.findtext("faultcode") or "").rpartition(":")[2].partition(".")[0]
    if kind not in ("Client", "VersionMismatch"):
        raise Failed(f"where {how}, the fault must be the client's; its faultcode is {kind or 'missing'}")
    detail = fault.find("detail")
    if detail is not None and (detail.text or "").strip():
        raise Failed("the detail of the fault holds text; some stacks lose such a fault")
    codes = [node.text for node in fault.iterfind("detail/*/error/code")]
    if code is not None and codes and str(code) not in codes:
        raise Failed(f"where {how}, the detail of the fault should have code {code}; it has {codes}")


for _case in _UNREADABLE:
    GROUP.add(
        _case.number,
        f"A SOAP fault of the client: {_case.how}",
        (_case.covers,),
        lambda t, case=_case: _unreadable(t, case),  # type: ignore[misc]
    )


@GROUP.case("104/1104", "A SOAP fault of the client: more than 3,000 unit blocks", "CHECK-1104")
def too_many_blocks(t: HubTester) -> None:
    whole = t.units(UnitType.AAU, 3_001)
    proposal = t.issuance(t.initiator, *(part(whole, number, 1) for number in range(3_001)))
    request = ProposalRequest(**t.initiator.head(), proposed_transaction=proposal)
    reply = t.initiator.post("acceptProposal", encode_request(Port.TRANSACTION_LOG, "acceptProposal", request))
    _must_be_a_fault(reply.status, reply.body, "there are more than 3,000 blocks", 1104)


@GROUP.case("105", "After a message that cannot be read, the next one is", "CONNECT-4")
def the_next_is_read(t: HubTester) -> None:
    t.initiator.post("acceptProposal", b"no XML at all")
    try:
        t.refused_at_once(t.initiator.call(_status_request(t)), "getTransactionStatus", 3002)
    except Failed as failure:
        raise Failed(f"after a message that cannot be read, {failure}", "CONNECT-4") from failure


def _status_request(t: HubTester) -> TransactionStatusRequest:
    unknown = t.fresh.transaction(t.initiator.code)
    return TransactionStatusRequest(**t.initiator.head(), transaction_identifier=unknown)
