"""What there is to see in a registry: its accounts, units, transactions and messages. Reads only."""

from __future__ import annotations

from datetime import datetime

from itl.messages import MessageRequest
from registry_client import holdings, journal, notices, queues
from registry_client.holdings import Holding, OpenedAccount
from registry_client.notices import Notice
from registry_client.queues import Delivery, Received, Text
from registry_client.reconciliation import records as reconciliations
from registry_client.reconciliation.records import Reconciliation
from registry_client.store import Store
from registry_client.transactions import State, Transaction
from registry_client.units import Block


class Records:
    """The records of a registry in `store`. Lists of what grows come a page at a time, the latest first."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def accounts(self) -> list[OpenedAccount]:
        """All accounts, by type and identifier."""
        with self.store.read() as connection:
            return holdings.accounts_of(connection)

    def holdings(self) -> list[Holding]:
        """Units by account, type, period and originating registry."""
        with self.store.read() as connection:
            return holdings.totals(connection)

    def blocks(self) -> list[Block]:
        """All unit blocks, by originating registry and serial."""
        with self.store.read() as connection:
            return holdings.blocks(connection)

    def transaction(self, identifier: str) -> Transaction:
        """The transaction with history and answers; TransactionError if there is none."""
        with self.store.read() as connection:
            return journal.read(connection, identifier)

    def transactions(self, *, state: State | None = None, limit: int = 100, offset: int = 0) -> list[Transaction]:
        """Transactions with their answers, without their history."""
        with self.store.read() as connection:
            return journal.page(connection, limit, offset, state)

    def messages(self, limit: int = 100) -> list[tuple[datetime, MessageRequest]]:
        """What the log's administrators wrote, with the time of arrival."""
        with self.store.read() as connection:
            return queues.received(connection, MessageRequest, limit)

    def correspondence(self, limit: int = 100) -> list[Text]:
        """Texts from and to the log's administrators."""
        with self.store.read() as connection:
            return queues.correspondence(connection, limit)

    def notices(self, limit: int = 100) -> list[Notice]:
        """The log's notices, each with its history and the transactions that named it, the newest notice first."""
        with self.store.read() as connection:
            return notices.page(connection, limit)

    def reconciliations(self, limit: int = 100) -> list[Reconciliation]:
        """Reconciliations with their history."""
        with self.store.read() as connection:
            return reconciliations.page(connection, limit)

    def deliveries(self, identifier: str | None = None, limit: int = 100) -> list[Delivery]:
        """Calls to the hub and how they went, of one transaction or all."""
        with self.store.read() as connection:
            return queues.deliveries(connection, identifier, limit)

    def waiting_calls(self) -> int:
        """How many calls to the hub wait to be delivered."""
        with self.store.read() as connection:
            return queues.waiting(connection)

    def without_effect(self, limit: int = 100) -> list[Received]:
        """Messages of the hub that had no effect, with the reason."""
        with self.store.read() as connection:
            return queues.without_effect(connection, limit)
