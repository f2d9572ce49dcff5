from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from itl.clock import SetClock
from itl.codes import UnitType
from registry_client.registry import Registry
from registry_client.settings import Settings
from tests.registry_client.log import NOON, Log

Found = Callable[..., Registry]


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def found(log: Log, clock: SetClock) -> Iterator[Found]:
    """Found a registry that talks to `log`; settings and arguments of `Registry` by name."""
    made: list[Registry] = []

    def make(code: str, **wishes: Any) -> Registry:
        arguments = {name: wishes.pop(name) for name in ("database", "rules") if name in wishes}
        registry = Registry(Settings(code=code, **wishes), log, clock=clock, **arguments)
        made.append(registry)
        log.registries[code] = registry
        return registry

    yield make
    for registry in made:
        registry.close()


@pytest.fixture
def gb(found: Found, log: Log) -> Registry:
    """Registry GB with 1000 AAU."""
    registry = found("GB")
    registry.issue(UnitType.AAU, 1000, period=1)
    log.settle()
    return registry


@pytest.fixture
def fr(found: Found) -> Registry:
    return found("FR")
