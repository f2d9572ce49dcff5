"""The log calls registries on foreign SOAP stacks: each side reads exactly what the other meant.

Axis answers in both of its ways: as it comes, every value a multiRef element; and inline, as the United Kingdom's
registry was set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from itl.wire.contract import OPERATIONS, Port
from tests.interop import measure
from tests.interop.conversation import REGISTRY_REQUESTS
from tests.interop.foreign import Registry
from tests.interop.record import Record
from tests.interop.stacks import REGISTRIES, Stack, Way

pytestmark = pytest.mark.interop


@dataclass(frozen=True, slots=True)
class Called:
    """A registry that runs, and how it went when the log called it."""

    name: str
    way: Way
    version: str
    registry: Registry
    outcomes: measure.Outcomes


@pytest.fixture(scope="module", params=REGISTRIES)
def called(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Called]:
    way = REGISTRIES[request.param]
    stack: Stack = request.getfixturevalue(way.stack)
    with stack.registry(tmp_path_factory.mktemp("registry"), **way.options) as registry:
        yield Called(request.param, way, stack.version, registry, measure.called(registry))


def test_there_is_a_request_for_each_operation() -> None:
    assert REGISTRY_REQUESTS.keys() == OPERATIONS[Port.REGISTRY].keys()


@pytest.mark.parametrize("row", measure.REGISTRY_ROWS)
def test_registry_and_log_read_what_the_other_means(called: Called, row: str) -> None:
    assert called.outcomes[row] == measure.WORKS


def test_the_record_says_so(called: Called, record: Record) -> None:
    record.saw("registries", called.name, called.way.stack, called.version, called.outcomes)


@pytest.mark.parametrize(("called", "multirefs"), [("Axis", True), ("Axis, inline", False)], indirect=["called"])
def test_axis_answers_as_is_said_of_it(called: Called, multirefs: bool) -> None:
    called.registry.answer({})
    reply = measure.send(called.registry, "acceptProposal", REGISTRY_REQUESTS["acceptProposal"])
    assert (b'href="#' in reply.body) is multirefs
    assert b'<responseCodes xsi:type="xsd:int" xsi:nil="true"/>' in reply.body
    assert "content-length" not in reply.headers  # its end is the end of the connection
