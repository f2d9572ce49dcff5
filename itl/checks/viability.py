"""Stage 2: what can be read, but not dealt with. 1101 to 1103 and 1105 are the wire's, which answers with a fault."""

from __future__ import annotations

from itl.checks.engine import WHOLE, Failures, check
from itl.checks.sender import Door
from itl.codes import MAX_BLOCKS
from itl.messages import MessageRequest, NotificationRequest, ProposalRequest

RELAY_IDENTIFIER_USED = 1107
"""Judged by the store in the commit that takes a relayed message."""


@check(1104)
def too_many_blocks(message: ProposalRequest | NotificationRequest, door: Door) -> Failures:
    """Of a proposal all blocks count; of a notification those of each code, since codes may name the same blocks."""
    if isinstance(message, ProposalRequest):
        largest = len(message.proposed_transaction.proposal_unit_blocks)
    else:
        largest = max((len(result.unit_block_identifiers or ()) for result in message.evaluation_result), default=0)
    if largest > MAX_BLOCKS:
        yield WHOLE


@check(1106)
def time_implausible(message: MessageRequest, door: Door) -> Failures:
    """A time that has not come yet, by more than clocks may differ."""
    if message.message_date_time > door.now + door.reference.clock_tolerance:
        yield WHOLE
