"""A candidate that is a registry of this project: its commands begin what a registry has to begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from registry_client.conformance.registry.profile import Candidate
from registry_client.errors import RegistryError
from registry_client.registry import Registry
from registry_client.settings import Settings

_ISSUE = "issue --quantity {quantity} --period {period} --unit-type"
_REPLACE = "replace --units {units} --replaced {replaced} --account-type {account_type}"
_EXPIRING = "--activity {activity} --expiry {expiry}"

COMMANDS: Mapping[str, str] = {
    "issue AAU": f"{_ISSUE} AAU",
    "issue RMU": f"{_ISSUE} RMU --activity {{activity}}",
    "issue CER": f"{_ISSUE} CER --originating {{host}} --project {{project}}",
    "issue tCER": f"{_ISSUE} tCER --originating {{host}} --project {{project}} {_EXPIRING}",
    "issue lCER": f"{_ISSUE} lCER --originating {{host}} --project {{project}} {_EXPIRING}",
    "convert": "convert --units {units} --project {project} --track {track}",
    "move": "move --units {units} --to {account}",
    "transfer": "transfer --units {units} --to {account}",
    "cancel": "cancel --units {units} --account-type {account_type}",
    "retire": "retire --units {units}",
    "carry over": "carry-over --units {units}",
    "replace": _REPLACE,
    "replace for a notice": f"{_REPLACE} --notice {{notice}}",
    "change expiry": "change-expiry --units {units} --expiry {expiry} --notice {notice}",
}
"""What to do, by the name of the action; the values stand in braces."""

_SECOND = 121

_SILENCE, _LEAD = 0.5, 0.5
"""Seconds: it is on this machine, and tells what it has to tell at once."""


def commands(database: str) -> dict[str, str]:
    """The actions as commands on the database of a registry."""
    proposing = f" --wait 0 --code {{registry}} --database {database}"
    made = {action: f"registry {command}{proposing}" for action, command in COMMANDS.items()}
    return made | {"message": f"registry message --code {{registry}} --database {database} {{text}}"}


def prepared(profile: Candidate, database: str) -> Candidate:
    """The profile for a registry of this project on a database: with its commands, and a second account."""
    if not Path(database).exists():
        raise RegistryError(f"{database}: no such database; `registry serve` makes it")
    own = replace(
        profile,
        operator=commands(database) | dict(profile.operator),
        silence=min(profile.silence, _SILENCE),
        lead=min(profile.lead, _LEAD),
    )
    if own.is_cdm or own.accounts.second is not None:
        return own
    registry = Registry(Settings(code=profile.code), None, database=f"sqlite:///{database}")
    try:
        known = [each.account for each in registry.accounts() if each.account.account_type == _SECOND and each.is_open]
        second = f"{profile.code}-{known[0]}" if known else str(registry.open_account(_SECOND))
    finally:
        registry.close()
    return replace(own, accounts=replace(own.accounts, second=second))
