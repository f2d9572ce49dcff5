"""Stage 4: whether the proposal's transaction is well formed; its blocks are in `block_integrity`."""

from __future__ import annotations

import re
from collections.abc import Callable

from itl.checks.blocks import units_of
from itl.checks.engine import WHOLE, Failures, check
from itl.checks.proposal import Log, Proposal
from itl.checks.sender import Door
from itl.codes import ACCOUNT_TYPES, TransactionStatus, TransactionType
from itl.messages import NotificationRequest, TransactionUnitBlock

_TYPES = frozenset(TransactionType)
_STATUSES = frozenset(TransactionStatus)
_NUMBER = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)


def is_well_formed(identifier: str, sender: str) -> bool:
    """Whether a transaction identifier is `sender`'s code, then 1 to 15 digits without a leading zero."""
    return identifier.startswith(sender) and _NUMBER.fullmatch(identifier[len(sender) :]) is not None


@check(2001)
def identifier_malformed(proposal: Proposal, log: Log) -> Failures:
    """An identifier that is not the sender's, or not well formed."""
    if not is_well_formed(proposal.transaction.transaction_identifier, proposal.message.sender):
        yield WHOLE


@check(2002)
def type_invalid(proposal: Proposal, log: Log) -> Failures:
    """Type 9 is not in the list."""
    if proposal.transaction_type not in _TYPES:
        yield WHOLE


@check(2003, applies=lambda proposal, log: bool(proposal.supplementary_type))
def supplementary_type_invalid(proposal: Proposal, log: Log) -> Failures:
    """Some enrolled scheme defines it with this main type; 0 is the plain transaction. Whose scheme: 5401."""
    both = (proposal.transaction_type, proposal.supplementary_type)
    if not any(both in scheme.types for scheme in log.reference.schemes):
        yield WHOLE


@check(2004)
def status_invalid(message: NotificationRequest, door: Door) -> Failures:
    """Of a notification, at the door: a status that the code list does not have."""
    if message.transaction_status not in _STATUSES:
        yield WHOLE


@check(2006)
def account_type_invalid(proposal: Proposal, log: Log) -> Failures:
    """Where an account type is given."""
    head = proposal.transaction
    known = {None, *ACCOUNT_TYPES}
    if not {head.transferring_registry_account_type, head.acquiring_registry_account_type} <= known:
        yield WHOLE
    for block in proposal.blocks:
        if not {block.transferring_registry_account_type, block.acquiring_registry_account_type} <= known:
            yield units_of(block)


@check(2007)
def transferring_account_invalid(proposal: Proposal, log: Log) -> Failures:
    """An identifier below 1."""
    head = proposal.transaction.transferring_registry_account_identifier
    return _identifiers(proposal, head, lambda block: block.transferring_registry_account_identifier)


@check(2008)
def acquiring_account_invalid(proposal: Proposal, log: Log) -> Failures:
    """An identifier below 1."""
    head = proposal.transaction.acquiring_registry_account_identifier
    return _identifiers(proposal, head, lambda block: block.acquiring_registry_account_identifier)


@check(2009)
def transferring_registry_not_sender(proposal: Proposal, log: Log) -> Failures:
    """Nobody proposes for another."""
    if proposal.initiator != proposal.message.sender:
        yield WHOLE


def _identifiers(
    proposal: Proposal, head: int | None, of_block: Callable[[TransactionUnitBlock], int | None]
) -> Failures:
    if head is not None and head < 1:
        yield WHOLE
    for block in proposal.blocks:
        identifier = of_block(block)
        if identifier is not None and identifier < 1:
            yield units_of(block)
