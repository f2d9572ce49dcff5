"""Reference data: who takes part, which periods there are, what the log was told about Parties and projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum

from itl.ledger.block import SerialRange


class Environment(StrEnum):
    """What a log is for. A test environment is a hub of its own beside production; their units never mix."""

    TEST = "test"
    PRODUCTION = "production"


class RegistryKind(StrEnum):
    """What kind of system an enrolled code stands for."""

    PARTY = "party"
    CDM = "cdm"
    STL = "stl"
    LOG = "log"
    """The transaction log that a supplementary log stands behind."""
    TESTER = "tester"


REGISTRY_KINDS = frozenset({RegistryKind.PARTY, RegistryKind.CDM})


class Stage(StrEnum):
    """How far a registry is on its way to production (`lifecycle.enrolment`). In a test environment all are live."""

    PREPARING = "preparing"
    """Nothing is taken from it (1501), and nothing sent to it."""
    CONNECTING = "connecting"
    """It is called and heard, and reconciles. It proposes nothing (1503), and acquires nothing (1504)."""
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Registry:
    """A system that is enrolled with the log, and what its status lets it do (checks 1501 to 1510)."""

    code: str
    kind: RegistryKind
    in_force: bool = True
    may_propose: bool = True
    may_accept: bool = True
    may_reconcile: bool = True
    url: str | None = None
    notify_refusals: bool = False
    """Also send the door's refusal of a proposal as a notification with status 3 (registries that read no reply)."""
    relay_url: str | None = None
    """Where it takes messages that the log passes on (`relayMessage`); None: it takes none."""
    stage: Stage = Stage.LIVE

    @property
    def is_registry(self) -> bool:
        """A national registry or the CDM registry that is connected, and in force: an STL and a tester are none."""
        return self.in_force and self.kind in REGISTRY_KINDS and self.stage is not Stage.PREPARING

    @property
    def is_live(self) -> bool:
        """Whether its enrolment has come to its end."""
        return self.stage is Stage.LIVE

    @property
    def is_supplementary_log(self) -> bool:
        """The supplementary log of a scheme, in force."""
        return self.in_force and self.kind is RegistryKind.STL


@dataclass(frozen=True, slots=True)
class CommitmentPeriod:
    """A commitment period: its number in messages, its first instant, and the first instant after its end."""

    number: int
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class PartyPeriod:
    """What the log knows of a Party in one commitment period. Quantities in units (tonnes of CO2 equivalent)."""

    party: str
    period: int
    true_up_end: datetime | None = None
    """First instant after its true-up."""
    assigned_amount: int | None = None
    """None: not established, so nothing may be issued (check 5002)."""
    issuance_suspended: bool = False
    rmu_limits: Mapping[int, int] = field(default_factory=dict)
    """By LULUCF activity, what may be issued; an activity that is not there: nothing (check 5009)."""
    reviewed_inventory: int | None = None
    """Emissions of one year in the most recently reviewed inventory."""
    recorded_reserve: int | None = None
    """The commitment period reserve where it was recorded as such; else it follows from the two figures above."""


class Right(StrEnum):
    """What a Party may be eligible for (decisions 11/CMP.1, 9/CMP.1, 13/CMP.1)."""

    TRANSFER = "transfer"
    ACQUIRE = "acquire"
    USE = "use"
    TRACK_1 = "track 1"
    TRACK_2 = "track 2"


@dataclass(frozen=True, slots=True)
class Project:
    """A project activity: the host Party and number name it; `kinds` are the unit types that it may yield."""

    host: str
    number: int
    kinds: frozenset[int]
    track: int | None = None
    quantities: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """By unit type and commitment period: what the Executive Board instructed, or the committee verified."""
    crediting_period_end: date | None = None


