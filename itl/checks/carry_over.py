"""Stage 7, carry-over: units become valid for the next period. The proposal shows the period that they shall have."""

from __future__ import annotations

from collections.abc import Iterator

from itl.checks.blocks import units_of
from itl.checks.engine import WHOLE, Failures, check
from itl.checks.limits import carry_over_limit, exceeding, limited, true_up_end
from itl.checks.proposal import Log, Proposal
from itl.codes import EXPIRING_UNITS, PARTY_HOLDING_ACCOUNTS, SURPLUS_RESERVE_ACCOUNT, UnitType
from itl.ledger.block import SerialRange
from itl.ledger.ranges import union
from itl.ledger.totals import TotalKey, TotalKind
from itl.reference import RegistryKind


@check(5301)
def registry_may_not_carry_over(proposal: Proposal, log: Log) -> Failures:
    """Only a Party has commitments."""
    if not log.reference.is_kind(proposal.initiator, RegistryKind.PARTY):
        yield WHOLE


@check(5302)
def transferring_account_missing(proposal: Proposal, log: Log) -> Failures:
    """The identifier of the account that the units lie in."""
    return (units_of(block) for block in proposal.blocks if proposal.transferring_account(block)[1] is None)


@check(5303)
def not_a_holding_account(proposal: Proposal, log: Log) -> Failures:
    """Out of an account that is not one of the Party's or a person's holding accounts."""
    for block in proposal.blocks:
        if proposal.transferring_account(block)[0] not in PARTY_HOLDING_ACCOUNTS:
            yield units_of(block)


@check(5304)
def not_the_next_period(proposal: Proposal, log: Log) -> Failures:
    """The period shown is not the one after that for which the units are valid now."""
    for block, parts in log.standing.sound:
        period = block.applicable_commit_period
        yield from union(part.range for part in parts if part.attributes.applicable_commit_period + 1 != period)


@check(5305)
def rmu_carried_over(proposal: Proposal, log: Log) -> Failures:
    """RMU."""
    return _of_types(frozenset({UnitType.RMU}), proposal)


@check(5306)
def eru_from_rmu_carried_over(proposal: Proposal, log: Log) -> Failures:
    """ERU that were converted from RMU."""
    return _of_types(frozenset({UnitType.ERU_FROM_RMU}), proposal)


@check(5307)
def expiring_units_carried_over(proposal: Proposal, log: Log) -> Failures:
    """tCER and lCER."""
    return _of_types(EXPIRING_UNITS, proposal)


@check(5308)
def carry_over_not_open(proposal: Proposal, log: Log) -> Failures:
    """Before the Party's own true-up of the earlier period has ended; where none is recorded, before the period has."""
    for block in proposal.blocks:
        opens = true_up_end(log.reference, proposal.initiator, block.applicable_commit_period - 1)
        if opens is None or log.now < opens:
            yield units_of(block)


def _eru_allowed(key: TotalKey, log: Log) -> int | None:
    return carry_over_limit(log.reference, key.subject, key.period) if key.detail == UnitType.ERU_FROM_AAU else None


def _cer_allowed(key: TotalKey, log: Log) -> int | None:
    return carry_over_limit(log.reference, key.subject, key.period) if key.detail == UnitType.CER else None


@check(
    5312,
    applies=lambda proposal, log: any(_of_types(frozenset({UnitType.ERU_FROM_AAU}), proposal)),
    in_effect=limited(TotalKind.CARRIED_OVER, _eru_allowed),
)
def eru_limit_exceeded(proposal: Proposal, log: Log) -> Failures:
    """More than 2.5 % of the assigned amount of the period that the ERU come from."""
    return exceeding(TotalKind.CARRIED_OVER, _eru_allowed, log)


@check(
    5313,
    applies=lambda proposal, log: any(_of_types(frozenset({UnitType.CER}), proposal)),
    in_effect=limited(TotalKind.CARRIED_OVER, _cer_allowed),
)
def cer_limit_exceeded(proposal: Proposal, log: Log) -> Failures:
    """More than 2.5 % of the assigned amount of the period that the CER come from."""
    return exceeding(TotalKind.CARRIED_OVER, _cer_allowed, log)


@check(5314)
def not_into_surplus_reserve(proposal: Proposal, log: Log) -> Failures:
    """AAU that do not go into 130, and other units that leave their account."""
    for block in proposal.blocks:
        source, target = proposal.transferring_account(block), proposal.acquiring_account(block)
        if (target[0] != SURPLUS_RESERVE_ACCOUNT) if block.unit_type == UnitType.AAU else (target != source):
            yield units_of(block)


def _of_types(unit_types: frozenset[UnitType], proposal: Proposal) -> Iterator[SerialRange]:
    return (units_of(block) for block in proposal.blocks if block.unit_type in unit_types)
