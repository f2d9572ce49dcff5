"""The identifiers that a registry gives out: account numbers with check digits, transaction identifiers, serial ranges.

Check digits are ISO 7064 mod 97-10 over account identifier, letters of the registry (A = 10 ... Z = 35), account type
and commitment period. On the wire neither check digits nor the account's period are sent, and the log does not verify
them. One peculiarity is public: the numbers of the United Kingdom are printed with `GB`, but calculated with the
letters `UK`; such numbers are computed that way here, and read either way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from registry_client.errors import IdentifierError

LETTERS_OF_CALCULATION = {"GB": "UK"}
"""Registries whose check digits are calculated with other letters than the printed ones."""

MAX_PROJECT = 9_999_999

MAX_NUMBER = 999_999_999_999_999
"""Account identifiers, serials and running numbers have at most 15 digits."""

_CODE = r"[A-Z]{2,3}"
_NUMBER = r"[1-9][0-9]{0,14}"
_ACCOUNT = re.compile(rf"({_CODE})-([0-9]{{3}})-({_NUMBER})(?:-([0-9])(?:-([0-9]{{1,2}}))?)?", re.ASCII)
_TRANSACTION = re.compile(rf"({_CODE})({_NUMBER})", re.ASCII)
_RANGE = re.compile(rf"({_CODE})-({_NUMBER})-({_NUMBER})", re.ASCII)


def check_digits(registry: str, account_type: int, identifier: int, period: int) -> int:
    """The check digits of an account number, 2 to 98; printed without a leading zero."""
    letters = LETTERS_OF_CALCULATION.get(registry, registry)
    return 98 - _remainder(letters, account_type, identifier, period, 0)


def is_valid(registry: str, account_type: int, identifier: int, period: int, digits: int) -> bool:
    """Whether `digits` are right, with the printed letters or with those that the registry calculates with."""
    spellings = {registry, LETTERS_OF_CALCULATION.get(registry, registry)}
    return any(_remainder(letters, account_type, identifier, period, digits) == 1 for letters in spellings)


def _remainder(letters: str, account_type: int, identifier: int, period: int, digits: int) -> int:
    spelled = "".join(str(int(letter, 36)) for letter in letters)
    return int(f"{identifier}{spelled}{account_type:03}{period:02}{digits:02}") % 97


@dataclass(frozen=True, slots=True, order=True)
class AccountNumber:
    """An account as it is printed, e.g. `GB-100-12345-2-14`; `period` is 0 for holding accounts."""

    registry: str
    account_type: int
    identifier: int
    period: int = 0

    @property
    def check_digits(self) -> int:
        return check_digits(self.registry, self.account_type, self.identifier, self.period)

    def __str__(self) -> str:
        return f"{self.registry}-{self.account_type}-{self.identifier}-{self.period}-{self.check_digits}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The account that `text` prints. Period and check digits may be left out, as in accounts of other registries.

        IdentifierError if it is malformed or the check digits are wrong.
        """
        match = _ACCOUNT.fullmatch(text)
        if match is None:
            raise IdentifierError(
                f"{text!r} is no account number: write registry-type-identifier, e.g. FR-100-1001, "
                "or in full with commitment period and check digits, e.g. GB-100-12345-2-14"
            )
        registry, account_type, identifier, period, digits = match.groups()
        number = cls(registry, int(account_type), int(identifier), int(period or 0))
        if digits is not None and not is_valid(
            registry, number.account_type, number.identifier, number.period, int(digits)
        ):
            raise IdentifierError(f"{text!r}: the check digits do not fit the number; one of its digits is mistyped")
        return number


@dataclass(frozen=True, slots=True)
class TransactionIdentifier:
    """A transaction: the code of the registry that proposes it and its running number, e.g. `GB100001`."""

    registry: str
    number: int

    def __str__(self) -> str:
        return f"{self.registry}{self.number}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The identifier that `text` spells; IdentifierError if it is malformed (check 2001)."""
        match = _TRANSACTION.fullmatch(text)
        if match is None:
            raise IdentifierError(
                f"{text!r} is no transaction identifier: a registry code and 1 to 15 digits without a leading zero, "
                "written together, e.g. GB100001"
            )
        return cls(match[1], int(match[2]))


@dataclass(frozen=True, slots=True, order=True)
class ProjectIdentifier:
    """A project: the code of its host Party and its number, e.g. `BR52`. In messages the host is the originating
    registry of the block, and only the number is sent."""

    host: str
    number: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= MAX_PROJECT:
            raise IdentifierError(f"{self}: the number of a project is 1 to {MAX_PROJECT}")

    def __str__(self) -> str:
        return f"{self.host}{self.number}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The project that `text` spells; IdentifierError if it is malformed."""
        match = _TRANSACTION.fullmatch(text)
        if match is None:
            raise IdentifierError(
                f"{text!r} is no project identifier: the code of the host Party and a number, together, e.g. BR52"
            )
        return cls(match[1], int(match[2]))


@dataclass(frozen=True, slots=True, order=True)
class SerialRange:
    """Serials `start` to `end`, both included, of one originating registry; printed `GB-1-1000`."""

    originating_registry: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 1 <= self.start <= self.end <= MAX_NUMBER:
            raise IdentifierError(
                f"{self}: serials run from 1 to {MAX_NUMBER}, and the end is not smaller than the start"
            )

    @property
    def quantity(self) -> int:
        return self.end - self.start + 1

    def __str__(self) -> str:
        return f"{self.originating_registry}-{self.start}-{self.end}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The range that `text` prints; IdentifierError if it is malformed."""
        match = _RANGE.fullmatch(text)
        if match is None:
            raise IdentifierError(
                f"{text!r} is no serial range: write originating registry, start and end, e.g. BR-1-100"
            )
        return cls(match[1], int(match[2]), int(match[3]))
