"""Stage 7, external transfer: reserve, acquisition limits, share of proceeds, surplus reserve."""

from __future__ import annotations

from collections import defaultdict

from itl.checks.blocks import quantity_of, units_of
from itl.checks.engine import Failures, check
from itl.checks.flows import PAID_BY, holdings_that_count
from itl.checks.limits import counts, exceeding, limited, lulucf_limit, reserve, surplus_limit
from itl.checks.proposal import Log, Proposal
from itl.codes import SURPLUS_RESERVE_ACCOUNT, TRACK_UNITS, Track
from itl.ledger.totals import TotalKey, TotalKind
from itl.messages import TransactionUnitBlock
from itl.reference import RegistryKind

LEAVE_PER_UNIT_OF_PROCEEDS = 49
"""With a share of 2 % paid, 98 % leave (decision 1/CMP.8)."""


@check(
    5104,
    applies=lambda proposal, log: log.reference.is_kind(proposal.initiator, RegistryKind.PARTY),
    in_effect=lambda proposal, log: any(
        _reserve(proposal, block.applicable_commit_period, log) is not None for block in proposal.blocks
    ),
)
def reserve_undercut(proposal: Proposal, log: Log) -> Failures:
    """Holdings in any account but cancellation accounts, less open transfers out, without open ones in.

    Per applicable period. ERU of track 2 leave regardless: beside other units, these are counted alone.
    """
    leaving: defaultdict[int, list[TransactionUnitBlock]] = defaultdict(list)
    for block in proposal.blocks:
        if block.unit_type not in TRACK_UNITS or block.track != Track.SUPERVISORY_COMMITTEE:
            leaving[block.applicable_commit_period].append(block)
    for period, blocks in leaving.items():
        required = _reserve(proposal, period, log)
        if required is not None and _holdings(proposal, period, log) - sum(map(quantity_of, blocks)) < required:
            yield from map(units_of, blocks)


def _reserve(proposal: Proposal, period: int, log: Log) -> int | None:
    return reserve(log.reference, proposal.initiator, period)


def _holdings(proposal: Proposal, period: int, log: Log) -> int:
    totals = log.view.totals
    held = sum(totals[key].completed for key in holdings_that_count(proposal.initiator, period))
    return held - totals[TotalKey(TotalKind.LEAVING, proposal.initiator, period)].open


def _lulucf_allowed(key: TotalKey, log: Log) -> int | None:
    """What was passed on (completed) may be acquired again."""
    allowed = lulucf_limit(log.reference, key.subject, key.period)
    passed_on = log.view.totals[TotalKey(TotalKind.LULUCF_PASSED_ON, key.subject, key.period)].completed
    return None if allowed is None else allowed + passed_on


@check(5106, applies=counts(TotalKind.LULUCF_ACQUIRED), in_effect=limited(TotalKind.LULUCF_ACQUIRED, _lulucf_allowed))
def lulucf_acquisition_limit_exceeded(proposal: Proposal, log: Log) -> Failures:
    """tCER and lCER of a period, acquired less passed on, beyond 1 % of base-year emissions times its years."""
    return exceeding(TotalKind.LULUCF_ACQUIRED, _lulucf_allowed, log)


def _paid_for(key: TotalKey, log: Log) -> int:
    paid = log.view.totals[TotalKey(PAID_BY[key.kind], key.subject, key.period)].completed
    return LEAVE_PER_UNIT_OF_PROCEEDS * paid


@check(5107, applies=counts(*PAID_BY))
def share_of_proceeds_due(proposal: Proposal, log: Log) -> Failures:
    """A Party's own AAU, and its own ERU, of the period: each up to 49 times what of them went to the proceeds."""
    for kind in PAID_BY:
        yield from exceeding(kind, _paid_for, log)


def _surplus_allowed(key: TotalKey, log: Log) -> int | None:
    return surplus_limit(log.reference, key.subject, key.period)


@check(5108)
def surplus_reserve_rule_broken(proposal: Proposal, log: Log) -> Failures:
    """Out of 130 into another account, into 130 out of another, or beyond 2 % of the first assigned amount."""
    for block in proposal.blocks:
        source, target = proposal.transferring_account(block)[0], proposal.acquiring_account(block)[0]
        if (source == SURPLUS_RESERVE_ACCOUNT) != (target == SURPLUS_RESERVE_ACCOUNT):
            yield units_of(block)
    yield from exceeding(TotalKind.SURPLUS_ACQUIRED, _surplus_allowed, log)
