"""What the played log keeps of transactions: where each stands, and what the registry may say of it next.

A registry is watched in every test, whatever that is about: what it may not say is put down as a fault, and refused
with the code by which a log refuses it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime

from itl.clock import Clock
from itl.codes import TransactionStatus, TransactionType
from itl.messages import NotificationRequest, ProposalTransaction, TransactionStatusResponse
from registry_client.conformance.making import joined, without
from registry_client.conformance.registry.proposed import serials_of
from registry_client.transactions import Role

_S = TransactionStatus

_UNKNOWN, _NO_STATUS, _USED, _UNTIMELY = 3002, 2004, 3001, 3014

MAY_REPORT: dict[tuple[Role, int], frozenset[int]] = {
    (Role.INITIATOR, _S.PROPOSED): frozenset({_S.TERMINATED}),
    (Role.INITIATOR, _S.CHECKED_NO_DISCREPANCY): frozenset({_S.COMPLETED, _S.TERMINATED}),
    (Role.INITIATOR, _S.STL_CHECKED_NO_DISCREPANCY): frozenset({_S.COMPLETED, _S.TERMINATED}),
    (Role.INITIATOR, _S.ACCEPTED): frozenset({_S.COMPLETED}),
    (Role.INITIATOR, _S.CHECKED_DISCREPANCY): frozenset({_S.TERMINATED}),
    (Role.INITIATOR, _S.STL_CHECKED_DISCREPANCY): frozenset({_S.TERMINATED}),
    (Role.INITIATOR, _S.REJECTED): frozenset({_S.TERMINATED}),
    (Role.INITIATOR, _S.CANCELLED): frozenset({_S.TERMINATED}),
    (Role.ACQUIRER, _S.PROPOSED): frozenset({_S.ACCEPTED, _S.REJECTED}),
    (Role.ACQUIRER, _S.COMPLETED): frozenset({_S.COMPLETED}),
}
"""What a registry may report of a transaction, by its role and the status at which the log has it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A transaction as the played log has it."""

    role: Role
    proposal: ProposalTransaction
    status: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Untimely:
    """What a registry may not report: the code of why, what it is in words, and the requirement that it breaks."""

    code: int
    text: str
    breaks: str = "R-REPORT-1"


@dataclass(frozen=True, slots=True)
class Move:
    """Units that came to the registry, or left it: originating registry, first and last serial."""

    came: bool
    units: list[tuple[str, int, int]]


_COMES: dict[int, bool] = {TransactionType.ISSUANCE: True, TransactionType.EXTERNAL_TRANSFER: False}
"""Whether units come to their initiator or leave it, by the types of transaction in which they do either."""


class Book:
    """The transactions with one registry. Safe for threads: it calls while it is called."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, Kept] = {}
        self._moves: list[Move] = []
        self._refused: dict[tuple[str, int], str] = {}

    def relayed(self, proposal: ProposalTransaction) -> None:
        """The log relays a transfer to the registry."""
        with self._lock:
            kept = Kept(Role.ACQUIRER, proposal, _S.PROPOSED, self._clock())
            self._kept.setdefault(proposal.transaction_identifier, kept)

    def told(self, identifier: str, status: int) -> None:
        """The log tells the registry a status; one that comes after the end changes nothing."""
        with self._lock:
            kept = self._kept.get(identifier)
            if kept is not None and kept.status in _OPEN:
                self._kept[identifier] = replace(kept, status=status, at=self._clock())
                if kept.role is Role.ACQUIRER and status == _S.COMPLETED:
                    self._moves.append(Move(True, _units_of(kept.proposal)))

    def moves(self) -> list[Move]:
        """Which units came to the registry and left it since this was asked the last time, in order."""
        with self._lock:
            moves, self._moves = self._moves, []
            return moves

    def kept_elsewhere(self, proposal: ProposalTransaction) -> list[str]:
        """The registry's other open transactions that are about units of a proposal."""
        wanted = _units_of(proposal)
        with self._lock:
            return [
                identifier
                for identifier, kept in self._kept.items()
                if kept.role is Role.INITIATOR
                and kept.status in _OPEN
                and identifier != proposal.transaction_identifier
                and without(wanted, _units_of(kept.proposal)) != joined(wanted)
            ]

    def breaks_by(self, identifier: str, status: int) -> str | None:
        """What a report breaks that was refused; None for one that was not."""
        with self._lock:
            return self._refused.get((identifier, status))

    def proposed(self, proposal: ProposalTransaction) -> int | None:
        """The registry proposes; the code of why it may not under this identifier."""
        with self._lock:
            kept = self._kept.get(proposal.transaction_identifier)
            if kept is not None:
                return None if kept.proposal == proposal else _USED
            self._kept[proposal.transaction_identifier] = Kept(Role.INITIATOR, proposal, _S.PROPOSED, self._clock())
            return None

    def reported(self, message: NotificationRequest) -> Untimely | None:
        """The registry reports; why it may not."""
        identifier, status = message.transaction_identifier, message.transaction_status
        with self._lock:
            kept = self._kept.get(identifier)
            if kept is None:
                return Untimely(_UNKNOWN, f"status {status} of {identifier}, which is no transaction of it")
            if status not in _S.__members__.values():
                self._refused[identifier, status] = "R-REPORT-1"
                return Untimely(_NO_STATUS, f"status {status} of {identifier}, which is not in the code list")
            if status not in MAY_REPORT.get((kept.role, kept.status), frozenset()):
                told = f"status {status} of {identifier} as {kept.role}, which stands at {_NAMES.get(kept.status)}"
                self._refused[identifier, status] = _broken(kept)
                return Untimely(_UNTIMELY, told, _broken(kept))
            self._kept[identifier] = replace(kept, status=_after(kept, status), at=self._clock())
            if kept.role is Role.INITIATOR and status == _S.COMPLETED and kept.proposal.transaction_type in _COMES:
                self._moves.append(Move(_COMES[kept.proposal.transaction_type], _units_of(kept.proposal)))
            return None

    def status(self, identifier: str) -> TransactionStatusResponse:
        """The answer to getTransactionStatus; the contract wants a status also where there is none: 0."""
        with self._lock:
            kept = self._kept.get(identifier)
        return TransactionStatusResponse(
            transaction_identifier=identifier,
            transaction_status=kept.status if kept else 0,
            transaction_status_date_time=kept.at if kept else self._clock(),
            result_identifier=1 if kept else 0,
            response_codes=None if kept else (_UNKNOWN,),
        )


