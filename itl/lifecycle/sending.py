"""A message that a decision causes, as a value: to whom, and how it is to be delivered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Send:
    """A message to a registry."""

    receiver: str
    message: Any
    """A request of `itl.messages` that registries serve."""
    topic: str | None = None
    """Messages of one topic reach a receiver in their order, as those of one transaction do."""
    once: bool = False
    """The receiver would refuse it a second time: not repeated where it may have arrived."""
    expires_at: datetime | None = None
    """From then on nobody needs it: it is not sent any more."""


_RECONCILIATION = "reconciliation "


def topic_of_reconciliation(identifier: str) -> str:
    """The topic of all messages about the reconciliation `identifier`."""
    return _RECONCILIATION + identifier


def reconciliation_of(topic: str | None) -> str | None:
    """The reconciliation whose topic this is; None for another topic."""
    return topic.removeprefix(_RECONCILIATION) if topic and topic.startswith(_RECONCILIATION) else None
