"""What the standard requires of a hub and of a registry: the list, as data with its sources (`requirements.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files


class Subject(StrEnum):
    """Whom a requirement binds, and so whom a test is about."""

    HUB = "hub"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement. `untested` is the reason why no test covers it, None where tests do."""

    identifier: str
    subject: Subject
    text: str
    source: str
    untested: str | None = None


@cache
def requirements() -> Mapping[str, Requirement]:
    """All requirements by their identifier, in the order of the list."""
    listed = tomllib.loads(files("registry_client.conformance").joinpath("requirements.toml").read_text("utf-8"))
    found: dict[str, Requirement] = {}
    for subject in Subject:
        for identifier, entry in listed[subject].items():
            if identifier in found:
                raise ValueError(f"requirements.toml: {identifier} stands there twice")
            found[identifier] = Requirement(identifier, subject, **entry)
    return found
