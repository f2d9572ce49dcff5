"""What a log must know before anybody can use it, and the parties of the sandbox."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from itl.codes import LulucfActivity
from itl.reference import CommitmentPeriod, Environment, Project, Registry, RegistryKind
from itl.store import tables as t
from itl.store import versions
from itl.store.environment import settle_environment
from itl.store.fact_kinds import Fact, FactKey, FactName
from itl.store.facts import Source
from itl.store.reference_data import (
    ADMIT_UNRECORDED_PROJECTS,
    LOG_CODE,
    load_reference,
    put,
    put_facts,
    put_registry,
    put_setting,
    put_user,
)

PERIODS = ((0, 2005, 2008), (1, 2008, 2013), (2, 2013, 2021), (3, 2021, 2031))
"""Commitment periods: number, first year, first year after (decision 1/CMP.8 for the second)."""

FIRST_VERSION = (1, 1)
"""What a log speaks that was told of no other; a connected registry spoke it (major 1, minor 1)."""

TRUE_UP_END = {
    1: datetime(2015, 11, 19, tzinfo=UTC),
    2: datetime(2023, 9, 10, tzinfo=UTC),
}
"""First instant after the additional period for fulfilling commitments: it ended on 18 November 2015 for the first
commitment period and on 9 September 2023 for the second."""


def put_basics(connection: Connection, log_code: str = "ITL", source: Source | None = None) -> None:
    """Commitment periods, as far as none are recorded, version 1.1 of the standard, the log's own code."""
    put_setting(connection, LOG_CODE, log_code)
    known = load_reference(connection)
    recorded = known.periods
    if not known.versions:
        versions.accept(connection, FIRST_VERSION, source or _basics())
    for number, first, behind in PERIODS:
        if number not in recorded:
            start, end = datetime(first, 1, 1, tzinfo=UTC), datetime(behind, 1, 1, tzinfo=UTC)
            put_period(connection, CommitmentPeriod(number, start, end), source or _basics())


def put_parties(connection: Connection, codes: Iterable[str]) -> None:
    """Make codes known as originating registries, without enrolling a registry of theirs."""
    put(connection, t.parties, [{"code": code} for code in sorted(set(codes))])


def put_period(connection: Connection, period: CommitmentPeriod, source: Source | None = None) -> None:
    """When a commitment period starts and ends."""
    put_facts(
        connection,
        [
            Fact(FactKey(FactName.PERIOD_START, period=period.number), period.start),
            Fact(FactKey(FactName.PERIOD_END, period=period.number), period.end),
        ],
        source or _basics(),
    )


def put_projects(connection: Connection, projects: Iterable[Project], source: Source | None = None) -> None:
    """Projects with all that is known of each."""
    put_facts(connection, (fact for project in projects for fact in _project_facts(project)), source or _basics())


def _project_facts(project: Project) -> Iterator[Fact]:
    def key(name: FactName, period: int = 0, unit_type: int = 0) -> FactKey:
        return FactKey(name, project.host, project.number, period, unit_type)

    yield Fact(key(FactName.PROJECT_UNITS), frozenset(map(int, project.kinds)))
    if project.track is not None:
        yield Fact(key(FactName.PROJECT_TRACK), project.track)
    if project.crediting_period_end is not None:
        yield Fact(key(FactName.CREDITING_PERIOD_END), project.crediting_period_end)
    for (unit_type, period), quantity in project.quantities.items():
        yield Fact(key(FactName.PROJECT_QUANTITY, period, unit_type), quantity)


def _basics() -> Source:
    return Source("itl", "what a log starts from")


def kind_of(code: str) -> RegistryKind:
    """The kind of a registry, as its code tells it."""
    return RegistryKind.CDM if code == "CDM" else RegistryKind.PARTY


SANDBOX_REGISTRIES = ("GB", "FR", "JP", "CDM")
SANDBOX_OPEN_UNTIL = datetime(2100, 1, 1, tzinfo=UTC)
SANDBOX_CARRIER = "FR"
"""The sandbox's Party whose first period is over: it may carry over from it, and retires units of it no more."""
SANDBOX_LIMIT = 10**12
"""Units: what each of the sandbox's Parties may issue of a kind in a period, and its emissions in the base year."""


def put_sandbox(connection: Connection, now: datetime, urls: dict[str, str] | None = None) -> None:
    """Registries GB, FR, JP, CDM for tests: user and password are the code in lower case, no period closes but one.

    Every Party code is known, projects need not be recorded, and limits are far away, so that any unit can be tried.
    What is enrolled and recorded already stays as it is. UsageError for the database of a log in production.
    """
    settle_environment(connection, Environment.TEST)
    put_basics(connection)
    put_setting(connection, ADMIT_UNRECORDED_PROJECTS, "true")
    put_parties(connection, KNOWN_CODES)
    enrolled = load_reference(connection).registries
    for code in SANDBOX_REGISTRIES:
        registry = enrolled.get(code, Registry(code, kind_of(code)))
        put_registry(connection, replace(registry, url=(urls or {}).get(code, registry.url)), now)
        if code not in enrolled:
            put_user(connection, code, code.lower(), code.lower())
        if code != "CDM":
            told = connection.execute(select(t.facts.c.name).where(t.facts.c.subject == code)).scalars()
            recorded = {FactName(name) for name in told}
            limits = [fact for fact in _sandbox_limits(code) if fact.key.name not in recorded]
            put_facts(connection, limits, Source("itl", "a sandbox sets no limits", now))


def _sandbox_limits(party: str) -> Iterator[Fact]:
    yield Fact(FactKey(FactName.BASE_YEAR_EMISSIONS, party), SANDBOX_LIMIT)
    for period in (1, 2, 3):
        over = party == SANDBOX_CARRIER and period == 1
        yield Fact(FactKey(FactName.TRUE_UP_END, party, period=period), TRUE_UP_END[1] if over else SANDBOX_OPEN_UNTIL)
        yield Fact(FactKey(FactName.ASSIGNED_AMOUNT, party, period=period), SANDBOX_LIMIT)
        yield Fact(FactKey(FactName.RECORDED_RESERVE, party, period=period), 0)
        for activity in LulucfActivity:
            key = FactKey(FactName.RMU_LIMIT, party, period=period, detail=int(activity))
            yield Fact(key, SANDBOX_LIMIT)


KNOWN_CODES = (
    "AD AE AF AG AL AM AO AR AT AU AZ BA BB BD BE BF BG BH BI BJ BN BO BR BS BT BW BY BZ CA CD CF CG CH CI CK CL "
    "CM CN CO CR CU CV CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET EU FI FJ FM FR GA GB GD GE GH GM GN GQ GR GT GW "
    "GY HN HR HT HU ID IE IL IN IQ IR IS IT JM JO JP KE KG KH KI KM KN KP KR KW KZ LA LB LC LI LK LR LS LT LU LV "
    "LY MA MC MD ME MG MH MK ML MM MN MR MT MU MV MW MX MY MZ NA NE NG NI NL NO NP NR NU NZ OM PA PE PG PH PK PL "
    "PS PT PW PY QA RO RS RU RW SA SB SC SD SE SG SI SK SL SM SN SO SR SS ST SV SY SZ TD TG TH TJ TL TM TN TO TR "
    "TT TV TZ UA UG US UY UZ VC VE VN VU WS YE ZA ZM ZW"
).split()
"""ISO 3166 codes of the Parties to the Convention, and EU."""
