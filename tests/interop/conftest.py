"""The foreign stacks as fixtures, and the record of what works with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from itl.wire.contract import Port
from tests.interop import axis as axis_stack
from tests.interop import gsoap as gsoap_stack
from tests.interop import node as node_stack
from tests.interop import perl as perl_stack
from tests.interop import php as php_stack
from tests.interop import zeep as zeep_stack
from tests.interop.log import ScriptedPort, served
from tests.interop.record import Record

RECORDING = "--record-interop"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(RECORDING, action="store_true", help="write docs/interop.json anew (python -m tests.interop)")


@pytest.fixture(scope="session")
def record(pytestconfig: pytest.Config) -> Iterator[Record]:
    record = Record(writing=pytestconfig.getoption(RECORDING, default=False))
    yield record
    record.close()


@pytest.fixture(scope="session")
def wsdl() -> Iterator[dict[Port, str]]:
    """URL of each port's WSDL, as our endpoints publish it."""
    with served(Port.TRANSACTION_LOG, ScriptedPort()) as log, served(Port.REGISTRY, ScriptedPort()) as registry:
        yield {Port.TRANSACTION_LOG: f"{log}?wsdl", Port.REGISTRY: f"{registry}?wsdl"}


@pytest.fixture(scope="session")
def php(wsdl: dict[Port, str]) -> php_stack.Php:
    return php_stack.find(wsdl[Port.REGISTRY])


@pytest.fixture(scope="session")
def axis(wsdl: dict[Port, str], tmp_path_factory: pytest.TempPathFactory) -> axis_stack.Axis:
    class_path = axis_stack.find()
    return axis_stack.build(
        class_path, wsdl[Port.TRANSACTION_LOG], wsdl[Port.REGISTRY], tmp_path_factory.mktemp("axis")
    )


@pytest.fixture(scope="session")
def gsoap(
    wsdl: dict[Port, str], pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> gsoap_stack.Gsoap:
    version = gsoap_stack.find()
    cache: pytest.Cache | None = getattr(pytestconfig, "cache", None)
    directory = cache.mkdir("gsoap") if cache else tmp_path_factory.mktemp("gsoap")
    kept = directory / gsoap_stack.key(version)
    return gsoap_stack.build(version, wsdl[Port.TRANSACTION_LOG], wsdl[Port.REGISTRY], kept)


@pytest.fixture(scope="session")
def perl() -> perl_stack.Perl:
    return perl_stack.find()


@pytest.fixture(scope="session")
def node(wsdl: dict[Port, str]) -> node_stack.Node:
    return node_stack.find(wsdl[Port.REGISTRY])


@pytest.fixture(scope="session")
def zeep() -> zeep_stack.Zeep:
    return zeep_stack.Zeep()
