"""What the checks at the door may see: who sent the message, reference data, and the time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from itl.reference import Reference


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the transport says is calling."""

    code: str | None
    """Code of the enrolled system that the identity belongs to; None: an identity nobody enrolled."""
    certificate_valid: bool = True
    """False for an enrolled certificate that is expired or revoked."""


@dataclass(frozen=True, slots=True)
class Door:
    """What is known when a message arrives."""

    sender: Sender
    reference: Reference
    now: datetime
