"""110: what a registry publishes at its address."""

from __future__ import annotations

from lxml import etree

from itl.wire.contract import OPERATION_NAMESPACE, OPERATIONS, WSDL, Port
from registry_client.conformance.registry.tester import RegistryTester
from registry_client.conformance.suite import Failed, Group, NotApplicable

GROUP: Group[RegistryTester] = Group("Access to web sites")


@GROUP.case("110", "The WSDL, where a registry publishes it, names the operations of a registry", "R-WSDL-1")
def the_interface_is_whole(t: RegistryTester) -> None:
    url = f"{t.log.url}?wsdl"
    reply = t.log.get(url)
    if reply.status != 200:
        raise NotApplicable(f"the registry publishes none (HTTP {reply.status}); the published one binds it")
    try:
        root = etree.fromstring(reply.body, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise Failed(f"{url} is no XML: {error}") from error
    if root.get("targetNamespace") != OPERATION_NAMESPACE:
        raise Failed(f"the WSDL is of the namespace {root.get('targetNamespace')}, it must be {OPERATION_NAMESPACE}")
    port = root.find(f"{{{WSDL}}}portType[@name='{Port.REGISTRY.value}']")
    names = set() if port is None else {str(node.get("name")) for node in port.iterchildren(f"{{{WSDL}}}operation")}
    expected = set(OPERATIONS[Port.REGISTRY])
    if names != expected:
        raise Failed(
            f"{Port.REGISTRY.value} must have the operations {', '.join(sorted(expected))}; "
            f"it has {', '.join(sorted(names)) or 'none'}"
        )
