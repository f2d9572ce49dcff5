"""Prepared proposals: the bytes of a message with a place for its identifier, as two kinds of registries spell them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from itl.codes import TransactionType, UnitType
from itl.messages import ProposalRequest, ProposalTransaction, TransactionUnitBlock
from itl.wire.contract import (
    OPERATION_NAMESPACE,
    OPERATIONS,
    SOAP_ENCODING,
    SOAP_ENVELOPE,
    TYPE_NAMESPACE,
    XSD,
    XSI,
    Array,
    Plan,
    Port,
    Struct,
)
from itl.wire.encode import encode_request
from itl.wire.scalars import Scalar

OPERATION = "acceptProposal"
REGISTRY = "GB"
_FIRST = 10**14
_ACCOUNT_TYPE = 100  # a Party's holding account
_BLOCK = 100  # units


class Dialect(StrEnum):
    """How the values of a message are written."""

    INLINE = "inline"
    """Each value in its place: what most SOAP stacks send."""
    MULTIREF = "multiRef"
    """Structs and numbers by reference, each an element of its own: what Apache Axis sends."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message around the digits of its transaction identifier."""

    before: bytes
    after: bytes

    @staticmethod
    def digits(number: int) -> bytes:
        """The digits of the identifier of that number, always as many."""
        return b"%d" % (_FIRST + number)

    @property
    def size(self) -> int:
        return len(self.before) + len(self.digits(0)) + len(self.after)


def prepare(blocks: int, dialect: Dialect) -> Prepared:
    """An internal transfer of `blocks` unit blocks, as a registry of the sandbox proposes it."""
    write = _multiref if dialect is Dialect.MULTIREF else _inline
    before, digits, after = write(_proposal(blocks)).partition(Prepared.digits(0))
    if not digits:
        raise ValueError("the identifier does not stand in the message as it was given")
    return Prepared(before, after)


def _proposal(blocks: int) -> ProposalRequest:
    return ProposalRequest(
        sender=REGISTRY,
        addressee="ITL",
        major_version=1,
        minor_version=1,
        proposed_transaction=ProposalTransaction(
            transaction_identifier=f"{REGISTRY}{_FIRST}",
            transaction_type=TransactionType.INTERNAL_TRANSFER,
            transferring_registry_code=REGISTRY,
            transferring_registry_account_type=_ACCOUNT_TYPE,
            transferring_registry_account_identifier=1001,
            acquiring_registry_code=REGISTRY,
            acquiring_registry_account_type=_ACCOUNT_TYPE,
            acquiring_registry_account_identifier=1002,
            proposal_unit_blocks=tuple(_block(number) for number in range(blocks)),
        ),
    )


def _block(number: int) -> TransactionUnitBlock:
    start = 1_000_000 + 2 * _BLOCK * number  # with gaps, so that no two blocks are one
    return TransactionUnitBlock(
        unit_serial_block_start=start,
        unit_serial_block_end=start + _BLOCK - 1,
        originating_registry_code=REGISTRY,
        unit_type=UnitType.AAU,
        original_commit_period=1,
        applicable_commit_period=1,
        transferring_registry_account_type=_ACCOUNT_TYPE,
        transferring_registry_account_identifier=1001,
        acquiring_registry_account_type=_ACCOUNT_TYPE,
        acquiring_registry_account_identifier=1002,
    )


def _inline(message: ProposalRequest) -> bytes:
    return encode_request(Port.TRANSACTION_LOG, OPERATION, message)


def _multiref(message: ProposalRequest) -> bytes:
    contract = OPERATIONS[Port.TRANSACTION_LOG][OPERATION]
    references = _References()
    part = references.element(contract.request_part, contract.request_plan, message)
    return "".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f'<soapenv:Envelope xmlns:soapenv="{SOAP_ENVELOPE}" xmlns:xsd="{XSD}" xmlns:xsi="{XSI}"><soapenv:Body>'
            f'<ns1:{OPERATION} soapenv:encodingStyle="{SOAP_ENCODING}" xmlns:ns1="{OPERATION_NAMESPACE}">'
            f"{part}</ns1:{OPERATION}>",
            *references.written,
            "</soapenv:Body></soapenv:Envelope>",
        )
    ).encode()


class _References:
    """The multiRef elements of one message: one for each struct and number, but equal small numbers share one.

    Axis refers to objects, and Java keeps one object for every number from -128 to 127.
    """

    def __init__(self) -> None:
        self.written: list[str] = []
        self._numbers: dict[tuple[str, int], str] = {}

    def element(self, name: str, plan: Plan, value: Any) -> str:
        if isinstance(plan, Array):
            items = "".join(self.element(name, plan.item, entry) for entry in value)
            kind = f'soapenc:arrayType="typens:{plan.item.name}[{len(value)}]" xsi:type="soapenc:Array"'
            return f"<{name} {kind}>{items}</{name}>"
        if value is None:
            return f'<{name} xsi:type="xsd:{plan.name}" xsi:nil="true"/>'
        if isinstance(plan, Struct):
            content = "".join(self.element(item.element, item.plan, getattr(value, item.name)) for item in plan.fields)
            return f'<{name} href="#{self._write(f"typens:{plan.name}", content)}"/>'
        if isinstance(value, int):
            return f'<{name} href="#{self._number(plan, value)}"/>'
        return f'<{name} xsi:type="xsd:{plan.name}">{plan.render(value)}</{name}>'

    def _number(self, plan: Scalar, value: int) -> str:
        key = plan.name, value
        identifier = self._numbers.get(key) or self._write(f"xsd:{plan.name}", plan.render(value))
        if -128 <= value <= 127:
            self._numbers[key] = identifier
        return identifier

    def _write(self, kind: str, content: str) -> str:
        identifier = f"id{len(self.written)}"
        self.written.append(
            f'<multiRef id="{identifier}" soapenc:root="0" soapenv:encodingStyle="{SOAP_ENCODING}" xsi:type="{kind}"'
            f' xmlns:soapenc="{SOAP_ENCODING}" xmlns:typens="{TYPE_NAMESPACE}">{content}</multiRef>'
        )
        return identifier
