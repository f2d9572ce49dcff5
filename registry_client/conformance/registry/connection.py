"""100 to 105: the two reach each other, know who is who, and refuse what cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree
from msgspec.structs import replace

from itl.codes import TransactionStatus, UnitType
from itl.messages import ProposalRequest, ProvideTimeRequest
from itl.wire.contract import Port
from itl.wire.encode import encode_request
from registry_client.conformance.judging import require_acknowledged
from registry_client.conformance.registry.tester import RegistryTester
from registry_client.conformance.suite import Failed, Group, NotApplicable, breaking

_S = TransactionStatus

GROUP: Group[RegistryTester] = Group("Communication initialization")


@GROUP.case("100", "A call is answered", "R-CONNECT-1", "R-SHAPE-REPLY", "R-ACKNOWLEDGE-1", essential=True)
def a_call_is_answered(t: RegistryTester) -> None:
    with breaking("R-ACKNOWLEDGE-1"):
        require_acknowledged(t.log.call(_time(t)), "provideTime")


@GROUP.case("101", "Who gives no user, or a wrong password, is not let in", "R-CONNECT-4")
def strangers_stay_outside(t: RegistryTester) -> None:
    user = t.profile.access.user
    if user is None:
        raise NotApplicable("the registry asks the log for no user and password")
    body = encode_request(Port.REGISTRY, "provideTime", _time(t))
    for what, shown in (("without a user", None), ("with a wrong password", (user, "wrong"))):
        reply = t.log.post("provideTime", body, user=shown)
        if reply.status not in (401, 403):
            raise Failed(f"a call {what} must be refused with HTTP 401; it was answered with {reply.status}")


@GROUP.case("101/certificate", "Who shows no certificate is not let in", "R-CONNECT-6")
def who_has_no_certificate_stays_outside(t: RegistryTester) -> None:
    if t.profile.access.certificate is None:
        raise NotApplicable("the log shows the registry no certificate")
    if t.log.is_let_in_without_certificate("provideTime", encode_request(Port.REGISTRY, "provideTime", _time(t))):
        raise Failed("a call without a certificate must be let in nowhere; it was answered")


@GROUP.case("102", "The registry calls the log back", "R-SHAPE-CALL", "R-CONNECT-5", "R-ACQUIRE-1", essential=True)
def the_registry_calls_back(t: RegistryTester) -> None:
    proposal = t.transfer(t.units(UnitType.AAU))
    t.relay(proposal)
    found = t.reports(proposal, _S.ACCEPTED, _S.REJECTED, breaks="R-ACQUIRE-1")
    if found.transaction_status == _S.REJECTED and not found.evaluation_result:
        raise Failed(
            f"a rejection must say why; {proposal.transaction_identifier} was rejected without a code", "R-ACQUIRE-1"
        )
    t.tell(proposal, _S.CANCELLED)


@dataclass(frozen=True, slots=True)
class _Head:
    number: str
    how: str
    changes: Mapping[str, Any]


_HEADS = (
    _Head("103/from", "from somebody else", {"sender": "OTHER"}),
    _Head("103/to", "to somebody else", {"addressee": "OTHER"}),
    _Head("103/major", "of another major version", {"major_version": 97}),
    _Head("103/minor", "of another minor version", {"minor_version": 97}),
)


def _with_a_wrong_head(t: RegistryTester, head: _Head) -> None:
    changes = {name: t.profile.other if value == "OTHER" else value for name, value in head.changes.items()}
    proposal = t.transfer(t.units(UnitType.AAU))
    request = replace(ProposalRequest(**t.log.head(), proposed_transaction=proposal), **changes)
    t.book.relayed(proposal)
    t.log.post("acceptProposal", encode_request(Port.REGISTRY, "acceptProposal", request))
    t.silent(proposal, f"a proposal {head.how} is not for the registry:", "R-CONNECT-3")


for _head in _HEADS:
    GROUP.add(
        _head.number,
        f"A transfer {_head.how} is not acted upon",
        ("R-CONNECT-3",),
        lambda t, head=_head: _with_a_wrong_head(t, head),  # type: ignore[misc]
    )


@dataclass(frozen=True, slots=True)
class _Unreadable:
    number: str
    how: str
    damage: tuple[bytes, bytes]


_UNREADABLE = (
    _Unreadable("104/xml", "the XML is not well-formed", (b"</soapenv:Body>", b"</soapenv:Bod>")),
    _Unreadable("104/operation", "the operation does not exist", (b"itl:acceptProposal", b"itl:acceptWish")),
    _Unreadable("104/type", "a number is no number", (b'">3</transactionType>', b'">three</transactionType>')),
    _Unreadable(
        "104/doctype",
        "there is a document type declaration",
        (b"<soapenv:Envelope", b'<!DOCTYPE x [<!ENTITY e "x">]><soapenv:Envelope'),
    ),
)


def _unreadable(t: RegistryTester, case: _Unreadable) -> None:
    proposal = t.transfer(t.units(UnitType.AAU))
    request = ProposalRequest(**t.log.head(), proposed_transaction=proposal)
    body = encode_request(Port.REGISTRY, "acceptProposal", request).replace(*case.damage)
    reply = t.log.post("acceptProposal", body)
    try:
        fault = etree.fromstring(reply.body, etree.XMLParser(resolve_entities=False)).find(".//{*}Fault")
    except etree.XMLSyntaxError:
        fault = None
    if reply.status != 500 or fault is None:
        raise Failed(f"where {case.how}, the answer must be a SOAP fault with HTTP 500; it has HTTP {reply.status}")
    t.silent(proposal, f"where {case.how},", "R-CONNECT-2")


for _case in _UNREADABLE:
    GROUP.add(
        _case.number,
        f"A SOAP fault: {_case.how}",
        ("R-CONNECT-2",),
        lambda t, case=_case: _unreadable(t, case),  # type: ignore[misc]
    )


@GROUP.case("105", "After a message that cannot be read, the next one is", "R-CONNECT-2")
def the_next_is_read(t: RegistryTester) -> None:
    t.log.post("acceptProposal", b"no XML at all")
    try:
        require_acknowledged(t.log.call(_time(t)), "provideTime")
    except Failed as failure:
        raise Failed(f"after a message that cannot be read, {failure}", "R-CONNECT-2") from failure


def _time(t: RegistryTester) -> ProvideTimeRequest:
    return ProvideTimeRequest(**t.log.head(), itl_system_time=t.clock())
