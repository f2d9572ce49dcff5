"""Who a tester plays and how the two reach each other: a TOML profile, with defaults that fit `itl sandbox`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import msgspec

from registry_client.conformance.playing import Access
from registry_client.errors import RegistryError


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


def load(path: Path) -> Profile:
    """The profile of a file; RegistryError, which names the file, for what cannot be followed."""
    try:
        return parse(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RegistryError(f"profile {path}: {error}") from error


def parse(text: str) -> Profile:
    """The profile that a TOML text says; ValueError for what it may not say."""
    given = tomllib.loads(text)
    _require_known(given, Profile, "the profile")
    for name, kind in (("roles", Roles), ("periods", Periods), ("project", Project)):
        _require_known(given.get(name, {}), kind, name)
    for code, access in given.get("parties", {}).items():
        _require_known(access, Access, f"parties.{code}")
    if "roles" in given:  # TOML has no word for nothing
        given["roles"] = {role: code or None for role, code in given["roles"].items()}
    profile: Profile = msgspec.convert(given, Profile, strict=False)
    return profile


def _require_known(given: Any, kind: type[Any], place: str) -> None:
    known = [each.name for each in fields(kind)]
    unknown = sorted(set(given) - set(known)) if isinstance(given, dict) else [repr(given)]
    if unknown:
        raise ValueError(f"{place} has no {', '.join(unknown)}; it may have {', '.join(known)}")
