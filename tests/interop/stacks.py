"""The foreign stacks and the ways in which they write messages: what the tests go through and the record has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from tests.interop.foreign import Call, Identity, Outcome, Registry


class Stack(Protocol):
    """A stack that is installed, and what was built with it."""

    @property
    def version(self) -> str: ...

    def call(self, endpoint: str, identity: Identity, calls: Sequence[Call], **options: Any) -> list[Outcome]:
        """What a registry reads back for `calls` of the log at the URL `endpoint`."""

    def registry(self, directory: Path, **options: Any) -> AbstractContextManager[Registry]:
        """A registry's endpoint, which keeps its files in `directory`."""


@dataclass(frozen=True, slots=True)
class Way:
    """A stack (the fixture's name), the options that it takes, and whether it refers to values by href then."""

    stack: str
    options: dict[str, Any] = field(default_factory=dict)
    references: bool = False


CLIENTS: Mapping[str, Way] = MappingProxyType(
    {
        "Axis": Way("axis", {"multirefs": True}, references=True),
        "Axis, inline": Way("axis", {"multirefs": False}),
        "PHP": Way("php", {"shared": False}),
        "PHP, shared": Way("php", {"shared": True}, references=True),
        "gSOAP": Way("gsoap", {"shared": False}),
        "gSOAP, shared": Way("gsoap", {"shared": True}, references=True),
        "SOAP::Lite": Way("perl"),
        "zeep": Way("zeep"),
        "node soap": Way("node"),
    }
)
REGISTRIES: Mapping[str, Way] = MappingProxyType(
    {
        "Axis": Way("axis", {"multirefs": True}, references=True),
        "Axis, inline": Way("axis", {"multirefs": False}),
        "PHP": Way("php"),
        "gSOAP": Way("gsoap"),
        "SOAP::Lite": Way("perl"),
        "node soap": Way("node"),
    }
)
