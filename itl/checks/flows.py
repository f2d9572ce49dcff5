"""What a transaction adds to the running totals, from its content alone.

One definition for judging (limits ask what a proposal would add), for recording, and for the audit's recount. A Party
is named by its registry's code, a project by HOST/number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

from itl.checks.blocks import acquiring_account, quantity_of
from itl.codes import (
    CDM,
    CDM_UNITS,
    COMMITMENT_PERIODS,
    EXPIRING_UNITS,
    REPLACED_ROLE,
    SHARE_OF_PROCEEDS_ACCOUNT,
    SURPLUS_RESERVE_ACCOUNT,
    TRACK_UNITS,
    Track,
    TransactionType,
    UnitType,
)
from itl.ledger.totals import TotalKey, TotalKind
from itl.messages import ProposalTransaction, TransactionUnitBlock

KYOTO_UNITS = tuple(each for each in UnitType if each != UnitType.NON_KYOTO)
FIRST_PERIOD_WITH_PROCEEDS = 2
"""AAU and ERU owe a share of proceeds since the second period (decision 1/CMP.8)."""

Counter = Callable[[ProposalTransaction, TransactionUnitBlock], TotalKey | None]
"""The total of one kind that a block adds to; None: to none."""


def flows(transaction: ProposalTransaction) -> dict[TotalKey, int]:
    """How many units `transaction` adds to each flow total, whatever its type. Keys that it does not touch are left
    out. Its blocks have passed stage 4."""
    return {key: sum(map(quantity_of, blocks)) for key, blocks in counted(transaction).items()}


def wanted(transaction: ProposalTransaction) -> set[TotalKey]:
    """All totals that a verdict on `transaction` rests on: those it adds to, and those it is measured against."""
    keys = set(counted(transaction))
    for key in list(keys):
        if key.kind in PAID_BY:
            keys.add(TotalKey(PAID_BY[key.kind], key.subject, key.period))
        elif key.kind is TotalKind.LULUCF_ACQUIRED:
            keys.add(TotalKey(TotalKind.LULUCF_PASSED_ON, key.subject, key.period))
        elif key.kind is TotalKind.LEAVING:
            keys |= set(holdings_that_count(key.subject, key.period))
    return keys


def counted(transaction: ProposalTransaction) -> Mapping[TotalKey, Sequence[TransactionUnitBlock]]:
    """By flow total, the blocks that add to it, in their order.

    A block of periods that the code list does not have (2024, 2025) adds to none, so that no message asks for many.
    """
    kinds: defaultdict[object, list[TransactionUnitBlock]] = defaultdict(list)
    for block in transaction.proposal_unit_blocks:
        if {block.original_commit_period, block.applicable_commit_period} <= COMMITMENT_PERIODS:
            kinds[_alike(block)].append(block)
    totals: defaultdict[TotalKey, list[TransactionUnitBlock]] = defaultdict(list)
    for counter in (*COUNTERS.get(transaction.transaction_type, ()), _notice):
        for blocks in kinds.values():
            key = counter(transaction, blocks[0])
            if key is not None:
                totals[key] += blocks
    return totals


def holdings_that_count(party: str, period: int) -> Sequence[TotalKey]:
    """The stocks that are a Party's holdings valid for a commitment period (check 5104)."""
    return [TotalKey(TotalKind.COUNTING, party, period, unit_type) for unit_type in KYOTO_UNITS]


_alike = attrgetter(
    *("originating_registry_code", "unit_type", "original_commit_period", "applicable_commit_period"),
    *("lulucf_activity", "project_identifier", "track", "block_role"),
    *("acquiring_registry_account_type", "acquiring_registry_account_identifier"),
)
"""Blocks that are alike in this count alike."""


def _issued(transaction: ProposalTransaction, block: TransactionUnitBlock) -> TotalKey:
    issuer = transaction.transferring_registry_code
    return TotalKey(TotalKind.ISSUED, issuer, block.original_commit_period, block.unit_type)


def _rmu_issued(transaction: ProposalTransaction, block: TransactionUnitBlock) -> TotalKey | None:
    if block.unit_type != UnitType.RMU:
        return None
    issuer = transaction.transferring_registry_code
    return TotalKey(TotalKind.RMU_ISSUED, issuer, block.original_commit_period, block.lulucf_activity or 0)


def _project_issued(transaction: ProposalTransaction, block: TransactionUnitBlock) -> TotalKey | None:
    if block.unit_type not in CDM_UNITS:
        return None
    return TotalKey(TotalKind.PROJECT_ISSUED, _project(block), block.original_commit_period, block.unit_type)


