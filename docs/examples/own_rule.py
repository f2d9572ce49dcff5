"""Receive transfers by a rule of one's own: small ones at once, large ones when a person has agreed, none of CER."""

from itl.codes import UnitType
from itl.messages import ProposalTransaction
from registry_client.registry import Registry
from registry_client.rules import Accept, Decision, Delay, Reject, Rules
from registry_client.transactions import State

AGAINST_POLICY = 5904
LARGE = 1000


def judge(proposal: ProposalTransaction) -> Decision:
    """Asked once about each transfer that the registry's own checks of accounts and units found in order."""
    blocks = proposal.proposal_unit_blocks
    if any(block.unit_type == UnitType.CER for block in blocks):
        return Reject((AGAINST_POLICY,))
    quantity = sum(block.unit_serial_block_end - block.unit_serial_block_start + 1 for block in blocks)
    return Accept() if quantity < LARGE else Delay()


RULES = Rules(on_transfer=judge)  # Registry(settings, client, database=..., rules=RULES)


def agree(registry: Registry) -> list[str]:
    """What a person does who agrees to all that waits; the transactions that were accepted."""
    waiting = [each.identifier for each in registry.transactions(state=State.RECEIVED)]
    for identifier in waiting:
        registry.decide(identifier, Accept())
    return waiting
