"""What is right about a proposal by itself, whatever a registry holds: identifier, parties, accounts, units. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from itl.codes import (
    ACCOUNT_TYPES,
    COMMITMENT_PERIODS,
    EXPIRING_UNITS,
    LULUCF_UNITS,
    MAX_BLOCKS,
    MAX_SERIAL,
    PROJECT_UNITS,
    TRACK_UNITS,
    LulucfActivity,
    Track,
    TransactionType,
    UnitType,
)
from itl.messages import ProposalTransaction, TransactionUnitBlock
from registry_client.conformance.making import joined

_NUMBER = re.compile(r"[1-9][0-9]{0,14}")

ATTRIBUTES = (
    "unit_type",
    "original_commit_period",
    "applicable_commit_period",
    "lulucf_activity",
    "project_identifier",
    "track",
    "expiry_date",
    "block_role",
)
"""What units of a proposal are, beside their serials."""

_HAVE = (
    ("lulucf_activity", LULUCF_UNITS, "a LULUCF activity"),
    ("project_identifier", PROJECT_UNITS, "a project"),
    ("track", TRACK_UNITS, "a track"),
    ("expiry_date", EXPIRING_UNITS, "an expiry date"),
)
"""Attributes that just units of these types have."""


def faults_of(proposal: ProposalTransaction, code: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a proposal of the registry `code`, in words, and the requirement that it breaks."""
    identifier = proposal.transaction_identifier
    if not identifier.startswith(code) or not _NUMBER.fullmatch(identifier.removeprefix(code)):
        yield f"the identifier {identifier!r} is not {code} and 1 to 15 digits without a leading zero", "R-PROPOSE-1"
    kind, to = proposal.transaction_type, proposal.acquiring_registry_code
    if proposal.transferring_registry_code != code:
        told = proposal.transferring_registry_code
        yield f"{identifier}: the transferring registry is {told}, it must be {code}", "R-PROPOSE-2"
    if (to == code) == (kind == TransactionType.EXTERNAL_TRANSFER):
        yield f"{identifier}: a transaction of type {kind} to {to}", "R-PROPOSE-2"
    if kind not in TransactionType.__members__.values():
        yield f"{identifier}: {kind} is no type of transaction", "R-PROPOSE-3"
    if not 1 <= len(proposal.proposal_unit_blocks) <= MAX_BLOCKS:
        told = str(len(proposal.proposal_unit_blocks))
        yield f"{identifier} has {told} unit blocks; 1 to {MAX_BLOCKS} are allowed", "R-PROPOSE-3"
    for place, block in enumerate(proposal.proposal_unit_blocks, 1):
        for fault in _faults_of_block(proposal, block):
            yield f"{identifier}, block {place}: {fault}", "R-PROPOSE-3"
    for fault in _overlaps(proposal.proposal_unit_blocks):
        yield f"{identifier}: {fault}", "R-PROPOSE-3"


def _faults_of_block(proposal: ProposalTransaction, block: TransactionUnitBlock) -> Iterator[str]:
    start, end = block.unit_serial_block_start, block.unit_serial_block_end
    if not 1 <= start <= end <= MAX_SERIAL:
        yield f"serials {start} to {end} are none"
    kind = block.unit_type
    if kind not in UnitType.__members__.values() or kind == UnitType.NON_KYOTO:
        yield f"{kind} is no unit type"
        return
    for name in ("original_commit_period", "applicable_commit_period"):
        if getattr(block, name) not in COMMITMENT_PERIODS - {0}:
            yield f"{getattr(block, name)} is no commitment period"
    if block.original_commit_period > block.applicable_commit_period:
        yield "the units apply to a period before the one that they were issued for"
    for name, kinds, what in _HAVE:
        if (getattr(block, name) is not None) != (kind in kinds):
            yield f"units of type {kind} {'must' if kind in kinds else 'cannot'} have {what}"
    if block.lulucf_activity is not None and block.lulucf_activity not in LulucfActivity.__members__.values():
        yield f"{block.lulucf_activity} is no LULUCF activity"
    if block.track is not None and block.track not in Track.__members__.values():
        yield f"{block.track} is no track"
    for side in ("transferring", "acquiring"):
        account_type, account = account_of(proposal, block, side)
        if account_type is not None and account_type not in ACCOUNT_TYPES:
            yield f"{account_type} is no type of account ({side})"
        if account is not None and account < 1:
            yield f"{account} is no account ({side})"


def _overlaps(blocks: Iterable[TransactionUnitBlock]) -> Iterator[str]:
    ordered = sorted(map(serials_of, blocks))
    for before, after in pairwise(ordered):
        if before[0] == after[0] and after[1] <= before[2]:
            yield f"units {after[1]} to {before[2]} of {after[0]} are in two blocks"


def serials_of(block: Any) -> tuple[str, int, int]:
    """The units of a block of any message."""
    return block.originating_registry_code, block.unit_serial_block_start, block.unit_serial_block_end


def account_of(proposal: ProposalTransaction, block: TransactionUnitBlock, side: str) -> tuple[int | None, int | None]:
    """Type and identifier of the account of a block, which it says itself, or the head for all."""
    names = (f"{side}_registry_account_type", f"{side}_registry_account_identifier")
    of_block = tuple(getattr(block, name) for name in names)
    return of_block if None not in of_block else tuple(getattr(proposal, name) for name in names)


def units(blocks: Iterable[TransactionUnitBlock]) -> dict[tuple[Any, ...], list[tuple[str, int, int]]]:
    """Which units there are of which attributes; how they are cut is no matter."""
    found: defaultdict[tuple[Any, ...], list[tuple[str, int, int]]] = defaultdict(list)
    for block in blocks:
        found[tuple(getattr(block, name) or None for name in ATTRIBUTES)].append(serials_of(block))
    return {attributes: joined(ranges) for attributes, ranges in found.items()}


def shown(blocks: Iterable[TransactionUnitBlock]) -> str:
    """Units in words."""
    return "; ".join(
        ", ".join(f"{code} {start} to {end}" for code, start, end in ranges)
        + " with "
        + ", ".join(f"{name} {value}" for name, value in zip(ATTRIBUTES, attributes, strict=True) if value is not None)
        for attributes, ranges in units(blocks).items()
    )
