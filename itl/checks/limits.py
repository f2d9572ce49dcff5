"""The limits of Parties: what follows from recorded figures, and how a proposal is measured against it.

A limit holds for what is completed, open and proposed together. One that follows from a figure of a Party (assigned
amount, base year, inventory) is None while the figure is not recorded, and then not in effect.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from itl.checks.blocks import quantity_of, units_of
from itl.checks.engine import Failures
from itl.checks.proposal import Log, Proposal
from itl.ledger.totals import TotalKey, TotalKind
from itl.reference import Project, Reference

Limit = Callable[[TotalKey, Log], int | None]
"""The most that a total may be, in units; None where nothing limits it."""


def assigned_amount(reference: Reference, party: str, period: int) -> int | None:
    """The assigned amount of a Party, as far as it is established."""
    entry = reference.party_periods.get((party, period))
    return entry.assigned_amount if entry else None


def years(reference: Reference, period: int) -> int:
    """The years of a commitment period: five of the first, eight of the second; 0 for an unknown one."""
    entry = reference.periods.get(period)
    return entry.end.year - entry.start.year if entry else 0


def reserve(reference: Reference, party: str, period: int) -> int | None:
    """The commitment period reserve (11/CMP.1 annex 6-8).

    As recorded; else the lower of 90 % of the assigned amount, rounded up so that the level is not undercut, and the
    latest reviewed inventory times the years of the period.
    """
    entry = reference.party_periods.get((party, period))
    if entry is None or entry.recorded_reserve is not None:
        return entry.recorded_reserve if entry else None
    levels = []
    if entry.assigned_amount is not None:
        levels.append(-(-entry.assigned_amount * 90 // 100))
    if entry.reviewed_inventory is not None and years(reference, period):
        levels.append(entry.reviewed_inventory * years(reference, period))
    return min(levels, default=None)


def lulucf_limit(reference: Reference, party: str, period: int) -> int | None:
    """Most tCER and lCER to acquire, or to use: 1 % of base-year emissions times the years (16/CMP.1 annex 14)."""
    base = reference.base_year_emissions.get(party)
    return None if base is None else base * years(reference, period) // 100


def carry_over_limit(reference: Reference, party: str, period: int) -> int | None:
    """Most ERU, and most CER, to carry over from `period`: 2.5 % of its assigned amount (13/CMP.1 annex 15)."""
    assigned = assigned_amount(reference, party, period)
    return None if assigned is None else assigned * 25 // 1000


def surplus_limit(reference: Reference, party: str, period: int) -> int | None:
    """Most units of surplus reserves to acquire in `period`: 2 % of the assigned amount of the one before (1/CMP.8)."""
    assigned = assigned_amount(reference, party, period - 1)
    return None if assigned is None else assigned * 2 // 100


def true_up_end(reference: Reference, party: str, period: int) -> datetime | None:
    """First instant after a Party's own true-up, at least the end of the period; None for an unknown period."""
    entry = reference.periods.get(period)
    if entry is None:
        return None
    own = reference.party_periods.get((party, period))
    recorded = own.true_up_end if own else None
    return max(entry.end, recorded or entry.end)


def project_of(key: TotalKey, log: Log) -> Project | None:
    """The recorded project that a total is about."""
    host, _, number = key.subject.partition("/")
    return log.view.projects.get((host, int(number)))


def exceeding(kind: TotalKind, limit: Limit, log: Log) -> Failures:
    """The blocks that add to a total of `kind` which exceeds its limit with them."""
    for key, blocks in log.counted.items():
        if key.kind is kind:
            allowed = limit(key, log)
            if allowed is not None and log.view.totals[key].both + sum(map(quantity_of, blocks)) > allowed:
                yield from map(units_of, blocks)


def counts(*kinds: TotalKind) -> Callable[[Proposal, Log], bool]:
    """Whether a proposal adds to a total of one of `kinds`: else a limit on them is not applicable."""
    return lambda proposal, log: any(key.kind in kinds for key in log.counted)


def limited(kind: TotalKind, limit: Limit) -> Callable[[Proposal, Log], bool]:
    """Whether a total of `kind` that a proposal adds to has a limit: else it is not in effect."""
    return lambda proposal, log: any(key.kind is kind and limit(key, log) is not None for key in log.counted)
