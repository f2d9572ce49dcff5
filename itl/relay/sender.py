"""What the lanes of one process share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from itl.clock import Clock
from itl.lifecycle.transaction import LogIdentity
from itl.settings import Settings
from itl.store.database import Database


@dataclass(frozen=True, slots=True)
class Sender:
    """What a lane needs from the process that runs it. `holder` names that process in the leases."""

    database: Database
    clock: Clock
    settings: Settings
    identity: LogIdentity
    holder: str

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=2 * self.settings.delivery_timeout)
