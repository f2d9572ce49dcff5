"""All groups of tests of a hub, in the order in which they are carried out."""

from __future__ import annotations

from registry_client.conformance.hub import connection, documents, information, issuance
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.suite import Group

GROUPS: tuple[Group[HubTester], ...] = (
    connection.GROUP,
    documents.GROUP,
    information.GROUP,
    issuance.GROUP,
)
