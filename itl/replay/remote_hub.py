"""A log that runs elsewhere: it keeps its own time, and its verdicts are waited for.

It calls the registry back where it knows its address (`Mailbox`); else it is asked where the transaction stands.
"""

from __future__ import annotations

import time
from datetime import datetime

from itl.codes import CDM, TransactionStatus
from itl.replay.registry import Mailbox, Registry, Verdict

RULES = (
    "the hub keeps its own time, not that of the rows; the periods must be open there, Parties and projects known",
    "cancellations of units that came into being in other registries are left out, and listed",
)
"""What is different with a log that runs elsewhere, in words."""

FIRST_LOOK, LAST_LOOK = 0.01, 1.0
"""How long to wait before the log is asked for the status, in seconds: doubled from the first to the last."""

PATIENCE = 120.0
"""How long a verdict is waited for, and a hub that cannot be reached, in seconds."""


def enrolment(mailbox: Mailbox) -> str:
    """The command by which a log learns where this replay can be called."""
    return f"itl enrol {CDM} --url {mailbox.url} --call-user {mailbox.user} --call-password {mailbox.password}"


class RemoteHub:
    """The log (`exchange.Log`) at a URL. With a mailbox its notifications are waited for before it is asked."""

    def __init__(
        self, url: str, user: str, password: str, mailbox: Mailbox | None = None, patience: float | None = None
    ) -> None:
        self.patience = PATIENCE if patience is None else patience
        self._mailbox = mailbox
        self.registry = Registry(url, user, password, patience=self.patience)

    def stand_at(self, time: datetime) -> None:
        """The time of the row is not the hub's."""

    def verdict(self, identifier: str) -> Verdict:
        end = time.monotonic() + self.patience
        pause = FIRST_LOOK
        while True:
            if (told := self._told(identifier, pause)) is not None:
                return told
            status = self.registry.status(identifier)
            if status == TransactionStatus.CHECKED_DISCREPANCY and self._mailbox is not None:
                return self._told(identifier, LAST_LOOK) or Verdict(status)  # only the notification says why
            if status != TransactionStatus.PROPOSED or time.monotonic() > end:
                return Verdict(status)
            pause = min(LAST_LOOK, 2 * pause)

    def carry_out(self) -> None:
        """It does by itself."""

    def close(self) -> None:
        self.registry.close()

    def _told(self, identifier: str, seconds: float) -> Verdict | None:
        if self._mailbox is not None:
            return self._mailbox.take(identifier, seconds)
        time.sleep(seconds)
        return None
