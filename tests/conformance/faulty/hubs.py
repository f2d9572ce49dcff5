"""All faulty hubs."""

from __future__ import annotations

from tests.conformance.faulty import wire

HUBS = (*wire.HUBS,)
