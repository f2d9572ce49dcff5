"""Stage 4: whether each unit block of a proposal is well formed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from itl.checks.blocks import is_well_formed, units_of
from itl.checks.engine import Failures, check
from itl.checks.proposal import Log, Proposal
from itl.codes import (
    COMMITMENT_PERIODS,
    EXPIRING_UNITS,
    LULUCF_UNITS,
    MAX_PROJECT,
    MAX_SERIAL,
    PROJECT_UNITS,
    REPLACED_ROLE,
    SUPPLEMENTARY_UNIT_TYPES,
    TRACK_UNITS,
    LulucfActivity,
    Track,
    TransactionType,
    UnitType,
)
from itl.ledger.ranges import overlaps, parts_in
from itl.messages import TransactionUnitBlock

_UNIT_TYPES = frozenset(UnitType)
_KYOTO_UNITS = _UNIT_TYPES - {UnitType.NON_KYOTO}
_ACTIVITIES = frozenset(LulucfActivity)
_TRACKS = frozenset(Track)


@check(2010)
def originating_registry_invalid(proposal: Proposal, log: Log) -> Failures:
    """Of no known Party or registry."""
    return _blocks(proposal, lambda block: block.originating_registry_code not in log.reference.parties)


@check(2011)
def unit_type_invalid(proposal: Proposal, log: Log) -> Failures:
    """Not in the code list."""
    return _blocks(proposal, lambda block: block.unit_type not in _UNIT_TYPES)


@check(2012)
def supplementary_unit_type_invalid(proposal: Proposal, log: Log) -> Failures:
    """Not in the code list beside its unit type; a unit outside the Protocol cannot be without one."""
    return _blocks(proposal, _has_invalid_supplement)


@check(2013)
def serials_missing(proposal: Proposal, log: Log) -> Failures:
    """A start or end outside 1 to 999,999,999,999,999."""
    return _blocks(
        proposal,
        lambda block: (
            not (1 <= block.unit_serial_block_start <= MAX_SERIAL and 1 <= block.unit_serial_block_end <= MAX_SERIAL)
        ),
    )


@check(2014)
def serials_reversed(proposal: Proposal, log: Log) -> Failures:
    """The end before the start."""
    return _blocks(proposal, lambda block: block.unit_serial_block_end < block.unit_serial_block_start)


@check(2015)
def activity_missing(proposal: Proposal, log: Log) -> Failures:
    """Units from land use without a valid activity."""
    return _blocks(proposal, lambda block: block.unit_type in LULUCF_UNITS and block.lulucf_activity not in _ACTIVITIES)


@check(2016)
def activity_not_allowed(proposal: Proposal, log: Log) -> Failures:
    """Other Kyoto units with an activity."""
    return _blocks(proposal, lambda block: _outside(block, LULUCF_UNITS) and block.lulucf_activity is not None)


@check(2017)
def project_missing(proposal: Proposal, log: Log) -> Failures:
    """Units from projects without a number from 1 to 9,999,999; whether it is known is 5020 or 5053."""
    return _blocks(
        proposal,
        lambda block: block.unit_type in PROJECT_UNITS and not 1 <= (block.project_identifier or 0) <= MAX_PROJECT,
    )


@check(2018)
def project_not_allowed(proposal: Proposal, log: Log) -> Failures:
    """AAU and RMU with a project."""
    return _blocks(proposal, lambda block: _outside(block, PROJECT_UNITS) and block.project_identifier is not None)


@check(2019)
def track_missing(proposal: Proposal, log: Log) -> Failures:
    """ERU without a valid track."""
    return _blocks(proposal, lambda block: block.unit_type in TRACK_UNITS and block.track not in _TRACKS)


@check(2020)
def track_not_allowed(proposal: Proposal, log: Log) -> Failures:
    """Other Kyoto units with a track."""
    return _blocks(proposal, lambda block: _outside(block, TRACK_UNITS) and block.track is not None)


@check(2021)
def expiry_date_missing(proposal: Proposal, log: Log) -> Failures:
    """tCER and lCER without the date of their expiry."""
    return _blocks(proposal, lambda block: block.unit_type in EXPIRING_UNITS and block.expiry_date is None)


@check(2022)
def expiry_date_not_allowed(proposal: Proposal, log: Log) -> Failures:
    """Other Kyoto units with an expiry date."""
    return _blocks(proposal, lambda block: _outside(block, EXPIRING_UNITS) and block.expiry_date is not None)


@check(2023)
def blocks_overlap(proposal: Proposal, log: Log) -> Failures:
    """The units that occur twice; in a replacement, replaced and replacing blocks are looked at apart."""
    blocks = [block for block in proposal.blocks if is_well_formed(block)]
    if proposal.transaction_type != TransactionType.REPLACEMENT:
        return _shared(blocks)
    replaced = [block for block in blocks if block.block_role == REPLACED_ROLE]
    replacing = [block for block in blocks if block.block_role != REPLACED_ROLE]
    return chain(_shared(replaced), _shared(replacing))


def _shared(blocks: Sequence[TransactionUnitBlock]) -> Failures:
    twice = overlaps(map(units_of, blocks))
    for block in blocks if twice else ():
        yield from parts_in(units_of(block), twice)


@check(2024)
def original_period_invalid(proposal: Proposal, log: Log) -> Failures:
    """Not in the code list."""
    return _blocks(proposal, lambda block: block.original_commit_period not in COMMITMENT_PERIODS)


@check(2025)
def applicable_period_invalid(proposal: Proposal, log: Log) -> Failures:
    """Not in the code list, or before the original period."""
    return _blocks(
        proposal,
        lambda block: (
            block.applicable_commit_period not in COMMITMENT_PERIODS
            or block.applicable_commit_period < block.original_commit_period
        ),
    )


@check(2026)
def role_invalid(proposal: Proposal, log: Log) -> Failures:
    """A role that is not REP, or any outside a replacement."""
    allowed = {None, REPLACED_ROLE} if proposal.transaction_type == TransactionType.REPLACEMENT else {None}
    return _blocks(proposal, lambda block: block.block_role not in allowed)


def _blocks(proposal: Proposal, fails: Callable[[TransactionUnitBlock], bool]) -> Failures:
    return (units_of(block) for block in proposal.blocks if fails(block))


def _outside(block: TransactionUnitBlock, units: frozenset[UnitType]) -> bool:
    """A Kyoto unit that is none of `units`; of others the standard demands nothing."""
    return block.unit_type in _KYOTO_UNITS and block.unit_type not in units


def _has_invalid_supplement(block: TransactionUnitBlock) -> bool:
    supplement = block.supp_unit_type or 0
    if block.unit_type not in _UNIT_TYPES:
        return supplement not in {0, *(supp for _, supp in SUPPLEMENTARY_UNIT_TYPES)}
    if supplement == 0:
        return block.unit_type == UnitType.NON_KYOTO
    return (block.unit_type, supplement) not in SUPPLEMENTARY_UNIT_TYPES
