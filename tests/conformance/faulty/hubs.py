"""All faulty hubs."""

from __future__ import annotations

from tests.conformance.faulty import administration, checks, ledger, reconciliations, sequences, wire

HUBS = (*wire.HUBS, *sequences.HUBS, *ledger.HUBS, *reconciliations.HUBS, *administration.HUBS, *checks.HUBS)
