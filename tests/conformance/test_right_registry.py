"""Nothing is found wrong with a right registry, of a Party or of the CDM."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
import requests
from lxml import etree

from registry_client.conformance.registry.groups import GROUPS
from registry_client.conformance.results import Outcome
from tests.conformance.candidate import Stand, stand


@pytest.fixture(scope="module", params=["GB", "CDM"])
def right(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with stand(tmp_path_factory.mktemp("registry"), request.param) as found:
        yield found


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.title)
def test_a_right_registry_passes(right: Stand, group: object) -> None:
    numbers = [case.number for each in GROUPS if each is group for case in each.cases]
    results = right.carry_out(*numbers)
    assert [each.number for each in results] == numbers
    fine = {Outcome.PASSED, Outcome.NOT_APPLICABLE}
    assert {each.number: (each.outcome, each.detail) for each in results if each.outcome not in fine} == {}


def test_the_played_log_gives_its_interface_to_stacks_that_read_it_first(right: Stand) -> None:
    url = str(right.tester.address)
    root = etree.fromstring(requests.get(f"{url}/?wsdl", timeout=5).content)
    location = root.find(".//{http://schemas.xmlsoap.org/wsdl/soap/}address")
    assert location is not None
    assert location.get("location") == f"{url}/"
    imported = [str(each.get("location")) for each in root.iter("{http://schemas.xmlsoap.org/wsdl/}import")]
    assert imported
    assert {requests.get(urljoin(f"{url}/", name), timeout=5).status_code for name in imported} == {200}
