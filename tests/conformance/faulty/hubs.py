"""All faulty hubs."""

from __future__ import annotations

from tests.conformance.faulty import checks, wire

HUBS = (*wire.HUBS, *checks.HUBS)
