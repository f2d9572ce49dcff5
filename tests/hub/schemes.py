"""Schemes with scripted supplementary logs, in a `World`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from itl.reference import Registry, RegistryKind, Route, Scheme
from itl.store.enrol_scheme import put_scheme
from itl.store.reference_data import load_reference, put_registry, put_user
from tests.hub.world import ScriptedRegistry, World

ALL_MEMBERS = ("CDM", "FR", "GB", "JP")


def enrol_stl(world: World, code: str = "CITL") -> ScriptedRegistry:
    """A supplementary log without a scheme, with an address for what concerns it and one for what is relayed to it."""
    url = f"http://{code.lower()}.test/"
    stl = Registry(code, RegistryKind.STL, url=url, relay_url=f"{url}RelayService")
    with world.hub.database.write() as connection:
        put_registry(connection, stl, world.clock())
        put_user(connection, code, code.lower(), code.lower())
    return world.registries.setdefault(code, ScriptedRegistry(code))


def enrol_scheme(
    world: World,
    code: str = "CITL",
    members: Iterable[str] = ("FR", "GB"),
    types: Iterable[tuple[int, int]] = (),
    routes: Iterable[Route] = (),
    answer_within: timedelta | None = None,
) -> ScriptedRegistry:
    """A scheme with its supplementary log, which takes whatever it is told."""
    stl = enrol_stl(world, code)
    scheme = Scheme(code, frozenset(types), frozenset(members), frozenset(routes), answer_within)
    with world.hub.database.write() as connection:
        put_scheme(connection, scheme)
    return stl


def take_relays(world: World, code: str) -> None:
    """The registry takes relayed messages."""
    with world.hub.database.write() as connection:
        registry = load_reference(connection).registries[code]
        put_registry(connection, replace(registry, relay_url=f"http://{code.lower()}.test/RelayService"), world.clock())
