"""The catalogue of checks: what each code is, as data (`catalogue.csv`), read once and frozen.

Order of precedence is the order of the rows.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from itl.errors import ReferenceDataError


class JudgedBy(StrEnum):
    """Where a code is judged."""

    WIRE = "wire"
    """While the message is read: a fault, whose detail names code, path and reason."""
    DOOR = "door"
    """Before the message is acknowledged, on the message, its sender and reference data."""
    STORE = "store"
    """By the statement that records the message: only the database sees uniqueness."""
    ACKNOWLEDGEMENT = "acknowledgement"
    """In the acknowledgement of a notification, on where the transaction stands."""
    WORKER = "worker"
    """After the acknowledgement, on the ledger."""
    RECONCILIATION = "reconciliation"
    ACQUIRER = "acquirer"
    """By the acquiring registry, which answers it in its rejection."""
    SUPPLEMENTARY_LOG = "supplementary log"
    """By the supplementary transaction log of a scheme."""


EVIDENCE: Mapping[str, str] = {
    "S": "code and meaning are stated by a public source",
    "M": "recalled from the table published in Regulation (EC) 2216/2004, annex XII; not confirmed",
    "C": "the code is published, its meaning is assigned by this project",
    "A": "code and meaning are assigned by this project",
}
"""How sure a code is."""

ELSEWHERE = frozenset({JudgedBy.WIRE, JudgedBy.STORE, JudgedBy.ACQUIRER, JudgedBy.SUPPLEMENTARY_LOG})
"""Judged outside this package, so that no function stands here."""


@dataclass(frozen=True, slots=True)
class Row:
    """A code of the catalogue. An empty set of types, periods or versions means all of them."""

    code: int
    stage: str
    """Number and name, e.g. `4 data integrity`."""
    applies_to: str
    transaction_types: frozenset[int]
    periods: frozenset[int]
    """Applicable commitment periods of the units for which the check is in effect."""
    versions: frozenset[tuple[int, int]]
    """Versions of the standard (major, minor) in which the check is in effect."""
    judged: JudgedBy
    title: str
    """What it says when it fails."""
    passes_when: str
    evidence: str
    basis: str
    planned: str
    """Why it is not implemented yet; empty if it is."""

    @property
    def stage_number(self) -> int | None:
        """1 to 8; None for what another system judges."""
        number = self.stage.partition(" ")[0]
        return int(number) if number.isdecimal() else None


@cache
def catalogue() -> Mapping[int, Row]:
    """Every row by code, in order of precedence; ReferenceDataError names a row that cannot be read."""
    text = (files(__package__) / "catalogue.csv").read_text(encoding="utf-8")
    return MappingProxyType(parse(text))


def parse(text: str) -> dict[int, Row]:
    """The rows of a catalogue in the form of `catalogue.csv`, by code."""
    rows: dict[int, Row] = {}
    for number, fields in enumerate(csv.DictReader(text.splitlines()), start=2):
        try:
            if None in fields or None in fields.values():
                raise ValueError("a field too few or too many")
            row = _row(fields)
        except (KeyError, ValueError) as error:
            raise ReferenceDataError(f"catalogue of checks, line {number}: {error!r}") from error
        if row.code in rows:
            raise ReferenceDataError(f"catalogue of checks, line {number}: code {row.code} has a row already")
        rows[row.code] = row
    return rows


def _row(fields: dict[str, str]) -> Row:
    return Row(
        code=int(fields["code"]),
        stage=fields["stage"],
        applies_to=fields["applies_to"],
        transaction_types=frozenset(map(int, fields["transaction_types"].split())),
        periods=frozenset(map(int, fields["periods"].split())),
        versions=frozenset(_version(word) for word in fields["versions"].split()),
        judged=JudgedBy(fields["judged"]),
        title=fields["title"],
        passes_when=fields["passes_when"],
        evidence=fields["evidence"],
        basis=fields["basis"],
        planned=fields["planned"],
    )


def _version(word: str) -> tuple[int, int]:
    major, minor = word.split(".")
    return int(major), int(minor)
