"""A registry that is reconciled with, as a test tells it to answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from itl.lifecycle.reconciliation_events import Asked, BeginsWith
from itl.messages import (
    ReceiveAuditTrailRequest,
    ReceiveTotalsRequest,
    ReceiveUnitBlocksRequest,
    ReconciliationTransactionUnitBlock,
    Total,
    Transaction,
    UnitBlock,
)
from itl.store import tables as t
from itl.store.reconciliations import Plan, start
from tests.hub.world import HEAD, START, World


def sums(units: int, **more: Any) -> Total:
    """AAU in accounts of type 100, unless `more` says otherwise."""
    plain = {"account_type": 100, "account_commit_period": 0, "unit_type": 1, "unit_count": units}
    return Total(**(plain | more))


def block(first: int, last: int, origin: str = "GB", **more: Any) -> UnitBlock:
    """AAU of the first period in an account of type 100, unless `more` says otherwise."""
    plain = {"unit_type": 1, "account_type": 100, "applicable_commit_period": 1}
    return UnitBlock(
        unit_serial_block_start=first, unit_serial_block_end=last, originating_registry_code=origin, **(plain | more)
    )


class Reconciling:
    """The reconciliation with `code`, which holds AAU 1-1000 and, as `reach` has it answer, misses the last hundred."""

    def __init__(self, world: World, code: str) -> None:
        self.world, self.code = world, code
        self.identifier = ""

    def start(self, begins_with: BeginsWith = BeginsWith.TOTALS, **plan: Any) -> None:
        asked = Asked(begin=START - timedelta(days=1), end=START + timedelta(hours=1))
        if begins_with is not BeginsWith.AUDIT_TRAIL:
            asked = Asked()
        given = {"registry": self.code, "started_by": "anna", "reason": "a test", "asked": asked} | plan
        with self.world.hub.database.write() as connection:
            made = start(
                connection,
                Plan(begins_with=begins_with, **given),
                self.world.hub.identity,
                self.world.clock(),
                may=True,
            )
        self.identifier = made.head.identifier
        self.world.settle()

    def reach(self, step: str, *, check: bool = True) -> None:
        """Go on to `step`, with what a registry answers that misses a hundred units."""
        ways = {
            "snapshot": lambda: None,
            "totals": lambda: self.world.later(timedelta(minutes=16)),
            "unit blocks": lambda: self.totals(sums(900)),
            "audit trail": lambda: self.blocks(block(1, 900)),
            "intervention": lambda: (self.trail(), self.world.later(timedelta(minutes=1))),
        }
        if not self.identifier:
            self.start()
        order = ["confirmation", *ways]
        here = self.row.step
        for each in order[order.index(here) + 1 : order.index(step) + 1] if here in order else ():
            ways[each]()
            self.world.settle()
        assert not check or self.row.step == step

    def found_inconsistent(self) -> str:
        self.reach("intervention")
        return self.identifier

    # What the registry says

    def totals(self, *totals: Total, sender: str | None = None) -> int | tuple[int, ...]:
        return self._say(ReceiveTotalsRequest, sender, totals=totals)

    def blocks(self, *blocks: UnitBlock, sender: str | None = None) -> int | tuple[int, ...]:
        return self._say(ReceiveUnitBlocksRequest, sender, unit_blocks=blocks)

    def trail(
        self,
        *,
        transaction: str | None = None,
        at: datetime = START,
        blocks: list[tuple[int, int]] | None = None,
        kind: int = 3,
    ) -> int | tuple[int, ...]:
        """One transaction, or none."""
        told = () if transaction is None else (_transaction(transaction, at, blocks or [(901, 1000)], kind, self.code),)
        return self._say(ReceiveAuditTrailRequest, None, transactions=told)

    def _say(self, message: Any, sender: str | None, **content: Any) -> int | tuple[int, ...]:
        head = HEAD | {"sender": sender or self.code, "reconciliation_identifier": self.identifier}
        return self.world.say(message(**head, **content))

    # What it was told

    @property
    def operations(self) -> list[str]:
        return [
            operation
            for operation, _, _ in self.world[self.code].calls
            if "econcil" in operation or "provide" in operation
        ]

    def all_told(self, operation: str) -> list[Any]:
        return [message for name, message, _ in self.world[self.code].calls if name == operation]

    def told(self, operation: str) -> Any:
        return self.all_told(operation)[-1]

    # What the log has

    @property
    def row(self) -> Any:
        [row] = self.world.rows(t.reconciliations, t.reconciliations.c.identifier == self.identifier)
        return row

    @property
    def at(self) -> tuple[str, int | None]:
        """Step and status."""
        return self.row.step, self.row.status

    @property
    def history(self) -> list[Any]:
        key = self.row.id
        return self.world.rows(t.reconciliation_history, t.reconciliation_history.c.reconciliation_id == key)

    @property
    def statuses(self) -> list[int | None]:
        return [row.status for row in self.history]


def _transaction(identifier: str, at: datetime, blocks: list[tuple[int, int]], kind: int, code: str) -> Transaction:
    return Transaction(
        transaction_identifier=identifier,
        transaction_type=kind,
        transaction_status_date_time=at,
        transferring_registry_code=code,
        acquiring_registry_code=code,
        transaction_blocks=tuple(
            ReconciliationTransactionUnitBlock(
                unit_serial_block_start=first,
                unit_serial_block_end=last,
                originating_registry_code=code,
                unit_type=1,
                original_commit_period=1,
                applicable_commit_period=1,
            )
            for first, last in blocks
        ),
    )
