"""Who speaks at the port for the transaction log: nobody but that log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from itl.checks import door
from itl.checks.sender import Door, Sender
from itl.reference import Reference, RegistryKind

HEAD = (door.AUTHENTICATION, (1104,))
"""What is asked of every message of the log but whether it is one (1501): base checks are not asked again."""
SENDER = (door.AUTHENTICATION,)
TEXT = (door.AUTHENTICATION, (1106,))
NOT_THE_LOG = 1501


def against(
    stages: Sequence[Sequence[int]],
    request: object,
    sender: Sender,
    reference: Reference,
    now: datetime,
    off: frozenset[int],
) -> tuple[int, ...]:
    """The codes of the first stage that fails; last, whether the sender is the transaction log at all."""
    codes = door.first_failing(stages, request, Door(sender, reference, now), off)
    if codes:
        return codes
    log = reference.registries.get(sender.code or "")
    return () if log is not None and log.in_force and log.kind is RegistryKind.LOG else (NOT_THE_LOG,)
