"""Each hub without a check of the log is caught, and so is one that tells another number."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Caught
from tests.conformance.faulty.checks import HUBS
from tests.conformance.faulty.hub import FaultyHub


@pytest.mark.parametrize("faulty", HUBS, ids=lambda faulty: faulty.name)
def test_a_hub_without_a_check_is_caught(faulty: FaultyHub, caught: Caught) -> None:
    caught(faulty)
