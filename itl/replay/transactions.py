"""Rows of the reports as transactions, with a stated rule for all that the reports do not say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from itl.codes import (
    CDM,
    CDM_UNITS,
    LULUCF_UNITS,
    MAX_BLOCKS,
    TRACK_UNITS,
    LulucfActivity,
    Track,
    TransactionType,
    UnitType,
)
from itl.ledger.block import Attributes, HeldBlock, Place
from itl.messages import ProposalTransaction, TransactionUnitBlock
from itl.replay.reports import Row
from itl.store.enrolment import PERIODS

PENDING = Place(CDM, 110, 1)
CANCELLED = Place(CDM, 230, 2)

CREDITING_YEARS = 30
"""The longest crediting period of a land-use project: three times ten years, or twenty and ten."""

FIRST_UNIT = {UnitType.ERU_FROM_AAU: UnitType.AAU, UnitType.ERU_FROM_RMU: UnitType.RMU}
"""What a unit was when it was issued, where that is another type."""

_YEARS = {number: (first, behind) for number, first, behind in PERIODS}

RULES = (
    "rows go in the order of their times, an issuance before a cancellation of the same time",
    "rows of one time and kind are one transaction, one for each commitment period and, of issuances, each unit type",
    f"transactions are numbered in this order: {CDM}1, {CDM}2, ...",
    f"units are issued into the pending account {PENDING.account_type}, identifier {PENDING.account_identifier}",
    f"units are cancelled from there into account {CANCELLED.account_type}, identifier {CANCELLED.account_identifier}",
    "the applicable commitment period of a unit is the original one, the one that the row states",
    "units from land use are of activity 1, afforestation and reforestation",
    "tCER expire with the last day of the commitment period after theirs",
    f"lCER expire with the last day of the {CREDITING_YEARS}th year, counted from the start of their period",
    "ERU are of track 1",
)
"""What is made up, in words."""


@dataclass(frozen=True, slots=True)
class Reported:
    """A transaction as the reports tell of it: rows of one time and kind."""

    identifier: str
    rows: tuple[Row, ...]

    @property
    def at(self) -> datetime:
        return self.rows[0].at

    @property
    def transaction_type(self) -> TransactionType:
        return self.rows[0].transaction_type


def in_order(rows: Iterable[Row]) -> list[Row]:
    """The rows by time and kind, those that can be one transaction together, else as they come."""
    return sorted(rows, key=_together)


def is_foreign(row: Row) -> bool:
    """Whether its units came into being in another registry, of which these reports say nothing."""
    return row.unit_type not in CDM_UNITS


def transactions(rows: Sequence[Row], first_number: int = 1) -> list[Reported]:
    """The transactions of `rows`, which are in order."""
    groups = [
        together[first : first + MAX_BLOCKS]
        for together in (tuple(group) for _, group in groupby(rows, _together))
        for first in range(0, len(together), MAX_BLOCKS)
    ]
    return [Reported(f"{CDM}{number}", group) for number, group in enumerate(groups, first_number)]


def _together(row: Row) -> tuple[datetime, int, int, int]:
    """Equal for what may stand in one transaction: checks 5004 and 5005 of issuances, 4005 of all others."""
    unit = row.unit_type if row.transaction_type == TransactionType.ISSUANCE else 0
    return row.at, int(row.transaction_type), row.period, int(unit)


def proposal(reported: Reported) -> ProposalTransaction:
    """What the CDM registry proposed."""
    target = PENDING if reported.transaction_type == TransactionType.ISSUANCE else CANCELLED
    return _proposed(reported.identifier, reported.transaction_type, CDM, target, reported.rows)


def opening(identifier: str, row: Row) -> tuple[ProposalTransaction, HeldBlock]:
    """A transfer by which units of another registry came to the CDM registry, and the units as they then stand."""
    party = row.units.originating_registry
    transfer = _proposed(identifier, TransactionType.EXTERNAL_TRANSFER, party, PENDING, (row,))
    (block,) = transfer.proposal_unit_blocks
    attributes = Attributes(
        unit_type=block.unit_type,
        supp_unit_type=block.supp_unit_type,
        original_commit_period=block.original_commit_period,
        applicable_commit_period=block.applicable_commit_period,
        lulucf_activity=block.lulucf_activity,
        project_identifier=block.project_identifier,
        track=block.track,
        expiry_date=block.expiry_date,
        issued_unit_type=FIRST_UNIT.get(row.unit_type, row.unit_type),
    )
    return transfer, HeldBlock(row.units, attributes, PENDING)


def expiry(unit_type: int, period: int) -> date | None:
    """The last day on which the units are valid, by the rules; None for units that do not expire."""
    match unit_type:
        case UnitType.TCER:
            _, behind = _YEARS[period + 1]
        case UnitType.LCER:
            behind = _YEARS[period][0] + CREDITING_YEARS
        case _:
            return None
    return date(behind, 1, 1) - timedelta(days=1)


def _proposed(
    identifier: str, transaction_type: TransactionType, transferring: str, target: Place, rows: Sequence[Row]
) -> ProposalTransaction:
    return ProposalTransaction(
        transaction_identifier=identifier,
        transaction_type=int(transaction_type),
        transferring_registry_code=transferring,
        transferring_registry_account_type=PENDING.account_type,
        transferring_registry_account_identifier=PENDING.account_identifier,
        acquiring_registry_code=target.registry,
        acquiring_registry_account_type=target.account_type,
        acquiring_registry_account_identifier=target.account_identifier,
        proposal_unit_blocks=tuple(map(_block, rows)),
    )


def _block(row: Row) -> TransactionUnitBlock:
    from_land_use = row.unit_type in LULUCF_UNITS
    return TransactionUnitBlock(
        unit_serial_block_start=row.units.start,
        unit_serial_block_end=row.units.end,
        originating_registry_code=row.units.originating_registry,
        unit_type=int(row.unit_type),
        original_commit_period=row.period,
        applicable_commit_period=row.period,
        lulucf_activity=int(LulucfActivity.AFFORESTATION_REFORESTATION) if from_land_use else None,
        project_identifier=row.project,
        track=int(Track.PARTY_VERIFIED) if row.unit_type in TRACK_UNITS else None,
        expiry_date=expiry(row.unit_type, row.period),
    )
