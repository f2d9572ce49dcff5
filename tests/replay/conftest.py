"""Two small reports with all that the real ones are odd in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from itl.codes import TransactionType
from itl.replay.reports import Row, read
from itl.replay.transactions import in_order
from itl.store import access

SAMPLES = Path(__file__).parent / "samples"
ISSUANCES, CANCELLATIONS = SAMPLES / "issuances.csv", SAMPLES / "cancellations.csv"


@pytest.fixture(scope="package", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Passwords are hashed to be slow to guess; here nobody guesses."""
    with patch.dict(access._COST, n=2):
        yield


@pytest.fixture
def rows() -> list[Row]:
    """The rows of both reports in order."""
    issued = read(ISSUANCES, TransactionType.ISSUANCE)
    return in_order([*issued, *read(CANCELLATIONS, TransactionType.CANCELLATION)])
