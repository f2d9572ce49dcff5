"""The judgement at the door: what is answered in the acknowledgement, before the ledger is asked anything.

Each function returns the codes of the first stage that fails, in order of precedence and as the catalogue numbers them;
none means that the message goes on. Checks that are `off` (`override.Override`) are not asked. For a proposal the store
then decides 3001; for a notification `sequence` decides stage 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from itl.checks import (  # noqa: F401 (each registers its checks)
    data_integrity,
    registry_validity,
    version,
    viability,
)
from itl.checks.engine import CHECKS, Finding
from itl.checks.sender import Door, Sender
from itl.messages import MessageRequest, NotificationRequest, ProposalRequest, RelayRequest, TransactionStatusRequest
from itl.reference import Reference

AUTHENTICATION = (1001, 1002, 1003, 1005, 1031, 1032)
PROPOSAL = (AUTHENTICATION, (1104,), (1501, 1502, 1503, 1504))
NOTIFICATION = (AUTHENTICATION, (1104,), (1501,), (2004,))
MESSAGE = (AUTHENTICATION, (1106,), (1501,))
STATUS_QUERY = (AUTHENTICATION, (1501,))
RELAY = (AUTHENTICATION, (1501, 1505))
"""The stages of each kind of message. Whatever a registry's status, what it says of open transactions is served."""

_NONE: frozenset[int] = frozenset()


def proposal(
    message: ProposalRequest, sender: Sender, reference: Reference, now: datetime, off: frozenset[int] = _NONE
) -> tuple[int, ...]:
    """Stages 1 to 3 of acceptProposal."""
    return first_failing(PROPOSAL, message, Door(sender, reference, now), off)


def notification(
    message: NotificationRequest, sender: Sender, reference: Reference, now: datetime, off: frozenset[int] = _NONE
) -> tuple[int, ...]:
    """Stages 1 to 4 of acceptNotification."""
    return first_failing(NOTIFICATION, message, Door(sender, reference, now), off)


def message(
    message: MessageRequest, sender: Sender, reference: Reference, now: datetime, off: frozenset[int] = _NONE
) -> tuple[int, ...]:
    """Stages 1 to 3 of acceptMessage."""
    return first_failing(MESSAGE, message, Door(sender, reference, now), off)


def status_query(
    message: TransactionStatusRequest, sender: Sender, reference: Reference, now: datetime, off: frozenset[int] = _NONE
) -> tuple[int, ...]:
    """Stages 1 to 3 of getTransactionStatus."""
    return first_failing(STATUS_QUERY, message, Door(sender, reference, now), off)


def relay(
    message: RelayRequest, sender: Sender, reference: Reference, now: datetime, off: frozenset[int] = _NONE
) -> tuple[int, ...]:
    """Stages 1 to 3 of relayMessage."""
    return first_failing(RELAY, message, Door(sender, reference, now), off)


def one(code: int, message: object, door: Door) -> Finding | None:
    """Judge `message` by the check `code` alone."""
    check = CHECKS[code]
    if check.applies is not None and not check.applies(message, door):
        return None
    return check.ask(message, door)


def first_failing(
    stages: Sequence[Sequence[int]], message: object, door: Door, off: frozenset[int] = _NONE
) -> tuple[int, ...]:
    """The codes of the first of `stages` that fails."""
    for stage in stages:
        codes = tuple(code for code in stage if code not in off and one(code, message, door) is not None)
        if codes:
            return codes
    return ()
