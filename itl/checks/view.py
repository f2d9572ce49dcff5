"""What a check may see of the log: reference data, and the part of the ledger that the proposals at hand touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from itl.ledger.block import HeldBlock, Inconsistency, Reservation, SerialRange
from itl.ledger.totals import Total, TotalKey, TotalsSnapshot
from itl.reference import Account, Notice, Project, Reference


class Units(Protocol):
    """The ledger around the proposals at hand."""

    def held(self, wanted: SerialRange) -> Sequence[HeldBlock]:
        """The parts of held blocks that lie in `wanted`, cut to it, by serial; gaps are units that never were."""

    def reserved(self, wanted: SerialRange) -> Sequence[Reservation]:
        """The parts of reservations by open transactions that lie in `wanted`, cut to it, by serial."""


class Totals(Protocol):
    """The running totals that the proposals at hand may change or rest on (`checks.flows.wanted`)."""

    def __getitem__(self, key: TotalKey) -> Total:
        """The total, zero where nothing was counted yet."""


@dataclass(frozen=True, slots=True)
class View:
    """What the log knows at the instant of judging."""

    now: datetime
    reference: Reference
    units: Units
    projects: Mapping[tuple[str, int], Project]
    """Recorded projects by host Party and number, at least those that the proposals at hand name."""
    accounts: Mapping[tuple[str, int, int], Account] = field(default_factory=dict)
    """Known accounts by registry, type and identifier, at least those that the proposals at hand name."""
    totals: Totals = field(default_factory=TotalsSnapshot)
    notices: Mapping[int, Notice] = field(default_factory=dict)
    """Notices by identifier: those that the proposals at hand name, and those outstanding of type 4 or 5 about the
    projects of their units."""
    inconsistencies: Sequence[Inconsistency] = ()
    """What reconciliation left unresolved, at least where it touches the proposals at hand; any order."""
