"""The world in which the samples of the checks stand: a few registries and Parties, two periods, one scheme."""

from __future__ import annotations

from datetime import UTC, datetime

from itl.codes import UnitType
from itl.reference import Account, CommitmentPeriod, PartyPeriod, Project, Reference, Registry, RegistryKind, Scheme

NOW = datetime(2015, 6, 1, 12, tzinfo=UTC)
"""The first period is over, its true-up is not; the second period runs."""

_REGISTRIES = (
    Registry("GB", RegistryKind.PARTY),
    Registry("FR", RegistryKind.PARTY),
    Registry("JP", RegistryKind.PARTY),
    Registry("CA", RegistryKind.PARTY, in_force=False),
    Registry("UA", RegistryKind.PARTY, may_propose=False, may_accept=False),
    Registry("CDM", RegistryKind.CDM),
    Registry("CITL", RegistryKind.STL),
    Registry("TEST", RegistryKind.TESTER),
)
_PERIODS = (
    CommitmentPeriod(1, datetime(2008, 1, 1, tzinfo=UTC), datetime(2013, 1, 1, tzinfo=UTC)),
    CommitmentPeriod(2, datetime(2013, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)),
)
_TRUE_UPS = (
    PartyPeriod("GB", 1, datetime(2015, 11, 19, tzinfo=UTC)),
    PartyPeriod("FR", 1, datetime(2015, 5, 1, tzinfo=UTC)),
    PartyPeriod("GB", 2, datetime(2023, 9, 10, tzinfo=UTC)),
    PartyPeriod("FR", 2, datetime(2023, 9, 10, tzinfo=UTC)),
)

REFERENCE = Reference(
    stamp=1,
    log_code="ITL",
    versions=frozenset({(1, 1)}),
    registries={registry.code: registry for registry in _REGISTRIES},
    parties=frozenset({"GB", "FR", "JP", "CA", "UA", "CDM", "IN"}),
    periods={period.number: period for period in _PERIODS},
    party_periods={(entry.party, entry.period): entry for entry in _TRUE_UPS},
    schemes=(
        Scheme("CITL", frozenset({(10, 1), (10, 53)}), frozenset({"GB", "FR"})),
        Scheme("STL2", frozenset({(10, 77)}), frozenset({"JP"})),
    ),
)

PROJECTS = {("IN", 2241): Project("IN", 2241, frozenset({UnitType.CER, UnitType.TCER}))}

_ACCOUNTS = (
    Account("GB", 230, 2300, owner="GB", period=2),
    Account("GB", 230, 2301, owner="GB", period=1),
    Account("GB", 230, 2302, owner="JP", period=2),
    Account("GB", 300, 3000, owner="GB", period=2),
    Account("GB", 300, 3001, owner="GB", period=1),
)
ACCOUNTS = {(each.registry, each.account_type, each.identifier): each for each in _ACCOUNTS}
