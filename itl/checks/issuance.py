"""Stage 7, issuance: who brings which units into being, where, and with which serials.

Not here yet: limits of Parties and projects (5002, 5008, 5009, 5018) and the expiry date at issuance (5019).
"""

from __future__ import annotations

from collections.abc import Mapping

from itl.checks.blocks import is_well_formed, units_of
from itl.checks.engine import WHOLE, Failures, check
from itl.checks.proposal import Log, Proposal
from itl.codes import CDM_UNITS, PARTY_UNITS, PROJECT_UNITS, UnitType
from itl.ledger.ranges import union
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


@check(5010)
def serials_used(proposal: Proposal, log: Log) -> Failures:
    """Units that exist, or that another open issuance has taken."""
    for block in proposal.blocks:
        if is_well_formed(block):
            existing = [part.range for part in log.view.units.held(units_of(block))]
            yield from union([*existing, *log.kept_by_others(block)])


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
    project = log.view.projects.get((block.originating_registry_code, block.project_identifier or 0))
    if project is None:
        return log.reference.admit_unrecorded_projects
    return block.unit_type in project.kinds
