"""A candidate that is a registry of this project: its commands begin what a registry has to begin."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path

from registry_client.conformance.operators import Asked, Declined
from registry_client.conformance.registry.profile import Candidate
from registry_client.errors import RegistryError
from registry_client.registry import Registry
from registry_client.settings import Settings

_ISSUE = "issue --wait 0 --quantity {quantity} --period {period} --unit-type"
_REPLACE = "replace --wait 0 --units {units} --replaced {replaced} --account-type {account_type}"
_EXPIRING = "--activity {activity} --expiry {expiry}"

COMMANDS: Mapping[str, str] = {
    "issue AAU": f"{_ISSUE} AAU",
    "issue RMU": f"{_ISSUE} RMU --activity {{activity}}",
    "issue CER": f"{_ISSUE} CER --originating {{host}} --project {{project}}",
    "issue tCER": f"{_ISSUE} tCER --originating {{host}} --project {{project}} {_EXPIRING}",
    "issue lCER": f"{_ISSUE} lCER --originating {{host}} --project {{project}} {_EXPIRING}",
    "convert": "convert --wait 0 --units {units} --project {project} --track {track}",
    "move": "move --wait 0 --units {units} --to {account}",
    "transfer": "transfer --wait 0 --units {units} --to {account}",
    "cancel": "cancel --wait 0 --units {units} --account-type {account_type}",
    "retire": "retire --wait 0 --units {units}",
    "carry over": "carry-over --wait 0 --units {units}",
    "replace": _REPLACE,
    "replace for a notice": f"{_REPLACE} --notice {{notice}}",
    "change expiry": "change-expiry --wait 0 --units {units} --expiry {expiry} --notice {notice}",
    "message": "message {text}",
}
"""What to do, by the name of the action; the values stand in braces."""

_SECOND = 121

_SILENCE, _LEAD = 0.5, 0.5
"""Seconds: it is on this machine, and tells what it has to tell at once."""


def by_commands(database: str, other: Asked) -> Asked:
    """The people of a registry on a database: its commands, carried out in this process; `other` for other actions."""
    from registry_client.main import main  # noqa: PLC0415 - the commands know the suite

    def ask(action: str, values: Mapping[str, str]) -> None:
        command = COMMANDS.get(action)
        if command is None:
            other(action, values)
            return
        words = [word.format(**values) for word in command.split()]
        told = io.StringIO()
        with redirect_stdout(told), redirect_stderr(told):
            code = main([*words, "--code", values["registry"], "--database", database])
        if code:
            raise Declined(f"the command for {action!r} failed with {code}: {told.getvalue().strip()}")

    return ask


def prepared(profile: Candidate, database: str) -> Candidate:
    """The profile for a registry of this project on a database: with a second account, and less patience."""
    if not Path(database).exists():
        raise RegistryError(f"{database}: no such database; `registry serve` makes it")
    own = replace(profile, scheme=True, silence=min(profile.silence, _SILENCE), lead=min(profile.lead, _LEAD))
    if own.is_cdm or own.accounts.second is not None:
        return own
    registry = Registry(Settings(code=profile.code), None, database=f"sqlite:///{database}")
    try:
        known = [each.account for each in registry.accounts() if each.account.account_type == _SECOND and each.is_open]
        second = f"{profile.code}-{known[0]}" if known else str(registry.open_account(_SECOND))
    finally:
        registry.close()
    return replace(own, accounts=replace(own.accounts, second=second))
