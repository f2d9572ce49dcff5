"""Who a tester plays and how the two reach each other: a TOML profile, with defaults that fit `itl sandbox`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from registry_client.conformance.playing import Access
from registry_client.errors import RegistryError

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Roles:
    """Registry codes that the tester may play, by what they do; one that is None leaves its tests out."""

    initiator: str | None = "GB"
    """A Party's registry that may do everything."""
    acquirer: str | None = "FR"
    """Another one."""
    cdm: str | None = "CDM"
    carrier: str | None = "FR"
    """A Party's registry whose true-up of `periods.earlier` is over, so that it may carry over. Not the initiator."""
    reconciled: str | None = "JP"
    """A Party's registry that holds nothing at the hub as the tests begin; it holds nothing as they end."""


@dataclass(frozen=True, slots=True)
class Periods:
    """Commitment periods that are open at the hub."""

    earlier: int = 1
    """For most transactions, and the one from which is carried over."""
    later: int = 2
    """The next one; for units that expire, and for the share of proceeds."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project that the hub knows, or that it does not mind."""

    host: str = "BR"
    """Party in which CDM projects lie."""
    number: int = 4711
    party_number: int = 815
    """An Article 6 project of the initiator."""
    track: int = 1
    tcer_expiry: str = "2030-12-31"
    lcer_expiry: str = "2040-12-31"


@dataclass(frozen=True, slots=True)
class Profile:
    """How a hub is tested. `renumbered` gives the hub's own numbers for codes that were never published."""

    url: str = "http://127.0.0.1:8080/TransactionLogService"
    hub: str = "ITL"
    version: tuple[int, int] = (1, 1)
    patience: float = 15.0
    """How long a call of the hub is waited for, in seconds."""
    silence: float = 1.0
    """How long nothing must come, where nothing may."""
    lead: float = 8.0
    """How far ahead the snapshot of a reconciliation is set, in seconds: more than the operator's command takes."""
    listen_host: str = "127.0.0.1"
    listen_port: int = 8090
    """Where the hub calls: at the path `/CODE` of this address."""
    roles: Roles = Roles()
    periods: Periods = Periods()
    project: Project = Project()
    parties: Mapping[str, Access] = field(default_factory=dict)
    renumbered: Mapping[int, int] = field(default_factory=dict)
    operator: Mapping[str, str] = field(default_factory=dict)

    def access(self, code: str) -> Access:
        """How the tester is known as `code`: as the profile says, else as a sandbox has it."""
        return self.parties.get(code, Access(user=code.lower(), password=code.lower()))


SANDBOX = {
    "reconcile": "itl reconcile start {registry} --snapshot {snapshot} --by tester --reason conformance "
    "--database {database}",
    "notice": "itl notice raise {registry} --type {type} --text {text} --project {project} --units {units} --by tester "
    "--reason conformance --database {database}",
    "expiry notice": "itl notice raise {registry} --type 9 --text {text} --project {project} --unit-type {unit_type} "
    "--date {date} --by tester --reason conformance --database {database}",
    "message": "itl message send {text} --to {registry} --by tester --reason conformance --database {database}",
    "time": "itl time check {registry} --by tester --reason conformance --database {database}",
}
"""The commands of this project's own hub; `{database}` is put in by `for_sandbox`."""


def for_sandbox(database: str) -> dict[str, str]:
    """The operator's commands for a hub of this project on `database`."""
    return {name: command.replace("{database}", database) for name, command in SANDBOX.items()}


def load(path: Path, base: Kind) -> Kind:
    """`base` with what a file says; RegistryError, which names the file, for what cannot be followed."""
    try:
        return parse(path.read_text("utf-8"), base)
    except (OSError, ValueError) as error:
        raise RegistryError(f"profile {path}: {error}") from error


def parse(text: str, base: Kind) -> Kind:
    """`base` with what a TOML text says; ValueError for what it may not say. An empty text stands for nothing, for
    which TOML has no word."""
    given = _known(tomllib.loads(text), type(base), "the profile")
    said = msgspec.convert(given, type(base), strict=False)
    return replace(base, **{name: getattr(said, name) for name in given})  # type: ignore[type-var]


def _known(given: Any, kind: type[Any], place: str) -> dict[str, Any]:
    """What is given for a dataclass, with None for nothing; ValueError for a name that it does not have."""
    known = [each.name for each in fields(kind)]
    unknown = sorted(set(given) - set(known)) if isinstance(given, dict) else [repr(given)]
    if unknown:
        raise ValueError(f"{place} has no {', '.join(unknown)}; it may have {', '.join(known)}")
    hints = get_type_hints(kind)
    return {name: _value(value, hints[name], name) for name, value in given.items()}


def _value(value: Any, hint: Any, place: str) -> Any:
    if value == "" and NoneType in get_args(hint):
        return None
    if is_dataclass(hint):
        return _known(value, hint, place)  # type: ignore[arg-type]
    if get_origin(hint) is Mapping and is_dataclass(get_args(hint)[1]) and isinstance(value, dict):
        return {name: _known(each, get_args(hint)[1], f"{place}.{name}") for name, each in value.items()}
    return value
