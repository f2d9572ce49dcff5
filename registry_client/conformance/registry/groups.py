"""All groups of tests of a registry, in the order in which they are carried out."""

from __future__ import annotations

from registry_client.conformance.registry import (
    administration,
    cancellation,
    carry_over,
    connection,
    conversion,
    documents,
    external_transfer,
    information,
    internal_transfer,
    issuance,
    reconciliation,
    replacement,
    sequence,
    spellings,
)
from registry_client.conformance.registry.tester import RegistryTester
from registry_client.conformance.suite import Group

GROUPS: tuple[Group[RegistryTester], ...] = (
    connection.GROUP,
    documents.GROUP,
    information.GROUP,
    issuance.GROUP,
    conversion.GROUP,
    internal_transfer.GROUP,
    external_transfer.GROUP,
    cancellation.GROUP,
    cancellation.RETIREMENT,
    carry_over.GROUP,
    replacement.GROUP,
    replacement.EXPIRY,
    reconciliation.GROUP,
    administration.GROUP,
    sequence.GROUP,
    spellings.GROUP,
)
