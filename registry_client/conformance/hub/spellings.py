"""600 to 604: the spellings of SOAP that registries' stacks send, each of which a hub must read.

Each is made of a message in the plain spelling, so that they all say the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from lxml import etree

from itl.codes import TransactionStatus, UnitType
from itl.messages import ProposalRequest
from itl.wire.contract import SOAP_ENCODING, SOAP_ENVELOPE, TYPE_NAMESPACE, XSI, Port
from itl.wire.encode import encode_request
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.making import part
from registry_client.conformance.suite import Failed, Group

GROUP: Group[HubTester] = Group("Spellings of SOAP stacks")

_TYPE, _NIL = f"{{{XSI}}}type", f"{{{XSI}}}nil"
_ARRAY_TYPE, _STYLE = f"{{{SOAP_ENCODING}}}arrayType", f"{{{SOAP_ENVELOPE}}}encodingStyle"
_OPERATION = "acceptProposal"


def _parts(root: etree._Element) -> tuple[etree._Element, etree._Element]:
    """The Body, and the part of the operation in it."""
    body = root[-1]
    return body, body[0][0]


def by_reference(root: etree._Element) -> None:
    """Everything that is no text by reference, behind the operation and in another order: Apache Axis 1.4.

    Numbers that are equal are one element, which several refer to.
    """
    body, part = _parts(root)
    numbers = itertools.count()
    targets = []
    known: dict[tuple[str, str], str] = {}
    for node in [each for each in part.iter() if each.get(_ARRAY_TYPE) is None and each is not part]:
        if len(node) == 0 and not str(node.get(_TYPE)).endswith((":int", ":long")):
            continue
        value = (str(node.get(_TYPE)), str(node.text))
        if len(node) == 0 and value in known:
            node.clear()
            node.set("href", known[value])
            continue
        target = etree.Element("multiRef", nsmap={prefix: uri for prefix, uri in root.nsmap.items() if prefix})
        target.attrib.update({"id": f"id{next(numbers)}", f"{{{SOAP_ENCODING}}}root": "0", _STYLE: SOAP_ENCODING})
        target.attrib.update({_TYPE: str(node.get(_TYPE))})
        targets.append((node, target))
        if len(node) == 0:
            known[value] = f"#{target.get('id')}"
    for node, target in targets:
        target.text = node.text
        target.extend(list(node))
        node.clear()
        node.set("href", f"#{target.get('id')}")
    body.extend(target for _, target in reversed(targets))


def untyped(root: etree._Element) -> None:
    """Without any type, encoding style or type of an array, and items named after their type: zeep, node soap."""
    for node in root.iter():
        for name in (_TYPE, _ARRAY_TYPE, _STYLE):
            node.attrib.pop(name, "")
        if node.tag == "item":
            node.tag = "TransactionUnitBlock"


def shuffled_with_nil(root: etree._Element) -> None:
    """Elements in another order, what is absent as nil with a wrong type, an empty header: SOAP::Lite, Axis, suds."""
    _, part = _parts(root)
    for node in [part, *part]:
        node[:] = reversed(list(node))
    absent = etree.SubElement(part[0], "notificationIdentifier")
    absent.attrib.update({_TYPE: "xsd:int", _NIL: "true"})
    root.insert(0, etree.Element(f"{{{SOAP_ENVELOPE}}}Header"))


def spaced(root: etree._Element) -> None:
    """Blanks between all elements and around numbers, leading zeros: a pretty-printing Axis."""
    _, part = _parts(root)
    for node in part.iter():
        node.tail = "\n    "
        if len(node):
            node.text = "\n    "
        elif str(node.get(_TYPE)).endswith((":int", ":long")):
            node.text = f" 0{node.text} "


def of_the_types_namespace(root: etree._Element) -> None:
    """The operation in the namespace of the types: node soap."""
    root[-1][0].tag = f"{{{TYPE_NAMESPACE}}}{_OPERATION}"


SPELLINGS: tuple[tuple[str, str, str, Callable[[etree._Element], None]], ...] = (
    ("600", "By reference, in any order (Apache Axis 1.4)", "READ-1", by_reference),
    ("601", "Without types (zeep, node soap)", "READ-2", untyped),
    ("602", "In another order, absent values as nil (SOAP::Lite, Apache Axis 1.4)", "READ-3", shuffled_with_nil),
    ("603", "Blanks and leading zeros (Apache Axis 1.4, pretty)", "READ-4", spaced),
    ("604", "The operation in the namespace of the types (node soap)", "READ-2", of_the_types_namespace),
)


def _reads(t: HubTester, spell: Callable[[etree._Element], None], covers: str) -> None:
    block = t.units(UnitType.RMU, 3_000)
    proposal = t.issuance(t.initiator, block, t.units(UnitType.RMU))
    request = ProposalRequest(**t.initiator.head(), proposed_transaction=proposal)
    root = etree.fromstring(encode_request(Port.TRANSACTION_LOG, _OPERATION, request))
    spell(root)
    reply = t.initiator.post(_OPERATION, etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
    try:
        answer = t.initiator.read(_OPERATION, reply)
    except Failed as failure:
        raise Failed(f"a proposal in this spelling must be read: {failure}", covers) from failure
    t.acknowledged(answer, "the proposal in this spelling")
    t.told(t.initiator, proposal, TransactionStatus.CHECKED_NO_DISCREPANCY)
    # the same in the plain spelling is a repeat: so it was read as it was meant
    t.propose(t.initiator, proposal)
    t.notify(t.initiator, proposal, TransactionStatus.COMPLETED)
    again = part(block, 2_999, 1)
    t.names(t.refused(t.initiator, t.issuance(t.initiator, again), 5010), 5010, again, breaks=covers)


for _number, _title, _covers, _spell in SPELLINGS:
    GROUP.add(_number, _title, (_covers,), lambda t, spell=_spell, covers=_covers: _reads(t, spell, covers))  # type: ignore[misc]
