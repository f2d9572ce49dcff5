"""A supplementary log in a reconciliation, as a test tells it to speak."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from itl.messages import (
    ProvideAuditTrailRequest,
    ProvideUnitBlocksRequest,
    ReconciliationResultRequest,
    ReconciliationUnitBlockIdentifier,
    UnitBlockRequest,
)
from itl.store import tables as t
from tests.hub.reconciling import Reconciling
from tests.hub.world import HEAD, START, ScriptedRegistry

Placed = tuple[int, int, int]
"""Account type, account period, unit type."""


class Scheme:
    """What the supplementary log `code` hears and says in the reconciliation `of`."""

    def __init__(self, of: Reconciling, code: str = "CITL") -> None:
        self.of, self.code = of, code

    @property
    def peer(self) -> ScriptedRegistry:
        return self.of.world[self.code]

    # What it says

    def result(self, status: int, *codes: int, identifier: str | None = None) -> int | tuple[int, ...]:
        return self._say(ReconciliationResultRequest, identifier, reconciliation_status=status, response_codes=codes)

    def ask_blocks(self, *placed: Placed, snapshot: datetime | None = None) -> int | tuple[int, ...]:
        requests = tuple(
            UnitBlockRequest(account_type=each[0], account_commit_period=each[1], unit_type=each[2]) for each in placed
        )
        at = snapshot or self.of.row.snapshot_at
        return self._say(
            ProvideUnitBlocksRequest, None, unit_block_requests=requests, reconciliation_snapshot_datetime=at
        )

    def ask_trail(self, *units: tuple[int, int], origin: str = "GB") -> int | tuple[int, ...]:
        """It names units that differ."""
        named = tuple(
            ReconciliationUnitBlockIdentifier(
                unit_serial_block_start=first, unit_serial_block_end=last, originating_registry_code=origin
            )
            for first, last in units
        )
        return self._say(
            ProvideAuditTrailRequest,
            None,
            audit_trail_begin_datetime=START - timedelta(days=1),
            audit_trail_end_datetime=self.of.row.snapshot_at,
            unit_block_identifiers=named,
        )

    def names(self, *units: tuple[int, int], origin: str = "GB") -> None:
        """The whole way from differing totals to units that are kept from transactions; nothing is wrong with it."""
        assert self.result(8, 6301) == 1
        assert self.ask_blocks((100, 0, 1)) == 1
        self.of.world.settle()
        if self.of.row.step == "unit blocks to pass on":
            self.of.whole()
        assert self.result(9, 6302) == 1
        assert self.ask_trail(*units, origin=origin) == 1
        self.of.world.settle()

    def _say(self, message: Any, identifier: str | None, **content: Any) -> int | tuple[int, ...]:
        head = HEAD | {"sender": self.code, "reconciliation_identifier": identifier or self.of.identifier}
        return self.of.world.say(message(**head, **content))

    # What it was told

    @property
    def heard(self) -> list[str]:
        return [name for name, message, _ in self.peer.calls if hasattr(message, "reconciliation_identifier")]

    def told(self, operation: str) -> list[Any]:
        return [message for name, message, _ in self.peer.calls if name == operation]

    # What the log has

    @property
    def row(self) -> Any:
        [row] = self.of.world.rows(
            t.reconciliation_supplements,
            t.reconciliation_supplements.c.reconciliation_id == self.of.row.id,
            t.reconciliation_supplements.c.stl == self.code,
        )
        return row

    @property
    def at(self) -> tuple[str, int | None, str | None]:
        """Step, status and outcome."""
        return self.row.step, self.row.status, self.row.outcome

    @property
    def kept(self) -> list[tuple[int, int]]:
        """The units that are kept from transactions for it."""
        found = t.inconsistencies
        rows = self.of.world.rows(found, found.c.log == self.code, found.c.closed_at.is_(None))
        return sorted((row.serial_start, row.serial_end) for row in rows)
