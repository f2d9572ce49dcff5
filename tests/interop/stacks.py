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


BEYOND_ROW = "a character beyond U+FFFF"


@dataclass(frozen=True, slots=True)
class Way:
    """A stack (the fixture's name), its options, whether it refers to values by href then, and the rows it fails at."""

    stack: str
    options: dict[str, Any] = field(default_factory=dict)
    references: bool = False
    fails: tuple[str, ...] = ()


CLIENTS: Mapping[str, Way] = MappingProxyType(
    {
        "Axis": Way("axis", {"multirefs": True}, references=True, fails=(BEYOND_ROW,)),
        "Axis, inline": Way("axis", {"multirefs": False}, fails=(BEYOND_ROW,)),
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
