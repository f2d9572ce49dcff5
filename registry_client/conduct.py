"""How a registry's proposals and reports go wrong, on request. Pure; without faults all is as it should be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType

from msgspec.structs import replace

from itl.codes import MAX_SERIAL, TransactionStatus, TransactionType
from itl.messages import ProposalTransaction, TransactionUnitBlock
from registry_client.faults import Fault
from registry_client.rules import Accept, Decision, Delay, Reject
from registry_client.transactions import Move, Role

Faults = Collection[Fault]

_S = TransactionStatus

STRANGERS = ("JP", "NZ")
"""A registry that a faulty one takes itself for: the first that it is not."""

UNKNOWN_STATUS = 11


def stranger(code: str) -> str:
    """Another registry than `code`."""
    return next(each for each in STRANGERS if each != code)


def sent(proposal: ProposalTransaction, faults: Faults) -> tuple[ProposalTransaction, ...]:
    """What is sent where `proposal` is meant, in order."""
    told = proposal
    for fault, alter in _ALTERATIONS.items():
        if fault in faults:
            told = alter(told)
    told_all = (told, told) if Fault.PROPOSES_TWICE in faults else (told,)
    return (*told_all, _smaller(told)) if Fault.REUSES_IDENTIFIER in faults else told_all


def _smaller(proposal: ProposalTransaction) -> ProposalTransaction:
    """Of its first block, and one unit less where that leaves any; no other proposal is the same."""
    first = proposal.proposal_unit_blocks[0]
    end = max(first.unit_serial_block_start, first.unit_serial_block_end - 1)
    other = replace(first, unit_serial_block_end=end)
    unlike = other if (other,) != proposal.proposal_unit_blocks else replace(other, unit_serial_block_end=end + 1)
    return replace(proposal, proposal_unit_blocks=(unlike,))


def _each_block(
    alter: Callable[[TransactionUnitBlock], TransactionUnitBlock], *, but_issued: bool
) -> Callable[[ProposalTransaction], ProposalTransaction]:
    def altered(proposal: ProposalTransaction) -> ProposalTransaction:
        if but_issued and proposal.transaction_type == TransactionType.ISSUANCE:
            return proposal
        return replace(proposal, proposal_unit_blocks=tuple(map(alter, proposal.proposal_unit_blocks)))

    return altered


def _absent(block: TransactionUnitBlock) -> TransactionUnitBlock:
    """The last serials that there can be; each of them is its distance from the end."""
    return replace(
        block,
        unit_serial_block_start=MAX_SERIAL - block.unit_serial_block_end,
        unit_serial_block_end=MAX_SERIAL - block.unit_serial_block_start,
    )


def _of_other_period(block: TransactionUnitBlock) -> TransactionUnitBlock:
    return replace(block, original_commit_period=max(0, block.original_commit_period - 1))


def _reversed(block: TransactionUnitBlock) -> TransactionUnitBlock:
    start, end = block.unit_serial_block_start, block.unit_serial_block_end
    return replace(block, unit_serial_block_start=end + 1, unit_serial_block_end=start)


_ALTERATIONS: Mapping[Fault, Callable[[ProposalTransaction], ProposalTransaction]] = MappingProxyType(
    {
        Fault.FOREIGN_PARTY: lambda proposal: replace(
            proposal, transferring_registry_code=stranger(proposal.transferring_registry_code)
        ),
        Fault.ABSENT_UNITS: _each_block(_absent, but_issued=True),
        Fault.ALTERS_UNITS: _each_block(_of_other_period, but_issued=True),
        Fault.REVERSED_RANGE: _each_block(_reversed, but_issued=False),
    }
)


def reported(role: Role, status: int, faults: Faults) -> tuple[int, ...]:
    """The statuses that are reported, in order, where `status` is to be."""
    completed, accepted = status == _S.COMPLETED, status == _S.ACCEPTED
    silence = Fault.NEVER_COMPLETES if role is Role.INITIATOR else Fault.NEVER_CONFIRMS
    if completed and silence in faults:
        return ()
    told: Sequence[int] = (status,)
    if Fault.UNKNOWN_STATUS in faults:
        told = (UNKNOWN_STATUS,)
    elif Fault.RETRACTS in faults and (completed or accepted):
        told = (status, _S.TERMINATED if completed else _S.REJECTED)
    elif Fault.CONFIRMS_FIRST in faults and accepted:
        told = (_S.COMPLETED, status)
    times = 2 if Fault.NOTIFIES_TWICE in faults else 1
    return tuple(each for each in told for _ in range(times))


def reaction(step: Move | None, status: int, faults: Faults) -> Move | None:
    """What the registry does where the log's `status` asks for `step`."""
    if step is Move.TERMINATE and Fault.COMPLETES_DISCREPANCY in faults:
        return Move.FINALISE
    if step is Move.CANCEL and Fault.IGNORES_CANCELLATION in faults:
        return Move.FINALISE
    if step is Move.FINALISE and status == _S.ACCEPTED and Fault.TERMINATES_ACCEPTED in faults:
        return Move.TERMINATE
    return step


def decision(right: Decision, faults: Faults) -> Decision:
    """What the registry says to a transfer to it where `right` would be."""
    if Fault.NEVER_DECIDES in faults:
        return Delay()
    if Fault.REJECTS in faults:
        return Reject()
    if Fault.REJECTS_WITHOUT_CODE in faults:
        return Reject(())
    return Accept() if Fault.ACCEPTS_ANYTHING in faults else right
