"""What a supplementary log knows of its scheme, as values: members, accounts, plans, agreements and figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from itl.checks.view import Units
from itl.ledger.snapshot import Snapshot


class Link(StrEnum):
    """How the registry of a member speaks to the supplementary log."""

    DIRECT = "direct"
    """It calls this log, which makes the base checks as well."""
    FREEZING = "freezing"
    """On the way from one to the other: what is open goes on, nothing new is taken from it."""
    THROUGH = "through"
    """It speaks to the transaction log only, which relays."""


@dataclass(frozen=True, slots=True)
class Member:
    """A registry of the scheme, and what its status in the scheme lets it do (checks 7005 and 7006)."""

    code: str
    link: Link = Link.THROUGH
    may_propose: bool = True
    may_accept: bool = True


class Holder(StrEnum):
    """Whose account it is."""

    PARTY = "party"
    OPERATOR = "operator"
    PERSON = "person"


AccountKey = tuple[str, int, int]
"""Registry, account type, identifier."""


@dataclass(frozen=True, slots=True)
class SchemeAccount:
    """An account of the scheme as it stands at an instant; a closed one is known, but takes and gives nothing."""

    registry: str
    account_type: int
    identifier: int
    holder: Holder
    installation: int | None = None
    """Of an operator's account: its installation, numbered within the registry."""
    blocked: bool = False
    closed: bool = False

    @property
    def key(self) -> AccountKey:
        return self.registry, self.account_type, self.identifier


@dataclass(frozen=True, slots=True)
class SurrenderWindow:
    """When units of a period may be surrendered, and for which years. `closes` is the first instant after."""

    period: int
    opens: datetime
    closes: datetime
    first_year: int
    last_year: int


class FigureKind(StrEnum):
    """What a supplementary log counts, in units."""

    ISSUED = "issued"
    """Allowances issued, by registry and period."""
    ALLOCATED = "allocated"
    """Allowances allocated, by registry and period; and by installation and year."""
    SURRENDERED = "surrendered"
    """Allowances surrendered, by registry and period; and by installation and year."""
    SURRENDER_REVERSED = "surrender reversed"
    SURRENDERED_CONVERTED = "surrendered, converted"
    """Surrendered allowances that were converted for retirement (10-61)."""
    SURRENDERED_RETIRED = "surrendered, retired"
    UNALLOCATED_CONVERTED = "unallocated, converted"


@dataclass(frozen=True, slots=True, order=True)
class FigureKey:
    """One figure. A part of the key that it does not have is 0."""

    kind: FigureKind
    registry: str
    period: int = 0
    installation: int = 0
    year: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: what completed transactions made it, and what open ones would add."""

    completed: int = 0
    open: int = 0

    @property
    def together(self) -> int:
        return self.completed + self.open


class Figures:
    """The figures that a batch rests on; they follow its verdicts and completions."""

    def __init__(self, known: Mapping[FigureKey, Figure] | None = None) -> None:
        self._known = dict(known or {})

    def __getitem__(self, key: FigureKey) -> Figure:
        return self._known.get(key, Figure())

    def open(self, added: Mapping[FigureKey, int]) -> None:
        """A proposal passed that would add this."""
        for key, quantity in added.items():
            figure = self[key]
            self._known[key] = Figure(figure.completed, figure.open + quantity)


@dataclass(frozen=True, slots=True)
class Plan:
    """National allocation plans as far as the proposals at hand name them, in units."""

    issuable: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """By registry and period: the whole of its table, the reserve for new entrants included."""
    allocations: Mapping[tuple[str, int, int], int] = field(default_factory=dict)
    """By registry, installation and year."""


@dataclass(frozen=True, slots=True)
class SchemeView:
    """What the supplementary log knows at the instant of judging."""

    now: datetime
    members: Mapping[str, Member] = field(default_factory=dict)
    accounts: Mapping[AccountKey, SchemeAccount] = field(default_factory=dict)
    """At least those that the proposals at hand name, under whichever member's registry."""
    units: Units = field(default_factory=lambda: Snapshot((), ()))
    figures: Figures = field(default_factory=Figures)
    plan: Plan = field(default_factory=Plan)
    agreements: frozenset[str] = frozenset()
    """Registries outside the scheme to which allowances may go."""
    windows: Mapping[int, SurrenderWindow] = field(default_factory=dict)
    """By commitment period."""

    def open_account(self, key: AccountKey) -> SchemeAccount | None:
        """The account of that key, if it is known and not closed."""
        account = self.accounts.get(key)
        return None if account is None or account.closed else account
