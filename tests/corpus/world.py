"""The world that the corpus of proposals is judged in: Parties with limits, a ledger of every unit in every place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count

from itl.checks.view import View
from itl.codes import UnitType
from itl.ledger.block import Attributes, HeldBlock, Inconsistency, Place, Reservation, SerialRange
from itl.ledger.snapshot import Snapshot
from itl.ledger.totals import Total, TotalKey, TotalKind, TotalsSnapshot, stock_keys
from itl.reference import (
    Account,
    CommitmentPeriod,
    Notice,
    PartyPeriod,
    Project,
    Reference,
    Registry,
    RegistryKind,
    Right,
    Scheme,
)

NOW = datetime(2015, 6, 1, 12, tzinfo=UTC)
"""The first period is over, and its true-up is for GB; the second period runs."""

PARTIES = ("GB", "FR", "JP", "NZ")
REGISTRIES = (
    *(Registry(code, RegistryKind.PARTY) for code in PARTIES),
    Registry("CA", RegistryKind.PARTY, in_force=False),
    Registry("UA", RegistryKind.PARTY, may_propose=False, may_accept=False),
    Registry("CDM", RegistryKind.CDM),
    Registry("CITL", RegistryKind.STL),
    Registry("TEST", RegistryKind.TESTER),
)
TRUE_UP_ENDS = {"GB": datetime(2015, 5, 1, tzinfo=UTC), "NZ": datetime(2015, 5, 1, tzinfo=UTC)}


def _party_periods() -> Iterator[PartyPeriod]:
    for party in PARTIES:
        for period in (1, 2):
            yield PartyPeriod(
                party,
                period,
                true_up_end=TRUE_UP_ENDS.get(party, datetime(2015, 11, 19, tzinfo=UTC)) if period == 1 else None,
                assigned_amount=None if (party, period) == ("JP", 2) else 100_000,
                issuance_suspended=(party, period) == ("NZ", 2),
                rmu_limits=dict.fromkeys((1, 3), 1000),
                reviewed_inventory=20_000 if party == "FR" else None,
                recorded_reserve=3_000 if party == "GB" else 0,
            )


REFERENCE = Reference(
    stamp=1,
    log_code="ITL",
    versions=frozenset({(1, 1)}),
    registries={registry.code: registry for registry in REGISTRIES},
    parties=frozenset({*(registry.code for registry in REGISTRIES), "IN", "BR"}),
    periods={
        number: CommitmentPeriod(number, datetime(first, 1, 1, tzinfo=UTC), datetime(behind, 1, 1, tzinfo=UTC))
        for number, first, behind in ((1, 2008, 2013), (2, 2013, 2021), (3, 2021, 2031))
    },
    party_periods={(entry.party, entry.period): entry for entry in _party_periods()},
    base_year_emissions={"GB": 100_000, "FR": 10_000, "JP": 100_000},
    ineligible=frozenset(
        {
            ("NZ", Right.TRANSFER, None),
            ("NZ", Right.ACQUIRE, int(UnitType.CER)),
            ("JP", Right.USE, int(UnitType.TCER)),
            ("JP", Right.TRACK_1, None),
            ("NZ", Right.TRACK_2, None),
        }
    ),
    schemes=(
        Scheme("CITL", frozenset({(10, 1), (10, 53)}), frozenset({"GB", "FR"})),
        Scheme("STL2", frozenset({(10, 77)}), frozenset({"JP"})),
    ),
)

PROJECTS = {
    (project.host, project.number): project
    for project in (
        Project("IN", 7, frozenset({5, 6, 7}), quantities={(5, 1): 9_000, (5, 2): 9_000, (6, 1): 9_000, (7, 1): 9_000}),
        Project("IN", 8, frozenset({5}), crediting_period_end=date(2014, 1, 1), quantities={(5, 2): 100}),
        Project("BR", 7, frozenset({5, 7}), quantities={(7, 1): 9_000}),
        *(Project(party, 1, frozenset({3, 4}), track=1) for party in PARTIES),
        *(Project(party, 2, frozenset({3, 4}), track=2, quantities={(3, 1): 500, (3, 2): 500}) for party in PARTIES),
    )
}

EXPIRY = {1: date(2020, 12, 31), 2: date(2030, 12, 31)}


@dataclass(frozen=True, slots=True)
class Stock:
    """Units of one kind that are laid into several accounts."""

    origin: str
    unit_type: int
    period: int
    registry: str
    project: int | None = None
    track: int | None = None
    activity: int | None = None


STOCKS = (
    *(Stock(party, UnitType.AAU, period, party) for party in PARTIES for period in (1, 2)),
    *(Stock(party, UnitType.RMU, period, party, activity=1) for party in PARTIES for period in (1, 2)),
    *(Stock(party, UnitType.ERU_FROM_AAU, 1, party, 1, 1) for party in PARTIES),
    *(Stock(party, UnitType.ERU_FROM_AAU, 2, party, 2, 2) for party in PARTIES),
    *(Stock(party, UnitType.ERU_FROM_RMU, 1, party, 1, 1, activity=1) for party in PARTIES),
    *(Stock("IN", UnitType.CER, period, registry, 7) for registry in (*PARTIES, "CDM") for period in (1, 2)),
    *(Stock("IN", UnitType.TCER, 1, registry, 7, activity=1) for registry in (*PARTIES, "CDM")),
    *(Stock(origin, UnitType.LCER, 1, registry, 7, activity=1) for registry in PARTIES for origin in ("IN", "BR")),
    Stock("JP", UnitType.AAU, 1, "GB"),
    Stock("GB", UnitType.AAU, 1, "FR"),
)
SIZE = 100
"""Units that lie in each account."""


def _ledger() -> Iterator[HeldBlock]:
    serials = {origin: count(1, SIZE) for origin in {stock.origin for stock in STOCKS}}
    for stock in STOCKS:
        holding = (110, 110) if stock.registry == "CDM" else (100, 100, 100, 120, 121)
        cancelled = (240,) if stock.registry == "CDM" else (230, 300)
        surplus = (130,) if stock.unit_type == UnitType.AAU and stock.period == 2 else ()
        replacing = (411,) if stock.unit_type == UnitType.AAU and stock.period == 1 else ()
        for position, account_type in enumerate((*holding, *cancelled, *surplus, *replacing)):
            start = next(serials[stock.origin])
            expires = EXPIRY[stock.period] if stock.unit_type in (UnitType.TCER, UnitType.LCER) else None
            is_last_held = position == len(holding) - 1
            yield HeldBlock(
                SerialRange(stock.origin, start, start + SIZE - 1),
                Attributes(
                    unit_type=int(stock.unit_type),
                    supp_unit_type=None,
                    original_commit_period=stock.period,
                    applicable_commit_period=stock.period,
                    lulucf_activity=stock.activity,
                    project_identifier=stock.project,
                    track=stock.track,
                    expiry_date=date(2015, 5, 31) if expires and is_last_held else expires,
                    issued_unit_type={3: 1, 4: 2}.get(int(stock.unit_type), int(stock.unit_type)),
                    replaced=expires is not None and position == len(holding) - 2,
                ),
                Place(stock.registry, account_type, 1001),
            )


HELD = tuple(_ledger())
NEVER_ISSUED = 1_000_000
"""First serial of units that never were, of every Party."""


def _notices() -> Iterator[Notice]:
    blocks = tuple(block.range for block in HELD if block.attributes.unit_type == UnitType.LCER)
    yield Notice(1, 1, 1, "GB", target_value=500, lulucf_activity=1, commit_period=1)
    yield Notice(2, 2, 2, "FR", target_value=60, commit_period=1)
    yield Notice(3, 3, 1, "GB", unit_type=6, target_value=500)
    yield Notice(4, 4, 1, "GB", project=("IN", 7), target_value=500, blocks=blocks)
    yield Notice(5, 5, 3, "FR", project=("BR", 7), target_value=500)
    yield Notice(6, 6, 1, "GB", project=("IN", 7), unit_type=5, target_value=500)
    yield Notice(9, 9, 1, "GB", project=("IN", 7), unit_type=6, target_date=date(2025, 12, 31))


def _totals() -> TotalsSnapshot:
    sums: dict[TotalKey, int] = {}
    for block in HELD:
        for key in stock_keys(block):
            sums[key] = sums.get(key, 0) + block.range.quantity
    totals = {key: Total(quantity) for key, quantity in sums.items()}
    for party in PARTIES:
        totals[TotalKey(TotalKind.ISSUED, party, 1, 1)] = Total(98_000, 1_000)
        totals[TotalKey(TotalKind.RMU_ISSUED, party, 2, 1)] = Total(700, 200)
        totals[TotalKey(TotalKind.AAU_TO_PROCEEDS, party, 2)] = Total(1)
        totals[TotalKey(TotalKind.CARRIED_OVER, party, 1, 5)] = Total(2_440, 10)
        totals[TotalKey(TotalKind.CARRIED_OVER, party, 1, 3)] = Total(2_440, 10)
        totals[TotalKey(TotalKind.SURPLUS_ACQUIRED, party, 2)] = Total(1_950, 0)
    totals[TotalKey(TotalKind.PROJECT_ISSUED, "IN/7", 1, 6)] = Total(8_950)
    totals[TotalKey(TotalKind.PROJECT_CONVERTED, "GB/2", 1, 3)] = Total(400, 60)
    totals[TotalKey(TotalKind.LULUCF_ACQUIRED, "FR", 1)] = Total(450, 10)
    totals[TotalKey(TotalKind.LULUCF_RETIRED, "FR", 1)] = Total(450, 10)
    totals[TotalKey(TotalKind.NOTICE, "2")] = Total(0, 20)
    return TotalsSnapshot(totals)


VIEW = View(
    now=NOW,
    reference=REFERENCE,
    units=Snapshot(
        HELD,
        [
            Reservation(SerialRange("GB", 91, 100), "GB9"),
            Reservation(SerialRange("FR", 41, 60), "FR9"),
            Reservation(SerialRange("GB", NEVER_ISSUED + 50, NEVER_ISSUED + 59), "GB8"),
        ],
    ),
    projects=PROJECTS,
    accounts={
        (account.registry, account.account_type, account.identifier): account
        for account in (
            *(Account(party, 230, 2001, party, 1) for party in PARTIES),
            *(Account(party, 230, 2002, party, 2) for party in PARTIES),
            *(Account(party, 300, 2001, party, 1) for party in PARTIES),
            *(Account(party, 411, 2002, party, 2) for party in PARTIES),
            Account("GB", 100, 2002, "FR"),
            Account("GB", 230, 2003, "JP", 1),
        )
    },
    totals=_totals(),
    notices={notice.identifier: notice for notice in _notices()},
    inconsistencies=(
        Inconsistency(SerialRange("GB", 1, 3), "ITL"),
        Inconsistency(SerialRange("FR", 1, 5), "CITL"),
    ),
)