_OPEN = frozenset({_S.PROPOSED, _S.CHECKED_NO_DISCREPANCY, _S.STL_CHECKED_NO_DISCREPANCY, _S.ACCEPTED})

_CONFIRMED = -1
"""Completed on both sides: there is nothing more to say."""

_NAMES = {int(status): status.name.lower().replace("_", " ") for status in _S} | {_CONFIRMED: "confirmed"}

_BREAKS: dict[tuple[Role, int], str] = {
    (Role.INITIATOR, _S.CHECKED_DISCREPANCY): "R-FINISH-2",
    (Role.INITIATOR, _S.STL_CHECKED_DISCREPANCY): "R-FINISH-5",
    (Role.INITIATOR, _S.CANCELLED): "R-FINISH-3",
    (Role.INITIATOR, _S.REJECTED): "R-TRANSFER-2",
    (Role.INITIATOR, _S.ACCEPTED): "R-TRANSFER-3",
    (Role.ACQUIRER, _S.PROPOSED): "R-ACQUIRE-1",
    (Role.ACQUIRER, _S.ACCEPTED): "R-ACQUIRE-3",
    (Role.ACQUIRER, _S.CANCELLED): "R-ACQUIRE-4",
}
"""What a report breaks that may not be, by the role and the status at which the log has the transaction."""


def _units_of(proposal: ProposalTransaction) -> list[tuple[str, int, int]]:
    return [serials_of(block) for block in proposal.proposal_unit_blocks]


def _after(kept: Kept, status: int) -> int:
    confirms = kept.role is Role.ACQUIRER and status == _S.COMPLETED
    return _CONFIRMED if confirms else status


def _broken(kept: Kept) -> str:
    if kept.role is Role.INITIATOR and kept.status in (_S.PROPOSED, _S.CHECKED_NO_DISCREPANCY, _S.COMPLETED):
        goes_out = kept.proposal.transaction_type == TransactionType.EXTERNAL_TRANSFER
        return "R-TRANSFER-1" if goes_out else "R-FINISH-1"
    return _BREAKS.get((kept.role, kept.status), "R-REPORT-1")
