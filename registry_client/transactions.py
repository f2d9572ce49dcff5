"""A transaction as the registry sees it, and what news of the log mean for it. Pure: tables and values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from itl.codes import TransactionStatus, TransactionType
from itl.messages import ProposalTransaction
from registry_client.identifiers import SerialRange


class Role(StrEnum):
    """Which side of the transaction the registry is on."""

    INITIATOR = "initiator"
    ACQUIRER = "acquirer"


class State(StrEnum):
    """Where a transaction stands in the registry."""

    PROPOSED = "proposed"
    """Ours; sent or to be sent, no outcome yet. The units are reserved."""
    RECEIVED = "received"
    """Another registry's transfer to us, not answered yet."""
    ACCEPTED = "accepted"
    """Another registry's transfer to us, answered with status 8."""
    COMPLETED = "completed"
    TERMINATED = "terminated"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    """Another registry's transfer to us, answered with status 6."""
    REFUSED = "refused"
    """Ours; the log did not take the proposal (result 0, or a fault)."""


FINAL = frozenset({State.COMPLETED, State.TERMINATED, State.CANCELLED, State.REJECTED, State.REFUSED})


class Move(StrEnum):
    """What a status told by the log makes the registry do."""

    FINALISE = "finalise"
    """Carry the transaction out and report 4."""
    TERMINATE = "terminate"
    """Release the units and report 5."""
    CLOSE = "close"
    """Release the units; the log knows already that it has ended: report nothing."""
    CANCEL = "cancel"
    WAIT = "wait"


_S = TransactionStatus
_STOPS: dict[int, Move] = {
    _S.CHECKED_DISCREPANCY: Move.TERMINATE,
    _S.STL_CHECKED_DISCREPANCY: Move.TERMINATE,
    _S.REJECTED: Move.TERMINATE,
    _S.TERMINATED: Move.CLOSE,
    _S.CANCELLED: Move.CANCEL,
    _S.PROPOSED: Move.WAIT,
}
_GOES: tuple[int, ...] = (_S.CHECKED_NO_DISCREPANCY, _S.STL_CHECKED_NO_DISCREPANCY, _S.ACCEPTED, _S.COMPLETED)

INTERNAL = _STOPS | dict.fromkeys(_GOES, Move.FINALISE)
"""The initiator of a transaction inside its own registry."""

TRANSFERRING = INTERNAL | dict.fromkeys((_S.CHECKED_NO_DISCREPANCY, _S.STL_CHECKED_NO_DISCREPANCY), Move.WAIT)
"""The initiator of an external transfer: its units leave when the acquirer accepted, not when the log has checked."""

ACQUIRING = (
    _STOPS
    | dict.fromkeys(_GOES, Move.WAIT)
    | dict.fromkeys((_S.CHECKED_DISCREPANCY, _S.STL_CHECKED_DISCREPANCY, _S.REJECTED), Move.CLOSE)
    | {_S.COMPLETED: Move.FINALISE}
)
"""The acquirer: the units come in when the transferring registry has let them go."""


def move(role: Role, transaction_type: int, status: int) -> Move | None:
    """What `status`, told by the log, means for an open transaction; None for a status outside the code list."""
    if role is Role.ACQUIRER:
        table = ACQUIRING
    elif transaction_type == TransactionType.EXTERNAL_TRANSFER:
        table = TRANSFERRING
    else:
        table = INTERNAL
    return table.get(status)


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a transaction's history: when, where it stood then, and what brought it there."""

    at: datetime
    state: State
    cause: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A response code that the transaction got: from the log, or from the other registry through it."""

    at: datetime
    code: int
    blocks: tuple[SerialRange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A transaction with all that happened to it."""

    proposal: ProposalTransaction
    role: Role
    state: State
    proposed_at: datetime
    changed_at: datetime
    history: tuple[Step, ...] = ()
    answers: tuple[Answer, ...] = ()
    undelivered: int = 0
    """Calls to the hub about it that wait to be delivered."""

    @property
    def identifier(self) -> str:
        return self.proposal.transaction_identifier

    @property
    def transaction_type(self) -> int:
        return self.proposal.transaction_type

    @property
    def codes(self) -> tuple[int, ...]:
        """The response codes it got, each once, in their order of arrival."""
        return tuple(dict.fromkeys(answer.code for answer in self.answers))

    @property
    def quantity(self) -> int:
        return sum(b.unit_serial_block_end - b.unit_serial_block_start + 1 for b in self.proposal.proposal_unit_blocks)

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def is_settled(self) -> bool:
        """Final, and the hub has been told all that it is to be told."""
        return self.is_final and not self.undelivered


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, told to subscribers after it was committed."""

    at: datetime
    kind: str
    """proposed, received, sent, unsent, changed, message, notice, ignored, failed."""
    text: str
    transaction: str | None = None
    state: State | None = None
    codes: tuple[int, ...] = ()
