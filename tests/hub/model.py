"""A naive log: one place per unit in a dictionary, transactions as plain records, work done in order of arrival.

It is what the hub must be equal to, written without a thought for speed, ranges or databases.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.hub.states import OK, answer
from tests.hub.world import CANCELLATION, EXTERNAL, ISSUANCE, RETIREMENT

Unit = tuple[str, int]
"""Originating registry and serial."""
Place = tuple[str, int]
"""Registry and account type."""

CLASS = {100: "held", 121: "held", 230: "cancelled", 300: "retired"}


@dataclass
class ModelTransaction:
    """A transaction; `wrong` is one whose blocks are not what the units are."""

    identifier: str
    transaction_type: int
    sender: str
    to: str
    units: frozenset[Unit]
    source: int
    target: int
    wrong: bool
    deadline: datetime | None
    proposed_at: datetime
    status: int = 1
    history: list[int] = field(default_factory=lambda: [1])
    settled: bool = False
    confirmed: bool = False
    flagged: bool = False

    @property
    def external(self) -> bool:
        return self.transaction_type == EXTERNAL

    def role(self, registry: str) -> str | None:
        if registry == self.sender:
            return "initiator"
        return "acquirer" if self.external and registry == self.to else None

    @property
    def awaits(self) -> bool:
        """Whether a registry has something to say next."""
        return self.status in (2, 3, 6, 8) or (self.status == 4 and self.external and not self.confirmed)

    @property
    def keeps(self) -> bool:
        """Whether its units are kept from others."""
        return self.status in (2, 8) or (self.status == 4 and not self.settled)


class Model:
    """What the log must have after the same calls and steps."""

    def __init__(self) -> None:
        self.places: dict[Unit, Place] = {}
        self.transactions: dict[str, ModelTransaction] = {}
        self.queue: list[tuple[str, str]] = []
        """Work to do, `judge` or `settle`, each with its transaction."""
        self.accepted: list[Any] = []
        """Messages that were answered with 1 and are known as repeats."""
        self.sent: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        """By receiver and transaction, the statuses that it has to hear; 1 is the relayed proposal."""
        self.past: dict[datetime, dict[str, dict[str, int]]] = {}

    # Calls

    def propose(self, message: Any, transaction: ModelTransaction) -> int | tuple[int, ...]:
        if message in self.accepted:
            return OK
        if transaction.identifier in self.transactions:
            return (3001,)
        self.accepted.append(message)
        self.transactions[transaction.identifier] = transaction
        self.queue.append(("judge", transaction.identifier))
        return OK

    def notify(self, message: Any) -> int | tuple[int, ...]:
        if message in self.accepted:
            return OK
        transaction = self.transactions[message.transaction_identifier]
        said, state, role = message.transaction_status, transaction.status, transaction.role(message.sender)
        code = answer(transaction.external, state, role, said)
        if code != OK:
            return (code,)
        if said == state:
            if state == 4 and role == "acquirer" and not transaction.confirmed:
                transaction.confirmed = True
                self.accepted.append(message)
            return OK
        self.accepted.append(message)
        relayed = transaction.external and state == 2
        self._move(transaction, said)
        if said in (6, 8):
            self._send(transaction.sender, transaction, said)
        elif said == 4:
            transaction.deadline = None
            self.queue.append(("settle", transaction.identifier))
            if transaction.external:
                self._send(transaction.to, transaction, 4)
        else:
            transaction.deadline = None
            if relayed:
                self._send(transaction.to, transaction, 7)
        return OK

    # Steps

    def work(self, now: datetime) -> None:
        """Ring the timers that are due, then do all that waits, in its order."""
        for transaction in sorted(self.transactions.values(), key=lambda each: each.deadline or now):
            if transaction.deadline is not None and transaction.deadline <= now:
                self._ring(transaction, now)
        queue, self.queue = self.queue, []
        for what, identifier in queue:
            transaction = self.transactions[identifier]
            if what == "settle":
                for unit in transaction.units:
                    self.places[unit] = (transaction.to, transaction.target)
                transaction.settled = True
            elif transaction.status == 1:
                self._judge(transaction)
        self.past[now] = self.figures()

    def _ring(self, transaction: ModelTransaction, now: datetime) -> None:
        transaction.deadline = None
        if transaction.status == 8:
            if now - transaction.proposed_at < timedelta(hours=48):
                transaction.deadline = transaction.proposed_at + timedelta(hours=48)
            else:
                transaction.flagged = True
        elif transaction.status in (1, 2):
            asked = transaction.external and transaction.status == 2
            self._move(transaction, 7)
            self._send(transaction.sender, transaction, 7)
            if asked:
                self._send(transaction.to, transaction, 7)

    def _judge(self, transaction: ModelTransaction) -> None:
        if not self._passes(transaction):
            self._move(transaction, 3)
            self._send(transaction.sender, transaction, 3)
        else:
            self._move(transaction, 2)
            if transaction.external:
                self._send(transaction.to, transaction, 1)
            else:
                self._send(transaction.sender, transaction, 2)

    def _passes(self, transaction: ModelTransaction) -> bool:
        if transaction.wrong or transaction.external == (transaction.sender == transaction.to):
            return False
        if transaction.units & self.kept():
            return False
        if transaction.transaction_type == ISSUANCE:
            return not transaction.units & self.places.keys() and {origin for origin, _ in transaction.units} == {
                transaction.sender
            }
        if CLASS.get(transaction.source or 0) != "held":
            return False  # what was cancelled or retired stays so
        return all(self.places.get(unit) == (transaction.sender, transaction.source) for unit in transaction.units)

    def _move(self, transaction: ModelTransaction, status: int) -> None:
        transaction.status = status
        transaction.history.append(status)

    def _send(self, receiver: str, transaction: ModelTransaction, status: int) -> None:
        self.sent[receiver, transaction.identifier].append(status)

    # What it has

    def kept(self) -> set[Unit]:
        return {unit for each in self.transactions.values() if each.keeps for unit in each.units}

    def figures(self) -> dict[str, dict[str, int]]:
        """Per originating registry, how many units are held, cancelled, retired."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for (origin, _), (_, account_type) in self.places.items():
            found[origin][CLASS[account_type]] += 1
        return {origin: dict(counts) for origin, counts in found.items()}


TARGETS = {ISSUANCE: 100, EXTERNAL: 100, CANCELLATION: 230, RETIREMENT: 300}
"""Account types that units reach; an internal transfer goes from 100 to 121 or back."""