class NoticeStatus(IntEnum):
    """Where a notice of the log stands."""

    OPEN = 1
    INCOMPLETE = 2
    COMPLETED = 3


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice of the log to a registry, which a transaction may answer. Types: `itl.codes`."""

    identifier: int
    notice_type: int
    status: int
    registry: str
    project: tuple[str, int] | None = None
    """Host Party and number."""
    unit_type: int | None = None
    target_value: int | None = None
    """Quantity asked for; None: all units that the notice speaks of."""
    target_date: date | None = None
    lulucf_activity: int | None = None
    commit_period: int | None = None
    blocks: tuple[SerialRange, ...] = ()
    """The units that it lists, where it lists units."""

    @property
    def is_outstanding(self) -> bool:
        return self.status in (NoticeStatus.OPEN, NoticeStatus.INCOMPLETE)


@dataclass(frozen=True, slots=True)
class Account:
    """An account that the log was told of; registry, type and identifier name it."""

    registry: str
    account_type: int
    identifier: int
    owner: str
    """Code of the registry whose Party the account belongs to."""
    period: int | None = None
    """Commitment period of the account; None for one that has none, such as a holding account."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which transactions of its members an STL is asked about: all that is given must fit. None: any.

    Supplementary types are 0 for a plain transaction, or a plain unit. Of the unit blocks one that fits is enough.
    """

    transaction_type: int | None = None
    supp_transaction_type: int | None = None
    unit_type: int | None = None
    supp_unit_type: int | None = None


@dataclass(frozen=True, slots=True)
class Scheme:
    """A regional scheme behind an STL: the supplementary types it defines, by main type, and its member registries.

    The STL is asked about the types that it defines, and about what fits a route; without routes about all in which a
    member takes part.
    """

    stl: str
    types: frozenset[tuple[int, int]]
    members: frozenset[str]
    routes: frozenset[Route] = frozenset()
    answer_within: timedelta | None = None
    """How long the STL has to answer before the transaction is cancelled; None: until the clean-up."""


@dataclass(frozen=True, slots=True)
class Reference:
    """All reference data that changes seldom, as of one `stamp`: a number that grows with every change."""

    stamp: int
    log_code: str
    versions: frozenset[tuple[int, int]]
    registries: Mapping[str, Registry]
    parties: frozenset[str]
    """Every known Party or registry code: what may stand as an originating registry (check 2010)."""
    periods: Mapping[int, CommitmentPeriod]
    party_periods: Mapping[tuple[str, int], PartyPeriod] = field(default_factory=dict)
    base_year_emissions: Mapping[str, int] = field(default_factory=dict)
    """By Party, tonnes of CO2 equivalent in its base year."""
    ineligible: frozenset[tuple[str, Right, int | None]] = frozenset()
    """What Parties are not eligible for: Party, right, and unit type (None: every unit type). All else they are."""
    valid_until: datetime | None = None
    """When the next recorded fact comes into force: from then on this is no longer the present; None: none is known."""
    schemes: tuple[Scheme, ...] = ()
    admit_unrecorded_projects: bool = False
    """A test environment's leniency: a project nobody recorded counts as registered, of the right kind."""
    clock_tolerance: timedelta = timedelta(seconds=60)
    """How far a peer's clock may run ahead (check 1106)."""
    environment: Environment = Environment.PRODUCTION

    def true_up_end(self, period: int) -> datetime | None:
        """The latest end of true-up of any Party in `period`; None where none is recorded."""
        ends = (entry.true_up_end for entry in self.party_periods.values() if entry.period == period)
        return max((end for end in ends if end is not None), default=None)

    def is_eligible(self, party: str, right: Right, unit_type: int | None) -> bool:
        """Whether `party` may do what `right` says with units of `unit_type`, as far as the log was told."""
        return self.ineligible.isdisjoint({(party, right, None), (party, right, unit_type)})

    def registry_in_force(self, code: str) -> Registry | None:
        """The national registry or CDM registry `code`, if it is enrolled and in force."""
        registry = self.registries.get(code)
        return registry if registry and registry.is_registry else None

    def participant_in_force(self, code: str) -> Registry | None:
        """The registry or supplementary log `code`, if it is enrolled and in force."""
        known = self.registries.get(code)
        return known if known and (known.is_registry or known.is_supplementary_log) else None

    def is_kind(self, code: str, kind: RegistryKind) -> bool:
        """Whether `code` is enrolled as that kind of system."""
        registry = self.registries.get(code)
        return registry is not None and registry.kind == kind
