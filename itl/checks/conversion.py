"""Stage 7, conversion: AAU and RMU become ERU of a project. The proposal shows the units as they shall be."""

from __future__ import annotations

from collections.abc import Mapping

from itl.checks.blocks import units_of
from itl.checks.engine import WHOLE, Failures, check
from itl.checks.limits import counts, exceeding, limited, project_of
from itl.checks.proposal import Log, Proposal
from itl.codes import PARTY_HOLDING_ACCOUNTS, TRACK_UNITS, Track, UnitType
from itl.ledger.ranges import union
from itl.ledger.totals import TotalKey, TotalKind
from itl.reference import Right

BECOMES: Mapping[int, int] = {UnitType.AAU: UnitType.ERU_FROM_AAU, UnitType.RMU: UnitType.ERU_FROM_RMU}
"""What may be converted, and into what."""

ASKS_FOR: Mapping[int | None, Right] = {
    Track.PARTY_VERIFIED: Right.TRACK_1,
    Track.SUPERVISORY_COMMITTEE: Right.TRACK_2,
}
"""The right that a Party needs for a track."""


@check(5051)
def cannot_be_converted(proposal: Proposal, log: Log) -> Failures:
    """Units that are neither AAU nor RMU, and those that would not become ERU. Which ERU: 5062."""
    for block, parts in log.standing.sound:
        if block.unit_type in TRACK_UNITS:
            yield from union(part.range for part in parts if part.attributes.unit_type not in BECOMES)
        else:
            yield units_of(block)


@check(5052)
def not_issued_by_party(proposal: Proposal, log: Log) -> Failures:
    """Units that originate with another."""
    return (units_of(block) for block in proposal.blocks if block.originating_registry_code != proposal.initiator)


@check(5053)
def project_not_of_party(proposal: Proposal, log: Log) -> Failures:
    """Unknown, hosted by another, or not of the track of the block."""
    for block in proposal.blocks:
        project = log.project(block)
        if project is None:
            admitted = log.reference.admit_unrecorded_projects and block.originating_registry_code == proposal.initiator
        else:
            admitted = (project.host, project.track) == (proposal.initiator, block.track)
        if not admitted:
            yield units_of(block)


@check(5054)
def track_not_open(proposal: Proposal, log: Log) -> Failures:
    """What the Party is recorded not to be eligible for. The quantity that track 2 verified: 5056."""
    for block in proposal.blocks:
        right = ASKS_FOR.get(block.track)
        if right and not log.reference.is_eligible(proposal.initiator, right, block.unit_type):
            yield units_of(block)


def _verified(key: TotalKey, log: Log) -> int | None:
    """Nothing of a recorded project for which nothing is recorded; an unknown project is 5053's."""
    project = project_of(key, log)
    return project.quantities.get((key.detail, key.period), 0) if project else None


@check(5056, applies=counts(TotalKind.PROJECT_CONVERTED), in_effect=limited(TotalKind.PROJECT_CONVERTED, _verified))
def verified_quantity_exceeded(proposal: Proposal, log: Log) -> Failures:
    """Per project, period and type of ERU under track 2."""
    return exceeding(TotalKind.PROJECT_CONVERTED, _verified, log)


@check(5057)
def wrong_accounts(proposal: Proposal, log: Log) -> Failures:
    """Out of or into an account that is not one of the Party's or a person's holding accounts."""
    for block in proposal.blocks:
        accounts = {proposal.transferring_account(block)[0], proposal.acquiring_account(block)[0]}
        if not accounts <= PARTY_HOLDING_ACCOUNTS:
            yield units_of(block)


@check(5061)
def activity_changed(proposal: Proposal, log: Log) -> Failures:
    """Of RMU that become ERU from RMU."""
    for block, parts in log.standing.sound:
        if block.unit_type == UnitType.ERU_FROM_RMU:
            yield from union(
                part.range
                for part in parts
                if part.attributes.unit_type == UnitType.RMU
                and part.attributes.lulucf_activity != block.lulucf_activity
            )


@check(5062)
def result_inconsistent(proposal: Proposal, log: Log) -> Failures:
    """The unit type does not follow from the source, or there is more than one project or track."""
    if len({(each.originating_registry_code, each.project_identifier, each.track) for each in proposal.blocks}) > 1:
        yield WHOLE
    for block, parts in log.standing.sound:
        yield from union(
            part.range for part in parts if BECOMES.get(part.attributes.unit_type, block.unit_type) != block.unit_type
        )
