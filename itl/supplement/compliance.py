"""How members stand: verified emissions beside what was allocated and surrendered, and what is unallocated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from itl.supplement import book, figures
from itl.supplement import tables as t
from itl.supplement.rules.surrender import surrendered, unallocated
from itl.supplement.scheme import Figure, FigureKey, FigureKind, Figures


@dataclass(frozen=True, slots=True)
class InstallationYear:
    """An installation in a year. Emissions are in tonnes of CO2 equivalent, the others in units."""

    registry: str
    installation: int
    year: int
    verified: int | None
    """None: not reported."""
    allocated: int
    surrendered: int

    @property
    def missing(self) -> int | None:
        """What is still to be surrendered; None where nobody knows yet."""
        return None if self.verified is None else max(0, self.verified - self.surrendered)


@dataclass(frozen=True, slots=True)
class RegistryPeriod:
    """A member in a commitment period, in units."""

    registry: str
    period: int
    surrendered: int
    unallocated: int


def of(connection: Connection, at: datetime, registry: str | None = None) -> list[InstallationYear]:
    """Every installation and year of which anything is known, of one registry or of all, in order."""
    where = [] if registry is None else [t.emissions.c.registry == registry]
    verified = {
        (row.registry, row.installation, row.year): row.verified
        for row in book.in_force(connection, t.emissions, at, *where)
    }
    counted = figures.every(connection, registry)

    def completed(kind: FigureKind, key: tuple[str, int, int]) -> int:
        figure = FigureKey(kind, key[0], installation=key[1], year=key[2])
        return counted.get(figure, Figure()).completed

    named = {(key.registry, key.installation, key.year) for key in counted if key.installation}
    return [
        InstallationYear(
            key[0],
            key[1],
            key[2],
            verified.get(key),
            completed(FigureKind.ALLOCATED, key),
            completed(FigureKind.SURRENDERED, key) - completed(FigureKind.SURRENDER_REVERSED, key),
        )
        for key in sorted(named | verified.keys())
    ]


def periods(connection: Connection, registry: str | None = None) -> list[RegistryPeriod]:
    """Every member and period of which anything is counted, in order."""
    counted: Mapping[FigureKey, Figure] = figures.every(connection, registry)
    known = Figures(counted)
    named = sorted({(key.registry, key.period) for key in counted if not key.installation})
    return [RegistryPeriod(*each, surrendered(*each, known), unallocated(*each, known)) for each in named]
