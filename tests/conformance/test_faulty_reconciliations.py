"""Each hub that reconciles wrongly is caught, and what it breaks is named."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Caught
from tests.conformance.faulty.hub import FaultyHub
from tests.conformance.faulty.reconciliations import HUBS


@pytest.mark.parametrize("faulty", HUBS, ids=lambda faulty: faulty.name)
def test_a_hub_that_reconciles_wrongly_is_caught(faulty: FaultyHub, caught: Caught) -> None:
    caught(faulty)
