"""The world in which the samples of the checks stand: a few registries, Parties and projects, two periods, a scheme."""

from __future__ import annotations

from datetime import UTC, date, datetime

from itl.codes import LulucfActivity, Track, UnitType
from itl.ledger.totals import Total, TotalKey, TotalKind
from itl.reference import (
    Account,
    CommitmentPeriod,
    PartyPeriod,
    Project,
    Reference,
    Registry,
    RegistryKind,
    Scheme,
    Stage,
)

NOW = datetime(2015, 6, 1, 12, tzinfo=UTC)
"""The first period is over, its true-up is not; the second period runs."""

_REGISTRIES = (
    Registry("GB", RegistryKind.PARTY, relay_url="https://gb.example/RelayService"),
    Registry("FR", RegistryKind.PARTY),
    Registry("JP", RegistryKind.PARTY),
    Registry("CA", RegistryKind.PARTY, in_force=False),
    Registry("UA", RegistryKind.PARTY, may_propose=False, may_accept=False, may_reconcile=False),
    Registry("NZ", RegistryKind.PARTY, stage=Stage.PREPARING),
    Registry("AU", RegistryKind.PARTY, stage=Stage.CONNECTING),
    Registry("CDM", RegistryKind.CDM),
    Registry("CITL", RegistryKind.STL, relay_url="https://citl.example/RelayService"),
    Registry("TEST", RegistryKind.TESTER),
)
_PERIODS = (
    CommitmentPeriod(1, datetime(2008, 1, 1, tzinfo=UTC), datetime(2013, 1, 1, tzinfo=UTC)),
    CommitmentPeriod(2, datetime(2013, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)),
)
_PARTY_PERIODS = (
    PartyPeriod("GB", 1, datetime(2015, 11, 19, tzinfo=UTC), assigned_amount=1_000_000, recorded_reserve=0),
    PartyPeriod("FR", 1, datetime(2015, 5, 1, tzinfo=UTC)),
    PartyPeriod(
        "GB",
        2,
        datetime(2023, 9, 10, tzinfo=UTC),
        assigned_amount=1_000_000,
        rmu_limits={LulucfActivity.FOREST_MANAGEMENT: 1_000},
        recorded_reserve=0,
    ),
    PartyPeriod("FR", 2, datetime(2023, 9, 10, tzinfo=UTC)),
)

REFERENCE = Reference(
    stamp=1,
    log_code="ITL",
    versions=frozenset({(1, 1)}),
    registries={registry.code: registry for registry in _REGISTRIES},
    parties=frozenset({"GB", "FR", "JP", "CA", "UA", "NZ", "AU", "CDM", "IN"}),
    periods={period.number: period for period in _PERIODS},
    party_periods={(entry.party, entry.period): entry for entry in _PARTY_PERIODS},
    schemes=(
        Scheme("CITL", frozenset({(10, 1), (10, 53)}), frozenset({"GB", "FR"})),
        Scheme("STL2", frozenset({(10, 77)}), frozenset({"JP"})),
    ),
)

_ERU = frozenset({UnitType.ERU_FROM_AAU, UnitType.ERU_FROM_RMU})
_PROJECTS = (
    Project(
        "IN",
        2241,
        frozenset({UnitType.CER, UnitType.TCER}),
        quantities={(UnitType.CER, 2): 1_000, (UnitType.TCER, 2): 500, (UnitType.TCER, 1): 500},
    ),
    Project(
        "IN",
        4,
        frozenset({UnitType.LCER}),
        quantities={(UnitType.LCER, 2): 500},
        crediting_period_end=date(2030, 6, 30),
    ),
    Project("IN", 5, frozenset({UnitType.LCER})),
    Project("GB", 7, _ERU, track=Track.PARTY_VERIFIED),
    Project("GB", 8, _ERU, track=Track.SUPERVISORY_COMMITTEE, quantities={(UnitType.ERU_FROM_AAU, 2): 100}),
    Project("FR", 7, _ERU, track=Track.PARTY_VERIFIED),
)
PROJECTS = {(each.host, each.number): each for each in _PROJECTS}

_ACCOUNTS = (
    Account("GB", 230, 2300, owner="GB", period=2),
    Account("GB", 230, 2301, owner="GB", period=1),
    Account("GB", 230, 2302, owner="JP", period=2),
    Account("GB", 300, 3000, owner="GB", period=2),
    Account("GB", 300, 3001, owner="GB", period=1),
    Account("GB", 421, 4210, owner="GB", period=2),
    Account("GB", 421, 4211, owner="GB", period=1),
)
ACCOUNTS = {(each.registry, each.account_type, each.identifier): each for each in _ACCOUNTS}

TOTALS = {
    TotalKey(TotalKind.COUNTING, "GB", 2, UnitType.AAU): Total(1_000_000),
    TotalKey(TotalKind.AAU_TO_PROCEEDS, "GB", 2): Total(1_000),
}
"""GB holds its assigned amount, and has paid the share of proceeds for 49,000 AAU of the second period."""
