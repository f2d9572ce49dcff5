"""What a transaction adds to the scheme's figures, from its content and the accounts it names.

One definition for judging, for recording, and for the recount.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from itl.checks.blocks import acquiring_account, is_well_formed, quantity_of, transferring_account
from itl.messages import ProposalTransaction, TransactionUnitBlock
from itl.supplement import kinds
from itl.supplement.kinds import Kind
from itl.supplement.scheme import AccountKey, FigureKey, FigureKind, SchemeAccount

_BY_PERIOD: Mapping[Kind, FigureKind] = {
    **dict.fromkeys(kinds.ISSUES, FigureKind.ISSUED),
    kinds.ALLOCATION: FigureKind.ALLOCATED,
    kinds.SURRENDER: FigureKind.SURRENDERED,
    kinds.REVERSAL_OF_SURRENDER: FigureKind.SURRENDER_REVERSED,
    kinds.CONVERSION_OF_SURRENDERED: FigureKind.SURRENDERED_CONVERTED,
    kinds.RETIREMENT_OF_SURRENDERED: FigureKind.SURRENDERED_RETIRED,
    kinds.CONVERSION_OF_UNALLOCATED: FigureKind.UNALLOCATED_CONVERTED,
}
"""What each kind counts in, by registry and period."""

RESTS_ON: Mapping[FigureKind, tuple[FigureKind, ...]] = {
    FigureKind.SURRENDERED_CONVERTED: (FigureKind.SURRENDERED, FigureKind.SURRENDER_REVERSED),
    FigureKind.SURRENDERED_RETIRED: (FigureKind.SURRENDERED, FigureKind.SURRENDER_REVERSED),
    FigureKind.UNALLOCATED_CONVERTED: (FigureKind.ISSUED, FigureKind.ALLOCATED),
}
"""Figures of the same registry and period that another is compared with."""


def kind_of(transaction: ProposalTransaction) -> Kind:
    """Main and supplementary type."""
    return transaction.transaction_type, transaction.supp_transaction_type or 0


def flows(
    transaction: ProposalTransaction, accounts: Mapping[AccountKey, SchemeAccount], year: int
) -> dict[FigureKey, int]:
    """How many units `transaction` adds to each figure. `year` stands for one that a block does not say."""
    added: Counter[FigureKey] = Counter()
    for block in transaction.proposal_unit_blocks:
        if is_well_formed(block):
            for key in _keys(transaction, block, accounts, year):
                added[key] += quantity_of(block)
    return dict(added)


def wanted(transaction: ProposalTransaction, accounts: Mapping[AccountKey, SchemeAccount], year: int) -> set[FigureKey]:
    """All figures that a verdict on `transaction` rests on."""
    keys = set(flows(transaction, accounts, year))
    for key in list(keys):
        if not key.installation:
            keys |= {FigureKey(kind, key.registry, key.period) for kind in RESTS_ON.get(key.kind, ())}
    return keys


def _keys(
    transaction: ProposalTransaction,
    block: TransactionUnitBlock,
    accounts: Mapping[AccountKey, SchemeAccount],
    year: int,
) -> Iterator[FigureKey]:
    kind, registry = kind_of(transaction), transaction.transferring_registry_code
    counted = _BY_PERIOD.get(kind)
    if counted is None:
        return
    yield FigureKey(counted, registry, block.applicable_commit_period)
    installation = block.installation_identifier or _installation(transaction, block, accounts, kind)
    if installation and kind in (kinds.ALLOCATION, kinds.SURRENDER, kinds.REVERSAL_OF_SURRENDER):
        in_year = block.year_in_commitment_period or year
        yield FigureKey(counted, registry, installation=installation, year=in_year)


def _installation(
    transaction: ProposalTransaction,
    block: TransactionUnitBlock,
    accounts: Mapping[AccountKey, SchemeAccount],
    kind: Kind,
) -> int | None:
    """Of the operator's account: the one that a surrender leaves, and that an allocation or a reversal reaches."""
    leaves = kind == kinds.SURRENDER
    account_type, identifier = (transferring_account if leaves else acquiring_account)(transaction, block)
    account = accounts.get((transaction.transferring_registry_code, account_type or 0, identifier or 0))
    return None if account is None else account.installation
