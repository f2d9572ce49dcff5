"""All faulty hubs."""

from __future__ import annotations

from tests.conformance.faulty import checks, sequences, wire

HUBS = (*wire.HUBS, *sequences.HUBS, *checks.HUBS)
