"""Versions of the standard: which the log accepts, and which each registry speaks, with the dates of each change.

Versions stand beside each other while registries change over, each at its own date: the door takes every version that
is accepted, from whomever, and what the log sends is of the version that its receiver speaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from itl.errors import UsageError
from itl.store.fact_kinds import ALWAYS, Fact, FactKey, FactName
from itl.store.facts import Entry, Source, told
from itl.store.reference_data import load_reference, put_facts

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one registry speaks, as far as it was recorded: facts in the order in which a later one prevails."""

    facts: tuple[Entry, ...]

    def at(self, instant: datetime) -> Version | None:
        """The version at an instant: as recorded, else the oldest that the log accepts; None where it accepts none.

        By the instant of writing a message, not of sending: a message that is sent again must be the same.
        """
        spoken: Version | None = None
        accepted: dict[Version, bool] = {}
        for fact in self.facts:
            if fact.valid_from > instant:
                break
            if fact.key.name is FactName.VERSION_SPOKEN:
                spoken = fact.value
            else:
                accepted[fact.key.number, fact.key.detail] = bool(fact.value)
        return spoken or min((version for version, is_so in accepted.items() if is_so), default=None)


def of_registry(connection: Connection, code: str) -> Spoken:
    """What `code` speaks and spoke. One query."""
    return Spoken(tuple(told(connection, (FactName.VERSION_SPOKEN, FactName.VERSION_ACCEPTED), ("", code))))


def speak(connection: Connection, code: str, version: Version, source: Source, valid_from: datetime) -> None:
    """From `valid_from` on the registry speaks `version`. UsageError where the log does not accept that by then."""
    accepted = load_reference(connection, valid_from).versions
    if version not in accepted:
        known = ", ".join(map(written, sorted(accepted))) or "none"
        raise UsageError(
            f"the log does not accept version {written(version)} at {valid_from.isoformat()}, but {known}; "
            f"`itl standard accept {written(version)}` lets it"
        )
    put_facts(connection, [Fact(FactKey(FactName.VERSION_SPOKEN, code), version, valid_from)], source)


def accept(connection: Connection, version: Version, source: Source, valid_from: datetime = ALWAYS) -> None:
    """From `valid_from` on the log takes messages of `version`."""
    key = FactKey(FactName.VERSION_ACCEPTED, number=version[0], detail=version[1])
    put_facts(connection, [Fact(key, True, valid_from)], source)


def end(connection: Connection, version: Version, source: Source, valid_from: datetime) -> None:
    """From `valid_from` on the log refuses `version`. UsageError where a registry still speaks it then."""
    reference = load_reference(connection, valid_from)
    if reference.versions <= {version}:
        raise UsageError(f"{written(version)} is the only version that the log accepts then; accept another one first")
    in_force = (code for code, registry in sorted(reference.registries.items()) if registry.is_registry)
    speaking = [code for code in in_force if _will_speak(of_registry(connection, code), version, valid_from)]
    if speaking:
        raise UsageError(
            f"{', '.join(speaking)} still speaks {written(version)} then; "
            "record with `itl registry version` from when it speaks another"
        )
    key = FactKey(FactName.VERSION_ACCEPTED, number=version[0], detail=version[1])
    put_facts(connection, [Fact(key, False, valid_from)], source)


def _will_speak(spoken: Spoken, version: Version, since: datetime) -> bool:
    changes = [fact.valid_from for fact in spoken.facts if fact.valid_from > since]
    return any(spoken.at(instant) == version for instant in (since, *changes))


def written(version: Version) -> str:
    return f"{version[0]}.{version[1]}"
