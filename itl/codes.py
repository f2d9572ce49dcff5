"""The code lists of the data exchange standards, and the sets that the rules speak of."""

from __future__ import annotations

from enum import IntEnum


class TransactionType(IntEnum):
    """What a proposal wants done; 9 is not used."""

    ISSUANCE = 1
    CONVERSION = 2
    EXTERNAL_TRANSFER = 3
    CANCELLATION = 4
    RETIREMENT = 5
    REPLACEMENT = 6
    CARRY_OVER = 7
    EXPIRY_DATE_CHANGE = 8
    INTERNAL_TRANSFER = 10


class TransactionStatus(IntEnum):
    """Where a transaction stands."""

    PROPOSED = 1
    CHECKED_NO_DISCREPANCY = 2
    CHECKED_DISCREPANCY = 3
    COMPLETED = 4
    TERMINATED = 5
    REJECTED = 6
    CANCELLED = 7
    ACCEPTED = 8
    STL_CHECKED_NO_DISCREPANCY = 9
    STL_CHECKED_DISCREPANCY = 10


class UnitType(IntEnum):
    """The seven units of account, and 0 for a unit outside the Protocol (it needs a supplementary type)."""

    NON_KYOTO = 0
    AAU = 1
    RMU = 2
    ERU_FROM_AAU = 3
    ERU_FROM_RMU = 4
    CER = 5
    TCER = 6
    LCER = 7


class LulucfActivity(IntEnum):
    """Land use, land-use change and forestry activities."""

    AFFORESTATION_REFORESTATION = 1
    DEFORESTATION = 2
    FOREST_MANAGEMENT = 3
    CROPLAND_MANAGEMENT = 4
    GRAZING_LAND_MANAGEMENT = 5
    REVEGETATION = 6
    WETLAND_DRAINAGE_REWETTING = 7


class Track(IntEnum):
    """Who verifies an Article 6 project: the host Party, or the supervisory committee."""

    PARTY_VERIFIED = 1
    SUPERVISORY_COMMITTEE = 2


class NoticeType(IntEnum):
    """What a notice of the log to a registry is about."""

    NET_SOURCE_CANCELLATION = 1
    NON_COMPLIANCE_CANCELLATION = 2
    IMPENDING_EXPIRY = 3
    REVERSAL_OF_STORAGE = 4
    NON_SUBMISSION_OF_CERTIFICATION_REPORT = 5
    EXCESS_ISSUANCE = 6
    COMMITMENT_PERIOD_RESERVE = 7
    UNIT_CARRY_OVER = 8
    EXPIRY_DATE_CHANGE = 9
    UPDATE = 10
    """Changes an earlier notice, under the same identifier."""
    EU15_COMMITMENT_PERIOD_RESERVE = 11
    NET_REVERSAL_OF_CCS_STORAGE = 12
    NON_SUBMISSION_OF_CCS_VERIFICATION_REPORT = 13
    OUTSTANDING_UNITS = 51


class ReconciliationStatus(IntEnum):
    """Where a reconciliation stands. 8 to 11 are what a supplementary log found; 98 and 99 were added later."""

    CONFIRMED = 0
    INITIATED = 1
    VALIDATED = 2
    TOTALS_INCONSISTENT = 3
    UNIT_BLOCKS_INCONSISTENT = 4
    COMPLETED = 5
    COMPLETED_WITH_MANUAL_INTERVENTION = 6
    START_DENIED = 7
    STL_TOTALS_INCONSISTENT = 8
    STL_UNIT_BLOCKS_INCONSISTENT = 9
    STL_COMPLETED = 10
    STL_COMPLETED_WITH_MANUAL_INTERVENTION = 11
    TOTALS_BY_ACCOUNT_TYPE_INCONSISTENT = 98
    MANUAL_INTERVENTION_REQUIRED = 99


class ReconciliationPhase(IntEnum):
    """What is being compared."""

    TOTALS = 1
    UNIT_BLOCK_DETAIL = 2
    TRAIL = 3


class ResultIdentifier(IntEnum):
    """The first word of every answer."""

    REJECTED = 0
    ACCEPTED = 1


class PartyType(IntEnum):
    """Who sends a notification; any value is read, since one real registry always sent 0."""

    TRANSFERRING_REGISTRY = 1
    ACQUIRING_REGISTRY = 2
    TRANSACTION_LOG = 3


SYMBOLS: dict[int, str] = {
    UnitType.NON_KYOTO: "-",
    UnitType.AAU: "AAU",
    UnitType.RMU: "RMU",
    UnitType.ERU_FROM_AAU: "ERU",
    UnitType.ERU_FROM_RMU: "ERU",
    UnitType.CER: "CER",
    UnitType.TCER: "tCER",
    UnitType.LCER: "lCER",
}

LULUCF_UNITS = frozenset({UnitType.RMU, UnitType.ERU_FROM_RMU, UnitType.TCER, UnitType.LCER})
PROJECT_UNITS = frozenset({UnitType.ERU_FROM_AAU, UnitType.ERU_FROM_RMU, UnitType.CER, UnitType.TCER, UnitType.LCER})
TRACK_UNITS = frozenset({UnitType.ERU_FROM_AAU, UnitType.ERU_FROM_RMU})
EXPIRING_UNITS = frozenset({UnitType.TCER, UnitType.LCER})
CDM_UNITS = frozenset({UnitType.CER, UnitType.TCER, UnitType.LCER})
PARTY_UNITS = frozenset({UnitType.AAU, UnitType.RMU})

SUPPLEMENTARY_UNIT_TYPES = frozenset({(1, 1), (0, 2), (0, 3), (0, 4), (0, 5)})
"""Unit type and supplementary unit type of what schemes add; a Kyoto unit without one says 0 or nothing."""

CDM_CANCELLATION_ACCOUNTS = frozenset({240, 241, 242})
"""Cancellation accounts that exist in the CDM registry only."""

SURPLUS_RESERVE_ACCOUNT = 130
"""Previous period surplus reserve: carried-over AAU."""
PARTY_HOLDING_ACCOUNTS = frozenset({100, 120, 121})
"""Holding accounts of a Party and of persons in its registry, from which units are converted and carried over."""
HOLDING_ACCOUNTS = frozenset({100, 110, 120, 121, 130, 131})
ACCOUNTS_WITHOUT_PERIOD = frozenset({100, 110, 120, 121})
"""Holding accounts of no commitment period: in a reconciliation their units count under period 0."""
CANCELLATION_ACCOUNTS = frozenset({210, 220, 230, 240, 241, 242, 250, 260, 270, 280})
RETIREMENT_ACCOUNTS = frozenset({300})
REPLACEMENT_ACCOUNTS = frozenset({411, 421, 422, 423})
ACCOUNT_TYPES = HOLDING_ACCOUNTS | CANCELLATION_ACCOUNTS | RETIREMENT_ACCOUNTS | REPLACEMENT_ACCOUNTS

COMMITMENT_PERIODS = frozenset({0, 1, 2, 3})
REPLACED_ROLE = "REP"

MAX_SERIAL = 999_999_999_999_999
MAX_PROJECT = 9_999_999
MAX_BLOCKS = 3_000
CDM = "CDM"
SHARE_OF_PROCEEDS_ACCOUNT = (100, 1100)

OPEN_STATUSES = frozenset({1, 2, 8, 9})
"""A transaction at one of these keeps its units from any other; at 3, 6 and 10 they are free at once (check 4010)."""
