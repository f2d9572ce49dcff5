"""Stage 7, issuance: who brings which units into being, where, with which serials, and how many."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from itl.checks.blocks import is_well_formed, units_of
from itl.checks.engine import WHOLE, Failures, check
from itl.checks.limits import assigned_amount, counts, exceeding, limited, project_of
from itl.checks.proposal import Log, Proposal
from itl.codes import CDM_UNITS, EXPIRING_UNITS, PARTY_UNITS, PROJECT_UNITS, UnitType
from itl.ledger.ranges import union
from itl.ledger.totals import TotalKey, TotalKind
from itl.messages import TransactionUnitBlock
from itl.reference import RegistryKind

ISSUER: Mapping[int, RegistryKind] = {
    UnitType.NON_KYOTO: RegistryKind.PARTY,
    **dict.fromkeys(PARTY_UNITS, RegistryKind.PARTY),
    **dict.fromkeys(CDM_UNITS, RegistryKind.CDM),
}
"""The kind of registry that issues a unit type. ERU come into being by conversion only."""

INTO: Mapping[int, int] = {**dict.fromkeys(PARTY_UNITS, 100), **dict.fromkeys(CDM_UNITS, 110)}
"""The account type into which a unit type is issued."""


@check(5001)
def registry_may_not_issue(proposal: Proposal, log: Log) -> Failures:
    """The unit type is another kind of registry's, or nobody's."""
    kind = log.initiator.kind if log.initiator else None
    for block in proposal.blocks:
        if kind is None or ISSUER.get(block.unit_type) is not kind:
            yield units_of(block)


@check(5002, applies=lambda proposal, log: any(block.unit_type in PARTY_UNITS for block in proposal.blocks))
def party_not_ready(proposal: Proposal, log: Log) -> Failures:
    """AAU and RMU of a period for which the Party has no assigned amount recorded, or is suspended."""
    for block in proposal.blocks:
        if block.unit_type in PARTY_UNITS:
            entry = log.reference.party_periods.get((proposal.initiator, block.original_commit_period))
            if entry is None or entry.assigned_amount is None or entry.issuance_suspended:
                yield units_of(block)


@check(5003)
def wrong_acquiring_account(proposal: Proposal, log: Log) -> Failures:
    """AAU and RMU into 100, CER, tCER and lCER into 110."""
    for block in proposal.blocks:
        if block.unit_type in INTO and proposal.acquiring_account(block)[0] != INTO[block.unit_type]:
            yield units_of(block)


@check(5004)
def several_unit_types(proposal: Proposal, log: Log) -> Failures:
    """More than one unit type."""
    if len({block.unit_type for block in proposal.blocks}) > 1:
        yield WHOLE


@check(5005)
def several_original_periods(proposal: Proposal, log: Log) -> Failures:
    """More than one original commitment period."""
    if len({block.original_commit_period for block in proposal.blocks}) > 1:
        yield WHOLE


@check(5006)
def periods_differ(proposal: Proposal, log: Log) -> Failures:
    """Units are issued for the period of their origin."""
    for block in proposal.blocks:
        if block.applicable_commit_period != block.original_commit_period:
            yield units_of(block)


@check(5007)
def wrong_originating_registry(proposal: Proposal, log: Log) -> Failures:
    """AAU and RMU originate with their issuer; units of the CDM with a host Party, which no other system is."""
    for block in proposal.blocks:
        of_another = block.unit_type in PARTY_UNITS and block.originating_registry_code != proposal.initiator
        if of_another or (block.unit_type in CDM_UNITS and _is_no_party(block, log)):
            yield units_of(block)


def _aau_allowed(key: TotalKey, log: Log) -> int | None:
    """An assigned amount that is not recorded is 5002's."""
    return assigned_amount(log.reference, key.subject, key.period) if key.detail == UnitType.AAU else None


@check(
    5008,
    applies=lambda proposal, log: any(block.unit_type == UnitType.AAU for block in proposal.blocks),
    in_effect=limited(TotalKind.ISSUED, _aau_allowed),
)
def aau_quantity_exceeded(proposal: Proposal, log: Log) -> Failures:
    """AAU of a period beyond the Party's assigned amount."""
    return exceeding(TotalKind.ISSUED, _aau_allowed, log)


def _rmu_allowed(key: TotalKey, log: Log) -> int:
    entry = log.reference.party_periods.get((key.subject, key.period))
    return entry.rmu_limits.get(key.detail, 0) if entry else 0


@check(5009, applies=counts(TotalKind.RMU_ISSUED))
def rmu_quantity_exceeded(proposal: Proposal, log: Log) -> Failures:
    """RMU of a period and activity beyond the quantity recorded for it; none recorded allows none."""
    return exceeding(TotalKind.RMU_ISSUED, _rmu_allowed, log)


@check(5010)
def serials_used(proposal: Proposal, log: Log) -> Failures:
    """Units that exist, or that another open issuance has taken."""
    for block in proposal.blocks:
        if is_well_formed(block):
            existing = [part.range for part in log.view.units.held(units_of(block))]
            yield from union([*existing, *log.kept_by_others(block)])


def _instructed(key: TotalKey, log: Log) -> int | None:
    """Nothing of a recorded project for which nothing is recorded; an unknown project is 5020's."""
    project = project_of(key, log)
    return project.quantities.get((key.detail, key.period), 0) if project else None


@check(5018, applies=counts(TotalKind.PROJECT_ISSUED), in_effect=limited(TotalKind.PROJECT_ISSUED, _instructed))
def project_quantity_exceeded(proposal: Proposal, log: Log) -> Failures:
    """Per project, period and unit type."""
    return exceeding(TotalKind.PROJECT_ISSUED, _instructed, log)


@check(
    5019,
    applies=lambda proposal, log: any(block.unit_type in EXPIRING_UNITS for block in proposal.blocks),
    in_effect=lambda proposal, log: any(_expiry_due(block, log) for block in proposal.blocks),
)
def wrong_expiry_date(proposal: Proposal, log: Log) -> Failures:
    """Another date than the last of the next commitment period (tCER) or of the project's crediting period (lCER)."""
    for block in proposal.blocks:
        if _expiry_due(block, log) not in (None, block.expiry_date):
            yield units_of(block)


def _expiry_due(block: TransactionUnitBlock, log: Log) -> date | None:
    """None where the next period, or the end of the crediting period, is not recorded; and for units that last."""
    if block.unit_type == UnitType.TCER:
        following = log.reference.periods.get(block.original_commit_period + 1)
        return (following.end - timedelta(days=1)).date() if following else None
    if block.unit_type == UnitType.LCER:
        project = log.project(block)
        return project.crediting_period_end if project else None
    return None


@check(5020)
def project_unknown(proposal: Proposal, log: Log) -> Failures:
    """Recorded under the host Party (the originating registry) and of the kind that yields the unit type."""
    for block in proposal.blocks:
        if block.unit_type in PROJECT_UNITS and not _yields(block, log):
            yield units_of(block)


def _is_no_party(block: TransactionUnitBlock, log: Log) -> bool:
    code = block.originating_registry_code
    system = log.reference.registries.get(code)
    return code not in log.reference.parties or (system is not None and system.kind != RegistryKind.PARTY)


def _yields(block: TransactionUnitBlock, log: Log) -> bool:
    project = log.project(block)
    if project is None:
        return log.reference.admit_unrecorded_projects
    return block.unit_type in project.kinds
