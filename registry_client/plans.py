"""What registries a simulator runs: read from a TOML file, or made from a few words of the command line.

A text `{code}` in user, password or database stands for the registry's code in lower case.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from itl.codes import UnitType
from registry_client.errors import RegistryError
from registry_client.faults import Fault, Misbehaviour
from registry_client.identifiers import AccountNumber, SerialRange
from registry_client.units import Account, Attributes, Block

UNIT_TYPES: Mapping[str, UnitType] = MappingProxyType(
    {
        "AAU": UnitType.AAU,
        "RMU": UnitType.RMU,
        "ERU": UnitType.ERU_FROM_AAU,
        "ERU-RMU": UnitType.ERU_FROM_RMU,
        "CER": UnitType.CER,
        "tCER": UnitType.TCER,
        "lCER": UnitType.LCER,
    }
)


class SeededUnits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units that a registry begins with."""

    serials: str
    unit_type: str
    period: int
    account: str | None = None
    """Where they lie; the registry's holding account unless named."""
    project: int | None = None
    activity: int | None = None
    track: int | None = None
    expiry: date | None = None

    def block(self, holding_account: Account) -> Block:
        """As a block; RegistryError for what is no serial range, unit type or account."""
        if self.unit_type not in UNIT_TYPES:
            raise RegistryError(f"{self.unit_type!r} is no unit type; there are {', '.join(UNIT_TYPES)}")
        account = holding_account
        if self.account is not None:
            number = AccountNumber.parse(self.account)
            account = Account(number.account_type, number.identifier)
        attributes = Attributes(
            unit_type=UNIT_TYPES[self.unit_type],
            original_period=self.period,
            applicable_period=self.period,
            lulucf_activity=self.activity,
            project=self.project,
            track=self.track,
            expiry_date=self.expiry,
        )
        return Block(SerialRange.parse(self.serials), attributes, account)


class _Registry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str
    hub: str | None = None
    database: str | None = None
    user: str | None = None
    password: str | None = None
    certificate: str | None = None
    authority: str | None = None
    hub_user: str | None = None
    hub_password: str | None = None
    misbehave: tuple[str, ...] = ()
    enquire_after: float = 3_600.0
    lateness: float = 86_400.0
    slowness: float = 30.0
    accounts: tuple[str, ...] = ()
    units: tuple[SeededUnits, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A registry to run. `database` is a file; `hub_user` and `hub_password` are what the hub must give."""

    code: str
    hub: str
    database: Path
    user: str | None = None
    password: str | None = None
    certificate: str | None = None
    authority: str | None = None
    hub_user: str | None = None
    hub_password: str | None = None
    misbehave: tuple[Misbehaviour, ...] = ()
    enquire_after: timedelta = timedelta(hours=1)
    lateness: timedelta = timedelta(days=1)
    slowness: timedelta = timedelta(seconds=30)
    accounts: tuple[AccountNumber, ...] = ()
    units: tuple[SeededUnits, ...] = ()


def misbehaviour(text: str) -> Misbehaviour:
    """A fault by its name, with the units that it is about where they are given: `lost-block=GB-1-100`.

    RegistryError for a name that is none.
    """
    name, _, units = text.partition("=")
    if name not in Fault.__members__.values():
        raise RegistryError(f"{name!r} is no fault; there are {', '.join(Fault)}")
    return Misbehaviour(Fault(name), SerialRange.parse(units) if units else None)


def read(file: Path) -> list[Plan]:
    """The plans of a file: a table `[[registry]]` for each, and above them what is the same for all.

    RegistryError that says where the file is wrong.
    """
    try:
        content = tomllib.loads(file.read_text())
    except OSError as error:
        raise RegistryError(f"{file}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise RegistryError(f"{file} is no TOML: {error}") from error
    tables = content.pop("registry", [])
    if not isinstance(tables, list) or not tables:
        raise RegistryError(f"{file} has no [[registry]]: write one for each registry")
    plans = [_plan(file, number, content | table) for number, table in enumerate(tables, 1)]
    codes = [plan.code for plan in plans]
    if len(set(codes)) < len(codes):
        raise RegistryError(f"{file}: a registry stands there twice: {' '.join(codes)}")
    return plans


def made(codes: Sequence[str], **same: Any) -> list[Plan]:
    """Plans for registries that differ in their code alone."""
    return [_completed(code, **same) for code in codes]


def _plan(file: Path, number: int, table: dict[str, Any]) -> Plan:
    try:
        told = msgspec.convert(table, _Registry)
        if told.hub is None:
            raise RegistryError("no hub: give its address")
        of = {name: getattr(told, name) for name in ("hub", "user", "password", "certificate", "authority")}
        return _completed(
            told.code,
            database=None if told.database is None else str(file.parent / told.database),
            hub_user=told.hub_user,
            hub_password=told.hub_password,
            misbehave=tuple(map(misbehaviour, told.misbehave)),
            enquire_after=timedelta(seconds=told.enquire_after),
            lateness=timedelta(seconds=told.lateness),
            slowness=timedelta(seconds=told.slowness),
            accounts=tuple(map(AccountNumber.parse, told.accounts)),
            units=told.units,
            **of,
        )
    except (msgspec.ValidationError, RegistryError) as error:
        raise RegistryError(f"{file}, registry {number}: {error}") from error


def _completed(code: str, *, database: str | None, user: str | None, password: str | None, **rest: Any) -> Plan:
    name = code.lower()
    return Plan(
        code=code,
        database=Path((database or "{code}.db").replace("{code}", name)),
        user=user and user.replace("{code}", name),
        password=password and password.replace("{code}", name),
        **rest,
    )