def _project_converted(transaction: ProposalTransaction, block: TransactionUnitBlock) -> TotalKey | None:
    if block.track != Track.SUPERVISORY_COMMITTEE:
        return None
    return TotalKey(TotalKind.PROJECT_CONVERTED, _project(block), block.applicable_commit_period, block.unit_type)


def _carried_over(transaction: ProposalTransaction, block: TransactionUnitBlock) -> TotalKey:
    party = transaction.transferring_registry_code
    return TotalKey(TotalKind.CARRIED_OVER, party, block.applicable_commit_period - 1, block.unit_type)


def _leaving(transaction: ProposalTransaction, block: TransactionUnitBlock) -> TotalKey | None:
    """Units outside the Protocol are no part of what the reserve is compared with."""
    if block.unit_type == UnitType.NON_KYOTO:
        return None
    return TotalKey(TotalKind.LEAVING, transaction.transferring_registry_code, block.applicable_commit_period)


def _lulucf_acquired(transaction: ProposalTransaction, block: TransactionUnitBlock) -> TotalKey | None:
    return _expiring(TotalKind.LULUCF_ACQUIRED, transaction.acquiring_registry_code, block)


def _lulucf_passed_on(transaction: ProposalTransaction, block: TransactionUnitBlock) -> TotalKey | None:
    return _expiring(TotalKind.LULUCF_PASSED_ON, transaction.transferring_registry_code, block)


def _lulucf_retired(transaction: ProposalTransaction, block: TransactionUnitBlock) -> TotalKey | None:
    return _expiring(TotalKind.LULUCF_RETIRED, transaction.transferring_registry_code, block)


def _expiring(kind: TotalKind, party: str, block: TransactionUnitBlock) -> TotalKey | None:
    return TotalKey(kind, party, block.applicable_commit_period) if block.unit_type in EXPIRING_UNITS else None


def _proceeds(transaction: ProposalTransaction, block: TransactionUnitBlock) -> TotalKey | None:
    """A Party's own AAU and ERU as they leave it: those of another left that one before."""
    party = transaction.transferring_registry_code
    period = block.original_commit_period
    if block.originating_registry_code != party or period < FIRST_PERIOD_WITH_PROCEEDS:
        return None
    paying = pays_proceeds(transaction, block)
    if block.unit_type == UnitType.AAU:
        return TotalKey(TotalKind.AAU_TO_PROCEEDS if paying else TotalKind.AAU_LEFT, party, period)
    if block.unit_type in TRACK_UNITS:
        return TotalKey(TotalKind.ERU_TO_PROCEEDS if paying else TotalKind.ERU_LEFT, party, period)
    return None


def _surplus_acquired(transaction: ProposalTransaction, block: TransactionUnitBlock) -> TotalKey | None:
    if acquiring_account(transaction, block)[0] != SURPLUS_RESERVE_ACCOUNT:
        return None
    return TotalKey(TotalKind.SURPLUS_ACQUIRED, transaction.acquiring_registry_code, block.applicable_commit_period)


def _notice(transaction: ProposalTransaction, block: TransactionUnitBlock) -> TotalKey | None:
    """Of a replacement the replaced units; an internal transfer brings units nowhere that a notice asks for."""
    kind, notice = transaction.transaction_type, transaction.notification_identifier
    if notice is None or kind == TransactionType.INTERNAL_TRANSFER:
        return None
    if kind == TransactionType.REPLACEMENT and block.block_role != REPLACED_ROLE:
        return None
    return TotalKey(TotalKind.NOTICE, str(notice))


COUNTERS: Mapping[int, Sequence[Counter]] = {
    TransactionType.ISSUANCE: (_issued, _rmu_issued, _project_issued),
    TransactionType.CONVERSION: (_project_converted,),
    TransactionType.EXTERNAL_TRANSFER: (_leaving, _lulucf_acquired, _lulucf_passed_on, _proceeds, _surplus_acquired),
    TransactionType.RETIREMENT: (_lulucf_retired,),
    TransactionType.CARRY_OVER: (_carried_over,),
}
"""What each type of transaction counts in, beside the notice that it answers."""

PAID_BY: Mapping[TotalKind, TotalKind] = {
    TotalKind.AAU_LEFT: TotalKind.AAU_TO_PROCEEDS,
    TotalKind.ERU_LEFT: TotalKind.ERU_TO_PROCEEDS,
}
"""The share of proceeds that lets units leave (check 5107)."""


def pays_proceeds(transaction: ProposalTransaction, block: TransactionUnitBlock) -> bool:
    """Whether `block` goes to the share-of-proceeds account of the CDM registry."""
    into = acquiring_account(transaction, block)
    return transaction.acquiring_registry_code == CDM and into == SHARE_OF_PROCEEDS_ACCOUNT


def _project(block: TransactionUnitBlock) -> str:
    return f"{block.originating_registry_code}/{block.project_identifier or 0}"
