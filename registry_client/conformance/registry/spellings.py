"""600 to 607: the spellings of SOAP that a log's stack may send, each of which a registry must read.

An array without its type is none of them: the stack of a connected registry fails at it.
"""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from itl.codes import UnitType
from itl.messages import ProposalRequest
from itl.wire.contract import Port
from itl.wire.encode import encode_request
from registry_client.conformance.judging import require_acknowledged
from registry_client.conformance.registry.holdings import lies
from registry_client.conformance.registry.tester import RegistryTester
from registry_client.conformance.spelling import (
    by_named_reference,
    by_reference,
    items_named_after_their_type,
    of_the_types_namespace,
    shared_in_place,
    shuffled_with_nil,
    spaced,
    typed_by_array_alone,
)
from registry_client.conformance.suite import Failed, Group

GROUP: Group[RegistryTester] = Group("Spellings of SOAP stacks")

_OPERATION = "acceptProposal"

SPELLINGS: tuple[tuple[str, str, str, Callable[[etree._Element], None]], ...] = (
    ("600", "By reference, in any order (Apache Axis 1.4)", "R-READ-1", by_reference),
    ("601", "By reference to elements named after their types (.NET)", "R-READ-1", by_named_reference),
    ("602", "By reference to where a value stands first (PHP)", "R-READ-1", shared_in_place),
    ("603", "Types of arrays alone, and places of items (gSOAP)", "R-READ-2", typed_by_array_alone),
    (
        "604",
        "In another order, absent values as nil (SOAP::Lite, suds)",
        "R-READ-3",
        shuffled_with_nil,
    ),
    ("605", "Blanks and leading zeros (Apache Axis 1.4, pretty)", "R-READ-4", spaced),
    ("606", "The operation in the namespace of the types (node soap)", "R-READ-2", of_the_types_namespace),
    ("607", "Items of an array named after their type (zeep, node soap)", "R-READ-2", items_named_after_their_type),
)


def _reads(t: RegistryTester, spell: Callable[[etree._Element], None], covers: str) -> None:
    block, other = t.units(UnitType.AAU, 3_000), t.units(UnitType.AAU)
    proposal = t.transfer(block, other)
    t.book.relayed(proposal)
    root = etree.fromstring(
        encode_request(Port.REGISTRY, _OPERATION, ProposalRequest(**t.log.head(), proposed_transaction=proposal))
    )
    spell(root)
    reply = t.log.post(_OPERATION, etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
    try:
        require_acknowledged(t.log.read(_OPERATION, reply), "the transfer in this spelling")
        t.completes_in(proposal)
    except Failed as failure:
        raise Failed(f"a transfer in this spelling must be read: {failure}", covers) from failure
    lies(t, block, other, account=t.profile.receiving, breaks=covers)


for _number, _title, _covers, _spell in SPELLINGS:
    GROUP.add(_number, _title, (_covers,), lambda t, spell=_spell, covers=_covers: _reads(t, spell, covers))  # type: ignore[misc]
