"""600 to 607: the spellings of SOAP that registries' stacks send, each of which a hub must read."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from itl.codes import TransactionStatus, UnitType
from itl.messages import ProposalRequest
from itl.wire.contract import Port
from itl.wire.encode import encode_request
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.making import part
from registry_client.conformance.spelling import (
    by_named_reference,
    by_reference,
    of_the_types_namespace,
    shared_in_place,
    shuffled_with_nil,
    spaced,
    typed_by_array_alone,
    untyped,
)
from registry_client.conformance.suite import Failed, Group

GROUP: Group[HubTester] = Group("Spellings of SOAP stacks")

_OPERATION = "acceptProposal"

SPELLINGS: tuple[tuple[str, str, str, Callable[[etree._Element], None]], ...] = (
    ("600", "By reference, in any order (Apache Axis 1.4)", "READ-1", by_reference),
    ("601", "Without types (zeep, node soap)", "READ-2", untyped),
    ("602", "In another order, absent values as nil (SOAP::Lite, Apache Axis 1.4)", "READ-3", shuffled_with_nil),
    ("603", "Blanks and leading zeros (Apache Axis 1.4, pretty)", "READ-4", spaced),
    ("604", "The operation in the namespace of the types (node soap)", "READ-2", of_the_types_namespace),
    ("605", "By reference to elements named after their types (.NET)", "READ-1", by_named_reference),
    ("606", "By reference to where a value stands first (PHP)", "READ-1", shared_in_place),
    ("607", "Types of arrays alone, and places of items (gSOAP)", "READ-2", typed_by_array_alone),
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
