"""Prepared messages: the bytes of a request with a place for the transaction's identifier, as registries spell them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Any

from itl.bench import multiref
from itl.codes import PartyType, TransactionStatus, TransactionType, UnitType
from itl.messages import NotificationRequest, ProposalRequest, ProposalTransaction, TransactionUnitBlock
from itl.wire.contract import Port
from itl.wire.encode import encode_request

OPERATION = "acceptProposal"
NOTIFICATION = "acceptNotification"
REGISTRY = "GB"
LOG = "ITL"
HERE, THERE = 1001, 1002
"""The accounts between which units are moved."""
_FIRST = 10**14
_ACCOUNT_TYPE = 100  # a Party's holding account
_TICKS = 10**5  # a second


class Dialect(StrEnum):
    """How the values of a message are written."""

    INLINE = "inline"
    """Each value in its place: what most SOAP stacks send."""
    MULTIREF = "multiRef"
    """Structs and numbers by reference, each an element of its own: what Apache Axis sends."""


@dataclass(frozen=True, slots=True)
class Units:
    """Unit blocks of AAU, by their first serials."""

    starts: tuple[int, ...]
    size: int = 1
    """Units of each block."""
    period: int = 2

    @staticmethod
    def spaced(first: int, blocks: int, size: int = 1, period: int = 2) -> Units:
        """As many blocks from `first` on, each followed by a gap of its own size, so that no two of them are one."""
        return Units(tuple(first + 2 * size * number for number in range(blocks)), size, period)

    @property
    def behind(self) -> int:
        """The serial from which others may follow."""
        return max(self.starts) + 2 * self.size


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message around the digits of its transaction identifier."""

    before: bytes
    after: bytes

    @staticmethod
    def digits(number: int) -> bytes:
        """The digits of the identifier of that number, always as many."""
        return b"%d" % (_FIRST + number)

    def request(self, number: int) -> tuple[bytes, bytes, bytes]:
        """The message of the transaction of that number, in pieces."""
        return self.before, self.digits(number), self.after

    def requests(self, numbers: Iterable[int]) -> Iterator[tuple[bytes, bytes, bytes]]:
        """The same message for one transaction after the other."""
        return map(self.request, numbers)

    @property
    def size(self) -> int:
        return len(self.before) + len(self.digits(0)) + len(self.after)


def number_by_time() -> int:
    """A number, for identifiers or for serials: tens of microseconds since 1970.

    What counts up from it repeats nothing of an earlier run, as long as that used fewer than 100,000 a second.
    """
    return int(time.time() * _TICKS)


def numbers_by_time() -> Iterator[int]:
    """Numbers for identifiers that no earlier run has used."""
    return count(number_by_time())


def unheld(blocks: int) -> Units:
    """Units that no ledger needs to have, since they are only to be accepted."""
    return Units.spaced(10**6, blocks, size=100, period=1)


def prepare(blocks: int, dialect: Dialect, registry: str = REGISTRY) -> Prepared:
    """An internal transfer of `blocks` unit blocks, which the ledger need not have."""
    return transfer(unheld(blocks), dialect, registry)


def issuance(units: Units, dialect: Dialect, registry: str = REGISTRY) -> Prepared:
    """The units come into being, in the account `HERE`."""
    return _around_digits(OPERATION, _proposal(TransactionType.ISSUANCE, None, HERE, units, registry), dialect)


def transfer(units: Units, dialect: Dialect, registry: str = REGISTRY, *, back: bool = False) -> Prepared:
    """The units go from the account `HERE` to `THERE`, or back."""
    return _around_digits(OPERATION, moving(units, registry, back=back), dialect)


def moving(units: Units, registry: str = REGISTRY, *, back: bool = False) -> ProposalRequest:
    """That transfer as a message."""
    accounts = (THERE, HERE) if back else (HERE, THERE)
    return _proposal(TransactionType.INTERNAL_TRANSFER, *accounts, units, registry)


def told(status: TransactionStatus, dialect: Dialect, registry: str = REGISTRY, sender: str | None = None) -> Prepared:
    """The registry tells the log what became of its transaction, or another `sender` what it makes of it."""
    message = NotificationRequest(
        sender=sender or registry,
        addressee=LOG,
        major_version=1,
        minor_version=1,
        transaction_identifier=f"{registry}{_FIRST}",
        transaction_status=int(status),
        party_type=int(PartyType.TRANSFERRING_REGISTRY),
        evaluation_result=(),
    )
    return _around_digits(NOTIFICATION, message, dialect)


def _proposal(kind: TransactionType, source: int | None, target: int, units: Units, registry: str) -> ProposalRequest:
    source_type = None if source is None else _ACCOUNT_TYPE
    blocks = tuple(
        TransactionUnitBlock(
            unit_serial_block_start=start,
            unit_serial_block_end=start + units.size - 1,
            originating_registry_code=registry,
            unit_type=UnitType.AAU,
            original_commit_period=units.period,
            applicable_commit_period=units.period,
            transferring_registry_account_type=source_type,
            transferring_registry_account_identifier=source,
            acquiring_registry_account_type=_ACCOUNT_TYPE,
            acquiring_registry_account_identifier=target,
        )
        for start in units.starts
    )
    transaction = ProposalTransaction(
        transaction_identifier=f"{registry}{_FIRST}",
        transaction_type=kind,
        transferring_registry_code=registry,
        transferring_registry_account_type=source_type,
        transferring_registry_account_identifier=source,
        acquiring_registry_code=registry,
        acquiring_registry_account_type=_ACCOUNT_TYPE,
        acquiring_registry_account_identifier=target,
        proposal_unit_blocks=blocks,
    )
    return ProposalRequest(
        sender=registry, addressee=LOG, major_version=1, minor_version=1, proposed_transaction=transaction
    )


def _around_digits(operation: str, message: Any, dialect: Dialect) -> Prepared:
    write = multiref.encode if dialect is Dialect.MULTIREF else encode_request
    before, digits, after = write(Port.TRANSACTION_LOG, operation, message).partition(Prepared.digits(0))
    if not digits:
        raise ValueError("the identifier does not stand in the message as it was given")
    return Prepared(before, after)
