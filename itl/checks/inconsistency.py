"""Stage 8: what registry and log do not have alike, when the log compares what the registry answered."""

from __future__ import annotations

from collections.abc import Iterable

from itl.checks.engine import WHOLE, Failures, check
from itl.ledger.explanation import Finding
from itl.ledger.totals_comparison import Sums, differing_totals
from itl.ledger.trail_comparison import TrailDifference


@check(6301)
def totals_inconsistent(log: Sums, registry: Sums, by_account: bool = False) -> Failures:
    """Of account type, account period and unit type; of an account where both sides tell it and it was asked for."""
    if differing_totals(log, registry, by_account=by_account):
        yield WHOLE


@check(6302)
def unit_blocks_inconsistent(findings: Iterable[Finding]) -> Failures:
    """Units that one side has elsewhere, otherwise or not at all, and no transaction on its way explains it."""
    return (each.difference.range for each in findings if not each.explained_by)


@check(6303)
def audit_trail_inconsistent(differences: Iterable[TrailDifference]) -> Failures:
    """A transaction that one side alone completed, or with other units."""
    for _ in differences:
        yield WHOLE
